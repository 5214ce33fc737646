//! What a page's `Content-Type` says.

use hemstitch_esi::Medium;
use http::{HeaderMap, header};

/// The charset that a `Content-Type` names (RFC 9110, section 8.3.2).
pub fn content_charset(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
    })
}

/// What kind of text a `Content-Type` names.
pub fn medium(headers: &HeaderMap) -> Option<Medium> {
    Medium::of(headers.get(header::CONTENT_TYPE)?.to_str().ok()?)
}
