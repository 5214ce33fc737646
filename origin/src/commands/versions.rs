use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::place::{Place, line};
use crate::{Verdict, output};

/// List what was published, the last one first
///
/// Each line: number, when, the pack, who and from where, and what was said of it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch versions
  hemstitch versions --to origin --most 5 --json | jq '.versions[0].operator'")]
pub struct Versions {
    #[command(flatten)]
    place: Place,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    most: u32,
    /// Only those below this number
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    below: u64,
    /// Print one JSON object: site, versions
    #[arg(long)]
    json: bool,
}

impl Versions {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let found = self.place.without_key()?;
        let versions = found.ledger()?.versions(&found.site, self.below, self.most)?;
        if self.json {
            output::line(json!({ "site": found.site, "versions": versions }))?;
        } else if versions.is_empty() {
            output::line(format_args!("nothing of {} is recorded", found.site))?;
        } else {
            versions.iter().try_for_each(|version| output::line(line(version)))?;
        }
        Ok(Verdict::Fine)
    }
}
