use anyhow::Result;
use clap::Args;
use hemstitch_origin::{KeyRole, KeyUse};

use super::Place;
use crate::moment::{now, written};
use crate::{Verdict, output};

/// Print what keys there are, since when they sign, and how long what they signed can be alive
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch keys list --keys keys --site acme")]
pub struct List {
    #[command(flatten)]
    place: Place,
}

impl List {
    pub fn run(self) -> Result<Verdict> {
        for of in KeyUse::ALL {
            if !of.path(&self.place.keys, &self.place.site).exists() {
                output::line(format_args!("{:<9} none", of.name()))?;
                continue;
            }
            for record in self.place.read(of)?.records(now()) {
                let from = record.from.map(written);
                let role = match (record.role, from) {
                    (KeyRole::Next, from) => format!("signs from {}", from.unwrap_or_default()),
                    (KeyRole::Signs, Some(from)) => format!("signs since {from}"),
                    (KeyRole::Signs, None) => "signs".to_owned(),
                    (KeyRole::Older(Some(until)), _) if until <= now() => {
                        format!("older; nothing that it signed is alive since {}", written(until))
                    }
                    (KeyRole::Older(Some(until)), _) => {
                        format!("older; what it signed can be alive until {}", written(until))
                    }
                    (KeyRole::Older(None), _) => "older; what it signed can be alive".to_owned(),
                };
                output::line(format_args!("{:<9} {:<12} {role}", of.name(), record.kid))?;
            }
        }
        Ok(Verdict::Fine)
    }
}
