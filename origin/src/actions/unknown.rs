use axum::response::Response;
use http::StatusCode;

use super::plain;

/// `/_hs/…` that is nothing of ours: 404, whatever the folder holds.
pub async fn unknown() -> Response {
    plain(StatusCode::NOT_FOUND, "There is nothing here.\n")
}
