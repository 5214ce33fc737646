//! The demo's KV, over the plain HTTP in which workerd asks for a key: `GET /key`, percent-encoded; 404 is nothing.

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hemstitch::pointer::{pack_key, pointer_key};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

use super::stage::{SITE, Stage};

type Values = HashMap<String, Bytes>;

/// Serves what was published until the process ends, and says where.
pub async fn start(stage: &Stage) -> Result<SocketAddr> {
    let keys = [pointer_key(SITE), pack_key(SITE, &stage.published)];
    let read = |key: String| Ok((key.clone(), fs::read(stage.kv().join(&key))?.into()));
    let values = keys.into_iter().map(read).collect::<std::io::Result<Values>>().context("reading the KV")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("a port for the KV")?;
    let address = listener.local_addr()?;
    let service = Router::new().fallback(value).with_state(Arc::new(values));
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}

async fn value(State(values): State<Arc<Values>>, uri: Uri) -> Response {
    let key = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8_lossy();
    match values.get(key.as_ref()) {
        Some(value) => value.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
