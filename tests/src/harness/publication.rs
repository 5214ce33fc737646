//! What publishing a ruleset writes into KV.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use hemstitch::pack::{PackHash, compile};
use hemstitch::pointer::{Pointer, draft_key, pack_key, pointer_key};
use hemstitch::ruleset::Ruleset;
use serde_json::{Value, json};

const KID: &str = "p1";

/// A pack and the pointer to it, with their keys in KV.
#[derive(Clone, Debug)]
pub struct Publication {
    /// `<site>/pack/<sha-256>`.
    pub pack_key: String,
    /// The compiled ruleset.
    pub pack: Vec<u8>,
    /// `<site>/pointer`.
    pub pointer_key: String,
    /// The signed envelope.
    pub pointer: Vec<u8>,
}

impl Publication {
    /// Compiles and signs; panics with the diagnostics when the ruleset has errors.
    pub fn of(site: &str, sequence: u64, ruleset: &str) -> Publication {
        Publication::try_of(site, sequence, ruleset)
            .unwrap_or_else(|diagnostics| panic!("the ruleset of {site}: {diagnostics}"))
    }

    /// Compiles and signs; errs with the diagnostics when the ruleset has errors.
    pub fn try_of(site: &str, sequence: u64, ruleset: &str) -> Result<Publication, String> {
        let (parsed, diagnostics) = Ruleset::parse(ruleset);
        let parsed = parsed.ok_or_else(|| format!("{diagnostics:#?}"))?;
        let pack = compile(&parsed).map_err(|error| error.to_string())?;
        Ok(Publication::of_pack(site, sequence, pack, &signing_key()))
    }

    /// A pack with whatever in it, properly signed.
    pub fn of_pack_signed(site: &str, pack: Vec<u8>) -> Publication {
        Publication::of_pack(site, 1, pack, &signing_key())
    }

    /// The hash of the pack.
    pub fn hash(&self) -> PackHash {
        PackHash::of(&self.pack)
    }

    /// Where the pack lies as a draft of a site.
    pub fn draft_key(&self, site: &str) -> String {
        draft_key(site, &self.hash())
    }

    fn of_pack(site: &str, sequence: u64, pack: Vec<u8>, key: &SigningKey) -> Publication {
        let hash = PackHash::of(&pack);
        let pointer = Pointer::new(site.to_string(), sequence, hash, None);
        Publication {
            pack_key: pack_key(site, &hash),
            pack,
            pointer_key: pointer_key(site),
            pointer: pointer.sign(key, KID),
        }
    }
}

/// A publication whose pointer is signed by a key that no site trusts.
pub fn pointer_signed_by(seed: u8, site: &str, pack: Vec<u8>) -> Publication {
    Publication::of_pack(site, 1, pack, &SigningKey::from_bytes(&[seed; 32]))
}

/// The entry of a site's `pointer_keys`.
pub(super) fn public_key() -> Value {
    let key = signing_key().verifying_key();
    json!({ "kid": KID, "ed25519": URL_SAFE_NO_PAD.encode(key.as_bytes()) })
}

/// The file of the key, as `hemstitch` reads it.
pub(super) fn signing_key_json() -> Value {
    json!({ "kid": KID, "ed25519_secret": URL_SAFE_NO_PAD.encode(signing_key().to_bytes()) })
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}
