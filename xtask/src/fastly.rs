//! The edge for Fastly Compute, as a wasm file.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cargo::{run, workspace};
use crate::target_dir::TargetDir;

/// Where `fastly.toml` and `hemstitch demo --on fastly` expect the edge.
pub fn wasm() -> PathBuf {
    workspace().join("bin/hemstitch-fastly.wasm")
}

/// Builds the edge with its own profile and copies it to [`wasm`].
pub fn build(target_dir: &TargetDir) -> Result<()> {
    let arguments =
        ["build", "--package", "hemstitch-fastly", "--target", "wasm32-wasip1", "--profile", "edge"];
    run(&mut target_dir.cargo(arguments))?;
    let built = target_dir.file("wasm32-wasip1/edge/hemstitch-fastly.wasm");
    let wasm = wasm();
    fs::create_dir_all(wasm.with_file_name("")).context("creating bin")?;
    // A file that Viceroy has open is replaced, not written over.
    let fresh = wasm.with_extension("wasm.new");
    fs::copy(&built, &fresh).with_context(|| format!("copying {}", built.display()))?;
    fs::rename(&fresh, &wasm).with_context(|| format!("replacing {}", wasm.display()))
}
