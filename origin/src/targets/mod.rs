//! Where publications go: KVs that edges read, and the record that numbers them.
//!
//! ```text
//! hemstitch.toml ─► Configuration ─► Ledger   (the record: a file, or an origin)   numbers and keeps
//!                                ├─► Mirror … (a directory, wrangler, Fastly, Cloudflare)   holds what is live
//!                                └─► Setting … (a file, a config store, a Worker's variable)   turns it off
//! ```

mod cloudflare;
mod configuration;
mod directory;
mod fastly;
mod fastly_config;
mod ledger;
mod remote;
mod worker_variable;
mod wrangler;

use std::io;
use std::path::PathBuf;

use crate::drafts::DRAFT_S;

pub use cloudflare::CloudflareKv;
pub use configuration::{Configuration, ConfigurationError, Environment, Switches, Targets};
pub use directory::Directory;
pub use fastly::FastlyKv;
pub use fastly_config::ConfigItem;
pub(crate) use fastly_config::MAX_VALUE as MAX_CONFIG_VALUE;
pub use ledger::{Ledger, LedgerError, OriginRecord, ask_edge, operator_token};
pub use remote::{Pause, Progress, Remote, RemoteError, Reply, Secret};
pub use worker_variable::{WorkerError, WorkerVariable};
pub use wrangler::Wrangler;

/// A KV that edges read.
#[derive(Debug)]
pub struct Mirror {
    /// What the configuration calls it.
    pub name: String,
    /// Where it is.
    pub store: Store,
}

/// The kinds of KV.
#[derive(Debug)]
pub enum Store {
    /// Files, for the native edge and for Viceroy.
    Directory(Directory),
    /// The local KV of wrangler.
    Wrangler(Wrangler),
    /// A KV store of Fastly.
    Fastly(FastlyKv),
    /// A KV namespace of Cloudflare.
    Cloudflare(CloudflareKv),
}

/// Why a KV did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A program that writes for us.
    #[error("`{program}` failed: {said}")]
    Program {
        /// What was started.
        program: String,
        /// What it wrote.
        said: String,
    },
    /// The value is larger than the platform takes.
    #[error("{key} has {bytes} bytes, and this KV takes {limit}")]
    TooLarge {
        /// Under which key.
        key: String,
        /// Its length.
        bytes: usize,
        /// The most that is taken.
        limit: usize,
    },
}

impl Store {
    /// The value under a key; `None` where there is none.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Store::Directory(store) => store.get(key),
            Store::Wrangler(store) => store.get(key),
            Store::Fastly(store) => store.get(key),
            Store::Cloudflare(store) => store.get(key),
        }
    }

    /// Puts a value under a key, whole or not at all.
    pub fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.check(key, value)?;
        match self {
            Store::Directory(store) => store.put(key, value),
            Store::Wrangler(store) => store.put_for(key, value, None),
            Store::Fastly(store) => store.put_for(key, value, None),
            Store::Cloudflare(store) => store.put_for(key, value, None),
        }
    }

    /// Puts a draft under its key, for as long as a token can name it.
    pub fn put_draft(&self, key: &str, pack: &[u8]) -> Result<(), StoreError> {
        self.check(key, pack)?;
        match self {
            Store::Directory(store) => store.put_draft(key, pack),
            Store::Wrangler(store) => store.put_for(key, pack, Some(DRAFT_S)),
            Store::Fastly(store) => store.put_for(key, pack, Some(DRAFT_S)),
            Store::Cloudflare(store) => store.put_for(key, pack, Some(DRAFT_S)),
        }
    }

    /// Puts several values at once, in any order.
    pub fn put_all(&self, values: &[(String, &[u8])]) -> Result<(), StoreError> {
        match (self, values) {
            (Store::Fastly(store), [_, _, ..]) => store.put_all(values),
            (Store::Cloudflare(store), [_, _, ..]) => store.put_all(values),
            _ => values.iter().try_for_each(|(key, value)| self.put(key, value)),
        }
    }

    /// Has somebody told of what goes out to a server.
    pub fn watch(&mut self, progress: Progress) {
        match self {
            Store::Fastly(store) => store.watch(progress),
            Store::Cloudflare(store) => store.watch(progress),
            Store::Directory(_) | Store::Wrangler(_) => {}
        }
    }

    /// Waits until what was written may have arrived everywhere; nothing where that is at once.
    pub fn wait(&self) {
        match self {
            Store::Fastly(store) => store.wait(),
            Store::Cloudflare(store) => store.wait(),
            Store::Directory(_) | Store::Wrangler(_) => {}
        }
    }

    /// Whether a value of so many bytes is one that the platform takes.
    pub fn takes(&self, bytes: usize) -> bool {
        self.limit().is_none_or(|limit| bytes <= limit)
    }

    fn check(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        match self.limit().filter(|_| !self.takes(value.len())) {
            Some(limit) => Err(StoreError::TooLarge { key: key.to_owned(), bytes: value.len(), limit }),
            None => Ok(()),
        }
    }

    /// The longest value that the platform takes, in bytes.
    fn limit(&self) -> Option<usize> {
        match self {
            Store::Directory(_) => None,
            Store::Wrangler(_) | Store::Cloudflare(_) => Some(cloudflare::MAX_VALUE_BYTES),
            Store::Fastly(_) => Some(fastly::MAX_VALUE_BYTES),
        }
    }
}

#[cfg(test)]
mod tests;
