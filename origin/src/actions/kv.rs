use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{plain, publications};
use crate::capability::{Operator, is_edge};
use crate::kv::{Kv, permits_draft};
use crate::origin::Origin;
use crate::visits::now;

/// `GET /_hs/kv/{key}`: a pointer or a pack, for an edge that looks it up here. A draft is for who shows its token.
pub async fn kv(State(origin): State<Arc<Origin>>, Path(key): Path<String>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    let is_draft = Kv::is_draft(&key);
    let may_read = match is_draft {
        true => {
            let ring = origin.keys.as_ref().and_then(|keys| keys.preview.as_ref());
            permits_draft(request.headers(), &key, ring, &origin.site.name, now())
        }
        false => may_read(&origin, peer, request.headers()),
    };
    if !may_read && !is_draft && origin.record.is_some() {
        return publications::unauthorized();
    }
    let look_up = move || value(&origin, &key);
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

fn may_read(origin: &Origin, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let anybody = origin.kv.as_ref().is_some_and(|kv| kv.lets(peer, headers));
    anybody || is_edge(origin, headers) || Operator::of(origin, headers).is_some()
}

/// What is recorded comes first: a folder is a mirror of it.
fn value(origin: &Origin, key: &str) -> Option<Vec<u8>> {
    let recorded =
        origin.record.as_ref().and_then(|record| record.value(&origin.site.name, key).ok().flatten());
    recorded.or_else(|| origin.kv.as_ref().and_then(|kv| kv.value(key)))
}
