//! What a file is, by its name.

use http::HeaderValue;

/// The type of HTML pages.
pub const HTML: &str = "text/html; charset=utf-8";

const TYPES: [(&str, &str); 25] = [
    ("avif", "image/avif"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("gif", "image/gif"),
    ("htm", HTML),
    ("html", HTML),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xml", "application/xml"),
];

/// The media type for a file of this name; bytes where the ending says nothing.
pub fn content_type(name: &str) -> HeaderValue {
    let ending = name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, ending)| ending);
    let known = ending.and_then(|ending| {
        TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, media)| *media)
    });
    HeaderValue::from_static(known.unwrap_or("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_type() {
        for (name, expect) in [
            ("index.html", HTML),
            ("a/B.HTML", HTML),
            ("style.css", "text/css; charset=utf-8"),
            ("a.tar.svg", "image/svg+xml"),
            ("robots.txt", "text/plain; charset=utf-8"),
            ("page", "application/octet-stream"),
            ("a.b/page", "application/octet-stream"),
            ("x.unknown", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expect, "{name}");
        }
    }
}
