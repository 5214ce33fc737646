//! Where commands that publish or look at publications go to.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use hemstitch::pointer::PointerKeys;
use hemstitch::token::Keyring;
use hemstitch_origin::SigningKeyFile;
use hemstitch_origin::record::Version;
use hemstitch_origin::targets::{Configuration, Directory, Environment, Ledger, Mirror, Store, Targets};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::input::{self, Unreadable};

/// The site and the targets, by `hemstitch.toml` and what stands on the command line instead.
#[derive(Args)]
pub struct Place {
    /// The configuration, in place of hemstitch.toml in this folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A target of the configuration; may be repeated. All of them unless given
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    to: Vec<String>,
    /// A KV folder as a target, without a configuration; it is created if it is missing
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    kv: Option<PathBuf>,
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = input::site_name)]
    site: Option<String>,
}

/// A place, and the key that signs what is published there.
#[derive(Args)]
pub struct SigningPlace {
    #[command(flatten)]
    place: Place,
    /// The key that `hemstitch keys new` wrote to SITE.signing.json
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
}

/// A place that was found.
pub struct Found {
    /// The site.
    pub site: String,
    /// The configuration.
    pub configuration: Configuration,
    /// The targets.
    pub targets: Targets,
}

impl SigningPlace {
    /// The site, the key that signs, and the targets.
    pub fn with_key(&self) -> Result<(Found, SigningKeyFile)> {
        let configuration = configuration(self.place.config.as_deref())?;
        let path = self.signing_key.clone().or_else(|| configuration.signing_key.clone());
        let path = path.context(
            "no signing key\n  hint: give `--signing-key FILE`, or write `signing_key` into hemstitch.toml",
        )?;
        let key =
            SigningKeyFile::parse(&input::read(&path)?).map_err(|error| Unreadable::content(&path, error))?;
        Ok((self.place.find(configuration, &key.public_keys()?)?, key))
    }
}

impl Place {
    /// The site and the targets, to look at them.
    pub fn without_key(&self) -> Result<Found> {
        self.find(configuration(self.config.as_deref())?, &PointerKeys::default())
    }

    fn find(&self, configuration: Configuration, keys: &PointerKeys) -> Result<Found> {
        let site = self.site.clone().or_else(|| configuration.site.clone());
        let site =
            site.context("no site\n  hint: give `--site NAME`, or write `site` into hemstitch.toml")?;
        let site = input::site_name(&site).map_err(anyhow::Error::msg).context("the site")?;
        let targets = match &self.kv {
            Some(path) => {
                let store = Store::Directory(Directory::new(path.clone(), None));
                let name = path.display().to_string();
                Targets { ledger: None, mirrors: vec![Mirror { name, store }] }
            }
            None => {
                let names = if self.to.is_empty() { configuration.names() } else { self.to.clone() };
                configuration.targets(&names, &site, keys)?
            }
        };
        if targets.ledger.is_none() && targets.mirrors.is_empty() {
            bail!(
                "no target\n  hint: give `--to TARGET` or `--kv DIR`, or write targets into hemstitch.toml"
            );
        }
        Ok(Found { site, configuration, targets })
    }
}

impl Found {
    /// The record, which some commands need.
    pub fn ledger(&self) -> Result<&Ledger> {
        match &self.targets.ledger {
            Some((_, ledger)) => Ok(ledger),
            None => bail!(
                "none of the targets records publications\n  hint: a KV holds what is live, and not what was; write a \
                 target of kind `origin` or `record` into hemstitch.toml"
            ),
        }
    }

    /// The key that makes previews: that file, or the one of the configuration.
    pub fn preview_key(&self, file: Option<&Path>) -> Result<Keyring> {
        let path = file.or(self.configuration.preview_key.as_deref()).context(
            "no key for previews\n  hint: give `--keyring FILE`, or write `preview_key` into hemstitch.toml",
        )?;
        Ok(input::keyring(path)?)
    }

    /// The key that makes tokens of operators.
    pub fn operator_key(&self) -> Result<Option<Keyring>> {
        Ok(self.configuration.operator_key.as_deref().map(input::keyring).transpose()?)
    }
}

/// The configuration in a file, or in the `hemstitch.toml` of this folder, with what the environment says instead.
pub fn configuration(path: Option<&Path>) -> Result<Configuration> {
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Configuration::read(path, environment).map_err(|error| {
        let path = path.unwrap_or(Path::new("hemstitch.toml"));
        Unreadable::content(path, error).into()
    })
}

/// A time of the record, for people.
pub fn moment(seconds: u64) -> String {
    let moment =
        i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}

/// A publication in a line.
pub fn line(version: &Version) -> String {
    let Version { sequence, operator, peer, .. } = version;
    let pack: String = version.pack.to_string().chars().take(12).collect();
    let mut line = format!("{sequence:>5}  {}  {pack}  {operator} from {peer}", moment(version.published));
    let mut add = |text: String| {
        // Writing to a String does not fail.
        let _written = write!(line, "  {text}");
    };
    if let Some(again) = version.again {
        add(format!("back to {again}"));
    }
    if let Some(starts) = version.starts {
        add(format!("from {}", moment(starts)));
    }
    if !version.message.is_empty() {
        add(version
            .message
            .chars()
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect());
    }
    line
}
