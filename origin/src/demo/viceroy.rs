//! Where Viceroy and the wasm for it are.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::tools;

/// Where `cargo xtask setup` installs Viceroy, below its folder for tools.
const INSTALLED: &str = "tools/viceroy-0.22.0/bin/viceroy";
/// Where `cargo xtask build fastly` puts the edge, from the folder of the workspace.
pub const BUILT: &str = "bin/hemstitch-fastly.wasm";

/// Viceroy: `HEMSTITCH_VICEROY`, or in `PATH`, or where the set-up installs it.
pub fn program() -> Result<PathBuf> {
    tools::program("HEMSTITCH_VICEROY", "viceroy", INSTALLED, "Viceroy, Fastly's local runtime")
}

/// The edge for Fastly: `HEMSTITCH_FASTLY_WASM`, or where it is built to.
pub fn wasm() -> Result<PathBuf> {
    let wasm = tools::given("HEMSTITCH_FASTLY_WASM").unwrap_or_else(|| Path::new(BUILT).to_owned());
    if wasm.is_file() {
        return Ok(std::path::absolute(&wasm)?);
    }
    Err(anyhow!(
        "{} is missing: the edge for Fastly\n  hint: run `cargo xtask build fastly`, from the folder of the workspace",
        wasm.display()
    ))
}
