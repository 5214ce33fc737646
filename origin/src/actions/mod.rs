//! What the origin does: one action in a file.

mod block;
pub mod kv;
mod page;
pub mod publications;
mod unknown;

pub use block::block;
pub use page::page;
pub use unknown::unknown;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// A short answer in plain text, which nobody keeps.
fn plain(status: StatusCode, text: &'static str) -> Response {
    let caching = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (status, [caching], text).into_response()
}
