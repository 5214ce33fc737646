use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use hemstitch::pack::{Pack, PackHash};
use hemstitch::pointer::draft_key;
use hemstitch::site::host_of;
use hemstitch::time::UnixTime;
use hemstitch::token::PreviewToken;
use hemstitch_origin::RulesetFile;
use http::Uri;
use serde_json::{Map, Value};

use super::place::{Found, Place};
use super::progress;
use crate::input::{self, Unreadable};
use crate::moment::{self, now};
use crate::report::{Colour, for_people};
use crate::{Verdict, output};

/// Show a ruleset that is not published, in one browser
///
/// The ruleset is checked and compiled, and put beside what is published, where no pointer names it. What is printed is
/// a link: whoever opens it sees the site by that draft, with a banner on every page, until they leave or the link ends.
/// Nobody else sees any of it, and nothing of it is kept. Whoever has the link can use it, so pass it on with care.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch preview ruleset.json --url https://www.acme.test/
  hemstitch preview ruleset.json --to origin --url https://www.acme.test/ \\
    --persona persona.json --at 2026-12-24T18:00:00+01:00 --variation checkout=short
  hemstitch preview ruleset.json --site acme --keyring keys/acme.preview.json --kv kv --url https://www.acme.test/")]
pub struct Preview {
    /// The ruleset, a JSON document
    ruleset: PathBuf,
    /// The page to begin with
    #[arg(long, value_name = "URL", value_parser = page)]
    url: Uri,
    #[command(flatten)]
    place: Place,
    /// The keyring SITE.preview.json, in place of the `preview_key` of the configuration
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// A visitor who is made up: a JSON object of facts, in place of whoever looks
    #[arg(long, value_name = "FILE")]
    persona: Option<PathBuf>,
    /// The time that rules are told, such as 2026-12-24T18:00:00+01:00
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<UnixTime>,
    /// The variation of an experiment that is shown; may be repeated
    #[arg(long = "variation", value_name = "EXPERIMENT=KEY", value_parser = variation)]
    variations: Vec<(String, String)>,
    /// How long the link lasts, in minutes: at most a day
    #[arg(long, value_name = "MINUTES", default_value_t = 480, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    lifetime: u64,
}

impl Preview {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let file = RulesetFile::read(&self.ruleset)
            .map_err(|source| Unreadable::File { path: self.ruleset.clone(), source })?;
        if file.errors() > 0 {
            let shown = self.ruleset.display().to_string();
            let found = for_people(&shown, &file.text, &file.diagnostics, Colour::Plain);
            output::aside(found.trim_end_matches('\n'));
            output::aside("there is nothing to preview");
            return Ok(Verdict::Findings);
        }
        let mut found = self.place.without_key()?;
        progress::show(&mut found.targets);
        let keyring = found.preview_key(self.keyring.as_deref())?;
        let pack = file.compile()?;
        let draft = PackHash::of(&pack);
        let opened = Pack::open(pack.clone()).context("the pack that was compiled")?;
        for (experiment, key) in &self.variations {
            known_variation(&opened, experiment, key)?;
        }
        let issued = now();
        let token = PreviewToken {
            issued,
            expires: issued.plus_seconds(self.lifetime * 60),
            draft,
            persona: self.persona.as_deref().map(persona).transpose()?,
            variations: self
                .variations
                .iter()
                .map(|(name, key)| (name.clone(), key.as_str().into()))
                .collect(),
            at: self.at,
        };
        let text = token.encode(&keyring, &found.site).map_err(|error| {
            anyhow!("{error}\n  hint: a persona has about two thousand characters at most")
        })?;
        write(&found, &draft, &pack)?;
        output::line(with_parameter(&self.url, &text))?;
        let until = moment::written(token.expires);
        output::aside(format_args!(
            "whoever opens the link sees draft {draft} until {until}\nto leave before: {}",
            with_parameter(&self.url, "off")
        ));
        Ok(Verdict::Fine)
    }
}

/// Puts the draft wherever edges of the targets look for it. The record first, which edges ask for what a KV lacks.
fn write(found: &Found, hash: &PackHash, pack: &[u8]) -> Result<()> {
    let failed = |name: &str| {
        format!("there is no link, since `{name}` did not take the draft; the same command tries again")
    };
    if let Some((name, ledger)) = &found.targets.ledger {
        ledger.put_draft(&found.site, pack).with_context(|| failed(name))?;
    }
    let key = draft_key(&found.site, hash);
    for mirror in &found.targets.mirrors {
        mirror.store.put_draft(&key, pack).with_context(|| failed(&mirror.name))?;
    }
    Ok(())
}

fn known_variation(pack: &Pack, experiment: &str, key: &str) -> Result<()> {
    let Some(one) = pack.experiment(experiment) else {
        bail!("the ruleset has no experiment `{experiment}`");
    };
    let keys: Vec<&str> =
        (0..).map(|place| pack.variation_key(one, place)).take_while(|key| !key.is_empty()).collect();
    if !keys.contains(&key) {
        bail!("the experiment `{experiment}` has no variation `{key}`; there are {}", keys.join(", "));
    }
    Ok(())
}

fn persona(path: &Path) -> Result<Map<String, Value>> {
    let text = input::read(path)?;
    Ok(serde_json::from_slice(&text).map_err(|error| Unreadable::content(path, error))?)
}

fn with_parameter(url: &Uri, value: &str) -> String {
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    let joint = if url.query().is_some() { '&' } else { '?' };
    let (scheme, authority) = (url.scheme_str().unwrap_or_default(), url.authority());
    format!(
        "{scheme}://{}{target}{joint}hs_preview={value}",
        authority.map_or("", |authority| authority.as_str())
    )
}

fn page(text: &str) -> Result<Uri, String> {
    let wrong = || "write the URL of a page, such as https://www.acme.test/pricing".to_owned();
    let url: Uri = text.split('#').next().unwrap_or_default().parse().map_err(|_| wrong())?;
    let authority = url.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    if known && !host_of(authority).is_empty() && !authority.contains('@') { Ok(url) } else { Err(wrong()) }
}

fn variation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((experiment, key)) if !experiment.is_empty() && !key.is_empty() => {
            Ok((experiment.to_owned(), key.to_owned()))
        }
        _ => Err("write an experiment, `=` and the key of a variation".to_owned()),
    }
}
