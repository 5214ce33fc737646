//! Where workerd and the Worker for it are.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::tools;

/// Where `cargo xtask setup` installs workerd, below its folder for tools.
const INSTALLED: &str = "tools/workerd-1.20261117.1/node_modules/@cloudflare/workerd-linux-64/bin/workerd";
/// Where `cargo xtask build cloudflare` puts the edge, from the folder of the workspace.
const BUILT: &str = "bin/cloudflare";

/// What a Worker is made of; the first is its entry.
pub const MODULES: [&str; 6] = [
    "worker.js",
    "tasks.js",
    "platform.js",
    "worker_state.js",
    "hemstitch_cloudflare.js",
    "hemstitch_cloudflare_bg.wasm",
];

/// workerd: `HEMSTITCH_WORKERD`, or in `PATH`, or where the set-up installs it.
pub fn program() -> Result<PathBuf> {
    tools::program("HEMSTITCH_WORKERD", "workerd", INSTALLED, "workerd, Cloudflare's runtime")
}

/// The folder of the edge for Cloudflare: `HEMSTITCH_CLOUDFLARE`, or where it is built to.
pub fn worker() -> Result<PathBuf> {
    let worker = tools::given("HEMSTITCH_CLOUDFLARE").unwrap_or_else(|| Path::new(BUILT).to_owned());
    match MODULES.iter().find(|module| !worker.join(module).is_file()) {
        None => Ok(worker),
        Some(missing) => Err(anyhow!(
            "{} is missing: of the edge for Cloudflare\n  hint: run `cargo xtask build cloudflare`, from the folder of \
             the workspace",
            worker.join(missing).display()
        )),
    }
}
