//! The folder for tools and build output that outlive a clone.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// `$HEMSTITCH_CACHE`, else `$XDG_CACHE_HOME/hemstitch`, else `~/.cache/hemstitch`. Not created.
///
/// Errs when none of the three variables (the last being `HOME`) is set.
pub fn folder() -> Result<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("HEMSTITCH_CACHE") {
        return std::path::absolute(&folder).context("HEMSTITCH_CACHE");
    }
    if let Some(folder) = variable("XDG_CACHE_HOME") {
        return Ok(folder.join("hemstitch"));
    }
    match variable("HOME") {
        Some(home) => Ok(home.join(".cache/hemstitch")),
        None => bail!("set HEMSTITCH_CACHE to a folder for tools: HOME is not set"),
    }
}

/// A lock that lasts as long as the value, held across processes.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else holds `path`, and says so when it has to.
    pub fn wait(path: &Path) -> Result<Lock> {
        if let Some(lock) = Lock::try_take(path)? {
            return Ok(lock);
        }
        println!("waiting for another run that holds {}", path.display());
        let file = open(path)?;
        file.lock().with_context(|| format!("locking {}", path.display()))?;
        Ok(Lock { _file: file })
    }

    /// `None` when somebody else holds `path`.
    pub fn try_take(path: &Path) -> Result<Option<Lock>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }
}

fn open(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    }
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_free_again_after_its_drop() {
        let path = env::temp_dir().join(format!("hemstitch-lock-{}", std::process::id()));
        let held = Lock::try_take(&path).unwrap();
        assert!(held.is_some());
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::try_take(&path).unwrap().is_some());
        fs::remove_file(&path).unwrap();
    }
}
