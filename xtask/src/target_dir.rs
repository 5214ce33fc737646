//! Which folder the builds of one run share.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::cache::{self, Lock};
use crate::cargo::{cargo, default_target_dir, in_ci, set, workspace};

/// The folder for the output of every cargo that a run starts, held until the value is dropped.
#[derive(Debug)]
pub struct TargetDir {
    path: PathBuf,
    _lock: Option<Lock>,
}

impl TargetDir {
    /// In CI, where every run is a fresh clone, a folder of the cache, so that the second run is quick;
    /// the clone's own when another run holds that one. `CARGO_TARGET_DIR` wins over both.
    pub fn choose() -> Result<TargetDir> {
        if !in_ci() || set("CARGO_TARGET_DIR") {
            return Ok(TargetDir { path: default_target_dir(), _lock: None });
        }
        let shared = cache::folder()?.join("target");
        match Lock::try_take(&shared.with_extension("lock"))? {
            Some(lock) => {
                println!("build output goes to {}", shared.display());
                outdate(&shared, workspace())?;
                Ok(TargetDir { path: shared, _lock: Some(lock) })
            }
            None => {
                println!("another run builds in {}: this one builds in the clone", shared.display());
                Ok(TargetDir { path: default_target_dir(), _lock: None })
            }
        }
    }

    /// A cargo command whose output goes here.
    pub fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = cargo(arguments);
        command.env("CARGO_TARGET_DIR", &self.path);
        command
    }

    /// A file of the output, by its path inside of the folder.
    pub fn file(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }
}

/// Cargo trusts modification times: what another clone built last would pass for a build of this one, were this one's
/// files older. So they are made new, unless this clone was the last to build here.
fn outdate(shared: &Path, clone: &Path) -> Result<()> {
    let stamp = shared.with_extension("clone");
    let name = clone.as_os_str().as_encoded_bytes();
    if fs::read(&stamp).is_ok_and(|last| last == name) {
        return Ok(());
    }
    touch(clone, SystemTime::now())?;
    fs::write(&stamp, name).with_context(|| format!("writing {}", stamp.display()))
}

fn touch(folder: &Path, time: SystemTime) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let is_output = path.ends_with("target") || path.ends_with("bin") && folder == workspace();
        if kind.is_dir() && !is_output && !path.ends_with(".git") {
            touch(&path, time)?;
        } else if kind.is_file() {
            let touched = File::options().append(true).open(&path).and_then(|file| file.set_modified(time));
            touched.with_context(|| format!("touching {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::time::Duration;

    use super::*;

    #[test]
    fn files_of_another_clone_are_made_new_and_those_of_the_same_are_left() {
        let folder = env::temp_dir().join(format!("hemstitch-outdate-{}", std::process::id()));
        let (shared, clone) = (folder.join("target"), folder.join("clone"));
        let file = clone.join("src/lib.rs");
        fs::create_dir_all(file.with_file_name("")).unwrap();
        fs::write(&file, "").unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let age = || File::options().append(true).open(&file).unwrap().set_modified(old).unwrap();
        let is_old = || fs::metadata(&file).unwrap().modified().unwrap() == old;
        age();
        outdate(&shared, &clone).unwrap();
        assert!(!is_old());
        age();
        outdate(&shared, &clone).unwrap();
        assert!(is_old());
        outdate(&shared, &folder.join("clone/src")).unwrap();
        assert!(!is_old());
        fs::remove_dir_all(&folder).unwrap();
    }
}
