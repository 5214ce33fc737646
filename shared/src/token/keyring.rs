//! The keys of one purpose: one signs, all of them verify, so keys rotate without logging anyone out. A key can name the
//! time from which it signs, so that every edge knows it before the first token of it is about.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use super::jws;
use crate::time::UnixTime;

/// One secret and the name that tokens call it by. The secret itself is not kept, only the HMAC state that it leads
/// to, so that a request does not repeat the key schedule.
#[derive(Clone)]
pub struct Key {
    kid: String,
    from: UnixTime,
    keyed: Hmac<Sha256>,
    /// The header of the tokens that it signs most often, as it stands in them.
    jwt_header: String,
}

impl Key {
    /// Fewest bytes of a secret (RFC 7518 §3.2: at least the size of the hash).
    pub const MIN_SECRET_BYTES: usize = 32;
    /// Longest name of a key, in bytes; a name is ASCII graphic and not empty.
    pub const MAX_KID_BYTES: usize = 64;

    /// The name by which a token's header chooses this key. It is not secret.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The header of a JWT under this key, in base64url: the very bytes that tokens of ours begin with, so that they need not
    /// be read again.
    pub(super) fn jwt_header(&self) -> &str {
        &self.jwt_header
    }

    /// HMAC-SHA256 of `message`.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 32] {
        self.keyed.clone().chain_update(message).finalize().into_bytes().into()
    }

    /// Whether `mac` is the whole HMAC-SHA256 of `message`, compared in constant time.
    pub(super) fn authenticates(&self, message: &[u8], mac: &[u8]) -> bool {
        self.keyed.clone().chain_update(message).verify_slice(mac).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Whether a token was signed with the key that signs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAge {
    /// With that one, or with one that is to sign after it.
    Newest,
    /// With one that still verifies; what was signed should be signed again.
    Older,
}

/// The keys of one purpose of one site; a clone shares them. Invariant: at least one key, and no `kid` twice.
#[derive(Clone, Debug)]
pub struct Keyring(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    newest: Key,
    /// From newer to older.
    older: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringJson {
    keys: Vec<KeyJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson {
    kid: String,
    secret: String,
    #[serde(default)]
    from: u64,
}

impl Keyring {
    /// Reads `{"keys":[{"kid":"2026-11","secret":"<base64url without padding>","from":1796000000}]}`, newest key first.
    /// `from` is when it begins to sign, in seconds of [`UnixTime`]; one without it always may.
    ///
    /// No error quotes what was read, not even a `kid`: somebody may have put the secret in its place.
    pub fn parse(json: &[u8]) -> Result<Self, KeyringError> {
        let read: KeyringJson = serde_json::from_slice(json)
            .map_err(|error| KeyringError::Json { line: error.line(), column: error.column() })?;
        let mut keys: Vec<Key> = Vec::with_capacity(read.keys.len());
        for (index, key) in read.keys.into_iter().enumerate() {
            let key = key.prepare(index)?;
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(KeyringError::KidTwice { index });
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeyringError::Empty);
        }
        let newest = keys.remove(0);
        Ok(Self(Arc::new(Ring { newest, older: keys })))
    }

    /// The key that signs: the newest whose time has come, or the oldest where that of none has.
    #[must_use]
    pub fn signer(&self, now: UnixTime) -> &Key {
        let oldest = self.0.older.last().unwrap_or(&self.0.newest);
        self.keys().find(|key| key.from <= now).unwrap_or(oldest)
    }

    /// The key of that name, if it is still in the ring.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.keys().find(|key| key.kid == kid)
    }

    pub(super) fn choose(&self, kid: &str, now: UnixTime) -> Option<(&Key, KeyAge)> {
        self.choose_by(now, |key| key.kid == kid)
    }

    /// The first key that is the one, and how old it is.
    pub(super) fn choose_by(&self, now: UnixTime, is_it: impl Fn(&Key) -> bool) -> Option<(&Key, KeyAge)> {
        let signer = &self.signer(now).kid;
        let mut age = KeyAge::Newest;
        for key in self.keys() {
            if is_it(key) {
                return Some((key, age));
            }
            if key.kid == *signer {
                age = KeyAge::Older;
            }
        }
        None
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.0.newest).chain(&self.0.older)
    }
}

impl KeyJson {
    fn prepare(self, index: usize) -> Result<Key, KeyringError> {
        let graphic = self.kid.bytes().all(|byte| byte.is_ascii_graphic());
        if !graphic || !(1..=Key::MAX_KID_BYTES).contains(&self.kid.len()) {
            return Err(KeyringError::Kid { index });
        }
        let secret =
            URL_SAFE_NO_PAD.decode(&self.secret).map_err(|_| KeyringError::SecretEncoding { index })?;
        if secret.len() < Key::MIN_SECRET_BYTES {
            return Err(KeyringError::SecretLength { index, bytes: secret.len() });
        }
        let keyed = Hmac::new_from_slice(&secret).map_err(|_| KeyringError::SecretEncoding { index })?;
        let jwt_header = jws::header(&self.kid, jws::JWT).map_err(|_| KeyringError::Kid { index })?;
        Ok(Key { kid: self.kid, from: UnixTime(self.from), keyed, jwt_header })
    }
}

/// Why a keyring cannot be used. `index` counts the keys from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Not JSON, or not of the documented form.
    #[error("the keyring is not of the documented form (line {line}, column {column})")]
    Json {
        /// Line where reading stopped, from 1.
        line: usize,
        /// Column where reading stopped.
        column: usize,
    },
    /// No key at all.
    #[error("the keyring has no key")]
    Empty,
    /// A name that is empty, too long or not ASCII graphic.
    #[error("the kid of key {index} is not 1 to {} ASCII graphic characters", Key::MAX_KID_BYTES)]
    Kid {
        /// Which key.
        index: usize,
    },
    /// Two keys of one name.
    #[error("the kid of key {index} is that of an earlier key")]
    KidTwice {
        /// Which key.
        index: usize,
    },
    /// A secret that is not strict base64url.
    #[error("the secret of key {index} is not base64url without padding")]
    SecretEncoding {
        /// Which key.
        index: usize,
    },
    /// A secret that is too short to be one.
    #[error("the secret of key {index} has {bytes} bytes and needs {}", Key::MIN_SECRET_BYTES)]
    SecretLength {
        /// Which key.
        index: usize,
        /// Its length.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
    const B: &str = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg";
    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn check(json: &str, expect: Result<&str, KeyringError>) {
        let found = Keyring::parse(json.as_bytes());
        assert_eq!(
            found.as_ref().map(|ring| ring.signer(NOW).kid()).map_err(|error| *error),
            expect,
            "{json}"
        );
    }

    #[test]
    fn the_first_key_is_the_newest_and_all_are_found() {
        let json = format!(r#"{{"keys":[{{"kid":"b","secret":"{B}"}},{{"kid":"a","secret":"{A}"}}]}}"#);
        check(&json, Ok("b"));
        let ring = Keyring::parse(json.as_bytes()).unwrap();
        assert_eq!(ring.find("a").map(Key::kid), Some("a"));
        assert_eq!(ring.choose("a", NOW).map(|(_, age)| age), Some(KeyAge::Older));
        assert_eq!(ring.choose("b", NOW).map(|(_, age)| age), Some(KeyAge::Newest));
        assert!(ring.find("c").is_none());
    }

    #[test]
    fn a_key_verifies_before_it_signs() {
        let at = |from: u64| {
            let json = format!(
                r#"{{"keys":[{{"kid":"b","secret":"{B}","from":{from}}},{{"kid":"a","secret":"{A}","from":1}}]}}"#
            );
            let ring = Keyring::parse(json.as_bytes()).unwrap();
            let age = |kid| ring.choose(kid, NOW).map(|(_, age)| age).unwrap();
            (ring.signer(NOW).kid().to_owned(), age("a"), age("b"))
        };
        assert_eq!(at(NOW.0 + 1), ("a".to_owned(), KeyAge::Newest, KeyAge::Newest));
        assert_eq!(at(NOW.0), ("b".to_owned(), KeyAge::Older, KeyAge::Newest));
        check(&format!(r#"{{"keys":[{{"kid":"a","secret":"{A}","from":1900000000}}]}}"#), Ok("a"));
    }

    #[test]
    fn a_keyring_that_is_not_as_documented_is_refused() {
        let long_kid = "k".repeat(65);
        check(r#"{"keys":[]}"#, Err(KeyringError::Empty));
        check("", Err(KeyringError::Json { line: 1, column: 0 }));
        check(r#"{"keys":7}"#, Err(KeyringError::Json { line: 1, column: 9 }));
        for kid in ["", "zoë", "a b", long_kid.as_str()] {
            let json = format!(r#"{{"keys":[{{"kid":"{kid}","secret":"{A}"}}]}}"#);
            check(&json, Err(KeyringError::Kid { index: 0 }));
        }
        let cases = [
            (format!("{A}="), KeyringError::SecretEncoding { index: 1 }),
            (format!("{A}/"), KeyringError::SecretEncoding { index: 1 }),
            ("MDEyMw".to_owned(), KeyringError::SecretLength { index: 1, bytes: 4 }),
            (String::new(), KeyringError::SecretLength { index: 1, bytes: 0 }),
        ];
        for (secret, error) in cases {
            let json =
                format!(r#"{{"keys":[{{"kid":"a","secret":"{A}"}},{{"kid":"b","secret":"{secret}"}}]}}"#);
            check(&json, Err(error));
        }
        let twice = format!(r#"{{"keys":[{{"kid":"a","secret":"{A}"}},{{"kid":"a","secret":"{B}"}}]}}"#);
        check(&twice, Err(KeyringError::KidTwice { index: 1 }));
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_secret() {
        let good = format!(r#"{{"keys":[{{"kid":"a","secret":"{A}"}}]}}"#);
        let shown = format!("{:?}", Keyring::parse(good.as_bytes()));
        assert!(shown.contains("\"a\""), "{shown}");
        let bad = [
            format!(r#"{{"keys":"{A}"}}"#),
            format!(r#"{{"keys":[{{"kid":"{A} ","secret":"a"}}]}}"#),
            format!(r#"{{"keys":[{{"kid":"a","secret":"{A}=="}}]}}"#),
            format!(r#"{{"keys":[{{"kid":"a","{A}":"a"}}]}}"#),
        ];
        for json in [good].iter().chain(&bad) {
            let ring = Keyring::parse(json.as_bytes());
            let said =
                format!("{ring:?} {}", ring.as_ref().err().map(ToString::to_string).unwrap_or_default());
            for secret in [A, "0123456789", "48, 49, 50"] {
                assert!(!said.contains(secret), "{said}");
            }
        }
    }
}
