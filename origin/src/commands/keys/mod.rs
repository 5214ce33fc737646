//! The keys of a site: made, listed, rotated, retired.

mod list;
mod new;
mod retire;
mod rotate;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use hemstitch::visit::KeyPurpose;
use hemstitch_origin::{KeyUse, KeyringFile, write_bundle};

use crate::input::{self, Unreadable};
use crate::{Verdict, output};

/// Make, list, rotate and retire the keys of a site
///
/// Keys are in files that only their owner can read: SITE.profile.json signs profile cookies, SITE.facts.json,
/// SITE.explain.json, SITE.preview.json and SITE.operator.json tokens of these kinds, SITE.signing.json publications.
/// SITE.keys.json holds all of them but the last, for the one secret of an edge. No secret is ever printed.
#[derive(Args)]
pub struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    New(new::New),
    List(list::List),
    Rotate(rotate::Rotate),
    Retire(retire::Retire),
}

impl Keys {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        match self.command {
            KeysCommand::New(new) => new.run(),
            KeysCommand::List(list) => list.run(),
            KeysCommand::Rotate(rotate) => rotate.run(),
            KeysCommand::Retire(retire) => retire.run(),
        }
    }
}

/// Where the keys of a site are.
#[derive(Args)]
struct Place {
    /// The folder that they are in
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = input::site_name)]
    site: String,
}

impl Place {
    fn read(&self, of: KeyUse) -> Result<KeyringFile> {
        let path = of.path(&self.keys, &self.site);
        let read = KeyringFile::parse(of, &input::read(&path)?);
        Ok(read.map_err(|error| Unreadable::content(&path, error))?)
    }

    /// Writes the keys, and says how edges come to know them.
    fn write(&self, of: KeyUse, file: &KeyringFile) -> Result<()> {
        let path = of.path(&self.keys, &self.site);
        file.write(&path).with_context(|| format!("writing {}", path.display()))?;
        if of != KeyUse::Signing {
            let bundle = write_bundle(&self.keys, &self.site).context("writing the bundle of all keys")?;
            output::aside(deployment(&self.site, &bundle));
        }
        Ok(())
    }
}

/// The commands by which platforms come to hold the keys. The secrets go from file to file, and past every screen.
fn deployment(site: &str, bundle: &Path) -> String {
    let (capitals, bundle) = (site.to_ascii_uppercase().replace('-', "_"), bundle.display());
    format!(
        "to hand the keys to edges:\n  \
         fastly secret-store-entry create --store-id STORE --name {site}.keys --file {bundle} --recreate-allow\n  \
         wrangler secret put {capitals}_KEYS < {bundle}\n  \
         native edges read the folder again by themselves"
    )
}

/// What a key is for, as an argument.
fn key_use(text: &str) -> Result<KeyUse, String> {
    let name = if text == "cookie" { KeyPurpose::Profile.name() } else { text };
    KeyUse::named(name).ok_or_else(|| {
        let names: Vec<&str> = KeyUse::ALL.into_iter().map(KeyUse::name).collect();
        format!("write one of {}", names.join(", "))
    })
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!(error)).context("no random numbers")?;
    Ok(bytes)
}

fn random_kid() -> Result<String> {
    Ok(random::<4>()?.iter().fold("k-".to_owned(), |kid, byte| format!("{kid}{byte:02x}")))
}

fn random_secret() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}
