//! The keyrings of a site, in files.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hemstitch::token::{Keyring, KeyringError};
use hemstitch::visit::{KeyPurpose, Keys};

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
}

/// The keys of a site. Without a profile keyring there are none: every visitor is a new one, and no cookie is written.
pub fn read(folder: &Path, site: &str) -> Result<Option<Keys>, KeysError> {
    let mut rings = BTreeMap::new();
    for purpose in KeyPurpose::ALL {
        let path = folder.join(format!("{site}.{}.json", purpose.name()));
        match keyring(&path)? {
            Some(ring) => {
                if everybody_reads(&path) {
                    let warning = "every user of this machine can read these keys";
                    journal::warn(&format!("{}: {warning}", path.display()));
                }
                rings.insert(purpose, ring);
            }
            None if purpose == KeyPurpose::Profile => {
                let warning = "is missing, so every visitor is a new one";
                journal::warn(&format!("site {site}: {} {warning}", path.display()));
            }
            None => {}
        }
    }
    Ok(Keys::gather(|purpose| rings.remove(&purpose)))
}

fn keyring(path: &Path) -> Result<Option<Keyring>, KeysError> {
    let path = path.to_owned();
    match fs::read(&path) {
        Ok(json) => match Keyring::parse(&json) {
            Ok(keyring) => Ok(Some(keyring)),
            Err(error) => Err(KeysError::Keyring { path, error }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeysError::Unreadable { path, error }),
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
