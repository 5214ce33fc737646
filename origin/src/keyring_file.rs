//! The keys of one purpose in a file, as they are made, take over from each other, and retire.
//!
//! ```text
//! SITE.PURPOSE.json   {"keys":[{"kid":"…","secret":"<base64url>","from":1796000000}, …]}   newest first
//! SITE.signing.json   the same with `ed25519_secret`, or a single key without a list
//! SITE.keys.json      {"profile": {"keys": …}, "facts": …}: all but the signing key, for an edge's one secret
//! ```
//! `from` is when a key begins to sign, in Unix seconds. By then every edge has to know it.

use std::io;
use std::path::{Path, PathBuf};

use hemstitch::time::UnixTime;
use hemstitch::token::{Capability, ProfileCookie};
use hemstitch::visit::KeyPurpose;
use serde_json::{Map, Value, json};

use crate::keys::replace_secret;

/// How much longer than a token lasts the clocks and the caches of edges are given, in seconds.
const MARGIN_S: u64 = 3_600;

/// What a key in a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Tokens of one kind, or the profile cookie.
    Tokens(KeyPurpose),
    /// Pointers.
    Signing,
}

/// A key and when it signs; not its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its name.
    pub kid: String,
    /// When it began to sign, or will; `None` where nobody noted it.
    pub from: Option<UnixTime>,
    /// What it does now.
    pub role: KeyRole,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// It verifies, and is going to sign.
    Next,
    /// It signs.
    Signs,
    /// It verifies what it signed, which can be alive until then; `None` where that is not known.
    Older(Option<UnixTime>),
}

/// The keys of one use, newest first. Invariant: at least one.
pub struct KeyringFile {
    use_: KeyUse,
    keys: Vec<FileKey>,
}

struct FileKey {
    kid: String,
    secret: String,
    from: Option<u64>,
}

/// Why a file holds no keys. No error quotes what was read.
#[derive(Debug, thiserror::Error)]
#[error("it is not of the form that `hemstitch keys new` writes")]
pub struct KeyringFileError;

/// Why a key does not retire.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetireError {
    /// No key has that name.
    #[error("there is no such key")]
    Unknown,
    /// Nothing would be left to sign with.
    #[error("it is the only key; make another one with `hemstitch keys rotate`")]
    Only,
    /// It signs now, or is the next to.
    #[error("it signs, or is the next to; what it signs would be refused")]
    Signs,
    /// When the key after it began to sign stands nowhere.
    #[error("it is not known when it signed last, so what it signed may be alive")]
    Unrecorded,
    /// What it signed can be alive.
    #[error("what it signed can be alive until {}", until.0)]
    Alive {
        /// Until when.
        until: UnixTime,
    },
    /// A pointer lasts until the next one is published.
    #[error("a pointer that it signed may be the one that is live")]
    Pointers,
}

impl KeyUse {
    /// All uses.
    pub const ALL: [KeyUse; 1 + KeyPurpose::ALL.len()] = {
        let mut all = [KeyUse::Signing; 1 + KeyPurpose::ALL.len()];
        let mut index = 0;
        while index < KeyPurpose::ALL.len() {
            all[index] = KeyUse::Tokens(KeyPurpose::ALL[index]);
            index += 1;
        }
        all
    };

    /// The word for it in names of files.
    pub fn name(self) -> &'static str {
        match self {
            KeyUse::Tokens(purpose) => purpose.name(),
            KeyUse::Signing => "signing",
        }
    }

    /// The use of that name.
    pub fn named(name: &str) -> Option<KeyUse> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Where its keys are.
    pub fn path(self, folder: &Path, site: &str) -> PathBuf {
        folder.join(format!("{site}.{}.json", self.name()))
    }

    /// How long what is signed lasts, in seconds; `None` is until it is replaced.
    fn lifetime_s(self) -> Option<u64> {
        let capability = match self {
            KeyUse::Signing => return None,
            KeyUse::Tokens(KeyPurpose::Profile) => return Some(ProfileCookie::MAX_LIFETIME_S),
            KeyUse::Tokens(KeyPurpose::Facts) => Capability::Facts,
            KeyUse::Tokens(KeyPurpose::Explain) => Capability::Explain,
            KeyUse::Tokens(KeyPurpose::Preview) => Capability::Preview,
            KeyUse::Tokens(KeyPurpose::Operator) => Capability::Operator,
            KeyUse::Tokens(KeyPurpose::Edge) => Capability::Edge,
        };
        Some(capability.max_lifetime_s())
    }

    fn secret_field(self) -> &'static str {
        if self == KeyUse::Signing { "ed25519_secret" } else { "secret" }
    }
}

impl KeyringFile {
    /// One key that signs from now on. The secret must come from a cryptographic random source, as base64url.
    pub fn new(use_: KeyUse, kid: String, secret: String, now: UnixTime) -> KeyringFile {
        KeyringFile { use_, keys: vec![FileKey { kid, secret, from: Some(now.0) }] }
    }

    /// Reads the content of a file.
    pub fn parse(use_: KeyUse, json: &[u8]) -> Result<KeyringFile, KeyringFileError> {
        let read: Value = serde_json::from_slice(json).map_err(|_| KeyringFileError)?;
        let list = match read.get("keys") {
            Some(list) => list.as_array().cloned().ok_or(KeyringFileError)?,
            None => vec![read],
        };
        let key = |key: &Value| {
            let text = |name: &str| key.get(name)?.as_str().map(str::to_owned);
            let from = key.get("from").map(|from| from.as_u64().ok_or(KeyringFileError)).transpose().ok()?;
            Some(FileKey { kid: text("kid")?, secret: text(use_.secret_field())?, from })
        };
        let keys: Option<Vec<FileKey>> = list.iter().map(key).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or(KeyringFileError)?;
        Ok(KeyringFile { use_, keys })
    }

    /// The content of the file. It holds the secrets.
    pub fn to_json(&self) -> Value {
        let keys = self.keys.iter().map(|key| {
            let mut written = Map::new();
            written.insert("kid".to_owned(), key.kid.as_str().into());
            written.insert(self.use_.secret_field().to_owned(), key.secret.as_str().into());
            written.extend(key.from.map(|from| ("from".to_owned(), from.into())));
            Value::Object(written)
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// Writes the file in place of what was there; nobody but its owner ever reads it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        replace_secret(path, &format!("{}\n", self.to_json()))
    }

    /// Adds a key that verifies at once and signs from then on.
    pub fn rotate(&mut self, kid: String, secret: String, from: UnixTime) {
        self.keys.insert(0, FileKey { kid, secret, from: Some(from.0) });
    }

    /// The keys, newest first.
    pub fn records(&self, now: UnixTime) -> Vec<KeyRecord> {
        let signer = self.signer(now);
        let record = |(index, key): (usize, &FileKey)| {
            let role = match index.cmp(&signer) {
                std::cmp::Ordering::Less => KeyRole::Next,
                std::cmp::Ordering::Equal => KeyRole::Signs,
                std::cmp::Ordering::Greater => KeyRole::Older(self.alive_until(index)),
            };
            KeyRecord { kid: key.kid.clone(), from: key.from.map(UnixTime), role }
        };
        self.keys.iter().enumerate().map(record).collect()
    }

    /// Takes a key out, so that nothing it signed is accepted any more. By force also while that can be alive; but never
    /// the last one.
    pub fn retire(&mut self, kid: &str, now: UnixTime, force: Force) -> Result<(), RetireError> {
        let index = self.keys.iter().position(|key| key.kid == kid).ok_or(RetireError::Unknown)?;
        if self.keys.len() == 1 {
            return Err(RetireError::Only);
        }
        if force == Force::No {
            self.may_retire(index, now)?;
        }
        self.keys.remove(index);
        Ok(())
    }

    fn may_retire(&self, index: usize, now: UnixTime) -> Result<(), RetireError> {
        if index <= self.signer(now) {
            return Err(RetireError::Signs);
        }
        if self.use_ == KeyUse::Signing {
            return Err(RetireError::Pointers);
        }
        match self.alive_until(index) {
            None => Err(RetireError::Unrecorded),
            Some(until) if until > now => Err(RetireError::Alive { until }),
            Some(_) => Ok(()),
        }
    }

    fn signer(&self, now: UnixTime) -> usize {
        let due = self.keys.iter().position(|key| key.from.unwrap_or(0) <= now.0);
        due.unwrap_or(self.keys.len() - 1)
    }

    /// Until when what a key signed can be alive, counted from when the next one took over.
    fn alive_until(&self, index: usize) -> Option<UnixTime> {
        let next = self.keys.get(index.checked_sub(1)?)?;
        Some(UnixTime(next.from?).plus_seconds(self.use_.lifetime_s()?).plus_seconds(MARGIN_S))
    }
}

/// Whether something is done in spite of what it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It is not.
    No,
    /// It is.
    Yes,
}

/// Writes all keyrings that an edge needs into one file, for the platforms that keep them as one secret.
pub fn write_bundle(folder: &Path, site: &str) -> io::Result<PathBuf> {
    let mut bundle = Map::new();
    for purpose in KeyPurpose::ALL {
        let path = KeyUse::Tokens(purpose).path(folder, site);
        match std::fs::read(&path) {
            Ok(json) => {
                let ring = KeyringFile::parse(KeyUse::Tokens(purpose), &json);
                let ring = ring.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                bundle.insert(purpose.name().to_owned(), ring.to_json());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let path = folder.join(format!("{site}.keys.json"));
    replace_secret(&path, &format!("{}\n", Value::Object(bundle)))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use hemstitch::token::Keyring;

    use super::*;

    const DAY: u64 = 86_400;
    const COOKIES: KeyUse = KeyUse::Tokens(KeyPurpose::Profile);

    fn secret(byte: u8) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([byte; 32])
    }

    fn three() -> KeyringFile {
        let mut file = KeyringFile::new(COOKIES, "a".to_owned(), secret(1), UnixTime(0));
        file.rotate("b".to_owned(), secret(2), UnixTime(1_000 * DAY));
        file.rotate("c".to_owned(), secret(3), UnixTime(2_000 * DAY));
        file
    }

    fn roles(file: &KeyringFile, day: u64) -> Vec<(String, KeyRole)> {
        file.records(UnixTime(day * DAY)).into_iter().map(|record| (record.kid, record.role)).collect()
    }

    #[test]
    fn keys_take_over_from_each_other_when_their_time_has_come() {
        let older = |day| KeyRole::Older(Some(UnixTime(day * DAY + MARGIN_S)));
        let named = |roles: [KeyRole; 3]| {
            ["c", "b", "a"].map(str::to_owned).into_iter().zip(roles).collect::<Vec<_>>()
        };
        assert_eq!(roles(&three(), 999), named([KeyRole::Next, KeyRole::Next, KeyRole::Signs]));
        assert_eq!(roles(&three(), 1_000), named([KeyRole::Next, KeyRole::Signs, older(1_400)]));
        assert_eq!(roles(&three(), 2_000), named([KeyRole::Signs, older(2_400), older(1_400)]));
        let ring = Keyring::parse(three().to_json().to_string().as_bytes()).expect("edges read it");
        for (day, kid) in [(999, "a"), (1_000, "b"), (2_000, "c")] {
            assert_eq!(ring.signer(UnixTime(day * DAY)).kid(), kid);
        }
    }

    #[test]
    fn a_key_retires_when_nothing_that_it_signed_can_be_alive() {
        let retire = |kid: &str, day: u64, force| three().retire(kid, UnixTime(day * DAY), force);
        let alive = |day: u64| RetireError::Alive { until: UnixTime(day * DAY + MARGIN_S) };
        assert_eq!(retire("a", 2_001, Force::No), Ok(()));
        assert_eq!(retire("a", 1_400, Force::No), Err(alive(1_400)));
        assert_eq!(retire("b", 2_001, Force::No), Err(alive(2_400)));
        assert_eq!(retire("b", 2_001, Force::Yes), Ok(()));
        assert_eq!(retire("c", 2_001, Force::No), Err(RetireError::Signs));
        assert_eq!(retire("c", 1_999, Force::No), Err(RetireError::Signs));
        assert_eq!(retire("d", 2_001, Force::Yes), Err(RetireError::Unknown));
        let mut only = KeyringFile::new(COOKIES, "a".to_owned(), secret(1), UnixTime(0));
        assert_eq!(only.retire("a", UnixTime(9_999 * DAY), Force::Yes), Err(RetireError::Only));
    }

    #[test]
    fn what_nobody_noted_is_taken_to_be_alive() {
        let noted = format!(
            r#"{{"keys":[{{"kid":"b","secret":"{}"}},{{"kid":"a","secret":"{}"}}]}}"#,
            secret(2),
            secret(1)
        );
        let mut file = KeyringFile::parse(COOKIES, noted.as_bytes()).expect("keys");
        assert_eq!(file.retire("a", UnixTime(9_999 * DAY), Force::No), Err(RetireError::Unrecorded));
        let single = format!(r#"{{"kid":"p","ed25519_secret":"{}"}}"#, secret(4));
        let mut signing = KeyringFile::parse(KeyUse::Signing, single.as_bytes()).expect("a key");
        signing.rotate("q".to_owned(), secret(5), UnixTime(DAY));
        let refused = signing.retire("p", UnixTime(9_999 * DAY), Force::No);
        assert_eq!(refused, Err(RetireError::Pointers));
        assert!(signing.to_json()["keys"][1].get("from").is_none());
    }

    #[test]
    fn a_file_that_holds_no_keys_is_said_to_without_a_word_of_it() {
        for wrong in
            ["", "[]", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kid":"SECRET"}]}"#, r#"{"keys":"SECRET"}"#]
        {
            let error = KeyringFile::parse(COOKIES, wrong.as_bytes()).err().map(|error| error.to_string());
            assert_eq!(
                error.as_deref(),
                Some("it is not of the form that `hemstitch keys new` writes"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_bundle_holds_every_ring_but_the_signing_key() {
        let folder = tempfile::tempdir().expect("a folder");
        three().write(&COOKIES.path(folder.path(), "acme")).expect("written");
        let signing = KeyringFile::new(KeyUse::Signing, "p".to_owned(), secret(9), UnixTime(0));
        signing.write(&KeyUse::Signing.path(folder.path(), "acme")).expect("written");
        let bundle = write_bundle(folder.path(), "acme").expect("written");
        let text = std::fs::read_to_string(&bundle).expect("it is there");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert!(Keyring::parse(read["profile"].to_string().as_bytes()).is_ok());
        assert!(!text.contains(&secret(9)));
    }
}
