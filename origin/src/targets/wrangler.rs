//! The local KV of `wrangler dev`, written by wrangler itself.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::NamedTempFile;

use super::StoreError;

const NOT_FOUND: &[u8] = b"Value not found";

/// How wrangler is called, and what for.
#[derive(Clone, Debug)]
pub struct Wrangler {
    /// The program.
    pub program: PathBuf,
    /// The binding of the KV namespace in its configuration.
    pub binding: String,
    /// Its configuration, where it is not that of the folder.
    pub config: Option<PathBuf>,
    /// Its state, where it is not beside that.
    pub persist_to: Option<PathBuf>,
}

impl Wrangler {
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let output = self.run(&["get", key], &[])?;
        // It has no status of its own for this, and says so where a value would stand.
        match output.stdout.trim_ascii() == NOT_FOUND {
            true => Ok(None),
            false if output.status.success() => Ok(Some(output.stdout)),
            false => Err(self.failed(said(&output))),
        }
    }

    /// Puts a value, for so many seconds where it is not for ever.
    pub(super) fn put_for(&self, key: &str, value: &[u8], seconds: Option<u64>) -> Result<(), StoreError> {
        let file = |source| StoreError::File { path: std::env::temp_dir(), source };
        let mut held = NamedTempFile::new().map_err(file)?;
        held.write_all(value).and_then(|()| held.flush()).map_err(file)?;
        let mut more: Vec<OsString> = vec!["--path".into(), held.path().into()];
        if let Some(seconds) = seconds {
            more.extend(["--ttl".into(), seconds.to_string().into()]);
        }
        let output = self.run(&["put", key], &more)?;
        if output.status.success() { Ok(()) } else { Err(self.failed(said(&output))) }
    }

    fn run(&self, action: &[&str], more: &[OsString]) -> Result<Output, StoreError> {
        let mut command = Command::new(&self.program);
        command.args(["kv", "key"]).args(action).args(more).args(["--binding", &self.binding, "--local"]);
        if let Some(state) = &self.persist_to {
            command.arg("--persist-to").arg(state);
        }
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.env("WRANGLER_HIDE_BANNER", "true").env("NO_COLOR", "1");
        command.output().map_err(|error| self.failed(error.to_string()))
    }

    fn failed(&self, said: String) -> StoreError {
        StoreError::Program { program: self.program.display().to_string(), said }
    }
}

fn said(output: &Output) -> String {
    let text = [output.stderr.as_slice(), output.stdout.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
