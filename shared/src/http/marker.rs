//! Markers: small objects that stand in the cache where a page would, to say that there is none to share.

const MAGIC: &[u8] = b"HSMK";

/// What a key that is no shared page means for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// The page differs from visitor to visitor at the origin: fetch the visitor's own and stitch it.
    Own,
    /// It is no page: pass the request on as it is.
    Pass,
}

impl Marker {
    /// The object that a cache keeps.
    pub fn encode(self) -> Vec<u8> {
        let kind = match self {
            Marker::Own => b'o',
            Marker::Pass => b'p',
        };
        [MAGIC, &[kind]].concat()
    }

    /// Reads a marker; `None` for any other object.
    pub fn decode(object: &[u8]) -> Option<Marker> {
        match object.strip_prefix(MAGIC)? {
            b"o" => Some(Marker::Own),
            b"p" => Some(Marker::Pass),
            _ => None,
        }
    }
}
