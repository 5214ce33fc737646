//! Where the set-up puts the local runtimes.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, anyhow};

/// A program: named by a variable, or in `PATH`, or where the set-up installs it below its folder for tools.
pub fn program(variable: &str, name: &str, installed: &str, about: &str) -> Result<PathBuf> {
    if let Some(given) = given(variable) {
        return match given.is_file() {
            true => Ok(given),
            false => Err(anyhow!("{variable} names {}, which is no file", given.display())),
        };
    }
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join(&name));
    let installed = folder().map(|folder| folder.join(installed));
    in_path.chain(installed).find(|candidate| candidate.is_file()).ok_or_else(|| {
        anyhow!(
            "{about}, is not installed\n  hint: run `cargo xtask setup`, which installs it once per machine, or name \
             it in {variable}"
        )
    })
}

/// What a variable names, unless it is empty.
pub fn given(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from)
}

fn folder() -> Option<PathBuf> {
    given("HEMSTITCH_CACHE")
        .or_else(|| Some(given("XDG_CACHE_HOME")?.join("hemstitch")))
        .or_else(|| Some(given("HOME")?.join(".cache/hemstitch")))
}
