//! The edge for Cloudflare Workers: a wasm file, the glue that wasm-bindgen writes for it, and the shim that is ours.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::binaryen::{Names, optimize};
use crate::cargo::{run, workspace};
use crate::target_dir::TargetDir;

const NAME: &str = "hemstitch_cloudflare";
/// The entry of the Worker and the modules that it needs, in `edge/cloudflare`.
const SHIM: [&str; 3] = ["worker.js", "tasks.js", "platform.js"];

/// What the crate `worker` has of JavaScript.
const SNIPPET: &str = "worker_state.js";

/// Where `wrangler.toml` and the tests expect the Worker.
pub fn folder() -> PathBuf {
    workspace().join("bin/cloudflare")
}

/// The wasm of the Worker.
pub fn wasm() -> PathBuf {
    folder().join(format!("{NAME}_bg.wasm"))
}

/// The same as cargo builds it, with the names of its functions, which the glue is made by.
pub fn built(target_dir: &TargetDir) -> PathBuf {
    target_dir.file(&format!("wasm32-unknown-unknown/edge/{NAME}.wasm"))
}

/// Where the tests expect the same Worker, but that a request can ask it to panic.
pub fn panicking_folder() -> PathBuf {
    workspace().join("bin/cloudflare-panicking")
}

/// Builds the edge with its own profile and puts it into [`folder`].
pub fn build(target_dir: &TargetDir) -> Result<()> {
    assemble(target_dir, &[], &folder())
}

/// Builds the edge that can be made to panic and puts it into [`panicking_folder`].
pub fn build_panicking(target_dir: &TargetDir) -> Result<()> {
    assemble(target_dir, &["--features", "forced-panic"], &panicking_folder())
}

fn assemble(target_dir: &TargetDir, features: &[&str], folder: &Path) -> Result<()> {
    const ARGUMENTS: [&str; 7] = [
        "build",
        "--package",
        "hemstitch-cloudflare",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "edge",
    ];
    run(target_dir.cargo(ARGUMENTS).args(features))?;
    let built = built(target_dir);
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&built).out_name(NAME).typescript(false).reset_state_function(true);
    bindgen.module(true)?.generate(folder).with_context(|| format!("binding {}", built.display()))?;
    let wasm = folder.join(format!("{NAME}_bg.wasm"));
    let bound = wasm.with_extension("wasm.bound");
    fs::rename(&wasm, &bound).with_context(|| format!("renaming {}", wasm.display()))?;
    optimize(&bound, &wasm, Names::Dropped)?;
    fs::remove_file(&bound).with_context(|| format!("removing {}", bound.display()))?;
    let glue = folder.join(format!("{NAME}.js"));
    let text = fs::read_to_string(&glue).with_context(|| format!("reading {}", glue.display()))?;
    let (snippet, text) = beside_the_glue(folder, &text)?;
    // The platform imports wasm as a module without the keyword of the proposal.
    fs::write(&glue, text.replace("import source ", "import ")).context("writing the glue")?;
    fs::rename(snippet, folder.join(SNIPPET)).context("moving the snippet of the crate worker")?;
    fs::remove_dir_all(folder.join("snippets")).context("removing the folder of snippets")?;
    for file in SHIM {
        let from = workspace().join("edge/cloudflare").join(file);
        fs::copy(&from, folder.join(file)).with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(())
}

/// The one file of JavaScript that a crate brought, and the glue with that file named as what it will be. Its own path
/// has a hash in it, which a manifest could not name.
fn beside_the_glue(folder: &Path, glue: &str) -> Result<(PathBuf, String)> {
    const MARK: &str = "from './snippets/";
    let (_, rest) = glue.split_once(MARK).context("the glue imports no snippet")?;
    let (path, after) = rest.split_once('\'').context("the glue ends in a path")?;
    if after.contains(MARK) {
        bail!("the glue imports more than one snippet");
    }
    let glue = glue.replace(&format!("{MARK}{path}'"), &format!("from './{SNIPPET}'"));
    Ok((folder.join("snippets").join(path), glue))
}
