//! Chromium and its driver, from Debian, and the checker of accessible pages that runs inside of it.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::cache::{self, Lock};
use crate::cargo::{in_ci, run};
use crate::npm::{Package, Proof};

/// The checker, as the tests expect it.
pub const AXE: Package = Package {
    name: "axe-core",
    about: "a checker of accessible pages",
    package: "axe-core",
    version: "4.14.1",
    file: "axe-core/axe.min.js",
    proof: Proof::Exists,
};

const PROGRAMS: [&str; 2] = ["chromium", "chromedriver"];
/// With the fonts that the screenshots are made with.
const PACKAGES: [&str; 3] = ["chromium", "chromium-driver", "fonts-liberation"];

/// Installs the browser unless it is there. Where it cannot be installed, this errs in CI alone; elsewhere the tests in
/// a browser are skipped.
pub fn ensure() -> Result<()> {
    if !missing() {
        return Ok(());
    }
    let _lock = Lock::wait(&cache::folder()?.join("tools/chromium.lock"))?;
    if !missing() {
        return Ok(());
    }
    match installable() {
        Ok(()) => install(),
        Err(why) if in_ci() => bail!("{} are missing, and {why}", PROGRAMS.join(" and ")),
        Err(why) => {
            println!("{} are missing, and {why}: tests in a browser are skipped", PROGRAMS.join(" and "));
            Ok(())
        }
    }
}

fn install() -> Result<()> {
    println!("installing {} by apt-get (about 20 seconds)", PACKAGES.join(", "));
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        command
    };
    run(apt_get().arg("update"))?;
    run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(PACKAGES))?;
    if missing() {
        bail!("{} were installed but are not on the PATH", PROGRAMS.join(" and "));
    }
    Ok(())
}

/// Why `apt-get` cannot be used here.
fn installable() -> Result<(), String> {
    let by_hand = format!("install the packages {} by hand", PACKAGES.join(", "));
    if on_path("apt-get").is_none() {
        return Err(format!("there is no apt-get; {by_hand}, or what this system calls them"));
    }
    let user = Command::new("id").arg("--user").output().ok();
    if user.is_none_or(|Output { stdout, .. }| stdout.trim_ascii() != b"0") {
        return Err(format!("only root may install: sudo apt-get install {}", PACKAGES.join(" ")));
    }
    Ok(())
}

fn missing() -> bool {
    PROGRAMS.iter().any(|program| on_path(program).is_none())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").context("PATH").ok()?;
    env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}
