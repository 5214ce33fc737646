//! The core for browsers: a wasm file, and the module of JavaScript that wasm-bindgen writes for it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::cargo::{run, workspace};
use crate::target_dir::TargetDir;

const NAME: &str = "hemstitch_browser";

/// Where pages and the tests expect it.
pub fn folder() -> PathBuf {
    workspace().join("bin/browser")
}

/// Builds it with the profile of what wasm-bindgen reads, and puts it into [`folder`].
pub fn build(target_dir: &TargetDir) -> Result<()> {
    const ARGUMENTS: [&str; 7] = [
        "build",
        "--package",
        "hemstitch-browser",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "edge",
    ];
    run(&mut target_dir.cargo(ARGUMENTS))?;
    let built = target_dir.file(&format!("wasm32-unknown-unknown/edge/{NAME}.wasm"));
    let folder = folder();
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&built).out_name(NAME).typescript(false).omit_default_module_path(false);
    bindgen.web(true)?.generate(&folder).with_context(|| format!("binding {}", built.display()))
}
