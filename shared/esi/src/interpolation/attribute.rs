//! Which attribute values take facts, and where a URL has settled what it leads to.

use super::escape::Escape;
use super::problem::ProblemKind;

/// Elements that run, load or rewire what their attributes say.
const REFUSED_ELEMENTS: [&str; 26] = [
    "script",
    "style",
    "link",
    "meta",
    "base",
    "iframe",
    "frame",
    "frameset",
    "portal",
    "fencedframe",
    "object",
    "embed",
    "applet",
    "param",
    "bgsound",
    "template",
    "annotation-xml",
    "animate",
    "animatecolor",
    "animatemotion",
    "animatetransform",
    "set",
    "discard",
    "mpath",
    "handler",
    "listener",
];

/// Attributes that are code, send something, hold several URLs, or decide what an element is or may do.
const REFUSED_ATTRIBUTES: [&str; 42] = [
    "style",
    "srcdoc",
    "srcset",
    "imagesrcset",
    "data-srcset",
    "ping",
    "attributionsrc",
    "archive",
    "codebase",
    "classid",
    "code",
    "action",
    "formaction",
    "formmethod",
    "formenctype",
    "formtarget",
    "method",
    "enctype",
    "target",
    "rel",
    "type",
    "is",
    "sandbox",
    "allow",
    "nonce",
    "integrity",
    "crossorigin",
    "referrerpolicy",
    "http-equiv",
    "content",
    "shadowrootmode",
    "attributename",
    "to",
    "from",
    "by",
    "values",
    "encoding",
    "xml:base",
    "xmlns",
    "manifest",
    "profile",
    "command",
];

/// The code of client-side frameworks, and the places of pages.
const REFUSED_PREFIXES: [&str; 8] = ["on", "v-", "x-", "ng-", "hx-", "data-ng-", "data-hx-", "data-hs-"];

const URL_ATTRIBUTES: [&str; 13] = [
    "href",
    "src",
    "cite",
    "poster",
    "data",
    "background",
    "longdesc",
    "lowsrc",
    "dynsrc",
    "icon",
    "data-href",
    "data-src",
    "data-url",
];

/// The attribute value that is being read.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Plain,
    Url(Url),
    Refused(ProblemKind),
}

impl Value {
    /// The begin of a value. Names are in small letters; an element is unknown where only an edit's selector is known.
    pub(super) fn of(element: Option<&str>, attribute: &str) -> Self {
        let refused_element = element.is_some_and(|element| REFUSED_ELEMENTS.contains(&element));
        if refused_element
            || REFUSED_ATTRIBUTES.contains(&attribute)
            || REFUSED_PREFIXES.iter().any(|prefix| attribute.starts_with(prefix))
            || !attribute.starts_with(|first: char| first.is_ascii_lowercase())
        {
            let element = element.unwrap_or("*").to_owned();
            return Self::Refused(ProblemKind::Attribute { element, attribute: attribute.to_owned() });
        }
        if !URL_ATTRIBUTES.contains(&attribute) && !attribute.ends_with(":href") {
            return Self::Plain;
        }
        match element {
            Some(_) => Self::Url(Url { place: Place::Start, lead: String::new(), hex_missing: 0 }),
            None => Self::Refused(ProblemKind::UnknownElement(attribute.to_owned())),
        }
    }

    pub(super) fn read(&mut self, byte: u8) {
        if let Self::Url(url) = self {
            url.read(byte);
        }
    }

    /// A character reference begins: before the query it could be any part of an address.
    pub(super) fn read_reference(&mut self) {
        if let Self::Url(url) = self
            && url.place != Place::Query
        {
            url.place = Place::Lost;
        }
    }

    pub(super) fn escape(&self) -> Result<Escape, ProblemKind> {
        match self {
            Self::Plain => Ok(Escape::Attribute),
            Self::Refused(problem) => Err(problem.clone()),
            Self::Url(url) => url.escape(),
        }
    }
}

/// The begin of a URL, as the URL Standard's basic URL parser reads it on a page of http or https.
#[derive(Clone, Debug)]
pub(super) struct Url {
    place: Place,
    /// What could be a scheme: its first characters, in small letters.
    lead: String,
    /// How many hexadecimal digits the last `%` has yet to get.
    hex_missing: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    /// The first segment of a relative path, or a scheme.
    Lead,
    /// So many slashes follow `https:`.
    Slashes(u8),
    Host,
    /// Behind the `/` that the URL begins with.
    Root,
    /// In the path; what its segment has so far is nothing, or dots.
    Segment,
    /// In the path; its segment can no longer be empty or dots.
    Name,
    /// In the query or the fragment, out of which nothing leads.
    Query,
    Lost,
}

impl Url {
    const LONGEST_SCHEME: usize = "https".len();

    fn read(&mut self, byte: u8) {
        if matches!(byte, b'\t' | b'\n' | b'\r') {
            return; // URL parsers take these out first.
        }
        let of_percent = byte == b'%' || (self.hex_missing > 0 && byte.is_ascii_hexdigit());
        self.hex_missing = match byte {
            b'%' => 2,
            _ if of_percent => self.hex_missing - 1,
            _ => 0,
        };
        self.place = match (self.place, byte) {
            (Place::Lost, _) => Place::Lost,
            (Place::Query, _) => Place::Query,
            (Place::Start, 0..=b' ') => Place::Start,
            (_, b'\\') => Place::Lost,
            (Place::Slashes(_), b'?' | b'#') => Place::Lost,
            (_, b'?' | b'#') => Place::Query,
            (Place::Start, b'/') => Place::Root,
            (Place::Root, b'/') => Place::Lost,
            (Place::Lead | Place::Host | Place::Segment | Place::Name, b'/') => Place::Segment,
            (Place::Slashes(0), b'/') => Place::Slashes(1),
            (Place::Slashes(1), b'/') => Place::Slashes(2),
            (Place::Slashes(2), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'[' | 0x80..) => Place::Host,
            (Place::Slashes(_), _) => Place::Lost,
            (Place::Host, _) => Place::Host,
            (Place::Lead, b':') if matches!(self.lead.as_str(), "http" | "https") => Place::Slashes(0),
            (Place::Start | Place::Lead, b':') => Place::Lost,
            (Place::Start | Place::Lead, _) => {
                if self.lead.len() <= Self::LONGEST_SCHEME {
                    self.lead.push(char::from(byte.to_ascii_lowercase()));
                }
                Place::Lead
            }
            // Blanks are none of its own either: at the end of a URL they are taken out.
            (Place::Root | Place::Segment, 0..=b' ' | b'.') => Place::Segment,
            (Place::Root | Place::Segment, _) if of_percent => Place::Segment,
            (Place::Root | Place::Segment | Place::Name, _) => Place::Name,
        };
    }

    fn escape(&self) -> Result<Escape, ProblemKind> {
        let escape = match self.place {
            Place::Root | Place::Segment => Escape::UrlSegment,
            Place::Name | Place::Query => Escape::Url,
            Place::Start | Place::Lead | Place::Slashes(_) | Place::Host | Place::Lost => {
                return Err(ProblemKind::UrlStart);
            }
        };
        if self.hex_missing > 0 { Err(ProblemKind::AfterPercent) } else { Ok(escape) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Escape, ProblemKind, Value};

    #[track_caller]
    fn check(url: &str, expect: Result<Escape, ProblemKind>) {
        let mut value = Value::of(Some("a"), "href");
        url.bytes().for_each(|byte| value.read(byte));
        assert_eq!(value.escape(), expect, "{url:?}");
    }

    #[test]
    fn a_fact_can_be_a_segment_of_a_settled_path() {
        for url in
            ["/", " /", "/a/", "./", "../", "a/", "/.", "/..", "/a/%2e", "/a//", "https://w.test/", "/.. "]
        {
            check(url, Ok(Escape::UrlSegment));
        }
        for url in ["HTTP://w.test:80/a/", "https://é.test/", "https://[::1]/", "ht\ttps://w.test/", "a.b/"]
        {
            check(url, Ok(Escape::UrlSegment));
        }
    }

    #[test]
    fn a_fact_can_be_a_part_of_a_segment_or_stand_behind_the_path() {
        for url in ["/a", "/a/b.", "/.a", "/%2ea", "?", "#", "?a=", "/?a=1&b=", "a?b", "https://w.test?"] {
            check(url, Ok(Escape::Url));
        }
        for url in ["?u=javascript:", "/#a/../", "https://w.test#\\", "?a=%20", "?%zz"] {
            check(url, Ok(Escape::Url));
        }
    }

    #[test]
    fn a_fact_cannot_settle_where_a_url_leads() {
        let own = ["", " ", "a", "a.b", "javascript", "javascript:", "javascript:/", "data:text/html,?"];
        let slashes = ["//", "//w.test/", "/\t/", "/\\", "\\", "a\\", "/a\\", "\u{1}//w.test/"];
        let hosts =
            ["https:", "https:/", "https://", "https:///", "https://w.test", "https:w.test/", "https://@/"];
        let schemes =
            ["ftp://w.test/", "mailto:a@w.test?", "httpss://w.test/", "https://?", "xhttps://w.test/"];
        for url in own.into_iter().chain(slashes).chain(hosts).chain(schemes) {
            check(url, Err(ProblemKind::UrlStart));
        }
    }

    #[test]
    fn a_fact_cannot_complete_a_percent_sign() {
        for url in ["/%", "/a%2", "?100%", "?%\n2"] {
            check(url, Err(ProblemKind::AfterPercent));
        }
    }
}
