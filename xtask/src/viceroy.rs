//! Viceroy, Fastly's local runtime: built once from its published source and kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::cache::{self, Lock};
use crate::cargo::{cargo, run};

const VERSION: &str = "0.22.0";

/// Where the program is, or would be.
pub fn program() -> Result<PathBuf> {
    Ok(root()?.join("bin/viceroy"))
}

/// Installs Viceroy unless the cache holds one that runs. Of two at once, one builds and the other waits.
pub fn ensure() -> Result<()> {
    let program = program()?;
    if runs(&program) {
        return Ok(());
    }
    let root = root()?;
    let _lock = Lock::wait(&root.with_extension("lock"))?;
    if runs(&program) {
        return Ok(());
    }
    println!("installing Viceroy {VERSION}, Fastly's local runtime, to {}", root.display());
    println!("it is built from source: about 7 to 17 minutes on two cores, once per machine");
    let started = Instant::now();
    install(&root)?;
    if !runs(&program) {
        bail!("{} was installed but does not answer `--version` with {VERSION}", program.display());
    }
    println!("Viceroy {VERSION} installed in {} s", started.elapsed().as_secs());
    Ok(())
}

fn install(root: &Path) -> Result<()> {
    let build = root.with_extension("build");
    let outcome = run(cargo(["install", "viceroy", "--locked", "--force", "--version", VERSION])
        .arg("--root")
        .arg(root)
        .arg("--target-dir")
        .arg(&build)
        .env_remove("CARGO_TARGET_DIR"));
    if build.exists() {
        fs::remove_dir_all(&build).with_context(|| format!("removing {}", build.display()))?;
    }
    outcome
}

fn root() -> Result<PathBuf> {
    Ok(cache::folder()?.join(format!("tools/viceroy-{VERSION}")))
}

fn runs(program: &Path) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| {
        output.status.success() && String::from_utf8_lossy(&output.stdout).trim().ends_with(VERSION)
    })
}
