//! npm packages with something to run in them: installed once, at one version, and kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::{self, Lock};
use crate::cargo::run;

/// A package, for one file in it.
pub struct Package {
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
    /// What shows that the file is as it should be.
    pub proof: Proof,
}

/// What shows that an installed file is as it should be.
#[derive(Clone, Copy)]
pub enum Proof {
    /// It is there.
    Exists,
    /// It is a program that knows its version.
    Runs,
}

impl Package {
    /// Where it is, or would be.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(self.root()?.join("node_modules").join(self.file))
    }

    /// Installs it unless the cache holds it.
    pub fn ensure(&self) -> Result<()> {
        let path = self.path()?;
        if self.holds(&path) {
            return Ok(());
        }
        let root = self.root()?;
        let _lock = Lock::wait(&root.with_extension("lock"))?;
        if self.holds(&path) {
            return Ok(());
        }
        let Package { name, about, package, version, .. } = self;
        println!("installing {name} {version}, {about}, to {} (seconds)", root.display());
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&root);
        run(npm.arg(format!("{package}@{version}")))?;
        if !self.holds(&path) {
            bail!("{name} was installed, but {} is not there or does not run", path.display());
        }
        Ok(())
    }

    fn holds(&self, path: &Path) -> bool {
        match self.proof {
            Proof::Exists => path.is_file(),
            Proof::Runs => runs(path),
        }
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
