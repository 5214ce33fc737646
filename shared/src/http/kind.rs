//! What an answer of the origin is to us.

use ::http::{HeaderMap, HeaderName, StatusCode, header};

use super::freshness::Directives;
use super::target::without_dots;
use super::{ResponseHead, list};
use crate::esi::Medium;
use crate::page::medium;
use crate::site::Site;

/// What an answer is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page that can be stitched: HTML, or other text whose ESI is processed.
    Page {
        /// Whether its ESI is processed.
        esi: Esi,
    },
    /// Anything else; it goes through as it is.
    Untouched,
}

/// Whether ESI is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Esi {
    /// It is, since the origin or the site's operator asked for it.
    On,
    /// It is text like any other.
    Off,
}

/// Says what an answer is. The driver has decoded gzip, and taken the `Content-Encoding` off.
pub fn kind(head: &ResponseHead, site: &Site, path: &str) -> Kind {
    let headers = &head.headers;
    let transformable = !Directives::of(headers, &header::CACHE_CONTROL).has("no-transform");
    let whole = head.status == StatusCode::OK && !headers.contains_key(header::CONTENT_RANGE);
    let Some(medium) = medium(headers).filter(|_| whole && transformable && is_identity(headers)) else {
        return Kind::Untouched;
    };
    // With dot segments a visitor could make a path begin as they like, and switch ESI on in a page.
    let plain = without_dots(path) == path;
    let listed = plain && site.esi_prefixes.iter().any(|prefix| path.starts_with(prefix.as_str()));
    let asked = asks_for_esi(headers) || listed;
    match medium {
        Medium::Html => Kind::Page { esi: if asked { Esi::On } else { Esi::Off } },
        _ if asked && !site.esi.only_html => Kind::Page { esi: Esi::On },
        _ => Kind::Untouched,
    }
}

/// Whether the content is in no coding.
pub fn is_identity(headers: &HeaderMap) -> bool {
    let readable = headers.get_all(header::CONTENT_ENCODING).iter().all(|value| value.to_str().is_ok());
    readable
        && list(headers.get_all(::http::header::CONTENT_ENCODING))
            .all(|coding| coding.eq_ignore_ascii_case("identity"))
}

/// Whether something may follow a page's end: it is HTML, and not read as XML, in which nothing may follow the root element.
pub(crate) fn may_be_followed(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// `Surrogate-Control: content="ESI/1.0"` (Edge Architecture Specification, section 2.3).
pub(crate) fn asks_for_esi(headers: &HeaderMap) -> bool {
    let control = Directives::of(headers, &HeaderName::from_static("surrogate-control"));
    control
        .value("content")
        .is_some_and(|content| content.split_whitespace().any(|capability| capability == "ESI/1.0"))
}

/// Whether a fragment's ESI runs, as its `Edge-Control: dca=…` says, if it does (Akamai's "Edge-Control").
pub(crate) fn edge_control_dca(headers: &HeaderMap) -> Option<bool> {
    let lines = headers.get_all("edge-control").iter().filter_map(|line| line.to_str().ok());
    let mut said = lines.flat_map(|line| line.split(',')).filter_map(|part| part.trim().strip_prefix("dca="));
    match said.next()?.trim() {
        "esi" => Some(true),
        "none" | "noop" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    fn check(status: u16, headers: &[(&str, &str)], path: &str, expect: Kind) {
        let site = br#"{"site": "a", "hosts": ["a.test"], "origin": "o", "esi_prefixes": ["/esi/"]}"#;
        let site = Site::parse(site).expect("a valid site");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header name");
            map.append(name, HeaderValue::try_from(*value).expect("a header value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(kind(&ResponseHead { status, headers: map }, &site, path), expect, "{status} {headers:?}");
    }

    fn page(esi: Esi) -> Kind {
        Kind::Page { esi }
    }

    #[test]
    fn whole_html_in_no_coding_is_a_page() {
        check(200, &[("content-type", "Text/HTML ; Charset=\"UTF-8\"")], "/", page(Esi::Off));
        check(200, &[("content-type", "application/xhtml+xml")], "/", page(Esi::Off));
        check(200, &[("content-type", "text/html"), ("content-encoding", "identity")], "/", page(Esi::Off));
    }

    #[test]
    fn esi_is_on_where_it_was_asked_for() {
        let html = ("content-type", "text/html");
        let asks = |value| ("surrogate-control", value);
        check(200, &[html, asks("max-age=5, content=\"ESI/1.0\"")], "/", page(Esi::On));
        check(200, &[html, asks("content=\"HS/1.0 ESI/1.0\";hs")], "/", page(Esi::On));
        check(200, &[html, asks("content=\"ESI/2.0\"")], "/", page(Esi::Off));
        check(200, &[html], "/esi/a", page(Esi::On));
        check(200, &[html], "/esi", page(Esi::Off));
        check(200, &[html], "/esi/../a", page(Esi::Off));
        check(200, &[html], "/esi/%2e%2E/a", page(Esi::Off));
    }

    #[test]
    fn other_text_is_a_page_where_its_esi_is_processed() {
        let asks = ("surrogate-control", "content=\"ESI/1.0\"");
        for content_type in ["application/json", "application/rss+xml", "text/plain", "text/css"] {
            let content_type = ("content-type", content_type);
            check(200, &[content_type, asks], "/", page(Esi::On));
            check(200, &[content_type], "/esi/a", page(Esi::On));
            check(200, &[content_type], "/", Kind::Untouched);
        }
        check(200, &[("content-type", "image/png"), asks], "/esi/a", Kind::Untouched);
    }

    #[test]
    fn anything_else_goes_through_as_it_is() {
        let page = ("content-type", "text/html");
        check(404, &[page], "/", Kind::Untouched);
        check(206, &[page], "/", Kind::Untouched);
        check(200, &[], "/", Kind::Untouched);
        check(200, &[("content-type", "text/htmlx")], "/", Kind::Untouched);
        check(200, &[("content-type", "application/json")], "/", Kind::Untouched);
        check(200, &[page, ("content-encoding", "br")], "/", Kind::Untouched);
        check(200, &[page, ("content-range", "bytes 0-1/2")], "/", Kind::Untouched);
        check(200, &[page, ("cache-control", "no-transform")], "/", Kind::Untouched);
    }
}
