use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use hemstitch_origin::growthbook;

use crate::input::{self, Unreadable};
use crate::{Verdict, output};

/// Make a ruleset of what another tool exports
#[derive(Args)]
pub struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Subcommand)]
enum From {
    /// Read what GrowthBook exports, print a ruleset, and list what has no counterpart
    ///
    /// The file is the payload that GrowthBook's SDKs get (features, saved groups, experiments), or one or more experiments of
    /// its API. A feature becomes a slot of its name: texts and numbers are shown in it, a flag that is on shows what the page
    /// has there as its default, and one that is off nothing. The list goes to standard error.
    #[command(after_help = "\
Exit codes:
  0  all of it is in the ruleset
  1  something has no counterpart, and is listed

Examples:
  hemstitch import growthbook features.json > ruleset.json
  hemstitch import growthbook features.json --attribute plan=trait.plan > ruleset.json")]
    Growthbook {
        /// The export
        file: PathBuf,
        /// Which fact an attribute is, where it is not the usual one or a trait; may be repeated
        #[arg(long = "attribute", value_name = "NAME=FACT", value_parser = attribute)]
        attributes: Vec<(String, String)>,
    },
}

impl Import {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let From::Growthbook { file, attributes } = self.from;
        let text =
            String::from_utf8(input::read(&file)?).map_err(|error| Unreadable::content(&file, error))?;
        let attributes: BTreeMap<String, String> = attributes.into_iter().collect();
        let import =
            growthbook::import(&text, &attributes).map_err(|error| Unreadable::content(&file, error))?;
        output::line(format_args!("{:#}", import.ruleset))?;
        for lacking in &import.lacking {
            output::aside(lacking);
        }
        Ok(if import.lacking.is_empty() { Verdict::Fine } else { Verdict::Findings })
    }
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, fact)) if !name.is_empty() && !fact.is_empty() => Ok((name.to_owned(), fact.to_owned())),
        _ => Err("write the name of an attribute and of a fact, such as plan=trait.plan".to_owned()),
    }
}
