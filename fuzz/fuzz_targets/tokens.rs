//! Any cookie and any token is refused; nothing is verified that was not signed.
#![no_main]

use hemstitch::time::UnixTime;
use hemstitch::token::{Capability, CapabilityToken, FactsToken, Keyring, ProfileCookie};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Vec<u8>| {
    let ring = br#"{"keys":[{"kid":"k","secret":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;
    let ring = Keyring::parse(ring).expect("the ring is well formed");
    let now = UnixTime(1_800_000_000);
    assert!(ProfileCookie::decode([input.as_slice()].into_iter(), &ring, "acme", now).is_err());
    let cookie = [b"__Host-hs=".as_slice(), &input].concat();
    assert!(ProfileCookie::decode([cookie.as_slice()].into_iter(), &ring, "acme", now).is_err());
    for kind in Capability::ALL {
        assert!(CapabilityToken::decode(&input, kind, &ring, "acme", now).is_err());
    }
    assert!(FactsToken::decode(&input, &ring, "acme", now).is_err());
    let _ = Keyring::parse(&input);
});
