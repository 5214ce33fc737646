use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use hemstitch::changes::Changes;
use hemstitch_origin::RulesetFile;
use serde_json::json;

use super::place::Place;
use crate::input::Unreadable;
use crate::{Verdict, output};

/// Show what changes from one ruleset to another
///
/// Each is a file, or the number of a publication. `+` comes, `-` goes, `~` changes. The exit code is 0 either way.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch diff 41 42
  hemstitch diff 42 ruleset.json --to origin
  hemstitch diff old.json new.json --json")]
pub struct Diff {
    /// What was
    before: String,
    /// What is
    after: String,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object: changes
    #[arg(long)]
    json: bool,
}

impl Diff {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let changes = Changes::between(&self.text(&self.before)?, &self.text(&self.after)?)?;
        match self.json {
            true => output::line(json!({ "changes": changes }))?,
            false if changes.is_empty() => output::line("no rule changes")?,
            false => output::text(&changes.to_string())?,
        }
        Ok(Verdict::Fine)
    }

    fn text(&self, which: &str) -> Result<String> {
        let path = Path::new(which);
        let Some(sequence) = which.parse::<u64>().ok().filter(|_| !path.exists()) else {
            let file = RulesetFile::read(path)
                .map_err(|source| Unreadable::File { path: path.to_owned(), source })?;
            if file.errors() > 0 {
                bail!("{which} has errors\n  hint: `hemstitch check {which}` shows them");
            }
            return Ok(file.text);
        };
        let found = self.place.without_key()?;
        let version = found.ledger()?.version(&found.site, sequence)?;
        Ok(version.with_context(|| format!("number {sequence} is not in the record"))?.1)
    }
}
