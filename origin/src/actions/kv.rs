use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::plain;
use crate::kv::{Kv, permits_draft};
use crate::origin::Origin;
use crate::visits::now;

/// `GET /_hs/kv/{key}`: a pointer or a pack, for an edge that looks it up here. A draft is for who shows its token.
pub async fn kv(State(origin): State<Arc<Origin>>, Path(key): Path<String>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    let may_read = match Kv::is_draft(&key) {
        true => {
            let ring = origin.keys.as_ref().and_then(|keys| keys.preview.as_ref());
            permits_draft(request.headers(), &key, ring, &origin.site.name, now())
        }
        false => origin.kv.as_ref().is_some_and(|kv| kv.lets(peer, request.headers())),
    };
    let look_up = move || origin.kv.as_ref().and_then(|kv| kv.value(&key));
    let value = match may_read {
        true => tokio::task::spawn_blocking(look_up).await.unwrap_or_default(),
        false => None,
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    match value {
        Some(value) => (headers, value).into_response(),
        None => plain(StatusCode::NOT_FOUND, "There is nothing here.\n"),
    }
}
