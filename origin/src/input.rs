//! Input that people name on the command line.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hemstitch::kill_switch::KillSwitch;
use hemstitch::site::Site;
use hemstitch::token::Keyring;
use hemstitch::visit::{KeyPurpose, Keys};
use serde_json::json;

/// Input that cannot be used at all; the exit code is then 2.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The system does not give it.
    #[error("{} cannot be read", path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is there, and is not what it should be.
    #[error("{} cannot be used", path.display())]
    Content {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It can be read, and there are errors in it, which have been shown.
    #[error("{} cannot be used", path.display())]
    Findings {
        /// Where it is.
        path: PathBuf,
    },
}

impl Unreadable {
    /// What stands in the file at `path` is wrong.
    pub fn content(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Unreadable {
        Unreadable::Content { path: path.to_owned(), source: Box::new(source) }
    }
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    fs::read(path).map_err(|source| Unreadable::File { path: path.to_owned(), source })
}

/// A keyring in a file.
pub fn keyring(path: &Path) -> Result<Keyring, Unreadable> {
    Keyring::parse(&read(path)?).map_err(|error| Unreadable::content(path, error))
}

/// The keyrings of a site in a folder: `SITE.profile.json`, and those of other purposes if there are any.
pub fn keys(folder: &Path, site: &str) -> Result<Option<Keys>, Unreadable> {
    let mut rings = BTreeMap::new();
    for purpose in KeyPurpose::ALL {
        let path = folder.join(format!("{site}.{}.json", purpose.name()));
        if purpose == KeyPurpose::Profile || path.exists() {
            rings.insert(purpose, keyring(&path)?);
        }
    }
    Ok(Keys::gather(|purpose| rings.remove(&purpose)))
}

/// A site's configuration in a file.
pub fn site(path: &Path) -> Result<Site, Unreadable> {
    Site::parse(&read(path)?).map_err(|error| Unreadable::content(path, error))
}

/// The site of that name on this machine.
pub fn local_site(name: &str) -> Result<Site> {
    let written = json!({
        "site": name,
        "hosts": ["localhost", "127.0.0.1", "[::1]"],
        "scheme": "http",
        "origin": "http://localhost",
    });
    Site::parse(written.to_string().as_bytes()).context("the site")
}

/// The kill switch, as `--personalization` takes it.
pub fn kill_switch(text: &str) -> Result<KillSwitch, String> {
    let write = "write `on`, `off`, or `off:` and the ids of rules, such as `off:rule-a,rule-b`";
    KillSwitch::parse(text).ok_or_else(|| write.to_owned())
}

/// The name of a site, as `--site` takes it.
pub fn site_name(text: &str) -> Result<String, String> {
    let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(named) {
        return Ok(text.to_owned());
    }
    Err("write 1 to 64 of a-z, 0-9 and -".to_owned())
}
