//! How long an answer may be kept for everybody, if at all.

use std::time::SystemTime;

use ::http::{HeaderMap, HeaderName, StatusCode, header};

use super::{ResponseHead, list};
use crate::page::Life;
use crate::time::UnixTime;

/// Whether an answer may be stored for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storable {
    /// For so long.
    For(Freshness),
    /// Not at all.
    No(WhyNot),
}

/// How long an answer may be kept, in seconds from its arrival (RFC 9111, section 4.2; RFC 5861).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// How old it was when it arrived.
    pub age_s: u64,
    /// For how long it is fresh.
    pub fresh_s: u64,
    /// For how long after that it may be served while a fresh one is fetched.
    pub stale_while_revalidate_s: u64,
    /// For how long after `fresh_s` it may be served where the origin fails.
    pub stale_if_error_s: u64,
}

impl Freshness {
    /// The same as points in time, for an answer that arrived `now`.
    pub fn life(self, now: UnixTime) -> Life {
        let fresh_until = now.plus_seconds(self.fresh_s);
        Life {
            born: UnixTime(now.0.saturating_sub(self.age_s)),
            fresh_until,
            revalidate_until: fresh_until.plus_seconds(self.stale_while_revalidate_s),
            stale_until: fresh_until.plus_seconds(self.stale_if_error_s.max(self.stale_while_revalidate_s)),
        }
    }
}

/// Why an answer is not stored for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// Its status is not 200.
    Status,
    /// It sets a cookie.
    SetCookie,
    /// Its origin says `private`, `no-store` or `no-cache`.
    Forbidden,
    /// It varies by more than the encoding that we ask for ourselves.
    Varies,
    /// Nobody says how long it is fresh.
    NoFreshness,
    /// It was already stale when it arrived, or is fresh for no time.
    Stale,
}

const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// Judges an answer. `Surrogate-Control: max-age` outranks `s-maxage`, that `max-age`, that `Expires`.
pub fn storable(head: &ResponseHead, now: UnixTime) -> Storable {
    match freshness(head, now) {
        Ok(freshness) => Storable::For(freshness),
        Err(why) => Storable::No(why),
    }
}

/// Why an answer is not for everybody, whatever it says of its lifetime.
pub(super) fn why_personal(head: &ResponseHead) -> Option<WhyNot> {
    let headers = &head.headers;
    // CDN-Cache-Control (RFC 9213) is not followed, but what it forbids is forbidden.
    let forbids = |name| {
        let control = Directives::of(headers, &name);
        control.has("private") || control.has("no-store")
    };
    let controls = [header::CACHE_CONTROL, SURROGATE_CONTROL, HeaderName::from_static("cdn-cache-control")];
    if head.status != StatusCode::OK {
        Some(WhyNot::Status)
    } else if headers.contains_key(header::SET_COOKIE) {
        Some(WhyNot::SetCookie)
    } else if controls.into_iter().any(forbids) {
        Some(WhyNot::Forbidden)
    } else if headers.contains_key(header::VARY) && !varies_by_encoding_alone(headers) {
        Some(WhyNot::Varies)
    } else {
        None
    }
}

fn freshness(head: &ResponseHead, now: UnixTime) -> Result<Freshness, WhyNot> {
    let headers = &head.headers;
    why_personal(head).map_or(Ok(()), Err)?;
    let cache = Directives::of(headers, &header::CACHE_CONTROL);
    let surrogate = Directives::of(headers, &SURROGATE_CONTROL);
    let surrogate_age = surrogate.value("max-age").map(surrogate_max_age);
    if cache.has("no-cache") && surrogate_age.is_none() {
        return Err(WhyNot::Forbidden);
    }
    let seconds = |name| cache.value(name).map(|value| delta_seconds(value).unwrap_or(0));
    let lifetime = surrogate_age
        .map(|(fresh, _)| fresh)
        .or_else(|| seconds("s-maxage"))
        .or_else(|| seconds("max-age"))
        .or_else(|| expires_in(headers, now))
        .ok_or(WhyNot::NoFreshness)?;
    let age_s = headers.get(header::AGE).and_then(|age| delta_seconds(age.to_str().ok()?)).unwrap_or(0);
    let fresh_s = lifetime.saturating_sub(age_s);
    if fresh_s == 0 {
        return Err(WhyNot::Stale);
    }
    let no_stale = cache.has("must-revalidate") || cache.has("proxy-revalidate");
    let allowed = surrogate_age.map_or(0, |(_, stale)| stale);
    let stale = |name| if no_stale { 0 } else { seconds(name).unwrap_or(0) };
    Ok(Freshness {
        age_s,
        fresh_s,
        stale_while_revalidate_s: stale("stale-while-revalidate").max(allowed),
        stale_if_error_s: stale("stale-if-error").max(allowed),
    })
}

/// `Vary` names nothing but `Accept-Encoding`, which we choose ourselves when we fill the cache.
fn varies_by_encoding_alone(headers: &HeaderMap) -> bool {
    let readable = headers.get_all(header::VARY).iter().all(|value| value.to_str().is_ok());
    readable && list(headers.get_all(header::VARY)).all(|name| name.eq_ignore_ascii_case("accept-encoding"))
}

/// `N` or `N+M` of the Edge Architecture Specification: fresh for N seconds, and M more while stale.
fn surrogate_max_age(value: &str) -> (u64, u64) {
    let (fresh, stale) = value.split_once('+').unwrap_or((value, "0"));
    (delta_seconds(fresh).unwrap_or(0), delta_seconds(stale).unwrap_or(0))
}

/// A number of seconds; one too large for us means for ever, anything else than digits nothing.
fn delta_seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX)))
}

/// Seconds until `Expires`, from the answer's own `Date` where it has one. An unreadable date is in the past.
fn expires_in(headers: &HeaderMap, now: UnixTime) -> Option<u64> {
    let expires = headers.get(header::EXPIRES)?;
    let date = headers.get(header::DATE).and_then(|date| unix_seconds(date.to_str().ok()?)).unwrap_or(now.0);
    let expires = expires.to_str().ok().and_then(unix_seconds);
    Some(expires.map_or(0, |expires| expires.saturating_sub(date)))
}

/// An HTTP-date (RFC 9110, section 5.6.7).
pub(super) fn unix_seconds(date: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(date).ok()?;
    time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// When an answer says that it was changed last, in seconds since 1970.
pub(crate) fn modified(headers: &HeaderMap) -> Option<u64> {
    unix_seconds(headers.get(header::LAST_MODIFIED)?.to_str().ok()?)
}

/// For how long browsers may keep an answer of that age, in seconds; `None` where it does not say so.
pub(super) fn left_for_browsers(headers: &HeaderMap, age_s: u64) -> Option<u64> {
    let control = Directives::of(headers, &header::CACHE_CONTROL);
    let forbidden = ["no-cache", "no-store", "private"].iter().any(|word| control.has(word));
    let lifetime = control.value("max-age").filter(|_| !forbidden)?;
    Some(delta_seconds(lifetime)?.saturating_sub(age_s))
}

/// The directives of a `Cache-Control`-like header, over all its lines.
pub(super) struct Directives(Vec<(String, Option<String>)>);

impl Directives {
    pub(super) fn of(headers: &HeaderMap, name: &HeaderName) -> Directives {
        let mut all = Vec::new();
        for line in headers.get_all(name) {
            let line = String::from_utf8_lossy(line.as_bytes());
            for directive in split_unquoted(&line) {
                let (name, value) = match directive.split_once('=') {
                    Some((name, value)) => (name, Some(value.trim().trim_matches('"').to_owned())),
                    None => (directive, None),
                };
                // A target (`max-age=60;hs`, Edge Architecture Specification) does not change what is meant for us.
                let value = value
                    .map(|value| value.split(';').next().unwrap_or_default().trim_matches('"').to_owned());
                let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                all.push((name, value));
            }
        }
        Directives(all)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The directive's argument. Of a directive given twice the first counts (RFC 9111, section 4.2.1).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_deref().unwrap_or_default())
    }
}

/// Splits at commas that stand outside quotes.
fn split_unquoted(line: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                parts.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&line[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    const NOW: UnixTime = UnixTime(784_111_777);

    fn judged(status: u16, headers: &[(&str, &str)]) -> Storable {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header name");
            map.append(name, HeaderValue::try_from(*value).expect("a header value"));
        }
        storable(&ResponseHead { status: StatusCode::from_u16(status).expect("a status"), headers: map }, NOW)
    }

    fn fresh(headers: &[(&str, &str)], fresh_s: u64, revalidate_s: u64, error_s: u64) {
        match judged(200, headers) {
            Storable::For(freshness) => {
                let found =
                    (freshness.fresh_s, freshness.stale_while_revalidate_s, freshness.stale_if_error_s);
                assert_eq!(found, (fresh_s, revalidate_s, error_s), "{headers:?}");
            }
            Storable::No(why) => panic!("{headers:?}: {why:?}"),
        }
    }

    fn refused(headers: &[(&str, &str)], why: WhyNot) {
        assert_eq!(judged(200, headers), Storable::No(why), "{headers:?}");
    }

    #[test]
    fn freshness_comes_from_the_first_header_that_speaks_to_us() {
        fresh(&[("cache-control", "max-age=60")], 60, 0, 0);
        fresh(&[("cache-control", "public, Max-Age=\"60\", s-maxage=120")], 120, 0, 0);
        fresh(&[("cache-control", "max-age=60"), ("cache-control", "max-age=5")], 60, 0, 0);
        fresh(
            &[("cache-control", "max-age=1, no-cache"), ("surrogate-control", "max-age=300+60")],
            300,
            60,
            60,
        );
        fresh(&[("surrogate-control", "content=\"ESI/1.0\", max-age=9;hs")], 9, 0, 0);
        fresh(&[("cache-control", "max-age=60, stale-while-revalidate=30, stale-if-error=90")], 60, 30, 90);
        fresh(&[("cache-control", "max-age=60, stale-while-revalidate=30, must-revalidate")], 60, 0, 0);
        fresh(&[("cache-control", "max-age=60"), ("age", "20")], 40, 0, 0);
        fresh(&[("cache-control", "max-age=99999999999999999999")], u64::from(u32::MAX), 0, 0);
        fresh(
            &[("expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")],
            60,
            0,
            0,
        );
        fresh(&[("expires", "Sun, 06 Nov 1994 08:50:37 GMT")], 60, 0, 0);
        fresh(&[("cache-control", "max-age=60"), ("vary", "Accept-Encoding, accept-encoding")], 60, 0, 0);
    }

    #[test]
    fn what_is_not_meant_for_everybody_is_not_stored() {
        refused(&[("cache-control", "max-age=60"), ("set-cookie", "a=b")], WhyNot::SetCookie);
        for forbidden in
            ["private", "PRIVATE", "private=\"x-a, x-b\"", "no-store", "no-cache", "no-cache=\"x\""]
        {
            let value = format!("max-age=60, {forbidden}");
            refused(&[("cache-control", &value)], WhyNot::Forbidden);
        }
        refused(&[("cache-control", "max-age=60"), ("surrogate-control", "no-store")], WhyNot::Forbidden);
        refused(&[("cache-control", "max-age=60"), ("cdn-cache-control", "no-store")], WhyNot::Forbidden);
        for vary in ["*", "Cookie", "Accept-Encoding, Cookie", "User-Agent"] {
            refused(&[("cache-control", "max-age=60"), ("vary", vary)], WhyNot::Varies);
        }
        refused(&[], WhyNot::NoFreshness);
        refused(
            &[("cache-control", "public"), ("etag", "\"a\""), ("last-modified", "x")],
            WhyNot::NoFreshness,
        );
        for stale in ["max-age=0", "max-age=", "max-age=x", "max-age=-1", "s-maxage=0, max-age=60"] {
            refused(&[("cache-control", stale)], WhyNot::Stale);
        }
        refused(&[("expires", "0")], WhyNot::Stale);
        refused(&[("cache-control", "max-age=60"), ("age", "60")], WhyNot::Stale);
        for status in [201, 203, 204, 206, 301, 304, 404, 500] {
            assert_eq!(judged(status, &[("cache-control", "max-age=60")]), Storable::No(WhyNot::Status));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_judged(value in proptest::collection::vec(32u8..=255, 0..60)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                for name in ["cache-control", "surrogate-control", "expires", "age", "vary"] {
                    headers.append(name, value.clone());
                }
            }
            storable(&ResponseHead { status: StatusCode::OK, headers }, NOW);
        }
    }
}
