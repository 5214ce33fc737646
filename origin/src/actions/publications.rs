//! The record, for operators.
//!
//! ```text
//! GET  /_hs/publications?below=N&most=M   {"site": …, "versions": [version …]}, the last one first
//! GET  /_hs/publications/N                a version, and its ruleset
//! POST /_hs/publications                  an offer ─► 201 version | 409 what is the last one | 422 what is wrong with it
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequestParts, Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use hemstitch::ruleset::MAX_RULESET_BYTES;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::plain;
use crate::capability::Operator;
use crate::origin::Origin;
use crate::record::{Draft, DraftError, Offer, Origins, Record, RecordError};
use crate::visits::now;

/// Longest offer, in bytes: a ruleset as a text of JSON, in which quotes are twice as long.
const MAX_OFFER_BYTES: usize = 2 * MAX_RULESET_BYTES + (1 << 20);
/// Most versions of one answer.
const MOST: u32 = 1_000;

/// Which versions are listed.
#[derive(Deserialize)]
pub struct Listed {
    below: Option<u64>,
    most: Option<u32>,
}

/// `GET /_hs/publications`.
pub async fn list(
    State(origin): State<Arc<Origin>>,
    Query(listed): Query<Listed>,
    Admitted { record, .. }: Admitted,
) -> Response {
    let Listed { below, most } = listed;
    blocking(move || {
        let site = &origin.site.name;
        let versions = record.versions(site, below.unwrap_or(u64::MAX), most.unwrap_or(50).min(MOST))?;
        Ok(answer(StatusCode::OK, &json!({ "site": site, "versions": versions })))
    })
    .await
}

/// `GET /_hs/publications/N`.
pub async fn one(
    State(origin): State<Arc<Origin>>,
    Path(sequence): Path<u64>,
    Admitted { record, .. }: Admitted,
) -> Response {
    blocking(move || {
        let site = &origin.site.name;
        let found = record.version(site, sequence)?.zip(record.ruleset(site, sequence)?);
        Ok(match found {
            Some((version, ruleset)) => {
                answer(StatusCode::OK, &json!({ "version": version, "ruleset": ruleset }))
            }
            None => said(StatusCode::NOT_FOUND, &format!("there is no number {sequence}")),
        })
    })
    .await
}

/// `POST /_hs/publications`.
pub async fn add(
    State(origin): State<Arc<Origin>>,
    Admitted { record, operator }: Admitted,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_string());
    let Some(offer) = offer(body).await else {
        return said(StatusCode::BAD_REQUEST, "the body is no offer, or too long");
    };
    blocking(move || {
        let seen = offer.seen;
        let draft = match Draft::check(offer, &origin.site.name, &origin.site.pointer_keys, &record) {
            Ok(draft) => draft,
            Err(DraftError::Record(error)) => return Err(error),
            Err(error) => return Ok(said(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())),
        };
        let by = Origins { operator: operator.name, peer: peer.unwrap_or_default(), at: now() };
        match record.add(&draft, seen, &by) {
            Ok(version) => Ok(answer(StatusCode::CREATED, &json!(version))),
            Err(RecordError::Overtaken { latest }) => {
                Ok(answer(StatusCode::CONFLICT, &json!({ "latest": latest })))
            }
            Err(error @ RecordError::Number { .. }) => {
                Ok(said(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()))
            }
            Err(error) => Err(error),
        }
    })
    .await
}

/// An operator who asks for the record.
pub struct Admitted {
    /// What they ask for.
    pub record: Arc<Record>,
    operator: Operator,
}

impl FromRequestParts<Arc<Origin>> for Admitted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, origin: &Arc<Origin>) -> Result<Admitted, Response> {
        let Some(record) = origin.record.clone() else {
            return Err(plain(StatusCode::NOT_FOUND, "There is nothing here.\n"));
        };
        match Operator::of(origin, &parts.headers) {
            Some(operator) => Ok(Admitted { record, operator }),
            None => Err(unauthorized()),
        }
    }
}

/// The answer to whoever shows no token that holds.
pub fn unauthorized() -> Response {
    let mut refused = said(StatusCode::UNAUTHORIZED, "a token is needed");
    refused.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    refused
}

async fn offer(body: Body) -> Option<Offer> {
    let bytes = to_bytes(body, MAX_OFFER_BYTES).await.ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Does what waits for the disk.
pub async fn blocking(work: impl FnOnce() -> Result<Response, RecordError> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => said(StatusCode::INTERNAL_SERVER_ERROR, &format!("the record: {error}")),
        Err(_) => said(StatusCode::INTERNAL_SERVER_ERROR, "the record does not answer"),
    }
}

/// An answer that says what is wrong.
pub fn said(status: StatusCode, error: &str) -> Response {
    answer(status, &json!({ "error": error }))
}

fn answer(status: StatusCode, value: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, value.to_string()).into_response()
}
