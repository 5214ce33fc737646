//! Publishing to a KV folder: the pack first, then the pointer to it. For one publisher at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, PointerError, PointerKeys, pack_key, pointer_key};

use crate::keys::SigningKeyFile;
use crate::write_whole::write_whole;

/// What was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Its number.
    pub sequence: u64,
    /// The hash of its pack.
    pub hash: PackHash,
    /// The length of its pack, in bytes.
    pub bytes: usize,
}

/// Why nothing was published. What was live before is still live.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The pointer that is live is none that this key signed, so its number cannot be relied on.
    #[error("the pointer that is live ({}) is not one of this site and key", path.display())]
    ForeignPointer {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: PointerError,
    },
    /// There is no number left.
    #[error("publication {0} was the last one that has a number")]
    LastSequence(u64),
    /// A file of the KV cannot be read or written.
    #[error("{}", path.display())]
    Kv {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The public half of the key is none.
    #[error("the signing key cannot be used")]
    Key,
}

/// Makes a pack the one that is live. The number is the next one, or the one that is given.
pub fn publish(
    pack: &[u8],
    kv: &Path,
    site: &str,
    key: &SigningKeyFile,
    sequence: Option<u64>,
) -> Result<Publication, PublishError> {
    let hash = PackHash::of(pack);
    let pointer_path = kv.join(pointer_key(site));
    let sequence = match sequence {
        Some(sequence) => sequence,
        None => next_sequence(&pointer_path, site, key)?,
    };
    let pointer = Pointer::new(site.to_owned(), sequence, hash, None);
    let write = |path: PathBuf, bytes: &[u8]| {
        write_whole(&path, bytes).map_err(|source| PublishError::Kv { path, source })
    };
    write(kv.join(pack_key(site, &hash)), pack)?;
    write(pointer_path, &pointer.sign(key.key(), key.kid()))?;
    Ok(Publication { sequence, hash, bytes: pack.len() })
}

/// One more than the pointer that is live.
fn next_sequence(path: &Path, site: &str, key: &SigningKeyFile) -> Result<u64, PublishError> {
    let live = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(1),
        Err(source) => return Err(PublishError::Kv { path: path.to_owned(), source }),
        Ok(live) => live,
    };
    let public = PointerKeys::encode(key.key());
    let keys = PointerKeys::new([(key.kid(), public.as_str())]).map_err(|_| PublishError::Key)?;
    let foreign = |source| PublishError::ForeignPointer { path: path.to_owned(), source };
    let live = Pointer::verify(&live, &keys, site).map_err(foreign)?.sequence();
    live.checked_add(1).ok_or(PublishError::LastSequence(live))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKeyFile {
        SigningKeyFile::new("p1".to_owned(), &[seed; 32])
    }

    #[test]
    fn publications_are_numbered_and_their_packs_lie_where_the_pointer_says() {
        let kv = tempfile::tempdir().unwrap();
        for sequence in 1..=3 {
            let pack = format!("pack {sequence}");
            let published = publish(pack.as_bytes(), kv.path(), "acme", &key(1), None).unwrap();
            assert_eq!(published.sequence, sequence);
            let lies = fs::read(kv.path().join(format!("acme/pack/{}", published.hash))).unwrap();
            assert_eq!(lies, pack.as_bytes());
        }
        assert_eq!(publish(b"x", kv.path(), "acme", &key(1), Some(9)).unwrap().sequence, 9);
        assert_eq!(publish(b"x", kv.path(), "other", &key(1), None).unwrap().sequence, 1);
    }

    #[test]
    fn a_pointer_of_another_key_is_not_numbered_on() {
        let kv = tempfile::tempdir().unwrap();
        publish(b"x", kv.path(), "acme", &key(1), None).unwrap();
        let refused = publish(b"y", kv.path(), "acme", &key(2), None);
        assert!(matches!(refused, Err(PublishError::ForeignPointer { .. })));
        fs::write(kv.path().join("acme/pointer"), "half a poin").unwrap();
        let refused = publish(b"y", kv.path(), "acme", &key(1), None);
        assert!(matches!(refused, Err(PublishError::ForeignPointer { .. })));
    }
}
