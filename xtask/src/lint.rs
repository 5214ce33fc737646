//! Format and lints, with warnings as errors.

use anyhow::Result;

use crate::cargo::{cargo, run};
use crate::target_dir::TargetDir;

/// Errs when a file is not as rustfmt would write it.
pub fn format() -> Result<()> {
    run(&mut cargo(["fmt", "--all", "--check"]))
}

/// Lints of everything that runs natively, tests included. The benchmark is without the host that counts instructions,
/// which takes minutes to build.
pub fn native(target_dir: &TargetDir) -> Result<()> {
    let mut clippy = target_dir.cargo(["clippy", "--workspace"]);
    for package in ["hemstitch-fastly", "hemstitch-fastly-calls", "hemstitch-cloudflare", "hemstitch-browser"]
    {
        clippy.args(["--exclude", package]);
    }
    run(clippy.args(["--all-targets", "--", "--deny", "warnings"]))
}

/// Lints of the Fastly edge, for its own target.
pub fn fastly(target_dir: &TargetDir) -> Result<()> {
    let packages = ["--package", "hemstitch-fastly", "--package", "hemstitch-fastly-calls"];
    let clippy = ["clippy", "--target", "wasm32-wasip1"];
    run(target_dir.cargo(clippy).args(packages).args(["--", "--deny", "warnings"]))
}

/// Lints of the Cloudflare edge, for its own target.
pub fn cloudflare(target_dir: &TargetDir) -> Result<()> {
    let scope = ["clippy", "--package", "hemstitch-cloudflare", "--target", "wasm32-unknown-unknown"];
    run(target_dir.cargo(scope).args(["--", "--deny", "warnings"]))
}

/// Lints of the core for browsers, for its own target.
pub fn browser(target_dir: &TargetDir) -> Result<()> {
    let scope = ["clippy", "--package", "hemstitch-browser", "--target", "wasm32-unknown-unknown"];
    run(target_dir.cargo(scope).args(["--", "--deny", "warnings"]))
}
