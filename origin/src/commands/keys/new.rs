use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use hemstitch_origin::{KeyUse, KeyringFile, SigningKeyFile, write_bundle, write_secret};
use serde_json::json;

use super::{deployment, random_kid, random_secret};
use crate::input::site_name;
use crate::moment::now;
use crate::{Verdict, output};

/// Write new keys into a folder, and print the public one
///
/// None is written over. What is printed is the entry for `pointer_keys` in the site's configuration; it is no secret.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch keys new --out keys --site acme")]
pub struct New {
    /// The folder, which is created if it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = site_name)]
    site: String,
}

impl New {
    pub fn run(self) -> Result<Verdict> {
        let New { out, site } = self;
        let paths = KeyUse::ALL.map(|of| (of, of.path(&out, &site)));
        // All or nothing: half a set of keys would have to be sorted out by hand.
        if let Some((_, path)) = paths.iter().find(|(_, path)| path.exists()) {
            return Err(exists(path));
        }
        for (of, path) in &paths {
            let file = KeyringFile::new(*of, random_kid()?, random_secret()?, now());
            write_secret(path, &format!("{}\n", file.to_json())).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => exists(path),
                _ => anyhow::Error::new(error).context(format!("writing {}", path.display())),
            })?;
            output::aside(format_args!("wrote {}", path.display()));
        }
        let bundle = write_bundle(&out, &site).context("writing the bundle of all keys")?;
        output::aside(format_args!("wrote {}\n{}", bundle.display(), deployment(&site, &bundle)));
        let signing = KeyUse::Signing.path(&out, &site);
        let signing = std::fs::read(&signing).with_context(|| format!("reading {}", signing.display()))?;
        output::line(json!(SigningKeyFile::parse(&signing)?.public_keys_json()))?;
        Ok(Verdict::Fine)
    }
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow!(
        "{} exists, and no key is written over\n  hint: choose another folder with `--out`",
        path.display()
    )
}
