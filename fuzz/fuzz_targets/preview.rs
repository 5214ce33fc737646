//! Any preview token is refused that was not signed, any claims that were are read without a panic, and whatever a browser
//! holds leaves an answer that is nobody else's.
#![no_main]

use std::sync::Arc;

use hemstitch::facts::Place;
use hemstitch::http::RequestHead;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::site::Site;
use hemstitch::time::UnixTime;
use hemstitch::token::{Capability, CapabilityToken, Claims, Keyring, PreviewToken};
use hemstitch::visit::{KeyPurpose, Keys, Visit};
use http::{HeaderMap, HeaderValue, Method, header};
use libfuzzer_sys::fuzz_target;

const NOW: UnixTime = UnixTime(1_800_000_000);
const RING: &[u8] = br#"{"keys":[{"kid":"k","secret":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;

/// A request with this token, in the cookie and in the address.
fn arrive(site: &Arc<Site>, keys: &Keys, token: &str) -> Option<Visit> {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static("www.acme.test"));
    let cookie = HeaderValue::try_from(format!("{}={token}", PreviewToken::COOKIE)).ok()?;
    headers.insert(header::COOKIE, cookie);
    let path_and_query = format!("/?hs_preview={token}");
    let request =
        RequestHead { method: Method::GET, host: "www.acme.test".to_owned(), path_and_query, headers: headers.into() };
    let mut visit = Visit::arrive(Arc::clone(site), Some(keys), request, Place::default(), NOW, [7; 16]);
    visit.equip(None, KillSwitch::On);
    Some(visit)
}

fuzz_target!(|input: (Vec<u8>, String)| {
    let ring = Keyring::parse(RING).expect("the ring is well formed");
    let (bytes, claims) = input;
    assert!(PreviewToken::decode(&bytes, &ring, "acme", NOW).is_err());
    let site = r#"{"site":"acme","hosts":["www.acme.test"],"scheme":"https","origin":"o"}"#;
    let site = Arc::new(Site::parse(site.as_bytes()).expect("a site"));
    let keys = Keys::gather(|purpose| {
        matches!(purpose, KeyPurpose::Profile | KeyPurpose::Preview).then(|| ring.clone())
    });
    let keys = keys.expect("the ring of the profile cookie");
    if let Some(visit) = std::str::from_utf8(&bytes).ok().and_then(|token| arrive(&site, &keys, token)) {
        assert!(visit.draft().is_none(), "nobody signed it");
    }
    let Ok(serde_json::Value::Object(private)) = serde_json::from_str(&claims) else { return };
    let claims = Claims { issued: NOW, expires: NOW.plus_seconds(600), id: None, private };
    let Ok(token) = CapabilityToken::encode(&claims, Capability::Preview, &ring, "acme") else { return };
    let shown = PreviewToken::decode(token.as_bytes(), &ring, "acme", NOW);
    if let Some(visit) = arrive(&site, &keys, &token) {
        assert_eq!(visit.draft().map(|draft| draft.hash), shown.ok().map(|shown| shown.draft));
    }
});
