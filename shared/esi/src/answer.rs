//! What a page's functions make of the answer.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

/// Most headers that a page may add.
const MAX_HEADERS: usize = 32;

/// Headers that decide how the answer is framed, cached at the edge or stored as a cookie of ours: no page sets them.
const RESERVED: [&str; 8] = [
    "connection",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "trailer",
    "upgrade",
    "surrogate-control",
    "surrogate-capability",
];

/// Changes to the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    status: Option<u16>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Bytes>,
}

impl Answer {
    /// The status, where a function set it.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The headers to add.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The body, where a function replaced it.
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    pub(super) fn add_header(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        let name = HeaderName::from_bytes(name.trim_ascii()).ok()?;
        let value = HeaderValue::from_bytes(value).ok()?;
        if RESERVED.contains(&name.as_str()) || self.headers.len() >= MAX_HEADERS {
            return None;
        }
        self.headers.push((name, value));
        Some(())
    }

    pub(super) fn set_status(&mut self, status: u16, body: Option<Bytes>) {
        self.status = Some(status);
        self.body = body.or_else(|| self.body.take());
    }
}
