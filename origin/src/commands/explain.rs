use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::Args;
use hemstitch::facts::{Place, Sources};
use hemstitch::http::clean_target;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::Pack;
use hemstitch::ruleset::{Diagnostic, Persona};
use hemstitch::time::UnixTime;
use hemstitch_origin::{RulesetFile, read_text};
use http::Uri;

use crate::explanation;
use crate::input::{Unreadable, kill_switch};
use crate::report::{Colour, for_people, for_programs};
use crate::{Verdict, output};

/// Say what a visitor would see, and why
///
/// For each slot, each edit of the page and each gate: what is shown, the rule that says so, the experiment and the
/// bucket, and for every rule above it the fact on which it failed.
#[derive(Args)]
#[command(after_help = "\
A persona is a JSON object of facts by name, as they stand in docs/formats/ruleset.md. What it leaves out is not known of
the visitor; null says so of a fact. Beside facts it may hold what a profile cookie and a token would:
  \"bucket.KEY\": \"b\"            the variation of the experiment KEY that the visitor keeps
  \"experiment.KEY\": \"b\"        the variation that a token forces
  \"shown.RULE\": {\"times\": 2, \"since\": \"2026-11-27T09:00:00+01:00\"}
                               how often the capped rule RULE has been shown, and since when that is counted

The visitor's clock is that of the fact place.utc_offset, or else of the offset in --at, or else UTC.

Exit codes:
  0  it is explained
  1  it cannot be written
  2  the command line is wrong, or the ruleset or the persona cannot be used: findings show where

Examples:
  hemstitch explain ruleset.json
  hemstitch explain ruleset.json --facts persona.json --url '/pricing?utm_campaign=autumn'
  hemstitch explain ruleset.json --facts persona.json --at 2026-12-24T18:00:00+01:00
  hemstitch explain ruleset.json --facts persona.json --personalization off:rule-a
  hemstitch explain ruleset.json --facts persona.json --json | jq '.slots[] | {slot, shows, because}'")]
pub struct Explain {
    /// The ruleset, a JSON document
    ruleset: PathBuf,
    /// The persona, a JSON document; without it, somebody of whom nothing is known
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// The page that they ask for: a path or a whole URL, with its query
    #[arg(long, value_name = "URL", default_value = "/", value_parser = page)]
    url: Page,
    /// When they ask: an instant with an offset, such as 2026-11-27T09:30:00+01:00; now where it is left out
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Moment>,
    /// The kill switch: on, off, or off: and ids
    #[arg(long, value_name = "SWITCH", default_value = "on", value_parser = kill_switch)]
    personalization: KillSwitch,
    /// Print one JSON object: url, at, gates, slots
    #[arg(long)]
    json: bool,
}

/// The page that is asked for.
#[derive(Clone, Debug)]
struct Page {
    host: String,
    path: String,
    query: Option<String>,
}

/// An instant, and how far the clock that it was read from is ahead of UTC.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: UnixTime,
    utc_offset_s: i32,
}

impl Explain {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let file = RulesetFile::read(&self.ruleset)
            .map_err(|source| Unreadable::File { path: self.ruleset.clone(), source })?;
        let Some(ruleset) = file.ruleset() else {
            return Err(self.refuse(&self.ruleset, &file.text, &file.diagnostics)?.into());
        };
        let pack = Pack::open(file.compile()?)?;
        let persona = match &self.facts {
            None => Persona::nobody(),
            Some(path) => {
                let text =
                    read_text(path).map_err(|source| Unreadable::File { path: path.clone(), source })?;
                let text = text.trim_start_matches('\u{feff}');
                match Persona::parse(text, ruleset) {
                    (Some(persona), _) => persona,
                    (None, findings) => return Err(self.refuse(path, text, &findings)?.into()),
                }
            }
        };
        let Page { host, path, query } = &self.url;
        let (now, utc_offset_s) = match self.at {
            Some(moment) => (moment.at, Some(moment.utc_offset_s)),
            None => (now(), None),
        };
        let place = Place { utc_offset_s, ..Place::default() };
        let facts =
            persona.facts(Sources { place, host, path, query: query.as_deref(), now, ..Sources::default() });
        let explained = pack.explain_visit(path, &facts, &self.personalization);
        if self.json {
            let mut json = pack.visit_json(&explained);
            json["url"] = query.as_ref().map_or(path.clone(), |query| format!("{path}?{query}")).into();
            json["at"] = now.to_string().into();
            output::line(json)?;
        } else {
            output::text(&explanation::for_people(&pack, path, now, &explained))?;
        }
        Ok(Verdict::Fine)
    }

    /// Shows what is wrong with a file; the error that ends the command.
    fn refuse(&self, path: &Path, text: &str, findings: &[Diagnostic]) -> Result<Unreadable, output::Untold> {
        if self.json {
            output::line(for_programs(findings))?;
        } else {
            let shown = for_people(&path.display().to_string(), text, findings, Colour::Plain);
            output::aside(shown.trim_end());
        }
        Ok(Unreadable::Findings { path: path.to_owned() })
    }
}

/// A path, or a whole URL.
fn page(text: &str) -> Result<Page, String> {
    let write = || "write a path that begins with `/`, or a URL that begins with `https://`".to_owned();
    let text = text.split('#').next().unwrap_or_default();
    let uri: Uri = text.parse().map_err(|_| write())?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    if !target.starts_with('/') || (uri.scheme().is_none() && uri.host().is_some()) {
        return Err(write());
    }
    let (path, query) = clean_target(target);
    Ok(Page { host: uri.host().unwrap_or_default().to_owned(), path, query })
}

fn moment(text: &str) -> Result<Moment, String> {
    let (at, utc_offset_s) = UnixTime::parse(text)
        .ok_or("write date, time and offset, such as 2026-11-27T09:30:00+01:00, from 1970 on")?;
    Ok(Moment { at, utc_offset_s })
}

fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_page_is_a_path_or_a_url() {
        for (text, expect) in [
            ("/", Some(("", "/", None))),
            ("/a?b=1&hs_explain=x#c", Some(("", "/a", Some("b=1")))),
            ("https://www.example.com", Some(("www.example.com", "/", None))),
            ("https://www.example.com/a?b", Some(("www.example.com", "/a", Some("b")))),
            ("a", None),
            ("", None),
            ("*", None),
            ("www.example.com:80", None),
        ] {
            let read = page(text).ok();
            let read =
                read.as_ref().map(|page| (page.host.as_str(), page.path.as_str(), page.query.as_deref()));
            assert_eq!(read, expect, "{text}");
        }
    }
}
