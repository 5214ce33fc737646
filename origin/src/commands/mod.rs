//! What the binary can be told to do: one command in a file.

mod backup;
mod check;
mod demo;
mod diff;
mod edge;
mod esi;
mod explain;
mod import;
mod keys;
mod live_names;
mod local_stores;
mod mint;
mod place;
mod preview;
mod progress;
mod publish;
mod rollback;
mod schema;
mod serve;
mod status;
mod switch;
mod versions;

pub use backup::{Backup, Restore};
pub use check::Check;
pub use demo::Demo;
pub use diff::Diff;
pub use edge::Edge;
pub use esi::Esi;
pub use explain::Explain;
pub use import::Import;
pub use keys::Keys;
pub use local_stores::LocalStores;
pub use mint::Mint;
pub use preview::Preview;
pub use publish::Publish;
pub use rollback::Rollback;
pub use schema::Schema;
pub use serve::Serve;
pub use status::Status;
pub use switch::{Off, On};
pub use versions::Versions;

use std::future::Future;

use anyhow::{Context, Result};

/// Runs what waits for the network.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let done = runtime.block_on(work);
    // Somebody may hold a connection open for ever; nothing waits for that.
    runtime.shutdown_background();
    done
}
