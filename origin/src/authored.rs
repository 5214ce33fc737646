//! A file as its author left it: its headers, and its bytes.

use std::fs::File;
use std::io::Read;
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hemstitch::http::ResponseHead;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::body::{Cut, piecewise};
use crate::content_type::{HTML, content_type};
use crate::folder::Document;
use crate::settings::FileSettings;

/// For pages: a minute, and a minute more while they are fetched again.
const PAGE_CACHING: HeaderValue = HeaderValue::from_static("public, max-age=60, stale-while-revalidate=60");
/// For everything else.
const FILE_CACHING: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// How a page asks for ESI (Edge Architecture Specification, section 2.3).
const ESI: HeaderValue = HeaderValue::from_static("content=\"ESI/1.0\"");
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");
const CHUNK: usize = 64 * 1024;

/// Status and headers of a file's answer, without its length. The entity tag changes with time and length.
pub fn head(document: &Document, settings: &FileSettings) -> ResponseHead {
    let mut headers = HeaderMap::new();
    let media = content_type(&document.name);
    headers.insert(header::CACHE_CONTROL, if media == HTML { PAGE_CACHING } else { FILE_CACHING });
    headers.insert(header::CONTENT_TYPE, media);
    let since = document.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{:x}-{:x}\"", since.as_nanos(), document.len)) {
        headers.insert(header::ETAG, tag);
    }
    if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(document.modified)) {
        headers.insert(header::LAST_MODIFIED, date);
    }
    for (name, value) in &settings.headers {
        headers.insert(name, value.clone());
    }
    ResponseHead { status: StatusCode::OK, headers }
}

/// Adds the request for ESI.
pub fn ask_for_esi(head: &mut ResponseHead) {
    head.headers.insert(SURROGATE_CONTROL, ESI);
}

/// An answer with this head and this body.
pub fn respond(head: ResponseHead, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    response
}

/// A whole body in memory.
pub fn whole(mut head: ResponseHead, body: Bytes) -> Response {
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    respond(head, Body::from(body))
}

/// The file, read while it is sent. One that shrinks meanwhile is a broken connection.
pub fn file(mut head: ResponseHead, document: &Document, mut file: File) -> Response {
    head.headers.insert(header::CONTENT_LENGTH, document.len.into());
    let mut left = document.len;
    let (pieces, body) = piecewise();
    tokio::task::spawn_blocking(move || {
        while left > 0 {
            let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
            let piece = match file.read(&mut chunk) {
                Ok(read) if read > 0 => {
                    chunk.truncate(read);
                    left -= read as u64;
                    Ok(Bytes::from(chunk))
                }
                _ => {
                    left = 0;
                    Err(Cut)
                }
            };
            if pieces.blocking_send(piece).is_err() {
                return;
            }
        }
    });
    respond(head, body)
}
