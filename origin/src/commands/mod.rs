//! What the binary can be told to do: one command in a file.

mod check;
mod demo;
mod edge;
mod explain;
mod keys;
mod local_stores;
mod mint;
mod preview;
mod publish;
mod schema;
mod serve;
mod switch;

pub use check::Check;
pub use demo::Demo;
pub use edge::Edge;
pub use explain::Explain;
pub use keys::Keys;
pub use local_stores::LocalStores;
pub use mint::Mint;
pub use preview::Preview;
pub use publish::Publish;
pub use schema::Schema;
pub use serve::Serve;
pub use switch::{Off, On};

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
