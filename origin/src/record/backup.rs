//! A copy of the record in one file, and a record out of such a copy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::{Record, RecordError, private, reading};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file that was to be written exists.
    #[error("{} exists, and no file is written over", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file that was to be copied cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was to be copied is not whole.
    #[error("{} is damaged: {finding}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says of it.
        finding: String,
    },
    /// Something failed on the way.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Copies a record, as of one moment, while others read and write it. The copy is checked before it gets its name.
pub fn backup(record: &Path, copy: &Path) -> Result<(), BackupError> {
    transfer(record, copy)
}

/// Makes a record of a copy, where there is none yet.
pub fn restore(copy: &Path, record: &Path) -> Result<(), BackupError> {
    transfer(copy, record)?;
    // Brings one of an earlier version up to date, and refuses one of a later.
    Record::open(record)?;
    Ok(())
}

fn transfer(from: &Path, to: &Path) -> Result<(), BackupError> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    // SQLite would only say that it cannot open it.
    fs::metadata(from).map_err(|source| BackupError::Unreadable { path: from.to_owned(), source })?;
    let source = reading(from).map_err(RecordError::from)?;
    is_record(&source)?;
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let beside = to.with_file_name(name);
    let copied = copy(&source, &beside)
        .and_then(|()| fs::rename(&beside, to).map_err(|error| BackupError::Record(error.into())));
    if copied.is_err() {
        // What is left of it is of no use, and would be in the way of the next one.
        let _ = fs::remove_file(&beside);
    }
    copied
}

fn copy(source: &Connection, to: &Path) -> Result<(), BackupError> {
    let sqlite = |error: rusqlite::Error| BackupError::Record(error.into());
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(BackupError::Record(error.into()));
        }
        _ => {}
    }
    private(to).map_err(RecordError::from)?;
    let mut copy = Connection::open(to).map_err(sqlite)?;
    let steps = Backup::new(source, &mut copy).map_err(sqlite)?;
    steps.run_to_completion(1_000, Duration::ZERO, None).map_err(sqlite)?;
    drop(steps);
    // A copy in one file, without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE").map_err(sqlite)?;
    let finding: String =
        copy.pragma_query_value(None, "integrity_check", |row| row.get(0)).map_err(sqlite)?;
    match finding == "ok" {
        true => Ok(()),
        false => Err(BackupError::Damaged { path: to.to_owned(), finding }),
    }
}

fn is_record(connection: &Connection) -> Result<(), BackupError> {
    match super::migrations::is_ours(connection) {
        Ok(true) => Ok(()),
        Ok(false) | Err(RecordError::Sqlite(_)) => Err(RecordError::NoRecord.into()),
        Err(error) => Err(error.into()),
    }
}
