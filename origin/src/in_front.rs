//! Who is in front of the origin, as `Surrogate-Capability` tells it (Edge Architecture Specification, section 2.2).

use http::{HeaderMap, HeaderName};

/// The header in which surrogates say what they can do.
pub const SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");

/// What the nearest surrogates can do with a page. It is believed from anybody: all it yields is the page as it was
/// authored, which is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFront {
    /// One of our edges: it does everything.
    Hemstitch,
    /// Another processor of ESI: it does the includes, and asks us for blocks.
    Esi,
    /// Nobody who can do anything.
    Nobody,
}

impl InFront {
    /// Reads `hs="Hemstitch/1.0 ESI/1.0", other="ESI/1.0"`.
    pub fn of(headers: &HeaderMap) -> InFront {
        let lines = headers.get_all(SURROGATE_CAPABILITY).iter().filter_map(|line| line.to_str().ok());
        let all: Vec<(&str, &str)> = lines
            .flat_map(|line| line.split(','))
            .filter_map(|item| item.split_once('='))
            .map(|(device, can)| (device.trim(), can.trim().trim_matches('"')))
            .collect();
        let can = |wanted: &str| all.iter().any(|(_, can)| can.split_whitespace().any(|one| one == wanted));
        if all.iter().any(|(device, _)| *device == "hs") || can("Hemstitch/1.0") {
            InFront::Hemstitch
        } else if can("ESI/1.0") {
            InFront::Esi
        } else {
            InFront::Nobody
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surrogate_says_what_it_can_do() {
        for (lines, expect) in [
            (&[][..], InFront::Nobody),
            (&[r#"hs="Hemstitch/1.0 ESI/1.0""#], InFront::Hemstitch),
            (&[r#"edge7="Hemstitch/1.0""#], InFront::Hemstitch),
            (&[r#"varnish="Surrogate/1.0 ESI/1.0""#], InFront::Esi),
            (&[r#"varnish="ESI/1.0", hs="Hemstitch/1.0""#], InFront::Hemstitch),
            (&[r#"varnish="ESI/1.0""#, r#"hs="ESI/1.0""#], InFront::Hemstitch),
            (&[r#"varnish="ESI/1.0-plus""#], InFront::Nobody),
            (&["hs", "nonsense"], InFront::Nobody),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(SURROGATE_CAPABILITY, line.parse().unwrap());
            }
            assert_eq!(InFront::of(&headers), expect, "{lines:?}");
        }
    }
}
