use anyhow::{Context, Result};
use clap::Args;
use hemstitch_origin::{KeyUse, SigningKeyFile};
use serde_json::json;

use super::{Place, key_use, random_kid, random_secret};
use crate::input;
use crate::moment::{now, written};
use crate::{Verdict, output};

/// Add a key, which takes over when every edge knows it
///
/// The new key verifies at once and signs later, so that no edge ever meets a token under a key that it does not know.
/// Older keys go on verifying; profile cookies are signed again with the new one as their visitors come by. Of the
/// signing key the public halves are printed, which have to stand in the site's configuration before the new one signs.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch keys rotate profile --keys keys --site acme
  hemstitch keys rotate preview --keys keys --site acme --in 0")]
pub struct Rotate {
    /// What the key is for: profile (or cookie), facts, explain, preview, operator, signing
    #[arg(value_parser = key_use)]
    purpose: KeyUse,
    #[command(flatten)]
    place: Place,
    /// In how many minutes it begins to sign: longer than all edges take to learn of it
    #[arg(long = "in", value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=525_600))]
    delay: u64,
}

impl Rotate {
    pub fn run(self) -> Result<Verdict> {
        let Rotate { purpose, place, delay } = self;
        let mut file = place.read(purpose)?;
        let (kid, from) = (random_kid()?, now().plus_seconds(delay * 60));
        file.rotate(kid.clone(), random_secret()?, from);
        place.write(purpose, &file)?;
        output::aside(format_args!(
            "{} key {kid} signs from {}; every edge has to know it by then",
            purpose.name(),
            written(from)
        ));
        if purpose == KeyUse::Signing {
            let path = purpose.path(&place.keys, &place.site);
            let signing = SigningKeyFile::parse(&input::read(&path)?).context("the key that was written")?;
            output::line(json!(signing.public_keys_json()))?;
        } else {
            output::line(kid)?;
        }
        Ok(Verdict::Fine)
    }
}
