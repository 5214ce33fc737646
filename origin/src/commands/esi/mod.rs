//! Documents of Edge Side Includes, checked and tried.

mod check;
mod run;

use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};
use hemstitch::esi::{Dialect, Medium};
use hemstitch_origin::content_type;

use crate::Verdict;
use crate::input::{self, Unreadable};

/// Check and try documents of Edge Side Includes
#[derive(Args)]
pub struct Esi {
    #[command(subcommand)]
    command: EsiCommand,
}

#[derive(Subcommand)]
enum EsiCommand {
    Check(check::Check),
    Run(run::Run),
}

impl Esi {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        match self.command {
            EsiCommand::Check(check) => check.run(),
            EsiCommand::Run(run) => run.run(),
        }
    }
}

/// A preset, as `--dialect` takes it.
fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::preset(name).ok_or_else(|| format!("write one of {}", Dialect::PRESETS.join(", ")))
}

/// What no document of ESI is.
#[derive(Debug, thiserror::Error)]
#[error("it is no text that ESI can stand in: there is a NUL byte in it")]
struct NotText;

/// A document, and what kind of text its name says that it is.
fn document(path: &Path) -> Result<(Vec<u8>, Medium), Unreadable> {
    let document = input::read(path)?;
    if document.contains(&0) {
        return Err(Unreadable::content(path, NotText));
    }
    let media_type = content_type(&path.to_string_lossy());
    let medium = media_type.to_str().ok().and_then(Medium::of).unwrap_or_default();
    Ok((document, medium))
}
