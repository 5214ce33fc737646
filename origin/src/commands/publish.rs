use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use hemstitch_origin::{Publication, PublishError, RulesetFile, SigningKeyFile, publish};
use serde_json::json;

use crate::input::{self, Unreadable};
use crate::report::{Colour, for_people, for_programs};
use crate::{Verdict, output};

/// Check, compile and sign a ruleset, and make it live in a KV folder
///
/// The pack is written first, then the pointer to it, each whole or not at all. The publication gets the number after the
/// one that is live. One publisher at a time: two at once can give out one number twice.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch publish ruleset.json --kv kv --site acme --signing-key keys/acme.signing.json")]
pub struct Publish {
    /// The ruleset, a JSON document
    ruleset: PathBuf,
    /// The KV folder, which is created if it is missing
    #[arg(long, value_name = "DIR")]
    kv: PathBuf,
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = input::site_name)]
    site: String,
    /// The key that `hemstitch keys new` wrote to SITE.signing.json
    #[arg(long, value_name = "FILE")]
    signing_key: PathBuf,
    /// The publication's number, where it is not to be the next one: higher than the live one, by a million at most
    #[arg(long, value_name = "N")]
    sequence: Option<u64>,
    /// Print one JSON object: site, sequence, pack, bytes; or the findings, as `check` does
    #[arg(long)]
    json: bool,
}

impl Publish {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let file = RulesetFile::read(&self.ruleset)
            .map_err(|source| Unreadable::File { path: self.ruleset.clone(), source })?;
        let key = SigningKeyFile::parse(&input::read(&self.signing_key)?)
            .map_err(|error| Unreadable::content(&self.signing_key, error))?;
        if file.errors() > 0 {
            let shown = self.ruleset.display().to_string();
            match self.json {
                true => output::line(for_programs(&file.diagnostics))?,
                false => {
                    let found = for_people(&shown, &file.text, &file.diagnostics, Colour::Plain);
                    output::aside(found.trim_end_matches('\n'));
                }
            }
            output::aside("nothing was published");
            return Ok(Verdict::Findings);
        }
        let published = publish(&file.compile()?, &self.kv, &self.site, &key, self.sequence)
            .map_err(advised)
            .context("nothing was published")?;
        if self.json {
            let hash = published.hash.to_string();
            let Publication { sequence, bytes, .. } = published;
            output::line(json!({ "site": self.site, "sequence": sequence, "pack": hash, "bytes": bytes }))?;
        } else {
            let Publication { sequence, hash, bytes } = published;
            output::line(format_args!(
                "published {} number {sequence}: pack {hash} ({bytes} bytes)",
                self.site
            ))?;
        }
        Ok(Verdict::Fine)
    }
}

/// The error, and what to do about it.
fn advised(error: PublishError) -> anyhow::Error {
    let hint = match &error {
        PublishError::ForeignPointer { .. } => {
            "give `--sequence N`, higher than any number that edges have seen"
        }
        PublishError::Zero => "leave `--sequence` out, and the next number is taken",
        PublishError::NotHigher { .. } => {
            "leave `--sequence` out, and the next number is taken, or give a higher one"
        }
        PublishError::Leap { .. } => {
            "edges never go back to a lower number, so a slip here is for good; leave `--sequence` out, and the next \
             number is taken, or go there in smaller steps"
        }
        PublishError::LastSequence(_) | PublishError::Kv { .. } | PublishError::Key => return error.into(),
    };
    anyhow::anyhow!("{:#}\n  hint: {hint}", anyhow::Error::new(error))
}
