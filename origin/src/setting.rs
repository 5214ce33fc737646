//! The kill switch where a platform has it: a setting of its own, which needs no KV.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use hemstitch::kill_switch::KillSwitch;
use serde_json::{Map, Value};

use crate::targets::{ConfigItem, MAX_CONFIG_VALUE, RemoteError, WorkerError, WorkerVariable};
use crate::write_whole::write_whole;

/// Where a kill switch is.
#[derive(Debug)]
pub enum Setting {
    /// The file that the native edge looks at.
    File(PathBuf),
    /// An item of a config store in a JSON file, as Viceroy has it.
    ConfigStoreFile {
        /// The file.
        path: PathBuf,
        /// The item.
        key: String,
    },
    /// An item of a config store of Fastly.
    FastlyItem(ConfigItem),
    /// A variable of a Worker.
    WorkerVariable(WorkerVariable),
}

/// Why a kill switch was not turned.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The config store is no JSON object.
    #[error("it is no JSON object")]
    Form,
    /// What is set is nothing that an edge understands, so it is not known what else is off.
    #[error("{0:?} is no setting; turn everything on or off first")]
    Unknown(String),
    /// The list is longer than the platform takes.
    #[error(
        "the list has {0} characters, and the platform takes {MAX_CONFIG_VALUE}; turn everything off instead"
    )]
    TooLong(usize),
    /// A server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A Worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

impl Setting {
    /// What is set; a setting that is missing says `on`.
    pub fn read(&self) -> Result<KillSwitch, SettingError> {
        let text = match self {
            Setting::File(path) => text(path)?,
            Setting::ConfigStoreFile { path, key } => {
                store(path)?.get(key).map(|item| item.as_str().unwrap_or_default().to_owned())
            }
            Setting::FastlyItem(item) => item.read()?,
            Setting::WorkerVariable(variable) => variable.read()?,
        };
        let Some(text) = text else { return Ok(KillSwitch::On) };
        KillSwitch::parse(&text).ok_or_else(|| SettingError::Unknown(text.chars().take(100).collect()))
    }

    /// Sets it. Nobody ever reads half of it.
    pub fn write(&self, switch: &KillSwitch) -> Result<(), SettingError> {
        match self {
            Setting::File(path) => Ok(write_whole(path, format!("{switch}\n").as_bytes())?),
            Setting::ConfigStoreFile { path, key } => {
                let mut items = store(path)?;
                items.insert(key.clone(), switch.to_string().into());
                Ok(write_whole(path, format!("{:#}\n", Value::Object(items)).as_bytes())?)
            }
            Setting::FastlyItem(item) => {
                let value = switch.to_string();
                match value.chars().count() {
                    length if length > MAX_CONFIG_VALUE => Err(SettingError::TooLong(length)),
                    _ => Ok(item.write(&value)?),
                }
            }
            Setting::WorkerVariable(variable) => Ok(variable.write(&switch.to_string())?),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::File(path) => write!(f, "{}", path.display()),
            Setting::ConfigStoreFile { path, key } => write!(f, "{key} in {}", path.display()),
            Setting::FastlyItem(item) => write!(f, "{} in Fastly's config store", item.key()),
            Setting::WorkerVariable(variable) => write!(f, "{} of the Worker", variable.name()),
        }
    }
}

fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A store that is not there is not made: nobody would read it.
fn store(path: &Path) -> Result<Map<String, Value>, SettingError> {
    serde_json::from_str(&fs::read_to_string(path)?).map_err(|_| SettingError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_again_and_the_rest_of_a_store_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("config.json");
        fs::write(&store, r#"{"host.a.test": "{}", "personalization": "off:a"}"#).expect("written");
        let of = |key: &str| Setting::ConfigStoreFile { path: store.clone(), key: key.to_owned() };
        let file = Setting::File(folder.path().join("personalization"));
        assert_eq!(file.read().expect("none is on"), KillSwitch::On);
        for setting in [file, of("personalization"), of("personalization.acme")] {
            let switch = setting.read().expect("a setting").turn_off("experiment.x");
            setting.write(&switch).expect("written");
            assert_eq!(setting.read().expect("a setting"), switch);
        }
        let items = super::store(&store).expect("a store");
        assert_eq!(items["personalization"], "off:a,experiment.x");
        assert_eq!(items["host.a.test"], "{}");
    }

    #[test]
    fn what_nobody_understands_is_not_built_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("personalization");
        fs::write(&path, "offf").expect("written");
        assert!(
            matches!(Setting::File(path.clone()).read(), Err(SettingError::Unknown(text)) if text == "offf")
        );
        let store = Setting::ConfigStoreFile { path, key: "personalization".to_owned() };
        assert!(matches!(store.write(&KillSwitch::Off), Err(SettingError::Form)));
    }
}
