use anyhow::{Result, anyhow};
use clap::Args;
use hemstitch_origin::{Force, KeyUse, RetireError};

use super::{Place, key_use};
use crate::moment::{now, written};
use crate::{Verdict, output};

/// Take a key out, so that nothing it signed is accepted any more
///
/// It is refused while anything that the key signed can be alive: of profile cookies for 400 days after the next key
/// took over. Where a secret may have leaked, do it by force: visitors whose cookies it signed are then new ones.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch keys list --keys keys --site acme
  hemstitch keys retire profile k-2f6b9c01 --keys keys --site acme")]
pub struct Retire {
    /// What the key is for
    #[arg(value_parser = key_use)]
    purpose: KeyUse,
    /// The name of the key, as `hemstitch keys list` prints it
    #[arg(value_name = "KID")]
    kid: String,
    #[command(flatten)]
    place: Place,
    /// Do it though what the key signed can be alive
    #[arg(long)]
    force: bool,
}

impl Retire {
    pub fn run(self) -> Result<Verdict> {
        let Retire { purpose, kid, place, force } = self;
        let mut file = place.read(purpose)?;
        let force = if force { Force::Yes } else { Force::No };
        file.retire(&kid, now(), force).map_err(|error| advised(purpose, &kid, error))?;
        place.write(purpose, &file)?;
        output::line(format_args!("retired the {} key {kid}", purpose.name()))?;
        if purpose == KeyUse::Signing {
            output::aside(
                "take its public half out of `pointer_keys`, when another key has signed what is live",
            );
        }
        Ok(Verdict::Fine)
    }
}

fn advised(purpose: KeyUse, kid: &str, error: RetireError) -> anyhow::Error {
    let hint = match &error {
        RetireError::Unknown => "`hemstitch keys list` prints the names",
        RetireError::Only => return anyhow!("the {} key {kid} stays: {error}", purpose.name()),
        RetireError::Pointers => "publish with the next key, then give `--force`",
        RetireError::Signs | RetireError::Unrecorded | RetireError::Alive { .. } => {
            "where the secret may have leaked, give `--force`"
        }
    };
    let why = match &error {
        RetireError::Alive { until } => format!("what it signed can be alive until {}", written(*until)),
        other => other.to_string(),
    };
    anyhow!("the {} key {kid} stays: {why}\n  hint: {hint}", purpose.name())
}
