use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::{IntoResponse, Response};
use hemstitch::pack::PackHash;
use hemstitch::pointer::draft_key;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::plain;
use super::publications::{self, Admitted};
use crate::capability::{Operator, is_edge};
use crate::kv::{Kv, permits_draft};
use crate::origin::Origin;
use crate::record::PreviewError;
use crate::visits::now;

/// Longest draft, in bytes, as KVs take it.
const MAX_DRAFT_BYTES: usize = 25 << 20;

/// `GET /_hs/kv/{key}`: a pointer or a pack, for an edge that looks it up here. A draft is for an edge that was shown its
/// token, and shows it in turn.
pub async fn get(State(origin): State<Arc<Origin>>, Path(key): Path<String>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    let is_draft = Kv::is_draft(&key);
    let keys = origin.keys.now();
    let ring = keys.as_ref().and_then(|keys| keys.preview.as_ref());
    let is_permitted = !is_draft || permits_draft(request.headers(), &key, ring, &origin.site.name, now());
    let may_read = is_permitted && may_read(&origin, peer, request.headers());
    if !may_read && !is_draft && origin.record.is_some() {
        return publications::unauthorized();
    }
    let look_up = move || origin.value(&key);
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

/// `PUT /_hs/kv/{site}/draft/{hash}`: an operator has made a draft.
pub async fn put(
    State(origin): State<Arc<Origin>>,
    Path(key): Path<String>,
    Admitted { record, .. }: Admitted,
    request: Request,
) -> Response {
    let site = origin.site.name.clone();
    let hash = key.rsplit('/').next().and_then(PackHash::from_hex);
    let Some(hash) = hash.filter(|hash| key == draft_key(&site, hash)) else {
        return publications::said(StatusCode::UNPROCESSABLE_ENTITY, "this is no key of a draft of the site");
    };
    let Ok(pack) = to_bytes(request.into_body(), MAX_DRAFT_BYTES).await else {
        return publications::said(StatusCode::BAD_REQUEST, "the draft broke off, or is too long");
    };
    let keep = move || match record.keep_draft(&site, &hash, pack.into(), now()) {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(PreviewError::Record(error)) => Err(error),
        Err(error) => Ok(publications::said(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())),
    };
    publications::blocking(keep).await
}

fn may_read(origin: &Origin, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let anybody = origin.kv.as_ref().is_some_and(|kv| kv.lets(peer, headers));
    anybody || is_edge(origin, headers) || Operator::of(origin, headers).is_some()
}
