//! The wasm targets of the installed toolchain.

use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{output, run, workspace};

const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-unknown-unknown"];

/// Adds the wasm targets that the toolchain lacks.
pub fn ensure() -> Result<()> {
    let installed = output(&mut rustup(["target", "list", "--installed"]))
        .context("asking rustup for the installed targets (Rust must come from rustup)")?;
    for target in TARGETS {
        if installed.lines().any(|line| line.trim() == target) {
            continue;
        }
        println!("installing the Rust target {target} (seconds)");
        run(&mut rustup(["target", "add", target]))?;
    }
    Ok(())
}

fn rustup<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("rustup");
    command.args(arguments).current_dir(workspace());
    command
}
