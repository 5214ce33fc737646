//! The elements of ESI, and their attributes.

use std::ops::Range;

use super::dialect::Dialect;

/// An element, by its local name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `<esi:include>`.
    Include,
    /// `<esi:eval>`.
    Eval,
    /// `<esi:inline>`.
    Inline,
    /// `<esi:choose>`.
    Choose,
    /// `<esi:when>`.
    When,
    /// `<esi:otherwise>`.
    Otherwise,
    /// `<esi:try>`.
    Try,
    /// `<esi:attempt>`.
    Attempt,
    /// `<esi:except>`.
    Except,
    /// `<esi:vars>`.
    Vars,
    /// `<esi:remove>`.
    Remove,
    /// `<esi:comment>`.
    Comment,
    /// `<esi:assign>`.
    Assign,
    /// `<esi:text>`.
    Text,
    /// `<esi:foreach>`.
    Foreach,
    /// `<esi:break>`.
    Break,
    /// `<esi:function>`.
    Function,
    /// `<esi:return>`.
    Return,
    /// `<esi:debug>`.
    Debug,
    /// `<esi:param>`.
    Param,
    /// `<esi:variable>`.
    Variable,
    /// `<esi:replace>`.
    Replace,
    /// `<!--esi … -->`.
    Wrap,
    /// An element that nobody knows.
    Unknown,
}

impl Kind {
    pub(super) fn of(name: &[u8]) -> Kind {
        match name {
            b"include" => Kind::Include,
            b"eval" => Kind::Eval,
            b"inline" => Kind::Inline,
            b"choose" => Kind::Choose,
            b"when" => Kind::When,
            b"otherwise" => Kind::Otherwise,
            b"try" => Kind::Try,
            b"attempt" => Kind::Attempt,
            b"except" => Kind::Except,
            b"vars" => Kind::Vars,
            b"remove" => Kind::Remove,
            b"comment" => Kind::Comment,
            b"assign" => Kind::Assign,
            b"text" => Kind::Text,
            b"foreach" => Kind::Foreach,
            b"break" => Kind::Break,
            b"function" => Kind::Function,
            b"return" => Kind::Return,
            b"debug" => Kind::Debug,
            b"param" => Kind::Param,
            b"variable" => Kind::Variable,
            b"replace" => Kind::Replace,
            _ => Kind::Unknown,
        }
    }

    /// The name in an end tag, of an element whose content is not markup.
    pub(super) fn raw(self) -> Option<&'static str> {
        match self {
            Kind::Remove => Some("remove"),
            Kind::Comment => Some("comment"),
            Kind::Text => Some("text"),
            Kind::Inline => Some("inline"),
            Kind::Replace => Some("replace"),
            _ => None,
        }
    }

    /// Whether the element stands alone, where it has no end tag.
    pub(super) fn may_be_void(self, dialect: &Dialect) -> bool {
        match self {
            Kind::Include => dialect.unclosed_include == super::dialect::UnclosedInclude::Include,
            Kind::Eval
            | Kind::Break
            | Kind::Return
            | Kind::Debug
            | Kind::Param
            | Kind::Variable
            | Kind::Comment => true,
            _ => false,
        }
    }

    /// Whether an end tag that closes nothing is text: where its start tag was given up, that is text, too.
    pub(super) fn leaves_its_end(self) -> bool {
        !matches!(self, Kind::Include | Kind::Eval | Kind::Comment | Kind::Break | Kind::Return | Kind::Debug)
    }

    /// Elements that an end tag of `self` cannot reach through.
    pub(super) fn is_barrier_for(self, inner: Kind) -> bool {
        match inner {
            Kind::When | Kind::Otherwise => self == Kind::Choose,
            Kind::Attempt | Kind::Except => self == Kind::Try,
            _ => false,
        }
    }
}

/// The attributes of one tag, as they stand. The first of a name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    text: String,
    /// Names and values, as ranges of the text.
    pairs: Vec<(Range<usize>, Range<usize>)>,
}

impl Attributes {
    /// Reads what stands between an element's name and the end of its tag.
    pub(super) fn parse(text: &[u8], backslash: bool) -> Attributes {
        let text = String::from_utf8_lossy(text).into_owned();
        let mut pairs: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        let mut rest = text.trim_ascii_start();
        while !rest.is_empty() {
            let start = text.len() - rest.len();
            let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let after = after.trim_ascii_start();
            let (value, left) = match after.strip_prefix('=') {
                None => (0..0, after),
                Some(value) => {
                    let value = value.trim_ascii_start();
                    let (inside, left) = value_of(value, backslash);
                    let from = text.len() - value.len() + usize::from(value.starts_with(['"', '\'']));
                    (from..from + inside.len(), left)
                }
            };
            let is_known = |(known, _): &(Range<usize>, _)| text.get(known.clone()) == Some(name);
            if !name.is_empty() && !pairs.iter().any(is_known) {
                pairs.push((start..start + end, value));
            }
            rest = left.trim_ascii_start();
        }
        Attributes { pairs, text }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let part = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or_default();
        self.pairs.iter().map(move |(name, value)| (part(name), part(value)))
    }
}

/// What `src` and `alt` say.
type FixedInclude = (Option<String>, Option<String>);

impl Attributes {
    /// Source and alternative of an include that asks for nothing else and depends on nothing.
    pub fn fixed_include(&self) -> Option<FixedInclude> {
        let plain = |(name, value): (&str, &str)| match name {
            "src" | "alt" => !value.contains('$'),
            "onerror" => value.trim() == "continue",
            _ => false,
        };
        let known =
            ["src", "alt", "onerror", "ttl", "no-store", "maxwait", "dca", "method", "entity", "fragment"];
        let says = |(name, _): &(&str, &str)| {
            known.contains(name) || name.ends_with("header") || name.ends_with("headers")
        };
        let url = |name| self.get(name).map(unescape).filter(|url| !url.trim().is_empty());
        self.iter().filter(says).all(plain).then(|| (url("src"), url("alt")))
    }
}

fn value_of(text: &str, backslash: bool) -> (&str, &str) {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inside = &text[1..];
            let ends = |at: &usize| !(backslash && inside[..*at].ends_with('\\'));
            let end = inside.match_indices(quote).map(|(at, _)| at).find(ends);
            end.map_or((inside, ""), |end| (&inside[..end], &inside[end + 1..]))
        }
        _ => text.split_at(text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len())),
    }
}

/// Attributes are written with the references of markup, by name and by number.
pub(super) use super::functions::decode_references as unescape;
