//! Where Viceroy and the wasm for it are.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

/// Where `cargo xtask setup` installs Viceroy, below its folder for tools.
const INSTALLED: &str = "tools/viceroy-0.22.0/bin/viceroy";
/// Where `cargo xtask build fastly` puts the edge, from the folder of the workspace.
pub const BUILT: &str = "bin/hemstitch-fastly.wasm";

/// Viceroy: `HEMSTITCH_VICEROY`, or in `PATH`, or where the set-up installs it.
pub fn program() -> Result<PathBuf> {
    if let Some(given) = given("HEMSTITCH_VICEROY") {
        return match given.is_file() {
            true => Ok(given),
            false => Err(anyhow!("HEMSTITCH_VICEROY names {}, which is no file", given.display())),
        };
    }
    let name = format!("viceroy{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join(&name));
    let installed = tools().map(|tools| tools.join(INSTALLED));
    in_path.chain(installed).find(|candidate| candidate.is_file()).ok_or_else(|| {
        anyhow!(
            "Viceroy, Fastly's local runtime, is not installed\n  hint: run `cargo xtask setup`, which installs it \
             once per machine, or name it in HEMSTITCH_VICEROY"
        )
    })
}

/// The edge for Fastly: `HEMSTITCH_FASTLY_WASM`, or where it is built to.
pub fn wasm() -> Result<PathBuf> {
    let wasm = given("HEMSTITCH_FASTLY_WASM").unwrap_or_else(|| Path::new(BUILT).to_owned());
    if wasm.is_file() {
        return Ok(std::path::absolute(&wasm)?);
    }
    Err(anyhow!(
        "{} is missing: the edge for Fastly\n  hint: run `cargo xtask build fastly`, from the folder of the workspace",
        wasm.display()
    ))
}

fn tools() -> Option<PathBuf> {
    given("HEMSTITCH_CACHE")
        .or_else(|| Some(given("XDG_CACHE_HOME")?.join("hemstitch")))
        .or_else(|| Some(given("HOME")?.join(".cache/hemstitch")))
}

fn given(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from)
}
