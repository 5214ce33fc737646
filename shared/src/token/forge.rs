//! What tests make tokens from, the kind that no honest signer would write included.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Keyring;
use crate::time::UnixTime;

pub(super) const NEW: &[u8] = b"the secret of the newest key, 2026-11";
pub(super) const OLD: &[u8] = b"the secret of an older key, 2025-11..";
pub(super) const FOREIGN: &[u8] = b"a secret that is not in the ring.....";

/// `new` signs, `old` still verifies.
pub(super) fn keyring() -> Keyring {
    ring(&[("new", NEW), ("old", OLD)])
}

pub(super) fn ring(keys: &[(&str, &[u8])]) -> Keyring {
    let keys: Vec<_> = keys
        .iter()
        .map(|(kid, secret)| serde_json::json!({ "kid": kid, "secret": base64url(secret) }))
        .collect();
    Keyring::parse(serde_json::json!({ "keys": keys }).to_string().as_bytes()).expect("a keyring")
}

pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with a right HS256 MAC over whatever is given.
pub(super) fn token(header: &str, claims: impl AsRef<[u8]>, secret: &[u8]) -> String {
    let signed = format!("{}.{}", base64url(header), base64url(claims));
    let mac = ring(&[("any", secret)]).signer(UnixTime(0)).sign(signed.as_bytes());
    format!("{signed}.{}", base64url(mac))
}
