//! Programs out of npm packages: installed once, at one version, and kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::{self, Lock};
use crate::cargo::run;

/// A program, and the package that it is in.
pub struct Program {
    /// What people call it.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// The package.
    pub package: &'static str,
    /// The version of the package.
    pub version: &'static str,
    /// The file, from the folder of node's modules.
    pub file: &'static str,
}

impl Program {
    /// Where it is, or would be.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(self.root()?.join("node_modules").join(self.file))
    }

    /// Installs it unless the cache holds one that runs.
    pub fn ensure(&self) -> Result<()> {
        let path = self.path()?;
        if runs(&path) {
            return Ok(());
        }
        let root = self.root()?;
        let _lock = Lock::wait(&root.with_extension("lock"))?;
        if runs(&path) {
            return Ok(());
        }
        let Program { name, about, package, version, .. } = self;
        println!("installing {name} {version}, {about}, to {} (seconds)", root.display());
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&root);
        run(npm.arg(format!("{package}@{version}")))?;
        if !runs(&path) {
            bail!("{} was installed but does not run", path.display());
        }
        Ok(())
    }

    fn root(&self) -> Result<PathBuf> {
        Ok(cache::folder()?.join(format!("tools/{}-{}", self.name, self.version)))
    }
}

fn runs(program: &Path) -> bool {
    let mut command = Command::new(program);
    // Of all of them only wrangler asks the world for news, unless it is told not to show them.
    command.arg("--version").env("WRANGLER_HIDE_BANNER", "true").env("WRANGLER_SEND_METRICS", "false");
    command.output().is_ok_and(|output| output.status.success())
}
