//! The program `rules-lines` as wasm, for the tests alone.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cargo::{run, workspace};
use crate::target_dir::TargetDir;

/// Where the tests expect it.
pub fn wasm() -> PathBuf {
    workspace().join("bin/rules-lines.wasm")
}

/// Builds it with the profile of the Fastly edge and copies it to [`wasm`].
pub fn build(target_dir: &TargetDir) -> Result<()> {
    let package = ["build", "--package", "e2e", "--bin", "rules-lines"];
    run(target_dir.cargo(package).args(["--target", "wasm32-wasip1", "--profile", "edge"]))?;
    let built = target_dir.file("wasm32-wasip1/edge/rules-lines.wasm");
    let wasm = wasm();
    fs::create_dir_all(wasm.with_file_name("")).context("creating bin")?;
    fs::copy(&built, &wasm).with_context(|| format!("copying {}", built.display()))?;
    Ok(())
}
