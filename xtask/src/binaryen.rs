//! Binaryen's optimizer, which makes an edge's wasm a fortieth smaller than the compiler leaves it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::cargo::run;
use crate::npm::{Package, Proof};

/// One version, since what it writes is what the edges run.
pub const BINARYEN: Package = Package {
    name: "binaryen",
    about: "an optimizer of wasm",
    package: "binaryen",
    version: "132.0.0",
    file: "binaryen/bin/wasm-opt",
    proof: Proof::Runs,
};

/// What rustc's wasm targets use of the proposals that have become part of wasm.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-call-indirect-overlong",
];

/// Whether the functions keep their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// They do, for who weighs or profiles.
    Kept,
    /// They do not.
    Dropped,
}

/// Passes, in order. Functions that stand beside others of their name, as those that are made of one generic function do, are
/// what gzip finds alike: that makes the file a sixtieth smaller, and needs the names to be there.
const PASSES: [&str; 4] = ["-Oz", "--gufa-optimizing", "-Oz", "--reorder-functions-by-name"];

/// Writes to `to` what the wasm file `from`, which has the names of its functions, becomes.
pub fn optimize(from: &Path, to: &Path, names: Names) -> Result<()> {
    BINARYEN.ensure()?;
    let mut command = Command::new("node");
    command.arg(BINARYEN.path()?).args(FEATURES).args(PASSES);
    if names == Names::Kept {
        command.arg("--debuginfo");
    }
    run(command.args([from.as_os_str(), OsStr::new("-o"), to.as_os_str()]))
}
