use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use hemstitch_origin::{SigningKeyFile, keyring_json, write_secret};
use serde_json::json;

use crate::input::site_name;
use crate::{Verdict, output};

/// Make the keys of a site
#[derive(Args)]
pub struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Write new keys into a folder, and print the public one
    ///
    /// SITE.profile.json signs profile cookies, SITE.facts.json facts tokens, SITE.explain.json tokens that have a page
    /// explained, SITE.signing.json publications. Only their
    /// owner can read them, and none is written over. What is printed is the entry for `pointer_keys` in the site's
    /// configuration; it is no secret.
    #[command(after_help = "\
Examples:
  hemstitch keys new --out keys --site acme")]
    New {
        /// The folder, which is created if it is missing
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Name of the site
        #[arg(long, value_name = "NAME", value_parser = site_name)]
        site: String,
    },
}

impl Keys {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let KeysCommand::New { out, site } = self.command;
        let signing = SigningKeyFile::new(random_kid()?, &random()?);
        let files = [
            ("profile", keyring_json(&random_kid()?, &random()?)),
            ("facts", keyring_json(&random_kid()?, &random()?)),
            ("explain", keyring_json(&random_kid()?, &random()?)),
            ("signing", signing.to_json()),
        ]
        .map(|(purpose, text)| (out.join(format!("{site}.{purpose}.json")), text));
        // All or nothing: half a set of keys would have to be sorted out by hand.
        if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
            return Err(exists(path));
        }
        fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
        for (path, text) in &files {
            write_secret(path, text).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => exists(path),
                _ => anyhow::Error::new(error).context(format!("writing {}", path.display())),
            })?;
            output::aside(format_args!("wrote {}", path.display()));
        }
        output::line(json!([signing.public_json()]))?;
        Ok(Verdict::Fine)
    }
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow!(
        "{} exists, and no key is written over\n  hint: choose another folder with `--out`",
        path.display()
    )
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!(error)).context("no random numbers")?;
    Ok(bytes)
}

fn random_kid() -> Result<String> {
    Ok(random::<4>()?.iter().fold("k-".to_owned(), |kid, byte| format!("{kid}{byte:02x}")))
}
