//! The record: every publication of a site, numbered, and never changed. KVs are mirrors of it.
//!
//! ```text
//! Draft ─► Record::add ─► one transaction: does it follow the last one? ─► publications, packs, rulesets
//! ```
//! The signing key is not here: a publisher signs the pointer for the next number, and whoever comes second with the same
//! number is told what was published in between.

mod backup;
mod draft;
mod migrations;
mod preview;
mod version;

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hemstitch::pack::PackHash;
use hemstitch::pointer::{draft_key, pack_key, pointer_key};
use hemstitch::time::UnixTime;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

pub use backup::{BackupError, backup, restore};
pub(crate) use draft::published;
pub use draft::{Draft, DraftError, Offer, Offered};
pub use preview::PreviewError;
pub use version::{Version, base64url};

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far a number may be above the last one.
const MOST_AHEAD: u64 = 1_000_000;

/// A record in a file of SQLite, with a write-ahead log beside it. Several processes may have it open.
#[derive(Debug)]
pub struct Record {
    connection: Mutex<Connection>,
}

/// Who published, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// Who, by their token.
    pub operator: String,
    /// The address that was seen, or `local`.
    pub peer: String,
    /// When.
    pub at: UnixTime,
}

/// Why something is not recorded, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file is something else, or of another application.
    #[error("it is no record of publications")]
    NoRecord,
    /// A later version of this program made it.
    #[error("it is of version {found}, and this program knows {known}; use the later one")]
    Newer {
        /// Of what version it is.
        found: usize,
        /// The last one that is known.
        known: usize,
    },
    /// It cannot be created.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something was published that the publisher had not seen.
    #[error("{}", match latest { Some(latest) => format!("number {} was published in between", latest.sequence), None => "nothing is published".to_owned() })]
    Overtaken {
        /// What is the last publication.
        latest: Option<Box<Version>>,
    },
    /// The number does not go on from the last one, or is more than a million above it: most likely a slip.
    #[error("number {wanted} does not follow {latest}, the last one, closely enough")]
    Number {
        /// The number that is given.
        wanted: u64,
        /// The last one.
        latest: u64,
    },
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Record {
    /// Opens the record in a file, and creates it where there is none. Blocks on IO, as all of this does.
    pub fn open(path: &Path) -> Result<Record, RecordError> {
        private(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        // Not before it is known to be ours: the mode would be written into a stranger's file.
        migrations::migrate(&mut connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A publication that was confirmed is on the disk.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(Record { connection: Mutex::new(connection) })
    }

    /// Adds a publication, if the last one is still `seen`, which is the one that the publisher knows of.
    pub fn add(&self, draft: &Draft, seen: Option<u64>, by: &Origins) -> Result<Version, RecordError> {
        let mut connection = self.lock();
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let latest = latest(&transaction, draft.site())?;
        if latest.as_ref().map(|latest| latest.sequence) != seen {
            return Err(RecordError::Overtaken { latest: latest.map(Box::new) });
        }
        if let Some(latest) = latest.map(|latest| latest.sequence)
            && !(1..=MOST_AHEAD).contains(&draft.sequence().saturating_sub(latest))
        {
            return Err(RecordError::Number { wanted: draft.sequence(), latest });
        }
        let ruleset = Sha256::digest(draft.ruleset()).to_vec();
        let (hash, site, sequence) = (draft.hash().to_string(), draft.site(), signed(draft.sequence()));
        transaction.execute(
            "INSERT INTO packs (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![hash, draft.pack()],
        )?;
        transaction.execute(
            "INSERT INTO rulesets (hash, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![ruleset, draft.ruleset()],
        )?;
        let (starts, until_then) =
            draft.starts().map(|(at, until_then)| (signed(at.0), until_then.to_string())).unzip();
        transaction.execute(
            "INSERT INTO publications (site, sequence, pack, ruleset, starts, until_then, published, operator, peer, \
             message, again, pointer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                site,
                sequence,
                hash,
                ruleset,
                starts,
                until_then,
                signed(by.at.0),
                by.operator,
                by.peer,
                draft.message(),
                draft.again().map(signed),
                draft.pointer()
            ],
        )?;
        let added = self::latest(&transaction, site)?.ok_or(RecordError::Overtaken { latest: None })?;
        transaction.commit()?;
        Ok(added)
    }

    /// The last publication of a site.
    pub fn latest(&self, site: &str) -> Result<Option<Version>, RecordError> {
        latest(&self.lock(), site)
    }

    /// The publication of that number.
    pub fn version(&self, site: &str, sequence: u64) -> Result<Option<Version>, RecordError> {
        let select =
            format!("SELECT {} FROM publications WHERE site = ?1 AND sequence = ?2", Version::COLUMNS);
        let connection = self.lock();
        Ok(connection.query_row(&select, params![site, signed(sequence)], Version::of).optional()?)
    }

    /// The publications of a site, the last one first, at most so many, below a number.
    pub fn versions(&self, site: &str, below: u64, most: u32) -> Result<Vec<Version>, RecordError> {
        let select = format!(
            "SELECT {} FROM publications WHERE site = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT ?3",
            Version::COLUMNS
        );
        let connection = self.lock();
        let mut statement = connection.prepare(&select)?;
        let versions = statement.query_map(params![site, signed(below), most], Version::of)?;
        Ok(versions.collect::<rusqlite::Result<_>>()?)
    }

    /// The ruleset of the publication of that number, as it was written.
    pub fn ruleset(&self, site: &str, sequence: u64) -> Result<Option<String>, RecordError> {
        let select = "SELECT text FROM rulesets JOIN publications ON rulesets.hash = publications.ruleset \
                      WHERE site = ?1 AND sequence = ?2";
        let connection = self.lock();
        Ok(connection.query_row(select, params![site, signed(sequence)], |row| row.get(0)).optional()?)
    }

    /// The value under a key of KV: the pointer of the last publication, a pack of any, or a draft.
    pub fn value(&self, site: &str, key: &str) -> Result<Option<Vec<u8>>, RecordError> {
        if key == pointer_key(site) {
            return Ok(self.latest(site)?.map(|latest| latest.pointer));
        }
        let hash = key.rsplit('/').next().and_then(PackHash::from_hex);
        match hash {
            Some(hash) if key == pack_key(site, &hash) => self.pack(site, &hash),
            Some(hash) if key == draft_key(site, &hash) => self.draft(site, &hash),
            _ => Ok(None),
        }
    }

    /// A pack that the site has published.
    pub fn pack(&self, site: &str, hash: &PackHash) -> Result<Option<Vec<u8>>, RecordError> {
        let select = "SELECT bytes FROM packs WHERE hash = ?2 AND EXISTS \
                      (SELECT 1 FROM publications WHERE site = ?1 AND (pack = ?2 OR until_then = ?2))";
        let connection = self.lock();
        Ok(connection.query_row(select, params![site, hash.to_string()], |row| row.get(0)).optional()?)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn latest(connection: &Connection, site: &str) -> Result<Option<Version>, RecordError> {
    let select = format!(
        "SELECT {} FROM publications WHERE site = ?1 ORDER BY sequence DESC LIMIT 1",
        Version::COLUMNS
    );
    Ok(connection.query_row(&select, [site], Version::of).optional()?)
}

/// SQLite's integers are signed; numbers and times beyond are none that anybody meant.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Creates the file as its owner's alone: unpublished dates and what was said of them are nobody else's business.
fn private(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Opens a record to read it alone, and creates none.
fn reading(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

#[cfg(test)]
mod tests;
