//! What the people who keep the folder say of its files, in `site.json`.
//!
//! ```json
//! { "files": { "articles/*": { "headers": { "cache-control": "public, max-age=600" } }, "about.html": { "esi": false } } }
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;

use crate::folder::{Folder, SETTINGS_FILE};

/// Headers that say how the body travels, and are not the folder's to set.
const FRAMING: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONTENT_ENCODING];

/// Settings of the folder's files. A key is a path in the folder, in which `*` at the end stands for the rest; of
/// several that match, a longer one wins.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Shorter patterns first.
    patterns: Vec<(String, FileSettings)>,
}

/// What holds for one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSettings {
    /// Headers of its answers, in place of the usual ones.
    pub headers: HeaderMap,
    /// Whether its ESI is processed; where nothing is said, it is if the page holds any.
    pub esi: Option<bool>,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is there and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not of the form above.
    #[error("{} is not of the documented form", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong.
        source: serde_json::Error,
    },
    /// A header cannot be sent, or is not the folder's to set.
    #[error("{}: the header `{name}: {value}` of `{file}` cannot be set", path.display())]
    Header {
        /// The settings file.
        path: PathBuf,
        /// The file it is set for.
        file: String,
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    files: BTreeMap<String, WrittenFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    esi: Option<bool>,
}

impl Settings {
    /// The settings of a folder; none where it has no `site.json`.
    pub fn read(folder: &Folder) -> Result<Settings, SettingsError> {
        let path = folder.path().join(SETTINGS_FILE);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
            Err(source) => return Err(SettingsError::Unreadable { path, source }),
            Ok(text) => text,
        };
        let written: Written = serde_json::from_slice(&text)
            .map_err(|source| SettingsError::Json { path: path.clone(), source })?;
        let mut patterns = Vec::new();
        for (file, written) in written.files {
            let mut settings = FileSettings { headers: HeaderMap::new(), esi: written.esi };
            for (name, value) in written.headers {
                let Some((name, value)) = readable(&name, &value) else {
                    return Err(SettingsError::Header { path, file, name, value });
                };
                settings.headers.insert(name, value);
            }
            patterns.push((file, settings));
        }
        patterns.sort_by_key(|(pattern, _)| pattern.len());
        Ok(Settings { patterns })
    }

    /// What holds for the file of this name in the folder.
    pub fn of(&self, name: &str) -> FileSettings {
        let mut all = FileSettings::default();
        for (_, settings) in self.patterns.iter().filter(|(pattern, _)| matches(pattern, name)) {
            for (name, value) in &settings.headers {
                all.headers.insert(name, value.clone());
            }
            all.esi = settings.esi.or(all.esi);
        }
        all
    }
}

fn readable(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !FRAMING.contains(name))?;
    Some((name, HeaderValue::from_str(value).ok()?))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(SETTINGS_FILE), json).unwrap();
        Settings::read(&Folder::open(folder.path()).unwrap())
    }

    #[test]
    fn of_several_patterns_the_longer_wins() {
        let settings = read(
            r#"{"files":{
                "*":{"headers":{"x-a":"all","x-b":"all"}},
                "blog/*":{"headers":{"X-A":"blog"},"esi":true},
                "blog/one.html":{"esi":false}}}"#,
        )
        .unwrap();
        for (name, a, esi) in [
            ("index.html", "all", None),
            ("blog/two.html", "blog", Some(true)),
            ("blog/one.html", "blog", Some(false)),
        ] {
            let found = settings.of(name);
            assert_eq!(found.headers.get("x-a").unwrap(), a, "{name}");
            assert_eq!(found.headers.get("x-b").unwrap(), "all", "{name}");
            assert_eq!(found.esi, esi, "{name}");
        }
    }

    #[test]
    fn settings_that_cannot_be_used_are_refused() {
        for json in [
            "",
            "7",
            r#"{"pages":{}}"#,
            r#"{"files":{"a":{"header":{}}}}"#,
            r#"{"files":{"a":{"headers":{"content-length":"1"}}}}"#,
            r#"{"files":{"a":{"headers":{"x y":"1"}}}}"#,
            r#"{"files":{"a":{"headers":{"x":"1\n2"}}}}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_folder_without_settings_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::read(&Folder::open(folder.path()).unwrap()).unwrap();
        assert_eq!(settings.of("index.html"), FileSettings::default());
    }
}
