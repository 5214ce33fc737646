//! A folder in which each key is a file: what the native edge reads, and what a local store of Viceroy can name.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::StoreError;
use crate::drafts;
use crate::write_whole::write_whole;

/// A folder.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    viceroy: Option<PathBuf>,
}

impl Directory {
    /// The folder at `path`, which is created when something is written. `viceroy` is a JSON file that lists it for
    /// Viceroy, as the `file` of a KV store in its manifest; Viceroy reads it when it starts.
    pub fn new(path: PathBuf, viceroy: Option<PathBuf>) -> Directory {
        Directory { path, viceroy }
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path.join(key);
        match fs::read(&path) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::File { path, source }),
        }
    }

    pub(super) fn put_draft(&self, key: &str, pack: &[u8]) -> Result<(), StoreError> {
        self.put(key, pack)?;
        match self.path.join(key).parent() {
            Some(folder) => drafts::remove_old(folder, SystemTime::now())
                .map_err(|source| StoreError::File { path: folder.to_owned(), source }),
            None => Ok(()),
        }
    }

    pub(super) fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(key);
        write_whole(&path, value).map_err(|source| StoreError::File { path: path.clone(), source })?;
        let Some(list) = &self.viceroy else { return Ok(()) };
        let failed = |source: io::Error| StoreError::File { path: list.clone(), source };
        let mut listed: Map<String, Value> = match fs::read(list) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(failed(error)),
        };
        let path = path.canonicalize().map_err(failed)?;
        listed.insert(key.to_owned(), json!({ "file": path }));
        write_whole(list, format!("{:#}\n", Value::Object(listed)).as_bytes()).map_err(failed)
    }
}
