//! The edge for Fastly Compute, as a wasm file.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::binaryen::{Names, optimize};
use crate::cargo::{run, workspace};
use crate::target_dir::TargetDir;

/// Where `fastly.toml` and `hemstitch demo --on fastly` expect the edge.
pub fn wasm() -> PathBuf {
    workspace().join("bin/hemstitch-fastly.wasm")
}

const ARGUMENTS: [&str; 7] =
    ["build", "--package", "hemstitch-fastly", "--target", "wasm32-wasip1", "--profile", "edge"];

/// Builds the edge with its own profile and copies it to [`wasm`].
pub fn build(target_dir: &TargetDir) -> Result<()> {
    run(&mut target_dir.cargo(ARGUMENTS))?;
    let built = built(target_dir);
    let wasm = wasm();
    fs::create_dir_all(wasm.with_file_name("")).context("creating bin")?;
    // A file that Viceroy has open is replaced, not written over.
    let fresh = wasm.with_extension("wasm.new");
    optimize(&built, &fresh, Names::Dropped)?;
    fs::rename(&fresh, &wasm).with_context(|| format!("replacing {}", wasm.display()))
}

/// Builds the same edge, but that it notes how long each answer took.
pub fn build_timed(target_dir: &TargetDir) -> Result<PathBuf> {
    run(target_dir.cargo(ARGUMENTS).args(["--features", "timed"]))?;
    kept(target_dir, "hemstitch-fastly-timed.wasm", Names::Dropped)
}

/// Builds the same edge with the names of its functions.
pub fn build_named(target_dir: &TargetDir) -> Result<PathBuf> {
    run(&mut target_dir.cargo(ARGUMENTS))?;
    kept(target_dir, "hemstitch-fastly-named.wasm", Names::Kept)
}

fn built(target_dir: &TargetDir) -> PathBuf {
    target_dir.file("wasm32-wasip1/edge/hemstitch-fastly.wasm")
}

/// What was built, optimized under a name of its own, so that the next build leaves it.
fn kept(target_dir: &TargetDir, name: &str, names: Names) -> Result<PathBuf> {
    let kept = target_dir.file(name);
    optimize(&built(target_dir), &kept, names)?;
    Ok(kept)
}
