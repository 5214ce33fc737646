use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use hemstitch::profile::{Profile, VisitorId};
use hemstitch::token::{Capability, CapabilityToken, Claims, FactsToken, ProfileCookie};
use serde_json::{Map, Value};
use std::path::PathBuf;

use crate::input::{keyring, site_name};
use crate::moment::now;
use crate::{Verdict, output};

/// Make a profile cookie or a token, for development and tests
#[derive(Args)]
pub struct Mint {
    #[command(subcommand)]
    command: MintCommand,
}

#[derive(Subcommand)]
enum MintCommand {
    Profile(ProfileArgs),
    Facts(FactsArgs),
    Explain(ExplainArgs),
}

/// Print a profile cookie, as a browser sends it
///
/// The visitor is in their latest visit, which began now.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch mint profile --site acme --keyring keys/acme.profile.json --visits 3 --interest finance=0.8
  curl -H \"cookie: $(hemstitch mint profile --site acme --keyring keys/acme.profile.json)\" http://localhost:8787/")]
struct ProfileArgs {
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = site_name)]
    site: String,
    /// The keyring SITE.profile.json
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// Id of the visitor; a random one if it is not given
    #[arg(long, value_name = "ID", value_parser = |text: &str| VisitorId::parse(text))]
    id: Option<VisitorId>,
    /// Number of visits, the present one included
    #[arg(long, value_name = "N", default_value_t = 1)]
    visits: u32,
    /// Affinity to a topic, 0 to 1; may be repeated
    #[arg(long = "interest", value_name = "TOPIC=AFFINITY", value_parser = interest)]
    interests: Vec<(String, f64)>,
    /// Anything else that is known, JSON or else text; may be repeated
    #[arg(long = "trait", value_name = "NAME=VALUE", value_parser = fact)]
    traits: Vec<(String, Value)>,
}

/// Print a facts token, for the header `hs-facts` or the parameter `hs_facts`
///
/// It replaces facts of a request, such as where the visitor is. Anybody who holds it can use it while it lasts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch mint facts --site acme --keyring keys/acme.facts.json --fact place.country=DE
  hemstitch mint facts --site acme --keyring keys/acme.facts.json --fact visitor.visits=7 --lifetime 600")]
struct FactsArgs {
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = site_name)]
    site: String,
    /// The keyring SITE.facts.json
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// A fact and its value, JSON or else text; may be repeated
    #[arg(long = "fact", value_name = "NAME=VALUE", value_parser = fact, required = true)]
    facts: Vec<(String, Value)>,
    /// How long it lasts, in seconds: at most a day
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    lifetime: u64,
}

/// Print a token that has pages explained
///
/// In the parameter `hs_explain` it brings reasons instead of the page, as JSON; in the header `hs-explain` notes in the
/// headers of the page. Anybody who holds it can use it while it lasts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch mint explain --site acme --keyring keys/acme.explain.json
  curl \"http://localhost:8787/?hs_explain=$(hemstitch mint explain --site acme --keyring keys/acme.explain.json)\"")]
struct ExplainArgs {
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = site_name)]
    site: String,
    /// The keyring SITE.explain.json
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// How long it lasts, in seconds: at most an hour
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    lifetime: u64,
}

impl Mint {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let minted = match self.command {
            MintCommand::Profile(args) => args.mint()?,
            MintCommand::Facts(args) => args.mint()?,
            MintCommand::Explain(args) => args.mint()?,
        };
        output::line(minted)?;
        Ok(Verdict::Fine)
    }
}

impl ProfileArgs {
    fn mint(self) -> Result<String> {
        let mut entropy = [0; 16];
        getrandom::fill(&mut entropy).map_err(|error| anyhow!(error)).context("no random numbers")?;
        let mut profile = Profile::new(entropy, now());
        profile.visits = self.visits;
        profile.id = self.id.unwrap_or(profile.id);
        profile.interests.extend(self.interests);
        profile.traits.extend(self.traits);
        let cookie = ProfileCookie::encode(&profile, &keyring(&self.keyring)?, &self.site, now())?;
        Ok(cookie.split(';').next().unwrap_or_default().to_owned())
    }
}

impl FactsArgs {
    fn mint(self) -> Result<String> {
        let issued = now();
        let expires = issued.plus_seconds(self.lifetime);
        let token = FactsToken { issued, expires, facts: self.facts.into_iter().collect() };
        Ok(token.encode(&keyring(&self.keyring)?, &self.site)?)
    }
}

impl ExplainArgs {
    fn mint(self) -> Result<String> {
        let issued = now();
        let expires = issued.plus_seconds(self.lifetime);
        let claims = Claims { issued, expires, id: None, private: Map::new() };
        Ok(CapabilityToken::encode(&claims, Capability::Explain, &keyring(&self.keyring)?, &self.site)?)
    }
}

fn fact(text: &str) -> Result<(String, Value), String> {
    let (name, value) = named(text)?;
    Ok((name, serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))))
}

fn interest(text: &str) -> Result<(String, f64), String> {
    let (name, value) = named(text)?;
    let affinity: Option<f64> = value.parse().ok().filter(|affinity| (0.0..=1.0).contains(affinity));
    Ok((name, affinity.ok_or("an affinity is a number from 0 to 1")?))
}

fn named(text: &str) -> Result<(String, &str), String> {
    let (name, value) = text.split_once('=').ok_or("write a name, `=` and a value")?;
    if name.is_empty() { Err("write a name before the `=`".to_owned()) } else { Ok((name.to_owned(), value)) }
}
