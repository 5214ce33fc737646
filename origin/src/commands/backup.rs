use std::path::PathBuf;

use anyhow::{Error, Result};
use clap::Args;
use hemstitch_origin::record::{BackupError, backup, restore};

use crate::input::Unreadable;
use crate::{Verdict, output};

/// Copy the record of publications into one file, while it is in use
///
/// The copy is as of one moment, and is checked before it gets its name.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch backup record.db --out record-2026-11-28.db")]
pub struct Backup {
    /// The record
    record: PathBuf,
    /// The copy, which must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Make a record of publications out of a copy
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch restore record-2026-11-28.db --out record.db")]
pub struct Restore {
    /// The copy
    copy: PathBuf,
    /// The record, which must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Backup {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        backup(&self.record, &self.out).map_err(read_error)?;
        output::line(format_args!("wrote {}", self.out.display()))?;
        Ok(Verdict::Fine)
    }
}

impl Restore {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        restore(&self.copy, &self.out).map_err(read_error)?;
        output::line(format_args!("wrote {}", self.out.display()))?;
        Ok(Verdict::Fine)
    }
}

fn read_error(error: BackupError) -> Error {
    match error {
        BackupError::Unreadable { path, source } => Unreadable::File { path, source }.into(),
        error => error.into(),
    }
}
