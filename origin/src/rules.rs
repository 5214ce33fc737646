//! The rules in force at the origin: those of a ruleset file, or what the record says is live; looked at again and again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use hemstitch::pack::{Pack, PackError, PackHash};

use crate::record::{Record, RecordError};
use crate::ruleset_file::{RulesetFile, Unpublishable};
use crate::visits::now;

/// How often is looked whether they have changed.
const EVERY: Duration = Duration::from_millis(500);

/// What is enough to see that rules have changed.
#[derive(Debug, PartialEq, Eq)]
enum Stamp {
    /// A file's time and length.
    File(SystemTime, u64),
    /// What is live of a record.
    Live(PackHash),
}

/// Where rules come from.
#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Record(Arc<Record>, String),
}

/// The rules in force. The last good ones stay while there are none that can be used.
#[derive(Debug, Default)]
pub struct Rules {
    source: Option<Source>,
    current: RwLock<Option<Arc<Pack>>>,
}

/// Why there are no rules to be had.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The record cannot be read.
    #[error("the record")]
    Record(#[from] RecordError),
    /// What the record says is live is no pack that can be used.
    #[error("the pack that is live")]
    Recorded(#[from] PackError),
    /// It cannot be read, or is no UTF-8.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds a ruleset that cannot be published.
    #[error("{}", file.display())]
    Unpublishable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: Unpublishable,
    },
    /// Its pack does not open, which is a defect of the compiler.
    #[error("the pack of {} does not open", file.display())]
    Pack {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: PackError,
    },
}

impl Rules {
    /// The rules of a file.
    pub fn of_file(file: &Path) -> Result<Rules, RulesError> {
        let pack = read(file)?;
        Ok(Rules { source: Some(Source::File(file.to_owned())), current: RwLock::new(Some(pack)) })
    }

    /// What is live of a site, by the record.
    pub fn of_record(record: Arc<Record>, site: &str) -> Result<Rules, RulesError> {
        let pack = live(&record, site)?;
        Ok(Rules { source: Some(Source::Record(record, site.to_owned())), current: RwLock::new(pack) })
    }

    /// These rules, for good.
    pub fn of_pack(pack: Pack) -> Rules {
        Rules { source: None, current: RwLock::new(Some(Arc::new(pack))) }
    }

    /// The pack to decide with; `None` where there are no rules, and every slot shows its default.
    pub fn current(&self) -> Option<Arc<Pack>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows what they come from for as long as it is polled; `report` is told what came of every change.
    pub async fn follow(self: Arc<Rules>, report: impl Fn(Result<(), RulesError>)) {
        let Some(source) = self.source.clone() else { return };
        let mut seen = stamp(&source).await;
        loop {
            tokio::time::sleep(EVERY).await;
            let stamp = stamp(&source).await;
            if stamp == seen {
                continue;
            }
            seen = stamp;
            let again = source.clone();
            let Ok(pack) = tokio::task::spawn_blocking(move || again.read()).await else { continue };
            report(pack.map(|pack| {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = pack;
            }));
        }
    }
}

impl Source {
    fn read(&self) -> Result<Option<Arc<Pack>>, RulesError> {
        match self {
            Source::File(file) => read(file).map(Some),
            Source::Record(record, site) => live(record, site),
        }
    }
}

fn live(record: &Record, site: &str) -> Result<Option<Arc<Pack>>, RulesError> {
    let Some(latest) = record.latest(site)? else { return Ok(None) };
    let hash = latest.live(now());
    let Some(bytes) = record.pack(site, &hash)? else { return Ok(None) };
    Ok(Some(Arc::new(Pack::open_verified(bytes, &hash)?)))
}

fn read(file: &Path) -> Result<Arc<Pack>, RulesError> {
    let file = || file.to_owned();
    let ruleset =
        RulesetFile::read(&file()).map_err(|source| RulesError::Unreadable { file: file(), source })?;
    let bytes = ruleset.compile().map_err(|source| RulesError::Unpublishable { file: file(), source })?;
    let pack = Pack::open(bytes).map_err(|source| RulesError::Pack { file: file(), source })?;
    Ok(Arc::new(pack))
}

async fn stamp(source: &Source) -> Option<Stamp> {
    match source {
        Source::File(file) => {
            let metadata = tokio::fs::metadata(file).await.ok()?;
            Some(Stamp::File(metadata.modified().ok()?, metadata.len()))
        }
        Source::Record(record, site) => {
            let (record, site) = (Arc::clone(record), site.clone());
            let latest = tokio::task::spawn_blocking(move || record.latest(&site)).await.ok()?;
            Some(Stamp::Live(latest.ok()??.live(now())))
        }
    }
}
