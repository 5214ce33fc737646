use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;

use super::plain;
use crate::origin::Origin;
use crate::stitch::stitch;
use crate::visits::{arrive, request_head};

/// `GET /_hs/blocks/{slot}`: what this visitor's slot shows, for an ESI processor that is no edge of ours.
pub async fn block(
    State(origin): State<Arc<Origin>>,
    Path(slot): Path<String>,
    request: Request,
) -> Response {
    let method = request.method().clone();
    let Ok(visit) = arrive(&origin, request_head(&request)) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "No block can be chosen.\n");
    };
    match visit.block(&slot) {
        Some(session) => stitch(&origin, &method, session).await,
        None => plain(StatusCode::NOT_FOUND, "No slot has such a name.\n"),
    }
}
