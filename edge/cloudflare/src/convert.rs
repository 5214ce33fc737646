//! Requests and responses, from the platform's form to the core's and back. A head crosses as a list of texts.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use hemstitch::facts::Place;
use hemstitch::http::{RequestHead, ResponseHead};
use wasm_bindgen::JsValue;

use crate::platform::js;

/// The visitor's request, but for its body, and where they are; `None` where it is none that the core can read.
///
/// The path is as the platform's URL parser normalizes it (WHATWG URL Standard).
pub fn request_head(request: &JsValue) -> Option<(RequestHead, Place)> {
    let mut parts = js::head(request).into_iter();
    let method = Method::from_bytes(parts.next()?.as_bytes()).ok()?;
    let url = parts.next()?;
    let place = Place {
        country: parts.next()?.to_ascii_uppercase(),
        region: parts.next()?,
        city: parts.next()?,
        continent: parts.next()?,
        utc_offset_s: parts.next()?.parse().ok(),
    };
    let headers = headers(parts);
    let (_, rest) = url.split_once("://")?;
    let (authority, path_and_query) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next()?.to_owned();
    let path_and_query = path_and_query.split('#').next()?.to_owned();
    Some((RequestHead { method, host, path_and_query, headers: headers.into() }, place))
}

/// Status and headers of an answer.
pub fn response_head(response: &JsValue) -> Option<ResponseHead> {
    let mut parts = js::response_head(response).into_iter();
    let status = StatusCode::from_bytes(parts.next()?.as_bytes()).ok()?;
    Some(ResponseHead { status, headers: headers(parts) })
}

/// Headers as names and values in turn.
pub fn pairs(headers: &HeaderMap) -> Vec<String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().flat_map(|(name, value)| [name.as_str().to_owned(), text(value)]).collect()
}

/// Takes off a head what it says of gzip, which the platform decodes.
pub fn decoded(head: &mut ResponseHead) {
    head.headers.remove(header::CONTENT_ENCODING);
    head.headers.remove(header::CONTENT_LENGTH);
}

/// Whether a body is gzip, and nothing else.
pub fn is_gzip(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is = codings.next().is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
    is && codings.next().is_none()
}

fn headers(mut parts: impl Iterator<Item = String>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(24);
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        let Ok(name) = HeaderName::try_from(name) else { continue };
        // The platform joins lines of one name by a comma, which between cookies means nothing. On the way out it
        // joins them again.
        let lines = if name == header::COOKIE { value.split(", ").collect() } else { vec![value.as_str()] };
        for line in lines {
            if let Ok(line) = HeaderValue::try_from(line) {
                // More of them than a map takes, no platform lets through.
                let _ = headers.try_append(&name, line);
            }
        }
    }
    headers
}
