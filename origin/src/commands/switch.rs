//! The kill switch, from the command line: where each platform has it, and without a publication.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use hemstitch::facts::FORCED;
use hemstitch::kill_switch::KillSwitch;
use hemstitch_origin::Setting;

use crate::input::site_name;
use crate::{Verdict, output};

/// Turn personalization off, or one experiment
///
/// Pages go out as authored within two seconds, whatever state KV, packs and publisher are in. An experiment that is
/// off decides nothing, and the rules below it do; so does a rule or a gate.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch off --file personalization
  hemstitch off --experiment checkout --file personalization
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
  hemstitch on --file personalization
  hemstitch on --experiment checkout --file personalization")]
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
    /// The file that the native edge's `personalization` names
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The JSON file that is Viceroy's config store
    #[arg(long, value_name = "FILE")]
    config_store: Option<PathBuf>,
    /// The site, where one of several is meant
    #[arg(long, value_name = "NAME", value_parser = site_name)]
    site: Option<String>,
}

impl Off {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        self.what.turn(KillSwitch::Off, KillSwitch::turn_off)
    }
}

impl On {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        self.what.turn(KillSwitch::On, KillSwitch::turn_on)
    }
}

impl What {
    fn turn(&self, all: KillSwitch, one: fn(KillSwitch, &str) -> KillSwitch) -> Result<Verdict> {
        let settings = self.settings();
        if settings.is_empty() {
            bail!("nothing to turn\n  hint: give `--file FILE` or `--config-store FILE`");
        }
        let experiments = self.experiments.iter().map(|key| [FORCED, key].concat());
        let names: Vec<String> = experiments.chain(self.rules.iter().cloned()).collect();
        for setting in settings {
            let place = setting.to_string();
            let turned = match names.is_empty() {
                true => all.clone(),
                false => {
                    let now = setting.read().with_context(|| format!("reading {place}"))?;
                    names.iter().fold(now, |switch, name| one(switch, name))
                }
            };
            setting.write(&turned).with_context(|| format!("writing {place}"))?;
            output::line(format_args!("{place}: {turned}"))?;
        }
        Ok(Verdict::Fine)
    }

    fn settings(&self) -> Vec<Setting> {
        let file = self.file.iter().cloned().map(Setting::File);
        let key = match &self.site {
            Some(site) => format!("personalization.{site}"),
            None => "personalization".to_owned(),
        };
        let store =
            self.config_store.iter().cloned().map(|path| Setting::ConfigStoreFile { path, key: key.clone() });
        file.chain(store).collect()
    }
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
