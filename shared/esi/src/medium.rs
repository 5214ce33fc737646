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
    /// A URL, or a part of one, that a fragment gives.
    Url,
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

    /// The same for a fragment that ends up at `place`: what is right there is right in all of it. Where that is markup, or
    /// nobody's language, it may be a script of its own.
    pub(super) fn of_fragment(place: Place, headers: &[(String, String)]) -> Medium {
        let mut types = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let mut is_script = || types.any(|(_, value)| Medium::of(value) == Some(Medium::Script));
        match place {
            Place::Markup if !is_script() => Medium::Html,
            Place::Plain if !is_script() => Medium::Plain,
            Place::Url => Medium::Url,
            Place::Markup | Place::Plain | Place::Script => Medium::Script,
        }
    }

    /// Whether tags are read in it.
    pub fn has_markup(self) -> bool {
        matches!(self, Medium::Html | Medium::Xml)
    }

    /// What reads the document to know the places in it, and what they are without.
    pub(super) fn places(self, dialect: &Dialect) -> (Option<Reader>, Place) {
        let reads = self.has_markup() && dialect.escape == Escape::Context;
        let place = match self {
            Medium::Html | Medium::Xml => Place::Markup,
            Medium::Script => Place::Script,
            Medium::Plain => Place::Plain,
            Medium::Url => Place::Url,
        };
        (reads.then(Reader::default), place)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Medium;
    use crate::{Dialect, Facts, Fragment, Machine, Root, Step, compile_as};

    /// What `document` becomes for `?q="\`, with fragments of this type and body.
    fn shown(document: &str, medium: Medium, fragment: (&str, &str)) -> String {
        let dialect = Dialect::default();
        let program = compile_as(document.as_bytes(), &dialect, medium).program;
        let root = Root { program: &program, document: document.as_bytes(), whole: true };
        let facts = Facts { query: "q=%22%5C".to_owned(), ..Facts::default() };
        let (mut machine, mut out) = (Machine::new(Arc::new(dialect), facts, "http://a.test/"), Vec::new());
        while let Step::Fetch(call) = machine.advance(root, &mut out) {
            let headers = vec![("Content-Type".to_owned(), fragment.0.to_owned())];
            machine
                .fragment(call.id, Ok(Fragment { status: 200, headers, body: fragment.1.to_owned().into() }));
        }
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_a_fragment_runs_is_escaped_for_where_it_ends_up() {
        let value = "<esi:vars>$(QUERY_STRING{q})</esi:vars>";
        let (html, json) = (("text/html", value), ("application/json", value));
        let nested = ("text/html", "<esi:include src=\"/a\" dca=\"esi\"/>");
        let include = "<esi:include src=\"/a\" dca=\"esi\"/>";
        let (references, letters, percent) = ("&quot;\\", "\\u0022\\u005c", "%22%5C");
        for (before, after, medium, fragment, expect) in [
            ("<p>", "</p>", Medium::Html, html, references),
            ("<p>", "</p>", Medium::Html, json, letters),
            ("<p>", "</p>", Medium::Xml, html, references),
            ("<script>x = '", "'</script>", Medium::Html, html, letters),
            ("<p onclick='", "'>", Medium::Html, html, letters),
            ("<style>", "</style>", Medium::Html, html, letters),
            ("<a href='/?q=", "'>", Medium::Html, html, percent),
            ("<a title='", "'>", Medium::Html, html, references),
            ("{\"a\": \"", "\"}", Medium::Script, html, letters),
            ("{\"a\": \"", "\"}", Medium::Script, json, letters),
            ("a: ", ".", Medium::Plain, html, "\"\\"),
            ("a: ", ".", Medium::Plain, json, letters),
        ] {
            let expect = format!("{before}{expect}{after}");
            for element in ["include", "eval"] {
                if element == "eval" && fragment.0 != "text/html" {
                    continue;
                }
                let document = format!("{before}{}{after}", include.replace("include", element));
                assert_eq!(shown(&document, medium, fragment), expect, "{document}");
            }
        }
        // The page's place is that of fragments in fragments, too: they are asked for until the budget ends it.
        assert_eq!(shown(&format!("{{\"a\": \"{include}\"}}"), Medium::Script, nested), "{\"a\": \"\"}");
    }

    #[test]
    fn a_captured_value_is_inert_in_a_script_too() {
        let document = "<esi:assign name=\"x\"><b>$(QUERY_STRING{q})</b></esi:assign>\
            <esi:vars>$(x)<script>'$(x)'</script></esi:vars>";
        let value = "<b>&quot;&#92;</b>";
        let expect = format!("{value}<script>'{value}'</script>");
        assert_eq!(shown(document, Medium::Html, ("", "")), expect);
    }

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
