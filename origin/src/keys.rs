//! Keys in files: keyrings of tokens, and the key that signs pointers.
//!
//! ```text
//! <site>.profile.json, <site>.facts.json …  {"keys":[{"kid":"…","secret":"<base64url>","from":0}]}
//! <site>.signing.json                       {"keys":[{"kid":"…","ed25519_secret":"<base64url>","from":0}]}
//! ```

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hemstitch::pointer::{PointerKeyError, PointerKeys, SigningKey};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::visits::now;

/// The key that signs a site's pointers, and those that it took over from or hands over to.
pub struct SigningKeyFile {
    kid: String,
    key: SigningKey,
    /// Public halves of all keys in the file, newest first.
    public: Vec<Value>,
}

/// Why a file holds no signing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not of the form that `hemstitch keys new` writes. What it holds is not said, since it may be a secret.
    #[error("it is not of the form that `hemstitch keys new` writes")]
    Form,
    /// The secret is not 32 bytes of base64url without padding.
    #[error("`ed25519_secret` is not 32 bytes of base64url without padding")]
    Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kid: String,
    ed25519_secret: String,
    #[serde(default)]
    from: u64,
}

/// One key, as it was written before keys could be rotated, or several, newest first.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenKeys {
    Several { keys: Vec<Written> },
    One(Written),
}

impl SigningKeyFile {
    /// The key with this secret, which must come from a cryptographic random source.
    pub fn new(kid: String, secret: &[u8; 32]) -> SigningKeyFile {
        let mut file = SigningKeyFile { kid, key: SigningKey::from_bytes(secret), public: Vec::new() };
        file.public.push(file.public_json());
        file
    }

    /// Reads a file. The newest key whose time has come signs.
    pub fn parse(json: &[u8]) -> Result<SigningKeyFile, KeyFileError> {
        let written = match serde_json::from_slice(json).map_err(|_| KeyFileError::Form)? {
            WrittenKeys::Several { keys } => keys,
            WrittenKeys::One(key) => vec![key],
        };
        let now = now().0;
        let due = written.iter().position(|key| key.from <= now);
        let signs = due.unwrap_or(written.len().saturating_sub(1));
        let mut keys = Vec::with_capacity(written.len());
        for Written { kid, ed25519_secret, .. } in written {
            let secret = URL_SAFE_NO_PAD.decode(&ed25519_secret).ok();
            let secret: Option<[u8; 32]> = secret.and_then(|secret| secret.try_into().ok());
            keys.push(SigningKeyFile::new(kid, &secret.ok_or(KeyFileError::Secret)?));
        }
        let public = keys.iter().map(SigningKeyFile::public_json).collect();
        let key = keys.into_iter().nth(signs).ok_or(KeyFileError::Form)?;
        Ok(SigningKeyFile { public, ..key })
    }

    /// The public halves of all keys in the file, as `pointer_keys` in a site's configuration.
    pub fn public_keys_json(&self) -> &[Value] {
        &self.public
    }

    /// The content of the file. It holds the secret.
    pub fn to_json(&self) -> String {
        let ed25519_secret = URL_SAFE_NO_PAD.encode(self.key.to_bytes());
        json!({ "kid": self.kid, "ed25519_secret": ed25519_secret }).to_string()
    }

    /// The public half, as an entry of `pointer_keys` in a site's configuration.
    pub fn public_json(&self) -> Value {
        json!({ "kid": self.kid, "ed25519": PointerKeys::encode(&self.key) })
    }

    /// The id under which edges know it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, as what pointers are verified with.
    pub fn public_keys(&self) -> Result<PointerKeys, PointerKeyError> {
        PointerKeys::new([(self.kid(), PointerKeys::encode(&self.key).as_str())])
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }
}

impl std::fmt::Debug for SigningKeyFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKeyFile").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A keyring of one key. The secret must come from a cryptographic random source.
pub fn keyring_json(kid: &str, secret: &[u8; 32]) -> String {
    json!({ "keys": [{ "kid": kid, "secret": URL_SAFE_NO_PAD.encode(secret) }] }).to_string()
}

/// Writes a file that only its owner can read, and never over another one; creates its folder.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Writes a file that only its owner can read, whole, in place of what was there.
pub fn replace_secret(path: &Path, text: &str) -> io::Result<()> {
    // A temporary file is its owner's alone.
    let mut beside = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().sync_all()?;
    beside.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use hemstitch::time::UnixTime;
    use hemstitch::token::Keyring;

    use super::*;

    #[test]
    fn a_signing_key_is_read_as_it_was_written() {
        let key = SigningKeyFile::new("k1".to_owned(), &[7; 32]);
        let read = SigningKeyFile::parse(key.to_json().as_bytes()).unwrap();
        assert_eq!(read.public_json(), key.public_json());
        assert!(!format!("{key:?}").contains("secret"));
        let both = r#"{"keys":[
            {"kid":"k2","ed25519_secret":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk","from":99999999999},
            {"kid":"k1","ed25519_secret":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}]}"#;
        let read = SigningKeyFile::parse(both.as_bytes()).unwrap();
        assert_eq!((read.kid(), read.public_json()), ("k1", key.public_json()));
        assert_eq!(read.public_keys_json().len(), 2, "edges know a key before it signs");
        for bad in [
            "",
            "{}",
            r#"{"keys":[]}"#,
            r#"{"kid":"a","ed25519_secret":"AAAA"}"#,
            r#"{"kid":"a","ed25519_secret":"","x":1}"#,
        ] {
            assert!(SigningKeyFile::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_keyring_is_one_that_tokens_are_verified_with() {
        let keyring = Keyring::parse(keyring_json("k1", &[9; 32]).as_bytes()).unwrap();
        assert_eq!(keyring.signer(UnixTime(0)).kid(), "k1");
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_its_owners_alone_and_is_not_written_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("keys/a.json");
        write_secret(&path, "one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(write_secret(&path, "two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace_secret(&path, "two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    }
}
