//! The keyrings of a site, in files that are read again when they change: so keys rotate without a restart.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hemstitch::token::{Keyring, KeyringError};
use hemstitch::visit::{KeyPurpose, Keys};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::journal;

/// Why the edge does not start with the keys it was given.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file is there and cannot be read.
    #[error("{path}: {error}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file holds no keyring.
    #[error("{path}: {error}", path = path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: KeyringError,
    },
    /// A file that was there is not any more.
    #[error("{path}: is not there any more", path = path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
}

/// How often it is looked whether a file has changed.
const LOOK: Duration = Duration::from_secs(1);
/// Largest keyring that is read, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// The keys of a site, as of the last look.
#[derive(Clone, Debug)]
pub struct KeyRings(watch::Receiver<Option<Arc<Keys>>>);

impl KeyRings {
    /// Keys that never change.
    pub fn fixed(keys: Option<Keys>) -> KeyRings {
        KeyRings(watch::channel(keys.map(Arc::new)).1)
    }

    /// The keys. Without a profile keyring there are none: every visitor is a new one, and no cookie is written.
    pub fn now(&self) -> Option<Arc<Keys>> {
        self.0.borrow().clone()
    }
}

/// The files behind the keys of a site. They are read again when they change, away from all requests; what cannot be read,
/// or is no keyring, leaves all keys as they were, since an edge does not take everybody for a stranger by a slip.
pub struct KeyFiles {
    folder: Option<PathBuf>,
    site: String,
    read: Texts,
    says: watch::Sender<Option<Arc<Keys>>>,
    complaint: Option<String>,
}

/// What stands in the files.
type Texts = BTreeMap<KeyPurpose, Vec<u8>>;

impl KeyFiles {
    /// Reads the files of a site for the first time, when whatever is wrong with one is a reason not to start.
    pub fn open(folder: Option<&Path>, site: &str) -> Result<(KeyFiles, KeyRings), KeysError> {
        let (says, rings) = watch::channel(None);
        let site = site.to_owned();
        let mut files =
            KeyFiles { folder: folder.map(Path::to_owned), site, read: Texts::new(), says, complaint: None };
        if let Some(folder) = folder {
            let texts = texts(folder, &files.site)?;
            files.take(texts, folder)?;
            warn_of(folder, &files.site, &files.read);
        }
        Ok((files, KeyRings(rings)))
    }

    /// Keeps looking for as long as it is polled.
    pub async fn run(mut self) {
        while let Some(folder) = self.folder.clone() {
            sleep(LOOK).await;
            let (of, site) = (folder.clone(), self.site.clone());
            let Ok(texts) = tokio::task::spawn_blocking(move || texts(&of, &site)).await else { return };
            let taken = texts.and_then(|texts| self.look(texts, &folder));
            let complaint = taken.err().map(|error| format!("{error}; the keys of before stay"));
            if let Some(complaint) = complaint.as_ref().filter(|_| complaint != self.complaint) {
                journal::warn(&format!("site {}: {complaint}", self.site));
            }
            self.complaint = complaint;
        }
    }

    fn look(&mut self, texts: Texts, folder: &Path) -> Result<(), KeysError> {
        if texts == self.read {
            return Ok(());
        }
        if let Some(purpose) = self.read.keys().find(|purpose| !texts.contains_key(purpose)) {
            return Err(KeysError::Gone { path: path_of(folder, &self.site, *purpose) });
        }
        self.take(texts, folder)
    }

    fn take(&mut self, texts: Texts, folder: &Path) -> Result<(), KeysError> {
        let mut rings = BTreeMap::new();
        for (purpose, text) in &texts {
            let unusable = |error| KeysError::Keyring { path: path_of(folder, &self.site, *purpose), error };
            rings.insert(*purpose, Keyring::parse(text).map_err(unusable)?);
        }
        self.read = texts;
        self.says.send_replace(Keys::gather(|purpose| rings.remove(&purpose)).map(Arc::new));
        Ok(())
    }
}

/// What stands in the files of a site that there are.
fn texts(folder: &Path, site: &str) -> Result<Texts, KeysError> {
    let mut texts = Texts::new();
    for purpose in KeyPurpose::ALL {
        let path = path_of(folder, site, purpose);
        match text(&path) {
            Ok(text) => drop(texts.insert(purpose, text)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(KeysError::Unreadable { path, error }),
        }
    }
    Ok(texts)
}

fn text(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::metadata(path)?;
    // A pipe would never end.
    if !file.is_file() || file.len() > MOST_BYTES {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a file, or too large a one"));
    }
    fs::read(path)
}

fn path_of(folder: &Path, site: &str, purpose: KeyPurpose) -> PathBuf {
    folder.join(format!("{site}.{}.json", purpose.name()))
}

fn warn_of(folder: &Path, site: &str, texts: &Texts) {
    for path in texts.keys().map(|purpose| path_of(folder, site, *purpose)) {
        if everybody_reads(&path) {
            journal::warn(&format!("{}: every user of this machine can read these keys", path.display()));
        }
    }
    if !texts.contains_key(&KeyPurpose::Profile) {
        let path = path_of(folder, site, KeyPurpose::Profile);
        journal::warn(&format!("site {site}: {} is missing, so every visitor is a new one", path.display()));
    }
}

#[cfg(unix)]
fn everybody_reads(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn everybody_reads(_: &Path) -> bool {
    false
}
