//! The demo's edge in this process.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use hemstitch_native::{Config, Edge};
use serde_json::json;

use super::stage::Stage;
use crate::address;

/// The native edge on the demo's KV and keys, with the origin behind it.
pub async fn bind(stage: &Stage, origin: SocketAddr, listen: SocketAddr) -> Result<Edge> {
    let config = json!({
        "listen": listen.to_string(),
        "kv": stage.kv(),
        "keys": stage.root().join("keys"),
        "sites": [stage.site(&format!("http://{origin}"))],
    });
    let config = Config::parse(config.to_string().as_bytes()).context("the demo's edge")?;
    Edge::bind(config).await.map_err(|error| address::edge_refused(error, "`--port N`"))
}
