use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use hemstitch::changes::Changes;
use hemstitch::time::UnixTime;
use hemstitch_origin::RulesetFile;
use hemstitch_origin::publishing::{
    Kept, Mirrored, Novelty, NumberError, Numbering, Outcome, PublishError, Publisher, Request, Step,
    kept_ruleset,
};
use hemstitch_origin::record::Offered;
use hemstitch_origin::targets::{Ledger, LedgerError};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::place::{Found, SigningPlace, line, moment};
use super::progress;
use crate::input::Unreadable;
use crate::report::{Colour, for_people, for_programs};
use crate::{Verdict, now, output};

/// The ruleset of a site that has published nothing.
const NO_RULES: &str = "{}";

/// Check, compile and sign a ruleset, and make it live
///
/// The record numbers it, if one of the targets is one; then each KV gets the pack, and after it the pointer, each whole or
/// not at all and read back. What fails leaves live what was live before, and can be done again: what is live already keeps
/// its number. Without a record there must be one publisher at a time: two at once can give out one number twice.
#[derive(Args)]
#[command(after_help = "\
Tokens are in the environment: FASTLY_API_TOKEN, CLOUDFLARE_API_TOKEN, HEMSTITCH_OPERATOR_TOKEN.

Examples:
  hemstitch publish ruleset.json --dry-run
  hemstitch publish ruleset.json --to origin fastly --message 'Autumn campaign'
  hemstitch publish ruleset.json --at 2026-12-01T09:00:00+01:00
  hemstitch publish ruleset.json --kv kv --site acme --signing-key keys/acme.signing.json")]
pub struct Publish {
    /// The ruleset, a JSON document
    ruleset: PathBuf,
    #[command(flatten)]
    place: SigningPlace,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// From when it is live, by the clock of each edge, such as 2026-12-01T09:00:00+01:00
    #[arg(long, value_name = "TIME", value_parser = time_of)]
    at: Option<UnixTime>,
    /// What to say of it in the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// The publication that the ruleset was made from; nothing is published where another is the last one
    #[arg(long, value_name = "N")]
    base: Option<u64>,
    /// The publication's number, where it is not to be the next one: higher than the live one, by a million at most
    #[arg(long, value_name = "N")]
    sequence: Option<u64>,
    /// Print one JSON object: site, sequence, pack, bytes, new, starts, changes, targets; or the findings, as `check` does
    #[arg(long)]
    json: bool,
}

impl Publish {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let file = RulesetFile::read(&self.ruleset)
            .map_err(|source| Unreadable::File { path: self.ruleset.clone(), source })?;
        let (mut found, key) = self.place.with_key()?;
        if !self.json {
            progress::show(&mut found.targets);
        }
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
        let pack = file.compile()?;
        let request = Request {
            what: Offered::Ruleset(file.text.clone()),
            pack,
            starts: self.at,
            message: self.message.clone(),
            base: self.base,
            sequence: self.sequence,
        };
        let mut publisher = Publisher::new(&found.site, &key, &found.targets, |step| told(step, self.json))?;
        let numbering = publisher.numbering(self.sequence).map_err(|error| advised(error, &found))?;
        let changes = changes(&found, &numbering, &file.text)?;
        if found.targets.ledger.is_none() {
            output::aside("no record: one publisher at a time, and nobody keeps what was live before");
        }
        if let Some((_, at)) = numbering.pending(now()) {
            let replaced = moment(at.0);
            output::aside(format_args!(
                "what was to be live from {replaced} on will not be: this takes its place"
            ));
        }
        if self.dry_run {
            return self.tell_dry(&found, numbering.next().ok(), &changes);
        }
        let outcome = publisher
            .publish(&request, now())
            .map_err(|error| overtaken(&found, numbering.seen(), error))
            .context("nothing was published")?;
        tell(&found, &outcome, &request, &changes, self.json)
    }

    fn tell_dry(&self, found: &Found, next: Option<u64>, changes: &Option<Changes>) -> Result<Verdict> {
        if self.json {
            output::line(json!({ "site": found.site, "next": next, "changes": changes }))?;
        } else {
            let number = next.map_or_else(|| "none".to_owned(), |next| next.to_string());
            output::text(&shown(changes))?;
            output::line(format_args!(
                "nothing was published; the next number of {} is {number}",
                found.site
            ))?;
        }
        Ok(Verdict::Fine)
    }
}

/// What changes against the last publication; nothing where neither a record nor a KV tells, which is said.
fn changes(found: &Found, numbering: &Numbering, text: &str) -> Result<Option<Changes>> {
    let before = match (&found.targets.ledger, numbering.brought()) {
        (Some((_, ledger)), _) => ruleset(ledger, &found.site, numbering.seen())?,
        (None, None) => NO_RULES.to_owned(),
        (None, Some(pack)) => match kept_ruleset(&found.site, &pack, &found.targets.mirrors)? {
            Some(Kept::Certain(before)) => before,
            Some(Kept::Doubtful(before)) => {
                output::aside(
                    "the ruleset that is kept with what is live does not compile to it, so more or less may change than is \
                     told here",
                );
                before
            }
            None => {
                output::aside(
                    "what changes is not known: no ruleset is kept with what is live, which an older version published",
                );
                return Ok(None);
            }
        },
    };
    let changes = Changes::between(&before, text);
    if changes.is_err() {
        output::aside("what changes is not known: what is kept with what is live is no ruleset");
    }
    Ok(changes.ok())
}

/// The ruleset of a publication; of none, the empty one.
fn ruleset(ledger: &Ledger, site: &str, sequence: Option<u64>) -> Result<String> {
    let Some(sequence) = sequence else { return Ok(NO_RULES.to_owned()) };
    let version = ledger.version(site, sequence)?;
    Ok(version.with_context(|| format!("number {sequence} is not in the record"))?.1)
}

fn shown(changes: &Option<Changes>) -> String {
    match changes {
        None => String::new(),
        Some(changes) if changes.is_empty() => "no rule changes\n".to_owned(),
        Some(changes) => changes.to_string(),
    }
}

/// Progress, on standard error.
pub fn told(step: &Step, quiet: bool) -> ControlFlow<()> {
    let text = match step {
        Step::Record(sequence) => format!("recording number {sequence}"),
        Step::Packs { mirror, bytes } => format!("{mirror}: writing {bytes} bytes"),
        Step::ReadPacks(mirror) => format!("{mirror}: reading them back"),
        Step::Ruleset(mirror) => format!("{mirror}: keeping the ruleset, to compare with"),
        Step::Pointer(mirror) => format!("{mirror}: making it live"),
        Step::ReadPointer(mirror) => format!("{mirror}: reading the pointer back"),
    };
    if !quiet {
        output::aside(text);
    }
    ControlFlow::Continue(())
}

/// Tells what came of a publication, target by target.
pub fn tell(
    found: &Found,
    outcome: &Outcome,
    request: &Request,
    changes: &Option<Changes>,
    json: bool,
) -> Result<Verdict> {
    let Outcome { sequence, hash, novelty, mirrors } = outcome;
    let bytes = request.pack.len();
    let starts = request.starts.filter(|starts| *starts > now());
    let live = starts.map_or("live".to_owned(), |starts| format!("live from {} on", moment(starts.0)));
    let mut verdict = Verdict::Fine;
    let mut lines = String::new();
    let mut targets = serde_json::Map::new();
    for (name, result) in mirrors {
        let said = match result {
            Ok(Mirrored::Written) => live.clone(),
            Ok(Mirrored::Unchanged) => format!("{live}, as before"),
            Ok(Mirrored::Ahead(ahead)) => {
                verdict = Verdict::Findings;
                format!(
                    "holds number {ahead}, which is later; where nobody else published that, give `--sequence {}`",
                    ahead.saturating_add(1)
                )
            }
            Err(error) => {
                verdict = Verdict::Findings;
                format!("FAILED, and what was live there still is: {:#}", anyhow::anyhow!(error.to_string()))
            }
        };
        lines.push_str(&format!("{name}: {said}\n"));
        targets.insert(name.clone(), Value::from(said));
    }
    let site = &found.site;
    if json {
        let new = *novelty == Novelty::New;
        output::line(json!({
            "site": site, "sequence": sequence, "pack": hash.to_string(), "bytes": bytes, "new": new,
            "starts": starts.map(|starts| starts.0), "changes": changes, "targets": targets,
        }))?;
    } else {
        output::text(&shown(changes))?;
        match novelty {
            Novelty::New => {
                output::line(format_args!("published {site} number {sequence}: pack {hash} ({bytes} bytes)"))?
            }
            Novelty::Known => output::line(format_args!(
                "{site} number {sequence} was published before: pack {hash} ({bytes} bytes)"
            ))?,
        }
        output::text(&lines)?;
    }
    if verdict == Verdict::Findings {
        output::aside("to go on, run the same command again: what is published already keeps its number");
    }
    Ok(verdict)
}

/// Where another was quicker: what they have changed.
pub fn overtaken(found: &Found, seen: Option<u64>, error: PublishError) -> anyhow::Error {
    let PublishError::Ledger(LedgerError::Overtaken { latest: Some(latest) }) = &error else {
        return advised(error, found);
    };
    let between = || -> Result<String> {
        let ledger = found.ledger()?;
        let [before, after] = [seen, Some(latest.sequence)].map(|at| ruleset(ledger, &found.site, at));
        Ok(Changes::between(&before?, &after?)?.to_string())
    };
    let between = between().unwrap_or_default();
    anyhow::anyhow!(
        "somebody else was quicker:\n{}\n{between}  hint: bring their changes into your ruleset, and publish again",
        line(latest)
    )
}

/// The error, and what to do about it.
pub fn advised(error: PublishError, found: &Found) -> anyhow::Error {
    let hint = match &error {
        PublishError::Number(error) => match error {
            NumberError::ForeignPointer { .. } => {
                "give `--sequence N`, higher than any number that edges have seen"
            }
            NumberError::Zero => "leave `--sequence` out, and the next number is taken",
            NumberError::NotHigher { .. } => {
                "leave `--sequence` out, and the next number is taken, or give a higher one"
            }
            NumberError::Leap { .. } => {
                "edges never go back to a lower number, so a slip here is for good; leave `--sequence` out, and the next \
                 number is taken, or go there in smaller steps"
            }
            NumberError::OtherBase { .. } if found.targets.ledger.is_some() => {
                "`hemstitch diff` shows what was changed in between"
            }
            NumberError::OtherBase { .. } | NumberError::Last(_) => {
                return anyhow::Error::new(NumberError::clone(error));
            }
        },
        _ => return error.into(),
    };
    anyhow::anyhow!("{:#}\n  hint: {hint}", anyhow::Error::new(error))
}

fn time_of(text: &str) -> Result<UnixTime, String> {
    let wrong = || {
        "write a date, a time and an offset, such as 2026-12-01T09:00:00+01:00 or 2026-12-01T08:00:00Z"
            .to_owned()
    };
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    u64::try_from(time.unix_timestamp()).map(UnixTime).map_err(|_| wrong())
}
