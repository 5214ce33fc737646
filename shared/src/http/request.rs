//! What is asked of the origin.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::route::{cookie_name, cookie_names, cookie_pairs};
use super::target::{clean_path_and_query, key_path_and_query};
use super::{FragmentTarget, RequestHead, RequestHeaders, WhyNot, list};
use crate::esi::HeaderEdit;
use crate::site::Site;
use crate::token::{PreviewToken, ProfileCookie};

/// A request for the origin. Its target is the site's origin, or what a [`FragmentTarget`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingRequest {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub path_and_query: String,
    /// Its headers, `Host` among them.
    pub headers: HeaderMap,
}

/// How an edge says to an origin that it stitches (Edge Architecture Specification, section 2.2).
const CAPABILITY: HeaderValue = HeaderValue::from_static("hs=\"Hemstitch/1.0 ESI/1.0\"");
/// The same for a fragment, in which nothing is processed: it is to come as authored, without anybody's blocks in it.
const AS_AUTHORED: HeaderValue = HeaderValue::from_static("hs=\"Hemstitch/1.0\"");
const SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Names of headers of one hop (RFC 9110, section 7.6.1), which are never forwarded.
const HOP_BY_HOP: [&str; 10] = [
    "upgrade",
    "http2-settings",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// The request that fills the cache for everybody. It is made of the cache key alone: no byte of a visitor is in it.
pub fn shared_fill(head: &RequestHead, site: &Site) -> OutgoingRequest {
    let host = site.configured_host(&head.host).unwrap_or_default();
    let path_and_query = key_path_and_query(&head.path_and_query, site);
    let mut headers = constant(host, site, "text/html,application/xhtml+xml,*/*;q=0.8");
    headers.insert(SURROGATE_CAPABILITY, CAPABILITY);
    OutgoingRequest { method: Method::GET, path_and_query, headers }
}

/// The request for a fragment: like [`shared_fill`], made of the fragment's own URL alone.
pub fn fragment_request(target: &FragmentTarget, site: &Site) -> OutgoingRequest {
    let mut headers = constant(target.host(), site, "text/html,*/*;q=0.8");
    headers.insert(SURROGATE_CAPABILITY, AS_AUTHORED);
    OutgoingRequest { method: Method::GET, path_and_query: target.path_and_query().to_owned(), headers }
}

/// Headers that no page may change in the request for a fragment: they route it, frame it, or say who somebody is.
const NOT_THE_PAGES: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "cookie",
    "authorization",
    "accept-encoding",
    "surrogate-capability",
    "proxy-authorization",
];

/// Makes a change that a page asks for, where it may.
pub(crate) fn edit_fragment_header(headers: &mut HeaderMap, edit: &HeaderEdit) {
    let (HeaderEdit::Set(name, _) | HeaderEdit::Append(name, _) | HeaderEdit::Remove(name)) = edit;
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return };
    if NOT_THE_PAGES.contains(&name.as_str()) {
        return;
    }
    match edit {
        HeaderEdit::Remove(_) => drop(headers.remove(name)),
        HeaderEdit::Set(_, value) | HeaderEdit::Append(_, value) => {
            let Ok(value) = HeaderValue::from_str(value) else { return };
            if matches!(edit, HeaderEdit::Set(..)) {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
    }
}

/// The request for a page that is this visitor's: with their headers, but so that the answer is whole and readable.
pub fn own_fetch(head: &RequestHead, site: &Site) -> OutgoingRequest {
    let mut outgoing = pass_request(head, site);
    if outgoing.method == Method::HEAD {
        outgoing.method = Method::GET;
    }
    let conditional = [
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
    ];
    let of_a_body = [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::EXPECT];
    conditional.iter().chain(&of_a_body).for_each(|name| drop(outgoing.headers.remove(name)));
    outgoing.headers.insert(header::ACCEPT_ENCODING, GZIP);
    outgoing.headers.insert(SURROGATE_CAPABILITY, CAPABILITY);
    outgoing
}

/// The request as it came, but for what is of one hop or ours. An upgrade stays one.
pub fn pass_request(head: &RequestHead, site: &Site) -> OutgoingRequest {
    let mut headers = end_to_end(head.headers.all());
    if upgrades(&head.headers) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    let host = site.configured_host(&head.host).unwrap_or_default();
    headers.insert(header::HOST, host_header(host));
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(site.scheme.as_str()));
    drop_preview(&mut headers);
    let path_and_query = clean_path_and_query(&head.path_and_query);
    OutgoingRequest { method: head.method.clone(), path_and_query, headers }
}

/// Takes the cookie of a preview out: its token is for edges, and no origin's log need hold it.
fn drop_preview(headers: &mut HeaderMap) {
    let is_preview = |pair: &[u8]| cookie_name(pair) == PreviewToken::COOKIE.as_bytes();
    let lines: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    if !lines.iter().any(|line| cookie_pairs(line.as_bytes()).any(is_preview)) {
        return;
    }
    headers.remove(header::COOKIE);
    for line in &lines {
        let kept: Vec<&[u8]> = cookie_pairs(line.as_bytes()).filter(|pair| !is_preview(pair)).collect();
        if let Some(line) =
            HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok().filter(|line| !line.is_empty())
        {
            headers.append(header::COOKIE, line);
        }
    }
}

/// Whether a visitor needs an answer of their own, where the one for everybody turned out not to be for everybody.
///
/// A cookie may be why it is not, so whoever has one asks again; the marker that is left spares the next ones that.
pub fn needs_own_fetch(head: &RequestHead, why: WhyNot, status: StatusCode) -> bool {
    let ours = [ProfileCookie::NAME.as_bytes(), PreviewToken::COOKIE.as_bytes()];
    let cookies = || cookie_names(head).any(|name| !name.is_empty() && !ours.contains(&name));
    match why {
        WhyNot::Varies => true,
        WhyNot::SetCookie | WhyNot::Forbidden => cookies() || head.headers.contains(&header::ACCEPT_LANGUAGE),
        WhyNot::NoFreshness | WhyNot::Stale => cookies(),
        WhyNot::Status => status_depends(status) && cookies(),
    }
}

/// Whether another visitor may well get another status: who must log in is sent elsewhere, or refused.
fn status_depends(status: StatusCode) -> bool {
    let same_for_all = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::PERMANENT_REDIRECT,
        StatusCode::GONE,
        StatusCode::NOT_FOUND,
    ];
    (status.is_redirection() || status.is_client_error())
        && !same_for_all.contains(&status)
        && status != StatusCode::TOO_MANY_REQUESTS
}

/// Whether a request asks for a WebSocket (RFC 6455). No other upgrade is passed on: through HTTP/2 in clear text, say, a
/// visitor would speak to the origin without us.
pub(super) fn upgrades(headers: &RequestHeaders) -> bool {
    let has = |name, wanted: &str| list(headers.get_all(name)).any(|item| item.eq_ignore_ascii_case(wanted));
    has(&header::UPGRADE, "websocket") && has(&header::CONNECTION, "upgrade")
}

/// Headers without those of one hop, those that `Connection` names, and ours.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let nominated = list(headers.get_all(header::CONNECTION));
    let nominated: Vec<String> = nominated.map(str::to_ascii_lowercase).collect();
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let ours = matches!(name.as_str(), "hs-facts" | "hs-explain" | "surrogate-capability");
        if !ours
            && !HOP_BY_HOP.contains(&name.as_str())
            && !nominated.iter().any(|dropped| dropped == name.as_str())
        {
            kept.append(name, value.clone());
        }
    }
    kept
}

fn constant(host: &str, site: &Site, accept: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, host_header(host));
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    headers.insert(header::ACCEPT_ENCODING, GZIP);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(site.scheme.as_str()));
    headers
}

/// Always a configured host: the visitor's own spelling is nothing that an origin should build on.
fn host_header(configured: &str) -> HeaderValue {
    HeaderValue::try_from(configured).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn site() -> Site {
        Site::parse(br#"{"site": "acme", "hosts": ["acme.test"], "origin": "o"}"#).expect("a valid site")
    }

    fn request(target: &str, headers: &[(&str, &str)]) -> RequestHead {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header name");
            map.append(name, HeaderValue::try_from(*value).expect("a header value"));
        }
        RequestHead {
            method: Method::GET,
            host: "ACME.test:80".into(),
            path_and_query: target.into(),
            headers: map.into(),
        }
    }

    fn names(outgoing: &OutgoingRequest) -> Vec<&str> {
        let mut names: Vec<&str> = outgoing.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    const VISITOR: [(&str, &str); 12] = [
        ("surrogate-capability", "x=\"ESI/1.0\""),
        ("cookie", "a=1"),
        ("authorization", "Basic x"),
        ("x-forwarded-host", "evil.test"),
        ("x-mine", "1"),
        ("connection", "keep-alive, X-Hop"),
        ("x-hop", "1"),
        ("te", "trailers"),
        ("if-none-match", "\"a\""),
        ("range", "bytes=0-1"),
        ("hs-facts", "token"),
        ("accept-encoding", "br"),
    ];

    #[test]
    fn a_shared_fill_has_nothing_of_the_visitor() {
        let fill = shared_fill(&request("/a?b=1&hs_facts=t", &VISITOR), &site());
        assert_eq!(
            names(&fill),
            ["accept", "accept-encoding", "host", "surrogate-capability", "x-forwarded-proto"]
        );
        assert_eq!(
            (fill.path_and_query.as_str(), &fill.headers["host"]),
            ("/a?b=1", &HeaderValue::from_static("acme.test"))
        );
        assert_eq!(fill, shared_fill(&request("/a?b=1", &[]), &site()));
    }

    #[test]
    fn a_fetch_of_ones_own_keeps_what_makes_it_so() {
        let mut head = request("/a?hs_x=1", &VISITOR);
        head.method = Method::HEAD;
        let own = own_fetch(&head, &site());
        let expect = [
            "accept-encoding",
            "authorization",
            "cookie",
            "host",
            "surrogate-capability",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-mine",
        ];
        assert_eq!(names(&own), expect);
        assert_eq!((own.method, own.path_and_query.as_str()), (Method::GET, "/a"));
        assert_eq!(own.headers["accept-encoding"], "gzip");
    }

    #[test]
    fn a_passed_request_is_what_it_was() {
        let passed = pass_request(&request("/a?b=1&hs_x=1", &VISITOR), &site());
        let expect = [
            "accept-encoding",
            "authorization",
            "cookie",
            "host",
            "if-none-match",
            "range",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-mine",
        ];
        assert_eq!(names(&passed), expect);
        assert_eq!(
            (passed.path_and_query.as_str(), &passed.headers["host"]),
            ("/a?b=1", &HeaderValue::from_static("acme.test"))
        );
        let upgrade =
            pass_request(&request("/a", &[("upgrade", "websocket"), ("connection", "Upgrade")]), &site());
        assert_eq!(
            (&upgrade.headers["upgrade"], &upgrade.headers["connection"]),
            (&"websocket".parse().expect("a value"), &HeaderValue::from_static("upgrade"))
        );
    }

    #[test]
    fn the_token_of_a_preview_reaches_no_origin() {
        let sent = |lines: &[&str]| {
            let lines: Vec<(&str, &str)> = lines.iter().map(|line| ("cookie", *line)).collect();
            let own = own_fetch(&request("/a?hs_preview=t", &lines), &site());
            assert_eq!(own.path_and_query, "/a");
            let cookies = own.headers.get_all("cookie").iter();
            cookies.map(|line| line.to_str().expect("ASCII").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(sent(&["a=1;b=2 ; x"]), ["a=1;b=2 ; x"]);
        assert_eq!(sent(&["__Host-hs-preview=t"]), Vec::<String>::new());
        assert_eq!(sent(&["a=1; __Host-hs-preview=t;b", "__Host-hs-preview", "c=3"]), ["a=1; b", "c=3"]);
        assert_eq!(sent(&["__Host-hs=p; __Host-hs-preview2=t"]), ["__Host-hs=p; __Host-hs-preview2=t"]);
    }

    #[test]
    fn a_visitor_whose_page_may_differ_gets_their_own() {
        for (headers, why, expect) in [
            (&[("cookie", "a=1")][..], WhyNot::Forbidden, true),
            (&[("cookie", "__Host-hs=1")], WhyNot::Forbidden, false),
            (&[("accept-language", "de")], WhyNot::SetCookie, true),
            (&[], WhyNot::Forbidden, false),
            (&[], WhyNot::Varies, true),
            (&[("cookie", "a=1")], WhyNot::NoFreshness, true),
            (&[("accept-language", "de")], WhyNot::Status, false),
            (&[("cookie", "a=1")], WhyNot::Status, true),
        ] {
            let status = if why == WhyNot::Status { StatusCode::FOUND } else { StatusCode::OK };
            assert_eq!(needs_own_fetch(&request("/", headers), why, status), expect, "{headers:?} {why:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_of_a_visitor_shapes_a_shared_fill(name in "[a-z-]{1,20}", value in "[ -~]{0,20}", query in "[a-z=&]{0,9}") {
            let target = format!("/p?{query}");
            let shaped = shared_fill(&request(&target, &[(&name, &value)]), &site());
            prop_assert_eq!(shaped, shared_fill(&request(&target, &[]), &site()));
        }
    }
}
