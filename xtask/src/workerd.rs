//! workerd, Cloudflare's runtime: installed once from its published package and kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::{self, Lock};
use crate::cargo::run;

const VERSION: &str = "1.20261117.1";
const PACKAGE: &str = "@cloudflare/workerd-linux-64";

/// Where the program is, or would be.
pub fn program() -> Result<PathBuf> {
    Ok(root()?.join("node_modules").join(PACKAGE).join("bin/workerd"))
}

/// Installs workerd unless the cache holds one that runs.
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
    println!("installing workerd {VERSION}, Cloudflare's runtime, to {} (seconds)", root.display());
    fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&root);
    run(npm.arg(format!("{PACKAGE}@{VERSION}")))?;
    if !runs(&program) {
        bail!("{} was installed but does not run", program.display());
    }
    Ok(())
}

fn root() -> Result<PathBuf> {
    Ok(cache::folder()?.join(format!("tools/workerd-{VERSION}")))
}

fn runs(program: &Path) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
