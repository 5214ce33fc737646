//! Publishing to a KV folder: the pack first, then the pointer to it. For one publisher at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, PointerError, PointerKeys, pack_key, pointer_key};

use crate::keys::SigningKeyFile;
use crate::write_whole::write_whole;

/// How far a number that is given may be above the live one.
const MOST_AHEAD: u64 = 1_000_000;

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
    /// Numbers begin at 1.
    #[error("0 is no number of a publication; the first one is 1")]
    Zero,
    /// The number that is given would not go on from the live one, and edges would refuse it.
    #[error("number {wanted} is not higher than {live}, which is live")]
    NotHigher {
        /// The number that is given.
        wanted: u64,
        /// The number that is live.
        live: u64,
    },
    /// The number that is given is more than a million above the live one: most likely a slip.
    #[error("number {wanted} is more than {MOST_AHEAD} above {live}, which is live")]
    Leap {
        /// The number that is given.
        wanted: u64,
        /// The number that is live.
        live: u64,
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

/// Makes a pack the one that is live. The number is the next one, or the one that is given, which has to be higher than
/// the live one by at most a million. Where the live pointer is not of this key, the number that is given is taken as it is.
pub fn publish(
    pack: &[u8],
    kv: &Path,
    site: &str,
    key: &SigningKeyFile,
    sequence: Option<u64>,
) -> Result<Publication, PublishError> {
    let hash = PackHash::of(pack);
    let pointer_path = kv.join(pointer_key(site));
    let sequence = match (sequence, live_sequence(&pointer_path, site, key)) {
        (Some(0), _) => return Err(PublishError::Zero),
        (Some(wanted), Err(PublishError::ForeignPointer { .. }) | Ok(None)) => wanted,
        (Some(wanted), Ok(Some(live))) => follows(wanted, live)?,
        (None, Ok(live)) => next(live)?,
        (_, Err(error)) => return Err(error),
    };
    let pointer = Pointer::new(site.to_owned(), sequence, hash, None);
    let write = |path: PathBuf, bytes: &[u8]| {
        write_whole(&path, bytes).map_err(|source| PublishError::Kv { path, source })
    };
    write(kv.join(pack_key(site, &hash)), pack)?;
    write(pointer_path, &pointer.sign(key.key(), key.kid()))?;
    Ok(Publication { sequence, hash, bytes: pack.len() })
}

fn next(live: Option<u64>) -> Result<u64, PublishError> {
    let live = live.unwrap_or(0);
    live.checked_add(1).ok_or(PublishError::LastSequence(live))
}

fn follows(wanted: u64, live: u64) -> Result<u64, PublishError> {
    match wanted.checked_sub(live) {
        None | Some(0) => Err(PublishError::NotHigher { wanted, live }),
        Some(ahead) if ahead > MOST_AHEAD => Err(PublishError::Leap { wanted, live }),
        Some(_) => Ok(wanted),
    }
}

/// The number of the pointer that is live, if there is one.
fn live_sequence(path: &Path, site: &str, key: &SigningKeyFile) -> Result<Option<u64>, PublishError> {
    let live = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(PublishError::Kv { path: path.to_owned(), source }),
        Ok(live) => live,
    };
    let public = PointerKeys::encode(key.key());
    let keys = PointerKeys::new([(key.kid(), public.as_str())]).map_err(|_| PublishError::Key)?;
    let foreign = |source| PublishError::ForeignPointer { path: path.to_owned(), source };
    Ok(Some(Pointer::verify(&live, &keys, site).map_err(foreign)?.sequence()))
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
    fn a_number_that_is_given_goes_on_from_the_live_one() {
        let kv = tempfile::tempdir().unwrap();
        let live = || live_sequence(&kv.path().join("acme/pointer"), "acme", &key(1)).unwrap();
        assert!(matches!(publish(b"x", kv.path(), "acme", &key(1), Some(0)), Err(PublishError::Zero)));
        assert_eq!(live(), None);
        publish(b"x", kv.path(), "acme", &key(1), Some(7)).unwrap();
        for (wanted, message) in [
            (0, "0 is no number of a publication; the first one is 1"),
            (1, "number 1 is not higher than 7, which is live"),
            (7, "number 7 is not higher than 7, which is live"),
            (1_000_008, "number 1000008 is more than 1000000 above 7, which is live"),
            (u64::MAX, "number 18446744073709551615 is more than 1000000 above 7, which is live"),
        ] {
            let refused = publish(b"y", kv.path(), "acme", &key(1), Some(wanted)).unwrap_err();
            assert_eq!(refused.to_string(), message);
            assert_eq!(live(), Some(7));
        }
        for wanted in [8, 1_000_008] {
            assert_eq!(publish(b"y", kv.path(), "acme", &key(1), Some(wanted)).unwrap().sequence, wanted);
        }
        assert_eq!(publish(b"y", kv.path(), "acme", &key(2), Some(3)).unwrap().sequence, 3);
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
