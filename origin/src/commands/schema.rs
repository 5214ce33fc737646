use anyhow::{Context, Result};
use clap::Args;
use hemstitch::ruleset;

use crate::{Verdict, output};

/// Print the JSON Schema of a ruleset, for editors and validators
///
/// What it refuses, `hemstitch check` reports; that finds more, such as a block that there is not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch schema > ruleset.schema.json
  hemstitch schema --reference > ruleset.md")]
pub struct Schema {
    /// Print the reference of the ruleset for people instead, in Markdown
    #[arg(long)]
    reference: bool,
}

impl Schema {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        if self.reference {
            output::text(&ruleset::reference())?;
        } else {
            let schema = serde_json::to_string_pretty(&ruleset::schema()).context("writing the schema")?;
            output::line(schema)?;
        }
        Ok(Verdict::Fine)
    }
}
