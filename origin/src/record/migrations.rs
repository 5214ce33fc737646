//! The tables of the record, one step for each version of them.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::RecordError;

/// Each leads from the version of its index to the next. One that has been released is never changed.
const STEPS: [&str; 2] = [FIRST, DRAFTS];

const FIRST: &str = r"
CREATE TABLE packs (
    hash TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE rulesets (
    hash BLOB NOT NULL PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE publications (
    site TEXT NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    pack TEXT NOT NULL REFERENCES packs (hash),
    ruleset BLOB NOT NULL REFERENCES rulesets (hash),
    starts INTEGER,
    until_then TEXT REFERENCES packs (hash),
    published INTEGER NOT NULL,
    operator TEXT NOT NULL,
    peer TEXT NOT NULL,
    message TEXT NOT NULL,
    again INTEGER,
    pointer BLOB NOT NULL,
    PRIMARY KEY (site, sequence),
    CHECK ((starts IS NULL) = (until_then IS NULL))
) STRICT;

CREATE TRIGGER publications_ascend BEFORE INSERT ON publications
WHEN NEW.sequence <= (SELECT coalesce(max(sequence), 0) FROM publications WHERE site = NEW.site)
BEGIN SELECT raise(ABORT, 'a publication has a higher number than those before it'); END;

CREATE TRIGGER publications_stay BEFORE UPDATE ON publications
BEGIN SELECT raise(ABORT, 'the record is only added to'); END;
CREATE TRIGGER publications_remain BEFORE DELETE ON publications
BEGIN SELECT raise(ABORT, 'the record is only added to'); END;
CREATE TRIGGER packs_stay BEFORE UPDATE ON packs
BEGIN SELECT raise(ABORT, 'the record is only added to'); END;
CREATE TRIGGER packs_remain BEFORE DELETE ON packs
BEGIN SELECT raise(ABORT, 'the record is only added to'); END;
CREATE TRIGGER rulesets_stay BEFORE UPDATE ON rulesets
BEGIN SELECT raise(ABORT, 'the record is only added to'); END;
CREATE TRIGGER rulesets_remain BEFORE DELETE ON rulesets
BEGIN SELECT raise(ABORT, 'the record is only added to'); END;
";

const DRAFTS: &str = r"
CREATE TABLE drafts (
    site TEXT NOT NULL,
    hash TEXT NOT NULL,
    bytes BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (site, hash)
) STRICT;
";

/// Marks a file as a record, for whoever asks what it is (<https://www.sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION: i32 = 0x48_53_72_31;

/// Brings a record up to the version that this program knows; several may try at once.
pub fn migrate(connection: &mut Connection) -> Result<(), RecordError> {
    if version(connection)? == STEPS.len() {
        return is_ours(connection)?.then_some(()).ok_or(RecordError::NoRecord);
    }
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let is_empty: bool =
        transaction.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if !is_empty && !is_ours(&transaction)? {
        return Err(RecordError::NoRecord);
    }
    let Some(steps) = STEPS.get(found..) else {
        return Err(RecordError::Newer { found, known: STEPS.len() });
    };
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", STEPS.len() as i64)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, RecordError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    usize::try_from(version).map_err(|_| RecordError::NoRecord)
}

pub(super) fn is_ours(connection: &Connection) -> Result<bool, RecordError> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(id == APPLICATION)
}
