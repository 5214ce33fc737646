//! The rules in force at the origin: those of a ruleset file, read again whenever it changes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use hemstitch::pack::{Pack, PackError};

use crate::ruleset_file::{RulesetFile, Unpublishable};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// A file's time and length: enough to see that it was written again.
type Stamp = Option<(SystemTime, u64)>;

/// The rules in force. The last good ones stay while the file has errors.
#[derive(Debug, Default)]
pub struct Rules {
    file: Option<PathBuf>,
    current: RwLock<Option<Arc<Pack>>>,
}

/// Why a file does not give rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
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
        Ok(Rules { file: Some(file.to_owned()), current: RwLock::new(Some(pack)) })
    }

    /// These rules, for good.
    pub fn of_pack(pack: Pack) -> Rules {
        Rules { file: None, current: RwLock::new(Some(Arc::new(pack))) }
    }

    /// The pack to decide with; `None` where there are no rules, and every slot shows its default.
    pub fn current(&self) -> Option<Arc<Pack>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows the file for as long as it is polled; `report` is told what came of every change.
    pub async fn follow(self: Arc<Rules>, report: impl Fn(Result<(), RulesError>)) {
        let Some(file) = self.file.clone() else { return };
        let mut seen = stamp(&file).await;
        loop {
            tokio::time::sleep(EVERY).await;
            let stamp = stamp(&file).await;
            if stamp == seen {
                continue;
            }
            seen = stamp;
            let again = file.clone();
            let Ok(pack) = tokio::task::spawn_blocking(move || read(&again)).await else { continue };
            report(pack.map(|pack| {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(pack);
            }));
        }
    }
}

fn read(file: &Path) -> Result<Arc<Pack>, RulesError> {
    let file = || file.to_owned();
    let ruleset =
        RulesetFile::read(&file()).map_err(|source| RulesError::Unreadable { file: file(), source })?;
    let bytes = ruleset.compile().map_err(|source| RulesError::Unpublishable { file: file(), source })?;
    let pack = Pack::open(bytes).map_err(|source| RulesError::Pack { file: file(), source })?;
    Ok(Arc::new(pack))
}

async fn stamp(file: &Path) -> Stamp {
    let metadata = tokio::fs::metadata(file).await.ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
