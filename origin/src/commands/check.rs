use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use hemstitch_origin::RulesetFile;

use crate::input::Unreadable;
use crate::report::{Colour, for_people, for_programs};
use crate::{Verdict, output};

/// Check a ruleset, and show everything that is wrong with it
///
/// Each finding has a stable code, its place in the file, and what to write instead. Warnings alone do not keep a ruleset
/// from being published, and give exit code 0.
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0  it can be published
  1  there are errors in it, or what was found cannot be written
  2  the file cannot be read

Examples:
  hemstitch check ruleset.json
  hemstitch check ruleset.json --json | jq '.findings[].code'")]
pub struct Check {
    /// The ruleset, a JSON document
    ruleset: PathBuf,
    /// Print one JSON object: findings, errors, warnings
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let file = RulesetFile::read(&self.ruleset)
            .map_err(|source| Unreadable::File { path: self.ruleset.clone(), source })?
            .compiled();
        if self.json {
            output::line(for_programs(&file.diagnostics))?;
        } else {
            output::text(&for_people(
                &self.ruleset.display().to_string(),
                &file.text,
                &file.diagnostics,
                Colour::of_output(),
            ))?;
        }
        Ok(if file.errors() > 0 { Verdict::Findings } else { Verdict::Fine })
    }
}
