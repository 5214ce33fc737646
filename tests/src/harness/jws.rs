//! Tokens minted by hand, as any JWT library would, and in the ways that a forger would.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Sha256, Sha384, Sha512};

/// A token before its signature.
#[derive(Clone, Debug)]
pub struct Jws {
    signed: String,
}

impl Jws {
    /// Header and claims, encoded as they are.
    pub fn new(header: &Value, claims: &Value) -> Jws {
        Jws::of_text(&header.to_string(), &claims.to_string())
    }

    /// Header and claims as text, which need not be JSON.
    pub fn of_text(header: &str, claims: &str) -> Jws {
        Jws { signed: format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)) }
    }

    /// Signed by HMAC with SHA-256, which is the only right way.
    pub fn hs256(&self, secret: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(self.signed.as_bytes());
        self.with_signature(&mac.finalize().into_bytes())
    }

    /// Signed by HMAC with SHA-384.
    pub fn hs384(&self, secret: &[u8]) -> String {
        let mut mac = Hmac::<Sha384>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(self.signed.as_bytes());
        self.with_signature(&mac.finalize().into_bytes())
    }

    /// Signed by HMAC with SHA-512.
    pub fn hs512(&self, secret: &[u8]) -> String {
        let mut mac = Hmac::<Sha512>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(self.signed.as_bytes());
        self.with_signature(&mac.finalize().into_bytes())
    }

    /// With whatever stands for a signature.
    pub fn with_signature(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.signed, URL_SAFE_NO_PAD.encode(signature))
    }
}
