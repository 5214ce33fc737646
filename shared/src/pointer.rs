//! The pointer: which pack of a site is live, signed by its publisher.
//!
//! ```text
//! {"payload":"<base64url of JSON>","kid":"…","sig":"<base64url of Ed25519 over the domain and the payload>"}
//! ```

use crate::pack::PackHash;
use crate::time::UnixTime;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use ed25519_dalek::SigningKey;

/// What is signed begins with this, so that a signature made for anything else is none of a pointer.
const DOMAIN: &[u8] = b"hemstitch-pointer-v1\0";
/// Longest pointer on the wire, in bytes.
const LONGEST: usize = 4_096;

/// One publication. Invariant: where it does not come out of [`Pointer::verify`], its publisher made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    site: String,
    sequence: u64,
    pack: PackHash,
    next: Option<(PackHash, UnixTime)>,
}

/// Why bytes are not a pointer of a site.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Too long, or not of the form of a pointer.
    #[error("not a pointer")]
    Malformed,
    /// Signed with a key that the site does not list.
    #[error("no key `{kid}`")]
    UnknownKey {
        /// The id it gives for its key.
        kid: String,
    },
    /// The signature does not verify under the key that it names.
    #[error("the signature does not verify")]
    BadSignature,
    /// Of another site, though signed by a key of this one.
    #[error("a pointer of site `{site}`")]
    OtherSite {
        /// The site it is of.
        site: String,
    },
}

#[derive(Serialize)]
struct Envelope {
    payload: String,
    kid: String,
    sig: String,
}

#[derive(Serialize)]
struct Payload {
    site: String,
    sequence: u64,
    pack: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextPayload>,
}

#[derive(Serialize)]
struct NextPayload {
    pack: String,
    at: u64,
}

impl Pointer {
    /// A publication with that number, of a pack and perhaps of the one that replaces it at a time.
    pub fn new(site: String, sequence: u64, pack: PackHash, next: Option<(PackHash, UnixTime)>) -> Self {
        Pointer { site, sequence, pack, next }
    }

    /// Reads a pointer of a site. The signature is checked strictly (RFC 8032 without malleability or weak keys),
    /// before anything of the payload is read.
    pub fn verify(bytes: &[u8], keys: &PointerKeys, site: &str) -> Result<Pointer, PointerError> {
        if bytes.len() > LONGEST {
            return Err(PointerError::Malformed);
        }
        let Envelope { payload, kid, sig } = Envelope::read(bytes).ok_or(PointerError::Malformed)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| PointerError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(sig).map_err(|_| PointerError::Malformed)?;
        let signature = Signature::from_slice(&signature).map_err(|_| PointerError::Malformed)?;
        let key = keys.find(&kid).ok_or(PointerError::UnknownKey { kid })?;
        key.verify_strict(&signed(&payload), &signature).map_err(|_| PointerError::BadSignature)?;
        let pointer = Pointer::decode(&payload).ok_or(PointerError::Malformed)?;
        if pointer.site != site {
            return Err(PointerError::OtherSite { site: pointer.site });
        }
        Ok(pointer)
    }

    /// What a pointer on the wire says, whoever signed it: for people to look at, and never to follow.
    pub fn claimed(bytes: &[u8]) -> Option<Pointer> {
        let envelope = Envelope::read(bytes).filter(|_| bytes.len() <= LONGEST)?;
        Pointer::decode(&URL_SAFE_NO_PAD.decode(envelope.payload).ok()?)
    }

    /// The pointer on the wire, signed with the key of that id.
    pub fn sign(&self, key: &SigningKey, kid: &str) -> Vec<u8> {
        let payload = self.encode();
        let sig = URL_SAFE_NO_PAD.encode(key.sign(&signed(&payload)).to_bytes());
        let payload = URL_SAFE_NO_PAD.encode(payload);
        json(&Envelope { payload, kid: kid.to_owned(), sig })
    }

    /// The site whose publication it is.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// Its number; a later publication of the site has a higher one.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The pack that is live until [`Pointer::next`] is.
    pub fn pack(&self) -> &PackHash {
        &self.pack
    }

    /// The pack that comes next, and from when it is live.
    pub fn next(&self) -> Option<&(PackHash, UnixTime)> {
        self.next.as_ref()
    }

    /// The pack that is live at a time.
    pub fn active(&self, now: UnixTime) -> &PackHash {
        match &self.next {
            Some((pack, from)) if *from <= now => pack,
            _ => &self.pack,
        }
    }

    fn encode(&self) -> Vec<u8> {
        json(&Payload {
            site: self.site.clone(),
            sequence: self.sequence,
            pack: self.pack.to_string(),
            next: self.next.map(|(pack, UnixTime(at))| NextPayload { pack: pack.to_string(), at }),
        })
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        let payload = Fields::read(payload, &["site", "sequence", "pack", "next"])?;
        let next = match payload.0.get("next") {
            None | Some(Value::Null) => None,
            Some(next) => {
                let next = Fields::of(next.as_object()?.clone(), &["pack", "at"])?;
                Some((PackHash::from_hex(next.text("pack")?)?, UnixTime(next.number("at")?)))
            }
        };
        let (site, pack) = (payload.text("site")?.to_owned(), PackHash::from_hex(payload.text("pack")?)?);
        Some(Pointer { site, sequence: payload.number("sequence")?, pack, next })
    }
}

impl Envelope {
    fn read(bytes: &[u8]) -> Option<Envelope> {
        let fields = Fields::read(bytes, &["payload", "kid", "sig"])?;
        let text = |name| fields.text(name).map(str::to_owned);
        Some(Envelope { payload: text("payload")?, kid: text("kid")?, sig: text("sig")? })
    }
}

/// A JSON object that has no fields but known ones. Read by hand, since what a derive writes for three small objects weighs
/// as much in an edge as all of their signatures.
struct Fields(Map<String, Value>);

impl Fields {
    fn read(json: &[u8], known: &[&str]) -> Option<Fields> {
        Fields::of(serde_json::from_slice(json).ok()?, known)
    }

    fn of(fields: Map<String, Value>, known: &[&str]) -> Option<Fields> {
        fields.keys().all(|name| known.contains(&name.as_str())).then_some(Fields(fields))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }
}

fn signed(payload: &[u8]) -> Vec<u8> {
    [DOMAIN, payload].concat()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("structs of texts and numbers have a JSON form")
}

/// The key in the KV store under which a site's pointer lies.
pub fn pointer_key(site: &str) -> String {
    format!("{site}/pointer")
}

/// The key in the KV store under which a site's pack lies.
pub fn pack_key(site: &str, pack: &PackHash) -> String {
    format!("{site}/pack/{pack}")
}

/// The key under which a publisher keeps the ruleset that it made a pack of, for the next one to compare with. No edge reads it.
pub fn ruleset_key(site: &str, pack: &PackHash) -> String {
    format!("{site}/ruleset/{pack}")
}

/// The key under which a draft lies: a pack that no pointer names, for previews alone.
pub fn draft_key(site: &str, draft: &PackHash) -> String {
    format!("{site}/draft/{draft}")
}

/// The public keys that a site's pointers may be signed with. Reads from JSON as
/// `[{"kid":"…","ed25519":"<base64url>"}]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<PublicKey>")]
pub struct PointerKeys(Vec<(String, VerifyingKey)>);

/// Why there can be no such key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerKeyError {
    /// Not the base64url form, without padding, of an Ed25519 public key.
    #[error("key `{kid}` is not an Ed25519 public key")]
    NotAKey {
        /// Its id.
        kid: String,
    },
    /// Two keys with one id.
    #[error("two keys are called `{kid}`")]
    Duplicate {
        /// Their id.
        kid: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicKey {
    kid: String,
    ed25519: String,
}

impl PointerKeys {
    /// Whether there is none, so that nothing is ever published for the site.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys by their ids, each 32 bytes as base64url without padding.
    pub fn new<'k>(keys: impl IntoIterator<Item = (&'k str, &'k str)>) -> Result<Self, PointerKeyError> {
        let mut known = PointerKeys::default();
        for (kid, encoded) in keys {
            let kid = kid.to_owned();
            if known.find(&kid).is_some() {
                return Err(PointerKeyError::Duplicate { kid });
            }
            let bytes = URL_SAFE_NO_PAD.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok());
            let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
            match key.filter(|key| !key.is_weak()) {
                Some(key) => known.0.push((kid, key)),
                None => return Err(PointerKeyError::NotAKey { kid }),
            }
        }
        Ok(known)
    }

    /// The text of a public key, as [`PointerKeys::new`] reads it.
    pub fn encode(key: &SigningKey) -> String {
        URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())
    }

    fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.iter().find(|(known, _)| known == kid).map(|(_, key)| key)
    }
}

impl TryFrom<Vec<PublicKey>> for PointerKeys {
    type Error = PointerKeyError;

    fn try_from(keys: Vec<PublicKey>) -> Result<Self, Self::Error> {
        PointerKeys::new(keys.iter().map(|key| (key.kid.as_str(), key.ed25519.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Pointer, PointerError, PointerKeyError, PointerKeys, SigningKey};
    use crate::pack::PackHash;
    use crate::time::UnixTime;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn keys() -> PointerKeys {
        PointerKeys::new([("p1", PointerKeys::encode(&key(1)).as_str())]).unwrap()
    }

    fn pointer() -> Pointer {
        let next = Some((PackHash::of(b"next"), UnixTime(1_000)));
        Pointer::new("acme".to_owned(), 7, PackHash::of(b"now"), next)
    }

    #[test]
    fn a_signed_pointer_verifies_for_its_site_and_key_alone() {
        let wire = pointer().sign(&key(1), "p1");
        assert_eq!(Pointer::verify(&wire, &keys(), "acme"), Ok(pointer()));
        let other_site = Err(PointerError::OtherSite { site: "acme".to_owned() });
        assert_eq!(Pointer::verify(&wire, &keys(), "acme2"), other_site);
        let foreign = pointer().sign(&key(2), "p1");
        assert_eq!(Pointer::verify(&foreign, &keys(), "acme"), Err(PointerError::BadSignature));
        let unlisted = pointer().sign(&key(1), "p2");
        let unknown = Err(PointerError::UnknownKey { kid: "p2".to_owned() });
        assert_eq!(Pointer::verify(&unlisted, &keys(), "acme"), unknown);
        assert_eq!(Pointer::verify(&[b' '; 5_000], &keys(), "acme"), Err(PointerError::Malformed));
        assert_eq!(Pointer::claimed(&foreign), Some(pointer()));
        assert_eq!(Pointer::claimed(b"{}"), None);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let wire = pointer().sign(&key(1), "p1");
        for bit in 0..wire.len() * 8 {
            let mut flipped = wire.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Pointer::verify(&flipped, &keys(), "acme").is_err(), "bit {bit}");
        }
        for length in 0..wire.len() {
            assert!(Pointer::verify(&wire[..length], &keys(), "acme").is_err(), "length {length}");
        }
    }

    #[test]
    fn the_next_pack_is_live_from_its_time_on() {
        for (now, expect) in [(0, "now"), (999, "now"), (1_000, "next"), (u64::MAX, "next")] {
            assert_eq!(*pointer().active(UnixTime(now)), PackHash::of(expect.as_bytes()), "{now}");
        }
    }

    #[test]
    fn keys_that_cannot_verify_are_refused() {
        let good = PointerKeys::encode(&key(1));
        let weak = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for bad in ["", "AAAA", weak, &format!("{good}=")] {
            let refused = Err(PointerKeyError::NotAKey { kid: "p".to_owned() });
            assert_eq!(PointerKeys::new([("p", bad)]), refused, "{bad}");
        }
        let twice = PointerKeys::new([("p", good.as_str()), ("p", good.as_str())]);
        assert_eq!(twice, Err(PointerKeyError::Duplicate { kid: "p".to_owned() }));
        let json = format!(r#"[{{"kid":"p1","ed25519":"{good}"}}]"#);
        assert_eq!(serde_json::from_str::<PointerKeys>(&json).unwrap(), keys());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "\\{\"payload\":\"[A-Za-z0-9_-]*\",\"kid\":\"p1\",\"sig\":\"[A-Za-z0-9_-]{84,88}\"\\}") {
            let _ = Pointer::verify(&bytes, &keys(), "acme");
            proptest::prop_assert!(Pointer::verify(text.as_bytes(), &keys(), "acme").is_err());
        }
    }
}
