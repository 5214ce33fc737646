//! Drafts for previews: packs that no publication names, each for a day. They are the one thing here that goes again.

use hemstitch::pack::{Pack, PackError, PackHash};
use hemstitch::time::UnixTime;
use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Record, RecordError, signed};
use crate::drafts::DRAFT_S;

/// Why a draft is not kept.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// It is no pack, or not the one that the hash names.
    #[error("it is not the pack that it is called: {0}")]
    Pack(#[from] PackError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Record {
    /// Keeps a draft of a site for a little longer than any token for it holds, and drops those whose time is over.
    pub fn keep_draft(
        &self,
        site: &str,
        hash: &PackHash,
        pack: Vec<u8>,
        now: UnixTime,
    ) -> Result<(), PreviewError> {
        Pack::open_verified(pack.clone(), hash)?;
        let keep = || -> Result<(), RecordError> {
            let mut connection = self.lock();
            let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
            transaction.execute("DELETE FROM drafts WHERE until <= ?1", [signed(now.0)])?;
            transaction.execute(
                "INSERT INTO drafts (site, hash, bytes, until) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET until = excluded.until",
                params![site, hash.to_string(), pack, signed(now.plus_seconds(DRAFT_S).0)],
            )?;
            Ok(transaction.commit()?)
        };
        Ok(keep()?)
    }

    /// The draft of that hash, if it is kept.
    pub fn draft(&self, site: &str, hash: &PackHash) -> Result<Option<Vec<u8>>, RecordError> {
        let select = "SELECT bytes FROM drafts WHERE site = ?1 AND hash = ?2";
        let connection = self.lock();
        Ok(connection.query_row(select, params![site, hash.to_string()], |row| row.get(0)).optional()?)
    }
}
