use anyhow::{Context, Result, bail};
use clap::Args;
use hemstitch::changes::Changes;
use hemstitch_origin::publishing::{Publisher, Request};
use hemstitch_origin::record::{Offered, Version};
use hemstitch_origin::targets::Ledger;

use super::place::{SigningPlace, line};
use super::progress;
use super::publish::{overtaken, tell, told};
use crate::{Verdict, now, output};

/// Make an older publication live again
///
/// It is published anew, under the next number, with the pack that it had. Without a number: the last one that showed
/// something else than what is live.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch rollback
  hemstitch rollback 41 --message 'prices were wrong'")]
pub struct Rollback {
    /// The number of the publication, as `hemstitch versions` lists it
    version: Option<u64>,
    #[command(flatten)]
    place: SigningPlace,
    /// What to say of it in the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// Print one JSON object, as `publish` does
    #[arg(long)]
    json: bool,
}

impl Rollback {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let (mut found, key) = self.place.with_key()?;
        if !self.json {
            progress::show(&mut found.targets);
        }
        let (ledger, site) = (found.ledger()?, &found.site);
        let latest = ledger.latest(site)?.with_context(|| format!("nothing of {site} is recorded"))?;
        let target = match self.version {
            Some(sequence) => sequence,
            None => before(ledger, site, &latest)?,
        };
        let missing = || format!("number {target} is not in the record; `hemstitch versions` lists what is");
        let (version, ruleset) = ledger.version(site, target)?.with_context(missing)?;
        let pack = ledger.pack(site, &version.pack)?.with_context(missing)?;
        if !self.json {
            output::aside(format_args!("back to:\n{}", line(&version)));
        }
        let live = ledger.version(site, latest.sequence)?.with_context(missing)?.1;
        let changes = Some(Changes::between(&live, &ruleset)?);
        let request = Request {
            what: Offered::Again(target),
            pack,
            starts: None,
            message: self.message.clone(),
            base: Some(latest.sequence),
            sequence: None,
        };
        let mut publisher = Publisher::new(site, &key, &found.targets, |step| told(step, self.json))?;
        let outcome = publisher
            .publish(&request, now())
            .map_err(|error| overtaken(&found, Some(latest.sequence), error))
            .context("nothing was published")?;
        tell(&found, &outcome, &request, &changes, self.json)
    }
}

/// The last publication with another pack than the last one.
fn before(ledger: &Ledger, site: &str, latest: &Version) -> Result<u64> {
    let mut below = latest.sequence;
    loop {
        let versions = ledger.versions(site, below, 100)?;
        let Some(oldest) = versions.last() else { bail!("nothing else was ever live") };
        if let Some(other) = versions.iter().find(|version| version.pack != latest.pack) {
            return Ok(other.sequence);
        }
        below = oldest.sequence;
    }
}
