//! What a visitor is told about an answer.

use std::time::{Duration, SystemTime};

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::freshness::{Directives, left_for_browsers, modified, unix_seconds};
use super::request::end_to_end;
use super::target::{form_decoded, local_target};
use super::{RequestHead, ResponseHead};
use crate::token::PreviewToken;

const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// Whether the bytes that go out can differ from those the origin sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Altered {
    /// They are the same.
    No,
    /// They can differ, so the origin's validators do not speak for them.
    Yes,
}

/// Headers that describe the very bytes that the origin sent.
const OF_THE_BYTES: [&str; 8] = [
    "etag",
    "last-modified",
    "content-length",
    "accept-ranges",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
];

/// Headers that tell caches on the way what to do. None of them may keep a personal answer.
const OF_CACHES: [&str; 7] = [
    "expires",
    "age",
    "pragma",
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "edge-control",
    "x-cache",
];

/// Headers that were meant for us (Edge Architecture Specification; `Surrogate-Key` of Fastly).
const OF_SURROGATES: [&str; 3] = ["surrogate-control", "surrogate-key", "edge-control"];

/// The head of a page that is one visitor's: no cache keeps it, and nothing says that it is what the origin sent.
pub fn personal_reply(origin: &ResponseHead) -> ResponseHead {
    let mut headers = end_to_end(&origin.headers);
    remove(&mut headers, OF_THE_BYTES.iter().chain(&OF_CACHES).chain(&OF_SURROGATES));
    let kept_nowhere = Directives::of(&origin.headers, &header::CACHE_CONTROL).has("no-store");
    let control = if kept_nowhere { "private, no-cache, no-store" } else { "private, no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    ResponseHead { status: origin.status, headers }
}

/// Puts a header that a page's ESI asked for into its private answer. What says who may keep it stays, but for the wish that
/// nobody does; there is one place to go to; and our own cookie is ours.
pub(crate) fn change_answer(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    let is_ours = *name == header::SET_COOKIE && value.as_bytes().starts_with(b"__Host-hs");
    let mut of_caches = OF_THE_BYTES.iter().chain(&OF_CACHES).chain(&OF_SURROGATES);
    if *name == header::CACHE_CONTROL {
        if value.as_bytes().windows(8).any(|word| word == b"no-store") {
            headers.insert(name, HeaderValue::from_static("private, no-cache, no-store"));
        }
    } else if *name == header::LOCATION {
        headers.insert(name, value.clone());
    } else if !is_ours && of_caches.all(|known| *known != name.as_str()) {
        headers.append(name, value.clone());
    }
}

/// The head of a page that is the same for everybody, out of the cache, where it has been for `age_s` seconds.
pub fn shared_reply(origin: &ResponseHead, altered: Altered, age_s: u64) -> ResponseHead {
    let mut headers = end_to_end(&origin.headers);
    remove(&mut headers, OF_SURROGATES.iter().chain(&["content-length"]));
    if altered == Altered::Yes {
        remove(&mut headers, OF_THE_BYTES.iter());
    }
    if is_for_us_alone(&origin.headers) {
        // How old it is by the lifetime that was meant for us says nothing by the one that is meant for them.
        remove(&mut headers, ["age", "date"].iter());
    } else {
        headers.insert(header::AGE, age_s.into());
    }
    ResponseHead { status: origin.status, headers }
}

/// The head of a page that is put together of parts for everybody, of which the others have so many seconds left. `changed`:
/// when the last of them was changed, where all say so. `None` where the page itself may not be kept by browsers.
pub(crate) fn merged_reply(
    origin: &ResponseHead,
    age_s: u64,
    others_s: u64,
    changed: Option<u64>,
) -> Option<ResponseHead> {
    let age_s = if is_for_us_alone(&origin.headers) { 0 } else { age_s };
    let left = left_for_browsers(&origin.headers, age_s)?.min(others_s);
    let mut head = shared_reply(origin, Altered::Yes, 0);
    remove(&mut head.headers, OF_CACHES.iter());
    if let Ok(control) = HeaderValue::try_from(format!("max-age={left}")) {
        head.headers.insert(header::CACHE_CONTROL, control);
    }
    let changed = changed.zip(modified(&origin.headers)).map(|(others, own)| others.max(own));
    if let Some(date) = changed.and_then(http_date) {
        head.headers.insert(header::LAST_MODIFIED, date);
    }
    Some(head)
}

fn http_date(seconds: u64) -> Option<HeaderValue> {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()
}

/// Whether the lifetime that the edge goes by is not the one that browsers go by.
fn is_for_us_alone(origin: &HeaderMap) -> bool {
    let surrogate = Directives::of(origin, &HeaderName::from_static("surrogate-control"));
    surrogate.has("max-age") || Directives::of(origin, &header::CACHE_CONTROL).has("s-maxage")
}

/// The head of an answer that is sent on as it is.
pub fn untouched_reply(mut origin: ResponseHead) -> ResponseHead {
    origin.headers = end_to_end(&origin.headers);
    remove(&mut origin.headers, OF_SURROGATES.iter());
    origin
}

/// The head of the answer to `/_hs/blocks/{slot}`.
pub fn block_reply() -> ResponseHead {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    ResponseHead { status: StatusCode::OK, headers }
}

/// The head of a gate's page.
pub(crate) fn refusal_reply(status: u16) -> ResponseHead {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    ResponseHead { status, ..block_reply() }
}

/// The head of a gate's redirect. Parameters of the request's query are added, but for those that the target has.
pub fn redirect_reply(status: u16, to: &str, query: Option<&str>) -> ResponseHead {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let location = HeaderValue::try_from(with_query(to, query.unwrap_or_default()));
    if let Ok(location) = location.or_else(|_| HeaderValue::try_from(to)) {
        headers.insert(header::LOCATION, location);
    }
    ResponseHead { status, headers }
}

/// What becomes of the cookie of a preview.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PreviewCookie<'t> {
    /// It is held for so many seconds.
    Hold {
        /// What it holds.
        token: &'t str,
        /// For how long.
        seconds: u64,
    },
    /// It is dropped.
    Drop,
}

/// The head of the redirect by which a preview begins or ends: to the same page, without the token in its URL.
pub(crate) fn preview_reply(path_and_query: &str, cookie: PreviewCookie<'_>) -> ResponseHead {
    let (value, seconds) = match cookie {
        PreviewCookie::Hold { token, seconds } => (token, seconds),
        PreviewCookie::Drop => ("", 0),
    };
    let name = PreviewToken::COOKIE;
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    let location = HeaderValue::try_from(local_target(path_and_query));
    headers.insert(header::LOCATION, location.unwrap_or(HeaderValue::from_static("/")));
    // A token that verified is base64url.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    ResponseHead { status: StatusCode::SEE_OTHER, headers }
}

/// Keeps a head that is shown to one browser alone out of every store, and where it was out of what others are told.
pub(crate) fn make_previewed(head: &mut ResponseHead) {
    head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    head.headers.insert(header::REFERRER_POLICY, NO_REFERRER);
}

fn with_query(to: &str, query: &str) -> String {
    let (to, fragment) = to.split_once('#').map_or((to, None), |(to, fragment)| (to, Some(fragment)));
    let (path, own) = to.split_once('?').unwrap_or((to, ""));
    let name = |pair: &str| form_decoded(pair.split('=').next().unwrap_or_default());
    let own: Vec<&str> = own.split('&').filter(|pair| !pair.is_empty()).collect();
    let added = query.split('&').filter(|pair| !pair.is_empty());
    let added = added.filter(|pair| !own.iter().any(|own| name(own) == name(pair)));
    let pairs: Vec<&str> = own.iter().copied().chain(added).collect();
    let mut url = path.to_owned();
    if !pairs.is_empty() {
        url = format!("{url}?{}", pairs.join("&"));
    }
    fragment.map_or(url.clone(), |fragment| format!("{url}#{fragment}"))
}

/// Whether a visitor has this answer already (RFC 9110, section 13). Only for answers that are the same for everybody.
pub fn not_modified(request: &RequestHead, reply: &ResponseHead) -> bool {
    if reply.status != StatusCode::OK {
        return false;
    }
    let tag = reply.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let mut known = request.headers.get_all(&header::IF_NONE_MATCH).peekable();
    if known.peek().is_some() {
        let known: Vec<&str> =
            known.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).collect();
        let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        return tag
            .is_some_and(|tag| known.iter().any(|known| known.trim() == "*" || weak(known) == weak(tag)));
    }
    let seconds = |date: Option<&HeaderValue>| date.and_then(|date| unix_seconds(date.to_str().ok()?));
    let since = seconds(request.headers.get(&header::IF_MODIFIED_SINCE));
    let modified = seconds(reply.headers.get(header::LAST_MODIFIED));
    matches!((since, modified), (Some(since), Some(modified)) if modified <= since)
}

fn remove<'n>(headers: &mut HeaderMap, names: impl Iterator<Item = &'n &'static str>) {
    names.for_each(|name| while headers.remove(*name).is_some() {});
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_of_parts_lives_as_long_as_the_shortest_of_them() {
        let merged = |lines: &[(&str, &str)], changed| {
            let reply = merged_reply(&head(lines), 10, 40, changed)?;
            assert!(!reply.headers.contains_key("etag") && !reply.headers.contains_key("age"));
            let said = |name: &str| reply.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            Some((said("cache-control")?, said("last-modified")))
        };
        let said = |control: &str| Some((control.to_owned(), None));
        assert_eq!(
            merged(&[("cache-control", "public, max-age=30"), ("etag", "a")], None),
            said("max-age=20")
        );
        assert_eq!(merged(&[("cache-control", "max-age=99"), ("age", "1")], Some(9)), said("max-age=40"));
        let for_us = [("cache-control", "max-age=30"), ("surrogate-control", "max-age=600")];
        assert_eq!(merged(&for_us, None), said("max-age=30"));
        for control in ["no-cache, max-age=9", "private, max-age=9", "s-maxage=9"] {
            assert_eq!(merged(&[("cache-control", control)], None), None, "{control}");
        }
        let dated = [("cache-control", "max-age=30"), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")];
        let (_, date) = merged(&dated, Some(784_111_778)).unwrap();
        assert_eq!(date.as_deref(), Some("Sun, 06 Nov 1994 08:49:38 GMT"));
        assert_eq!(merged(&dated, None), said("max-age=20"));
    }

    #[test]
    fn a_redirect_keeps_what_its_target_does_not_say() {
        for (to, query, expect) in [
            ("/b", "", "/b"),
            ("/b", "color=blue&food=sushi", "/b?color=blue&food=sushi"),
            ("/b?name=test&color=red", "color=blue&title=x", "/b?name=test&color=red&title=x"),
            ("/b?c%6Flor=red#top", "color=blue&x", "/b?c%6Flor=red&x#top"),
            ("https://w.test/b#top", "a=1", "https://w.test/b?a=1#top"),
        ] {
            assert_eq!(super::with_query(to, query), expect);
            let head = super::redirect_reply(302, to, Some(query));
            assert_eq!(head.headers["location"], expect);
        }
        let head = super::redirect_reply(302, "/b", Some("a=\u{7f}"));
        assert_eq!(head.headers["location"], "/b");
    }

    use ::http::Method;

    use super::*;

    fn head(headers: &[(&str, &str)]) -> ResponseHead {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header name");
            map.append(name, HeaderValue::try_from(*value).expect("a header value"));
        }
        ResponseHead { status: StatusCode::OK, headers: map }
    }

    fn shown(head: &ResponseHead) -> Vec<String> {
        let mut lines: Vec<String> = head
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
            .collect();
        lines.sort_unstable();
        lines
    }

    const ORIGIN: [(&str, &str); 14] = [
        ("content-type", "text/html"),
        ("cache-control", "public, s-maxage=60"),
        ("etag", "\"a\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("expires", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("age", "7"),
        ("content-length", "5"),
        ("accept-ranges", "bytes"),
        ("surrogate-control", "max-age=60"),
        ("surrogate-key", "a b"),
        ("cdn-cache-control", "max-age=60"),
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("vary", "accept-encoding"),
    ];

    #[test]
    fn a_personal_answer_is_private_and_has_no_validator_of_the_origin() {
        let reply = personal_reply(&head(&ORIGIN));
        assert_eq!(
            shown(&reply),
            ["cache-control: private, no-cache", "content-type: text/html", "vary: accept-encoding"]
        );
    }

    #[test]
    fn what_an_origin_lets_nobody_store_stays_so() {
        let reply = personal_reply(&head(&[("cache-control", "private, no-store")]));
        assert_eq!(shown(&reply), ["cache-control: private, no-cache, no-store"]);
    }

    #[test]
    fn an_answer_for_everybody_keeps_what_the_origin_says() {
        let expect = [
            "accept-ranges: bytes",
            "cache-control: public, s-maxage=60",
            "cdn-cache-control: max-age=60",
            "content-type: text/html",
            "etag: \"a\"",
            "expires: Sun, 06 Nov 1994 08:49:37 GMT",
            "last-modified: Sun, 06 Nov 1994 08:49:37 GMT",
            "vary: accept-encoding",
        ];
        assert_eq!(shown(&shared_reply(&head(&ORIGIN), Altered::No, 9)), expect);
        let altered = shared_reply(&head(&ORIGIN), Altered::Yes, 9);
        assert!(!altered.headers.contains_key("etag") && !altered.headers.contains_key("last-modified"));
    }

    #[test]
    fn age_counts_by_the_lifetime_that_browsers_go_by() {
        let aged =
            |lines: &[(&str, &str)]| shared_reply(&head(lines), Altered::No, 9).headers.contains_key("age");
        assert!(aged(&[("cache-control", "max-age=60")]));
        assert!(!aged(&[("cache-control", "max-age=60, s-maxage=600")]));
        assert!(!aged(&[("cache-control", "max-age=60"), ("surrogate-control", "max-age=600")]));
    }

    #[test]
    fn a_visitor_who_has_the_answer_is_told_so() {
        let reply = head(&[("etag", "W/\"a\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        for (name, value, expect) in [
            ("if-none-match", "\"a\"", true),
            ("if-none-match", "\"b\", W/\"a\"", true),
            ("if-none-match", "*", true),
            ("if-none-match", "\"b\"", false),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT", false),
            ("if-modified-since", "yesterday", false),
            ("accept", "*/*", false),
        ] {
            let headers = head(&[(name, value)]).headers.into();
            let request =
                RequestHead { method: Method::GET, host: String::new(), path_and_query: "/".into(), headers };
            assert_eq!(not_modified(&request, &reply), expect, "{name}: {value}");
        }
    }
}
