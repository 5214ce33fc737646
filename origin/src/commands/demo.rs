use anyhow::Result;
use clap::Args;

use super::block_on;
use crate::Verdict;
use crate::demo::{self, Platform};

/// Show it: an origin and an edge with a small site, rules, and three visitors
///
/// Everything is inside the binary. Keys are made afresh in a temporary folder. Three commands are printed, one a line: the
/// same page for a visitor nobody knows, for a returning one, and for one in Germany. Ctrl-C and SIGTERM end it at any
/// moment: the folder is removed, and the exit code is 0.
#[derive(Args)]
#[command(after_help = "\
--on fastly needs Viceroy (HEMSTITCH_VICEROY, or in PATH, or installed by `cargo xtask setup`)
and the edge as wasm (HEMSTITCH_FASTLY_WASM, or bin/hemstitch-fastly.wasm from `cargo xtask build fastly`).

Examples:
  hemstitch demo
  hemstitch demo --port 0
  hemstitch demo --on fastly")]
pub struct Demo {
    /// On what the edge runs
    #[arg(long, value_enum, default_value_t = Platform::Native)]
    on: Platform,
    /// Port of the edge on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8787)]
    port: u16,
}

impl Demo {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        block_on(demo::run(self.on, self.port))?;
        Ok(Verdict::Fine)
    }
}
