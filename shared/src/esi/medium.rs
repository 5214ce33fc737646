//! What kind of text a document is: it decides how a value is written into it.

use super::dialect::{Dialect, Escape};
use super::program::Place;
use crate::interpolation::Reader;

/// A kind of text that may have ESI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Medium {
    /// HTML or XHTML: a page, which may have slots and edited elements too.
    #[default]
    Html,
    /// Other XML, of which tags and attributes are read as those of HTML.
    Xml,
    /// A script, JSON or a style sheet: it has no markup at all.
    Script,
    /// Text that nobody interprets.
    Plain,
}

impl Medium {
    /// The medium of a `Content-Type`; `None` where that is no text.
    pub fn of(content_type: &str) -> Option<Medium> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (kind, subtype) = media_type.split_once('/')?;
        if subtype == "html" && kind == "text" || subtype == "xhtml+xml" {
            return Some(Medium::Html);
        }
        match subtype {
            "css" => Some(Medium::Script),
            "xml" => Some(Medium::Xml),
            _ if subtype.ends_with("+xml") => Some(Medium::Xml),
            _ if subtype.contains("script") || subtype.contains("json") => Some(Medium::Script),
            _ if kind == "text" => Some(Medium::Plain),
            _ => None,
        }
    }

    /// The same for a fragment, whose values end up in a page: they are never written as they are.
    pub(super) fn of_fragment(headers: &[(String, String)]) -> Medium {
        let mut types = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let script = types.any(|(_, value)| Medium::of(value) == Some(Medium::Script));
        if script { Medium::Script } else { Medium::Html }
    }

    /// Whether tags are read in it.
    pub(crate) fn has_markup(self) -> bool {
        matches!(self, Medium::Html | Medium::Xml)
    }

    /// What reads the document to know the places in it, and what they are without.
    pub(super) fn places(self, dialect: &Dialect) -> (Option<Reader>, Place) {
        let reads = self.has_markup() && dialect.escape == Escape::Context;
        let place = match self {
            Medium::Html | Medium::Xml => Place::Markup,
            Medium::Script => Place::Script,
            Medium::Plain => Place::Plain,
        };
        (reads.then(Reader::new), place)
    }
}

#[cfg(test)]
mod tests {
    use super::Medium;

    #[test]
    fn a_content_type_says_what_kind_of_text_it_is() {
        let cases = [
            ("Text/HTML ; Charset=\"UTF-8\"", Some(Medium::Html)),
            ("application/xhtml+xml", Some(Medium::Html)),
            ("text/xml", Some(Medium::Xml)),
            ("application/rss+xml; charset=utf-8", Some(Medium::Xml)),
            ("image/svg+xml", Some(Medium::Xml)),
            ("application/json", Some(Medium::Script)),
            ("application/ld+json", Some(Medium::Script)),
            ("text/javascript", Some(Medium::Script)),
            ("text/css", Some(Medium::Script)),
            ("text/plain", Some(Medium::Plain)),
            ("text/htmlx", Some(Medium::Plain)),
            ("image/png", None),
            ("application/octet-stream", None),
            ("", None),
            ("html", None),
        ];
        for (content_type, expect) in cases {
            assert_eq!(Medium::of(content_type), expect, "{content_type}");
        }
    }
}
