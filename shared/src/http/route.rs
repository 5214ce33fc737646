//! Which way a request goes, before anything is looked up.

use ::http::{HeaderValue, Method, header};

use super::target::{is_below_own, key_path_and_query};
use super::{RequestHead, SEC_FETCH_DEST, list};
use crate::page::is_slot_name;
use crate::site::Site;

/// Which way a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To nobody: its host is none of the site's. Status 421 (RFC 9110, section 15.5.20).
    Refuse,
    /// To us: below `/_hs/`, which no origin sees.
    Own(OwnPath),
    /// To the origin and back, in full and untouched.
    Pass,
    /// It may be a page.
    Page(Lookup),
}

/// A path below `/_hs/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnPath {
    /// `/_hs/blocks/{slot}`: what this visitor's slot shows.
    Block(String),
    /// `/_hs/status`: what this edge holds, for operators; see [`crate::status`].
    Status,
    /// Nothing of ours: status 404.
    Unknown,
}

/// Where a page may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// From the cache, under this key.
    Shared(CacheKey),
    /// From the origin alone: the visitor is logged in there.
    Bypass,
}

/// The parameter that asks for reasons instead of a page.
pub(crate) const EXPLAIN_PARAMETER: &str = "hs_explain";

/// Longest cache key, in bytes: Fastly's limit. A request with a longer URL goes to the origin.
pub const MAX_KEY_BYTES: usize = 4096;

/// What a page is stored under: scheme, configured host, path and the query parameters that count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// The key as text, such as `https://www.acme.test/a?page=2`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn new(scheme: &str, host: &str, path_and_query: &str) -> CacheKey {
        CacheKey([scheme, "://", host, path_and_query].concat())
    }
}

/// Decides which way a request goes.
pub fn route(head: &RequestHead, site: &Site) -> Route {
    let Some(host) = site.configured_host(&head.host) else { return Route::Refuse };
    let path = head.path_and_query.split(['?', '#']).next().unwrap_or_default();
    if is_below_own(path) {
        let block = path.strip_prefix("/_hs/blocks/").filter(|name| is_slot_name(name));
        let readable = head.method == Method::GET || head.method == Method::HEAD;
        return Route::Own(match block.filter(|_| readable) {
            Some(name) => OwnPath::Block(name.to_owned()),
            None if path == "/_hs/status" && readable => OwnPath::Status,
            None => OwnPath::Unknown,
        });
    }
    let method = &head.method;
    let asks_for_page = (method == Method::GET || method == Method::HEAD) && path.starts_with('/');
    let special = [header::RANGE, header::ORIGIN].iter().any(|name| head.headers.contains(name));
    if !asks_for_page || special || super::request::upgrades(&head.headers) || !takes_html(head) {
        return Route::Pass;
    }
    if head.headers.contains(&header::AUTHORIZATION) || has_session(head, site) {
        return Route::Page(Lookup::Bypass);
    }
    let key = CacheKey::new(site.scheme.as_str(), host, &key_path_and_query(&head.path_and_query, site));
    Route::Page(if key.0.len() > MAX_KEY_BYTES { Lookup::Bypass } else { Lookup::Shared(key) })
}

/// Whether the answer may be HTML for all that the request says. What is no page is not fetched as one, since the
/// request that fills the cache is none that an origin would negotiate images, fonts or data by.
fn takes_html(head: &RequestHead) -> bool {
    const SUBRESOURCES: [&str; 12] = [
        "audio",
        "font",
        "image",
        "json",
        "manifest",
        "script",
        "style",
        "track",
        "video",
        "worker",
        "sharedworker",
        "serviceworker",
    ];
    let destination = head.headers.get(&SEC_FETCH_DEST).and_then(|value| value.to_str().ok());
    // Who navigates takes pages, whatever else.
    if destination == Some("document") {
        return true;
    }
    let wants_reasons = || super::own_parameter(&head.path_and_query, EXPLAIN_PARAMETER).is_some();
    let accepts = || list(head.headers.get_all(&header::ACCEPT)).filter_map(|range| range.split(';').next());
    let html = |range: &str| ["text/html", "application/xhtml+xml", "text/*", "*/*"].contains(&range.trim());
    !destination.is_some_and(|destination| SUBRESOURCES.contains(&destination))
        && (accepts().next().is_none() || accepts().any(html) || wants_reasons())
}

fn has_session(head: &RequestHead, site: &Site) -> bool {
    cookie_names(head).any(|name| site.is_session_cookie(name))
}

/// The names in all `Cookie` headers (RFC 6265, section 4.2.1).
pub(super) fn cookie_names(head: &RequestHead) -> impl Iterator<Item = &[u8]> {
    let lines = head.headers.get_all(&header::COOKIE).map(HeaderValue::as_bytes);
    lines.flat_map(cookie_pairs).map(cookie_name)
}

/// The name in a pair, which may have no value.
pub(super) fn cookie_name(pair: &[u8]) -> &[u8] {
    let name = memchr::memchr(b'=', pair).and_then(|end| pair.get(..end));
    name.unwrap_or(pair).trim_ascii()
}

/// The pairs of a name and a value in a `Cookie` header.
pub(crate) fn cookie_pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line);
        rest = end.and_then(|end| line.get(end + 1..));
        line.get(..end.unwrap_or(line.len())).map(<[u8]>::trim_ascii)
    })
}

/// The value of the first cookie of a name.
pub(crate) fn cookie<'h>(head: &'h RequestHead, name: &str) -> Option<&'h str> {
    let pairs = head.headers.get_all(&header::COOKIE).flat_map(|line| cookie_pairs(line.as_bytes()));
    let mut values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    values.next().and_then(|value| std::str::from_utf8(value).ok())
}

/// The value of the only cookie of a name; `None` where there are more, since nothing says which of them is theirs.
pub(crate) fn only_cookie<'h>(head: &'h RequestHead, name: &str) -> Option<&'h str> {
    let value = cookie(head, name)?;
    (cookie_names(head).filter(|known| *known == name.as_bytes()).count() == 1).then_some(value)
}

/// Whether there is a cookie of a name.
pub(crate) fn has_cookie(head: &RequestHead, name: &str) -> bool {
    cookie_names(head).any(|known| known == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn site() -> Site {
        let json =
            br#"{"site": "acme", "hosts": ["acme.test"], "origin": "o", "session_cookies": ["sid", "wp_*"],
            "query_allow": ["page", "q"]}"#;
        Site::parse(json).expect("a valid site")
    }

    fn check(request: &str, headers: &[(&str, &str)], expect: Route) {
        let (method, url) = request.split_once(' ').expect("method and target");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header name");
            map.append(name, HeaderValue::try_from(*value).expect("a header value"));
        }
        let host = map.get("host").and_then(|host| host.to_str().ok()).unwrap_or("ACME.test:443").to_owned();
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let head = RequestHead { method, host, path_and_query: url.to_owned(), headers: map.into() };
        assert_eq!(route(&head, &site()), expect, "{request} {headers:?}");
    }

    fn shared(key: &str) -> Route {
        Route::Page(Lookup::Shared(CacheKey(key.to_owned())))
    }

    #[test]
    fn the_key_is_scheme_configured_host_path_and_what_counts_of_the_query() {
        check("GET /a", &[], shared("https://acme.test/a"));
        check("HEAD /a", &[], shared("https://acme.test/a"));
        check("GET /A/../b//", &[], shared("https://acme.test/A/../b//"));
        check("GET /a?utm_source=x&page=2&hs_facts=t&q=%20", &[], shared("https://acme.test/a?page=2&q=%20"));
        check("GET /a?utm_source=x", &[("cookie", "a=1; sids=2; b=sid=3")], shared("https://acme.test/a"));
    }

    #[test]
    fn an_unknown_host_is_refused() {
        for host in ["evil.test", "acme.test.evil.test", "", "acme.test@evil.test"] {
            check("GET /a", &[("host", host)], Route::Refuse);
        }
    }

    #[test]
    fn a_visitor_who_is_logged_in_bypasses_the_cache() {
        let bypass = Route::Page(Lookup::Bypass);
        check("GET /a", &[("cookie", "x=1; sid=2")], bypass.clone());
        check("GET /a", &[("cookie", "x=1"), ("cookie", "wp_session=2")], bypass.clone());
        check("GET /a", &[("authorization", "Basic x")], bypass);
    }

    #[test]
    fn a_key_longer_than_a_platform_takes_is_not_looked_up() {
        check(&format!("GET /{}", "a".repeat(MAX_KEY_BYTES)), &[], Route::Page(Lookup::Bypass));
    }

    #[test]
    fn what_is_no_request_for_a_page_passes() {
        for request in ["POST /a", "PUT /a", "OPTIONS *", "DELETE /a", "CONNECT acme.test:443"] {
            check(request, &[], Route::Pass);
        }
        check("GET /a", &[("range", "bytes=0-1")], Route::Pass);
        check("GET /a", &[("connection", "Upgrade"), ("upgrade", "websocket")], Route::Pass);
        check("GET /a", &[("connection", "Upgrade"), ("upgrade", "h2c")], shared("https://acme.test/a"));
        check("GET /a", &[("upgrade", "websocket")], shared("https://acme.test/a"));
        check("GET /a", &[("origin", "https://other.test")], Route::Pass);
        check("GET /a", &[("sec-fetch-dest", "font"), ("accept", "*/*")], Route::Pass);
        check("GET /a", &[("accept", "application/json")], Route::Pass);
        check("GET /a", &[("accept", "image/avif, image/webp;q=0.9")], Route::Pass);
        check("GET /a", &[("accept", "image/png, text/html;q=0.9")], shared("https://acme.test/a"));
        check("GET /a", &[("sec-fetch-dest", "document"), ("accept", "*/*")], shared("https://acme.test/a"));
    }

    #[test]
    fn what_is_below_our_path_never_reaches_an_origin() {
        check("GET /_hs/blocks/hero?x=1", &[], Route::Own(OwnPath::Block("hero".into())));
        check("GET /_hs/blocks/a/b", &[], Route::Own(OwnPath::Unknown));
        check("GET /_hs/", &[], Route::Own(OwnPath::Unknown));
        check("GET /%5Fhs/blocks/hero", &[], Route::Own(OwnPath::Unknown));
        check("GET //_hs/blocks/hero", &[], Route::Own(OwnPath::Unknown));
        check("POST /_hs/blocks/hero", &[], Route::Own(OwnPath::Unknown));
    }
}
