//! The kill switch, from the command line: where each platform has it, and without a publication.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use hemstitch::facts::FORCED;
use hemstitch::kill_switch::KillSwitch;
use hemstitch_origin::targets::Configuration;
use hemstitch_origin::{Setting, SettingError};

use super::live_names::LiveNames;
use super::place;
use crate::input::site_name;
use crate::{Verdict, output};

/// Where a target of hemstitch.toml has its switch.
const HINT: &str = "write `personalization` or `config_store` (a directory), `config_store_id` (fastly) or `script` \
                    (cloudflare) to a target in hemstitch.toml";

/// Turn personalization off, or one experiment
///
/// Pages go out as authored within seconds, whatever state KV, packs and publisher are in. An experiment that is off
/// decides nothing, and the rules below it do; so does a rule or a gate. It is turned at every target of hemstitch.toml that
/// has a switch, for the site that is named there; what cannot be turned is said, and the others are turned all the same. A name that
/// nothing has that is live at a target is turned, and said, with exit code 1.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch off
  hemstitch off --experiment checkout --to fastly cloudflare
  hemstitch off --file personalization
  hemstitch off --rule hero-german --config-store bin/local/config.json --site acme")]
pub struct Off {
    #[command(flatten)]
    what: What,
}

/// Turn personalization on again, or one experiment
///
/// With `--experiment` or `--rule` that alone is on again, and everything else stays as it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch on
  hemstitch on --experiment checkout --to fastly cloudflare")]
pub struct On {
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
struct What {
    /// An experiment, by its key; may be repeated
    #[arg(long = "experiment", value_name = "KEY", value_parser = name)]
    experiments: Vec<String>,
    /// A rule or a gate, by its id; may be repeated
    #[arg(long = "rule", value_name = "ID", value_parser = name)]
    rules: Vec<String>,
    /// The configuration, in place of hemstitch.toml in this folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A target of the configuration; may be repeated. All that have a switch unless given
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    to: Vec<String>,
    /// The file that the native edge's `personalization` names
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    file: Option<PathBuf>,
    /// The JSON file that is Viceroy's config store
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    config_store: Option<PathBuf>,
    /// The site, where one of several is meant; that of the configuration, if there is one
    #[arg(long, value_name = "NAME", value_parser = site_name, conflicts_with = "all_sites")]
    site: Option<String>,
    /// Turn the switch that is for all sites of a target
    #[arg(long)]
    all_sites: bool,
}

/// A switch, and what it is a switch of.
struct Place {
    /// As people know it.
    name: String,
    setting: Setting,
}

impl Off {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let verdict = self.what.turn(KillSwitch::Off, KillSwitch::turn_off)?;
        Ok(if self.what.say_what_is_not_live()? { verdict } else { Verdict::Findings })
    }
}

impl On {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let verdict = self.what.turn(KillSwitch::On, KillSwitch::turn_on)?;
        self.what.say_what_is_still_off()?;
        Ok(verdict)
    }
}

impl What {
    fn turn(&self, all: KillSwitch, one: fn(KillSwitch, &str) -> KillSwitch) -> Result<Verdict> {
        let experiments = self.experiments.iter().map(|key| [FORCED, key].concat());
        let names: Vec<String> = experiments.chain(self.rules.iter().cloned()).collect();
        let mut verdict = Verdict::Fine;
        // Whoever turns this is in a hurry: one place that fails keeps none of the others from being turned.
        for place in self.places()? {
            let turned = place.and_then(|place| {
                let switch = turned(&place.setting, &all, &names, one)
                    .with_context(|| format!("{} stays as it was", place.name))?;
                output::line(format_args!("{}: {switch}", place.name))?;
                if all == KillSwitch::On && switch == KillSwitch::Off {
                    output::aside(
                        "  everything is off there\n  hint: `hemstitch on` without a name turns it on",
                    );
                }
                Ok(())
            });
            if let Err(error) = turned {
                verdict = Verdict::Findings;
                output::aside(format_args!("FAILED: {}", crate::chain(&error)));
            }
        }
        Ok(verdict)
    }

    fn places(&self) -> Result<Vec<Result<Place>>> {
        if self.file.is_some() || self.config_store.is_some() {
            return Ok(self
                .files()
                .map(|setting| Ok(Place { name: setting.to_string(), setting }))
                .collect());
        }
        let configuration = place::configuration(self.config.as_deref())?;
        let site = self.site_of(&configuration)?;
        let mut places = Vec::new();
        for (target, switches) in configuration.switches(&self.targets_of(&configuration), site.as_deref()) {
            match switches {
                Err(error) => places.push(Err(error.into())),
                Ok(settings) if settings.is_empty() && !self.to.is_empty() => {
                    places.push(Err(anyhow!("target `{target}` has no switch\n  hint: {HINT}")));
                }
                Ok(settings) => places.extend(settings.into_iter().map(|setting| {
                    let name = format!("{target}: {setting}");
                    Ok(Place { name, setting })
                })),
            }
        }
        if places.is_empty() {
            bail!("nothing to turn\n  hint: give `--file FILE` or `--config-store FILE`, or {HINT}");
        }
        Ok(places)
    }

    /// Names that nothing live has, where that can be known; whether there are none. They are turned off all the same, and first.
    fn say_what_is_not_live(&self) -> Result<bool> {
        let names_something = !self.experiments.is_empty() || !self.rules.is_empty();
        if !names_something || self.file.is_some() || self.config_store.is_some() {
            return Ok(true);
        }
        let configuration = place::configuration(self.config.as_deref())?;
        let Some(site) = self.site_of(&configuration)? else { return Ok(true) };
        let live = LiveNames::at(&configuration, &configuration.names(), &site);
        let experiments = self.experiments.iter().filter(|key| live.lack_experiment(key));
        let rules = self.rules.iter().filter(|id| live.lack_rule(id));
        let kinds = experiments.map(|key| ("experiment", key)).chain(rules.map(|id| ("rule or gate", id)));
        let mut all_live = true;
        for (what, name) in kinds {
            all_live = false;
            output::aside(format_args!(
                "no {what} `{name}` is live, so nothing changes by this\n  hint: `hemstitch on` with the same name takes it \
                 off the list again"
            ));
        }
        Ok(all_live)
    }

    /// The switch of all sites outranks that of one.
    fn say_what_is_still_off(&self) -> Result<()> {
        if self.file.is_some() || self.config_store.is_some() {
            return Ok(());
        }
        let configuration = place::configuration(self.config.as_deref())?;
        if self.site_of(&configuration)?.is_none() {
            return Ok(());
        }
        for (target, switches) in configuration.switches(&self.targets_of(&configuration), None) {
            for setting in
                switches.into_iter().flatten().filter(|setting| !matches!(setting, Setting::File(_)))
            {
                if let Some(switch) = setting.read().ok().filter(|switch| *switch != KillSwitch::On) {
                    output::aside(format_args!(
                        "{target}: {setting} still says {switch}, for all sites\n  hint: `hemstitch on --all-sites`"
                    ));
                }
            }
        }
        Ok(())
    }

    fn site_of(&self, configuration: &Configuration) -> Result<Option<String>> {
        let site = self.site.clone().or_else(|| configuration.site.clone()).filter(|_| !self.all_sites);
        site.map(|site| site_name(&site).map_err(anyhow::Error::msg).context("the site")).transpose()
    }

    fn targets_of(&self, configuration: &Configuration) -> Vec<String> {
        if self.to.is_empty() { configuration.names() } else { self.to.clone() }
    }

    fn files(&self) -> impl Iterator<Item = Setting> {
        let file = self.file.iter().cloned().map(Setting::File);
        let key = match &self.site {
            Some(site) => format!("personalization.{site}"),
            None => "personalization".to_owned(),
        };
        let store = self
            .config_store
            .iter()
            .cloned()
            .map(move |path| Setting::ConfigStoreFile { path, key: key.clone() });
        file.chain(store)
    }
}

fn turned(
    setting: &Setting,
    all: &KillSwitch,
    names: &[String],
    one: fn(KillSwitch, &str) -> KillSwitch,
) -> Result<KillSwitch, SettingError> {
    let turned = match names {
        [] => all.clone(),
        names => names.iter().fold(setting.read()?, |switch, name| one(switch, name)),
    };
    setting.write(&turned)?;
    Ok(turned)
}

/// A name that a list can hold.
fn name(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && !text.contains(',') && text.trim() == text;
    if plain {
        Ok(text.to_owned())
    } else {
        Err("write a name without commas, nor blanks around it".to_owned())
    }
}
