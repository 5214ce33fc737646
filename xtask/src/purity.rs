//! The core decides and does nothing else: it builds for bare wasm, and no platform is in its tree.

use anyhow::{Result, bail};

use crate::cargo::{cargo, output, run};
use crate::target_dir::TargetDir;

const TARGET: &str = "wasm32-unknown-unknown";

/// Crates that bring IO, a clock, randomness, an executor or a platform. Not `log`, a facade that `selectors` uses
/// and that writes nowhere; nor `time`, which without its feature `std` has no clock.
const PLATFORMS: [&str; 20] = [
    "async-std",
    "axum",
    "chrono",
    "env_logger",
    "fastly",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "js-sys",
    "mio",
    "rand",
    "reqwest",
    "smol",
    "socket2",
    "tokio",
    "tracing",
    "wasi",
    "wasm-bindgen",
    "worker",
];

/// Errs when the core does not build for a target without an operating system.
pub fn builds_for_bare_wasm(target_dir: &TargetDir) -> Result<()> {
    run(&mut target_dir.cargo(["check", "--package", "hemstitch", "--target", TARGET]))
}

/// Errs when a platform crate is among the core's dependencies.
pub fn tree_has_no_platform() -> Result<()> {
    let tree = output(&mut cargo([
        "tree",
        "--package",
        "hemstitch",
        "--edges",
        "normal,no-proc-macro",
        "--target",
        TARGET,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let found = platforms_in(&tree);
    if !found.is_empty() {
        bail!("the core depends on {} (see `cargo tree --package hemstitch`)", found.join(", "));
    }
    Ok(())
}

fn platforms_in(tree: &str) -> Vec<&'static str> {
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    PLATFORMS.into_iter().filter(|platform| names.contains(platform)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tree: &str, expected: &[&str]) {
        assert_eq!(platforms_in(tree), expected);
    }

    #[test]
    fn a_platform_anywhere_in_the_tree_is_found() {
        check("hemstitch v0.1.0 (/shared)\nlol_html v3.0.0\ntokio v1.50.0 (*)\n", &["tokio"]);
    }

    #[test]
    fn a_name_that_only_begins_like_a_platform_is_none() {
        check("hemstitch v0.1.0\ntimed v1.0.0\nlogos v1.0.0\n", &[]);
    }
}
