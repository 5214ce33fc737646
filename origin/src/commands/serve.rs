use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use hemstitch::kill_switch::KillSwitch;
use hemstitch_native::KeyFiles;
use hemstitch_origin::record::Record;
use hemstitch_origin::{
    Folder, Kv, KvReaders, Origin, Rules, RulesError, Settings, Setup, Unpublishable, serve,
};

use super::block_on;
use crate::input::{self, Unreadable};
use crate::stop::Stop;
use crate::{Verdict, address, output};

/// Serve the pages of a folder, personalized where no edge is in front
///
/// A request that says `Surrogate-Capability: hs="…"` comes from an edge and gets the page as it was authored. Any other
/// gets it stitched, by the same code and the same rules as on an edge. `/_hs/blocks/SLOT` answers what a visitor's slot
/// shows, for other ESI processors. Where a visitor is, the origin cannot tell; that is known at an edge only.
///
/// `/` is index.html, `/a` is a, a.html or a/index.html. Hidden files, and links that lead out of the folder, are not
/// served. A file `site.json` in the folder sets headers (and whether ESI is on) per file.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch serve pages
  hemstitch serve pages --listen 127.0.0.1:0 --ruleset ruleset.json
  hemstitch serve pages --site acme --keys keys --ruleset ruleset.json --kv kv
  hemstitch serve pages --config site.json --keys keys --record record.db")]
pub struct Serve {
    /// The folder with the pages
    folder: PathBuf,
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,
    /// The rules; the file is read again whenever it changes, and the last good rules stay while it has errors
    #[arg(long, value_name = "FILE")]
    ruleset: Option<PathBuf>,
    /// Record publications in this file, which is created if it is missing, and answer by what is live. Operators and edges
    /// show tokens of the keys SITE.operator.json and SITE.edge.json; the site's configuration has its `pointer_keys`
    #[arg(long, value_name = "FILE", conflicts_with = "ruleset", requires = "config", requires = "keys")]
    record: Option<PathBuf>,
    /// Name of the site: the audience of its cookies and tokens
    #[arg(long, value_name = "NAME", value_parser = input::site_name, default_value = "local")]
    site: String,
    /// The site's configuration, as an edge reads it, in place of --site
    #[arg(long, value_name = "FILE", conflicts_with = "site")]
    config: Option<PathBuf>,
    /// Folder with the keys of the site, as `keys new` writes them; without it every visitor is a new one
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// The kill switch: `on`, `off`, or `off:rule-a,rule-b`
    #[arg(long, value_name = "SETTING", value_parser = input::kill_switch, default_value = "on")]
    personalization: KillSwitch,
    /// KV folder to serve to edges below /_hs/kv/, to programs of this machine alone
    #[arg(long, value_name = "DIR")]
    kv: Option<PathBuf>,
    /// Serve the KV folder to everybody who reaches the origin
    #[arg(long, requires = "kv")]
    serve_kv: bool,
}

impl Serve {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let (setup, key_files) = self.set_up()?;
        let rules = Arc::clone(&setup.rules);
        block_on(async {
            let mut stop = Stop::listen()?;
            let listener = address::listen(self.listen, "`--listen 127.0.0.1:PORT`").await?;
            output::address(format_args!("listening on http://{}", listener.local_addr()?))?;
            tokio::spawn(rules.follow(report));
            tokio::spawn(key_files.run());
            let stopped = async move { stop.requested().await };
            serve(listener, Arc::new(Origin::new(setup)), stopped).await?;
            Ok(Verdict::Fine)
        })
    }

    fn set_up(&self) -> Result<(Setup, KeyFiles)> {
        let folder = Folder::open(&self.folder)?;
        let site = match &self.config {
            Some(file) => input::site(file)?,
            None => input::local_site(&self.site)?,
        };
        let readers = if self.serve_kv { KvReaders::Everybody } else { KvReaders::Loopback };
        let record = self.record.as_deref().map(record).transpose()?;
        let rules = match (&record, self.ruleset.as_deref()) {
            (Some(record), _) => Rules::of_record(Arc::clone(record), &site.name)?,
            (None, Some(file)) => rules(file)?,
            (None, None) => Rules::default(),
        };
        if let Some(folder) = &self.keys {
            // One that has no keys for profiles is the wrong folder.
            input::keys(folder, &site.name)?;
        }
        let (key_files, keys) = KeyFiles::open(self.keys.as_deref(), &site.name)?;
        let setup = Setup {
            settings: Settings::read(&folder)?,
            folder,
            keys,
            site,
            rules: Arc::new(rules),
            record,
            kill: self.personalization.clone(),
            kv: self.kv.as_deref().map(Folder::open).transpose()?.map(|kv| Kv::new(kv, readers)),
        };
        Ok((setup, key_files))
    }
}

fn record(file: &Path) -> Result<Arc<Record>> {
    Ok(Arc::new(Record::open(file).with_context(|| file.display().to_string())?))
}

fn rules(file: &Path) -> Result<Rules> {
    Rules::of_file(file).map_err(|error| match error {
        RulesError::Unreadable { file, source } => Unreadable::File { path: file, source }.into(),
        other => advised(other),
    })
}

fn report(change: Result<(), RulesError>) {
    match change {
        Ok(()) => output::aside("the rules have changed"),
        Err(error) => output::aside(format_args!("the last good rules stay: {:#}", advised(error))),
    }
}

/// The error, and where to see more of it.
fn advised(error: RulesError) -> anyhow::Error {
    match &error {
        RulesError::Unpublishable { file, source: Unpublishable::Errors { .. } } => {
            let hint = format!("hint: `hemstitch check {}` shows them", file.display());
            anyhow::anyhow!("{:#}\n  {hint}", anyhow::Error::new(error))
        }
        _ => error.into(),
    }
}
