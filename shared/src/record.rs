//! Asking for what KV lacks where publications are recorded.
//!
//! ```text
//! GET /_hs/kv/{site}/pointer, GET /_hs/kv/{site}/pack/{sha-256}    Authorization: Bearer <token of an edge>
//! GET /_hs/kv/{site}/draft/{sha-256}                               the same, and hs-preview: <token for that draft>
//! ```
//! KV is eventually consistent, and remembers that something was missing; the record is neither. It answers edges alone,
//! so an edge shows a token that it signs itself, for a minute.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Map;

use crate::http::OutgoingRequest;
use crate::site::Site;
use crate::time::UnixTime;
use crate::token::{Capability, CapabilityToken, Claims, Keyring};
use crate::visit::Draft;

/// In which a preview token is shown to whoever holds drafts.
pub const PERMIT: HeaderName = HeaderName::from_static("hs-preview");
/// How long a token of an edge holds, in seconds.
const TOKEN_S: u64 = 60;

/// How to ask for a key of KV. Without a key to be known by, the question is anybody's.
pub fn request(site: &Site, edge: Option<&Keyring>, key: &str, now: UnixTime) -> OutgoingRequest {
    let mut headers = HeaderMap::new();
    let host = site.hosts().first().and_then(|host| HeaderValue::try_from(host).ok());
    headers.extend(host.map(|host| (header::HOST, host)));
    headers.extend(edge.and_then(|edge| token(site, edge, now)).map(|token| (header::AUTHORIZATION, token)));
    OutgoingRequest { method: Method::GET, path_and_query: format!("/_hs/kv/{key}"), headers }
}

/// How to ask for a draft: as an edge, for a browser that shows a token for it.
#[cold]
pub fn draft_request(site: &Site, edge: Option<&Keyring>, draft: &Draft, now: UnixTime) -> OutgoingRequest {
    let mut asked = request(site, edge, &draft.key, now);
    if let Ok(mut permit) = HeaderValue::try_from(&draft.token) {
        permit.set_sensitive(true);
        asked.headers.insert(PERMIT, permit);
    }
    asked
}

fn token(site: &Site, edge: &Keyring, now: UnixTime) -> Option<HeaderValue> {
    let claims = Claims { issued: now, expires: now.plus_seconds(TOKEN_S), id: None, private: Map::new() };
    let token = CapabilityToken::encode(&claims, Capability::Edge, edge, &site.name).ok()?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
}

/// The token in an `Authorization` header.
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackHash;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn keyring() -> Keyring {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        Keyring::parse(format!(r#"{{"keys":[{{"kid":"k","secret":"{secret}"}}]}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn an_edge_shows_a_token_that_the_record_can_verify() {
        let site = Site::parse(br#"{"site":"acme","hosts":["www.acme.test"],"origin":"o"}"#).unwrap();
        let asked = request(&site, Some(&keyring()), "acme/pointer", NOW);
        assert_eq!(asked.path_and_query, "/_hs/kv/acme/pointer");
        assert_eq!(asked.headers[header::HOST], "www.acme.test");
        let token = bearer(&asked.headers).unwrap();
        let read = |now| CapabilityToken::decode(token, Capability::Edge, &keyring(), "acme", now);
        assert!(read(NOW).is_ok());
        assert!(read(NOW.plus_seconds(TOKEN_S)).is_err());
        assert_eq!(bearer(&request(&site, None, "acme/pointer", NOW).headers), None);
        let (hash, key) = (PackHash::of(b"a"), "acme/draft/a".to_owned());
        let asked = draft_request(&site, Some(&keyring()), &Draft { hash, key, token: "t".to_owned() }, NOW);
        assert_eq!(asked.path_and_query, "/_hs/kv/acme/draft/a");
        assert_eq!(asked.headers[PERMIT], "t");
        assert!(bearer(&asked.headers).is_some(), "the permit alone does not do");
    }

    #[test]
    fn a_token_is_what_follows_the_word_bearer() {
        for (value, expect) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bear", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers), expect.map(str::as_bytes), "{value:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
