//! Reads a document into events: where elements open and close. What lies between is text.
//!
//! ESI is text-level: its elements stand in scripts, attributes and comments as well, so this is a scanner of bytes.
//! It works on a document that is still arriving: what is reported is certain. An element at the top is held until its
//! end has come, but never for more than [`MAX_HELD`] bytes.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr2, memmem};

use super::diagnostic::{Diagnostic, Mistake};
use super::dialect::{Dialect, Inline, UnknownElements};
use super::element::{Attributes, Kind};
use crate::MAX_HELD;
use crate::seek;

/// Longest tag, in bytes.
const MAX_TAG: usize = 16 * 1024;

/// Elements inside elements; beyond, tags are text.
const MAX_NESTING: usize = 64;

/// The namespace of ESI 1.0.
const NAMESPACE: &str = "http://www.edge-delivery.org/esi/1.0";

/// A tag. Events are in document order, do not overlap, and every `Open` has its `Close`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is.
    pub what: What,
    /// Where it stands, as offsets into the document.
    pub range: Range<usize>,
}

/// What a tag does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It opens an element.
    Open(Kind, Attributes),
    /// It closes one.
    Close(Kind),
    /// An element without content, or whose content is of no interest.
    Leaf(Kind, Attributes),
    /// Content that is not markup, from the start tag to the end tag; the range inside is the content's.
    Raw(Kind, Attributes, Range<usize>),
    /// A tag that nobody gets.
    Gone,
}

/// Reads a document that grows. All offsets count from its first byte.
pub struct Reader {
    dialect: Arc<Dialect>,
    at: usize,
    /// Events since the outermost open element.
    pending: Vec<Option<Event>>,
    open: Vec<Opened>,
    wraps: usize,
    prefixes: Vec<Vec<u8>>,
    /// Where the look for the end of the tag at `at` goes on, and the quote that is open there.
    resume: usize,
    quote: Option<u8>,
    /// Up to where each terminator was looked for in vain: a document of openers alone takes linear time.
    absent: HashMap<&'static str, usize>,
    diagnostics: Vec<Diagnostic>,
    started: bool,
    off: bool,
}

struct Opened {
    kind: Kind,
    event: usize,
    start: usize,
}

enum Look<T> {
    Found(T),
    /// Not there, and it cannot come any more.
    Absent,
    /// It may still arrive.
    Later,
}

struct Tag {
    closing: bool,
    empty: bool,
    kind: Kind,
    end: usize,
    attributes: Attributes,
}

impl Reader {
    /// A reader of the beginning of a document.
    pub fn new(dialect: Arc<Dialect>) -> Reader {
        let prefixes = dialect.prefix.iter().map(|prefix| prefix.clone().into_bytes()).collect();
        Reader {
            dialect,
            at: 0,
            pending: Vec::new(),
            open: Vec::new(),
            wraps: 0,
            prefixes,
            resume: 0,
            quote: None,
            absent: HashMap::new(),
            diagnostics: Vec::new(),
            started: false,
            off: false,
        }
    }

    /// Offset before which nothing changes any more.
    pub fn certain(&self) -> usize {
        self.open.first().map_or(self.at, |outermost| outermost.start)
    }

    /// What it has found fault with.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// Reads on in `page` (all of it that has arrived) and appends to `events`. `whole`: nothing more arrives.
    pub fn read(&mut self, page: &[u8], whole: bool, events: &mut Vec<Event>) {
        if !self.started && self.dialect.xml_check {
            match page.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None if !whole => return,
                first => self.off = first != Some(&b'<'),
            }
        }
        self.started = true;
        if self.off {
            self.at = page.len();
            return;
        }
        loop {
            let rest = &page[self.at..];
            let next = if self.wraps > 0 { memchr2(b'<', b'-', rest) } else { seek::byte(b'<', rest) };
            if let Some(found) = next.filter(|found| *found > 0) {
                self.advance(self.at + found);
            }
            if next.is_none() {
                self.advance(page.len());
            } else if self.is_other_tag(page) {
                self.advance(self.at + 1);
                continue;
            }
            self.enforce();
            if next.is_none() || !self.construct(page, whole) {
                break;
            }
            self.release(events);
        }
        if whole {
            self.unwind(0);
            self.at = page.len();
        }
        self.release(events);
    }

    /// Whether a tag begins at `at` that is none of ESI's, by the first letter of its name: most are.
    fn is_other_tag(&self, page: &[u8]) -> bool {
        let letter = match page.get(self.at..) {
            Some([b'<', b'/', letter, ..] | [b'<', letter, ..]) => *letter,
            _ => return false,
        };
        letter.is_ascii_alphabetic()
            && !self.dialect.declared_prefixes
            && self.prefixes.iter().all(|prefix| prefix.first() != Some(&letter))
    }

    fn advance(&mut self, to: usize) {
        self.at = to;
        self.resume = to;
        self.quote = None;
    }

    /// Gives up what has been held for too long.
    fn enforce(&mut self) {
        while self.open.first().is_some_and(|outermost| self.at - outermost.start > MAX_HELD) {
            let given_up = self.open.remove(0);
            self.give_up(&given_up);
        }
    }

    /// Hands out what is settled: everything while nothing is open, else what precedes the outermost element, which is
    /// given up where it has been held for too long.
    fn release(&mut self, events: &mut Vec<Event>) {
        self.enforce();
        let keep = self.open.first().map_or(self.pending.len(), |outermost| outermost.event);
        if keep > 0 {
            events.extend(self.pending.drain(..keep).flatten());
            for opened in &mut self.open {
                opened.event -= keep;
            }
        }
    }

    /// Handles what starts at `at`. False: more bytes are needed.
    fn construct(&mut self, page: &[u8], whole: bool) -> bool {
        let rest = &page[self.at..];
        let look = if rest[0] == b'-' {
            match rest {
                [b'-', b'-', b'>', ..] => Look::Found(self.unwrap()),
                [b'-'] | [b'-', b'-'] if !whole => Look::Later,
                _ => Look::Absent,
            }
        } else {
            self.markup(page, whole)
        };
        match look {
            Look::Later => return false,
            Look::Found(end) => self.advance(end),
            Look::Absent => self.advance(self.at + 1),
        }
        true
    }

    fn markup(&mut self, page: &[u8], whole: bool) -> Look<usize> {
        let rest = &page[self.at..];
        let arriving = |opener: &[u8]| !whole && opener.len() > rest.len() && opener.starts_with(rest);
        if arriving(b"<!--esi") || arriving(b"<![CDATA[") {
            return Look::Later;
        }
        if rest.starts_with(b"<!--esi") {
            if self.wraps == 0 || self.dialect.nested_comments {
                self.wraps += 1;
                let end = self.at + 7;
                self.push_open(Kind::Wrap, Attributes::default(), self.at..end);
                return Look::Found(end);
            }
            return Look::Absent;
        }
        if self.dialect.skip_comments && self.wraps == 0 {
            if rest.starts_with(b"<!--") {
                return self.find(page, self.at + 4, "-->", whole);
            }
            if rest.starts_with(b"<![CDATA[") {
                return self.find(page, self.at + 9, "]]>", whole);
            }
        }
        match self.tag(page, whole) {
            Look::Found(tag) => self.element(page, whole, tag),
            Look::Absent => Look::Absent,
            Look::Later => Look::Later,
        }
    }

    /// The tag of ESI that starts at `at`, if one does.
    fn tag(&mut self, page: &[u8], whole: bool) -> Look<Tag> {
        let rest = &page[self.at..];
        let closing = rest.get(1) == Some(&b'/');
        let name_at = 1 + usize::from(closing);
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let name = |from: usize| {
            let length = rest[from..].iter().take(64).position(|byte| !is_name(byte))?;
            Some(&rest[from..from + length])
        };
        let Some(prefix) = name(name_at.min(rest.len())) else {
            let partial = &rest[name_at.min(rest.len())..];
            let possible = self.dialect.declared_prefixes
                || self.prefixes.iter().any(|prefix| prefix.starts_with(partial));
            return if whole || partial.len() >= 64 || !possible { Look::Absent } else { Look::Later };
        };
        let known = self.prefixes.iter().any(|known| known == prefix);
        let colon = name_at + prefix.len();
        if rest.get(colon) != Some(&b':') || !(known || self.dialect.declared_prefixes) {
            return Look::Absent;
        }
        let Some(local) = name(colon + 1) else {
            return if whole || rest.len() - colon > 64 { Look::Absent } else { Look::Later };
        };
        let end = match self.tag_end(page, whole) {
            Look::Found(end) => end,
            Look::Absent => {
                self.report(Mistake::UnfinishedTag, self.at);
                return Look::Absent;
            }
            Look::Later => return Look::Later,
        };
        let inside = &page[self.at + colon + 1 + local.len()..end - 1];
        let (inside, empty) = inside.strip_suffix(b"/").map_or((inside, false), |inside| (inside, true));
        let attributes = Attributes::parse(inside, self.dialect.backslash_in_attributes);
        if !known {
            let declaration = format!("xmlns:{}", String::from_utf8_lossy(prefix));
            if attributes.get(&declaration) != Some(NAMESPACE) {
                return Look::Absent;
            }
            if self.prefixes.len() < 8 {
                self.prefixes.push(prefix.to_vec());
            }
        }
        Look::Found(Tag { closing, empty, kind: Kind::of(local), end, attributes })
    }

    fn element(&mut self, page: &[u8], whole: bool, tag: Tag) -> Look<usize> {
        let Tag { closing, empty, kind, end, attributes } = tag;
        let range = self.at..end;
        if kind == Kind::Unknown {
            self.report(Mistake::UnknownElement, self.at);
            return match self.dialect.unknown_elements {
                UnknownElements::Keep => Look::Absent,
                UnknownElements::Drop => self.push(What::Gone, range),
                UnknownElements::Fail => self.push(What::Leaf(kind, attributes), range),
            };
        }
        if closing {
            if !self.close(kind, range.clone()) {
                self.report(Mistake::StrayEndTag, self.at);
                return if kind.leaves_its_end() { Look::Absent } else { self.push(What::Gone, range) };
            }
            return Look::Found(end);
        }
        if empty {
            return self.push(What::Leaf(kind, attributes), range);
        }
        if let Some(name) = kind.raw() {
            return match self.end_tag(page, end, name, whole) {
                Look::Found(ends) => {
                    self.push(What::Raw(kind, attributes, end..ends.start), range.start..ends.end)
                }
                Look::Later => Look::Later,
                Look::Absent if kind.may_be_void(&self.dialect) => {
                    self.push(What::Leaf(kind, attributes), range)
                }
                Look::Absent => {
                    self.report(Mistake::Unclosed, self.at);
                    match self.dialect.inline {
                        Inline::Print if kind == Kind::Inline => self.push(What::Gone, range),
                        _ => Look::Absent,
                    }
                }
            };
        }
        if matches!(kind, Kind::Break | Kind::Return | Kind::Debug | Kind::Param | Kind::Variable) {
            return self.push(What::Leaf(kind, attributes), range);
        }
        if self.open.len() >= MAX_NESTING {
            self.report(Mistake::TooDeep, self.at);
            return Look::Absent;
        }
        self.push_open(kind, attributes, range);
        Look::Found(end)
    }

    fn push(&mut self, what: What, range: Range<usize>) -> Look<usize> {
        let end = range.end;
        self.pending.push(Some(Event { what, range }));
        Look::Found(end)
    }

    fn push_open(&mut self, kind: Kind, attributes: Attributes, range: Range<usize>) {
        self.open.push(Opened { kind, event: self.pending.len(), start: range.start });
        self.pending.push(Some(Event { what: What::Open(kind, attributes), range }));
    }

    /// Closes the innermost open element of this kind, and gives up what is open inside of it.
    fn close(&mut self, kind: Kind, range: Range<usize>) -> bool {
        let mut found = None;
        for (index, opened) in self.open.iter().enumerate().rev() {
            if opened.kind == kind {
                found = Some(index);
                break;
            }
            if opened.kind == Kind::Wrap || opened.kind.is_barrier_for(kind) {
                break;
            }
        }
        let fits = |opened: &Opened| range.end - opened.start <= MAX_HELD;
        let Some(index) = found.filter(|index| self.open.get(*index).is_some_and(fits)) else { return false };
        self.unwind(index + 1);
        self.open.pop();
        self.pending.push(Some(Event { what: What::Close(kind), range }));
        true
    }

    fn unwrap(&mut self) -> usize {
        let range = self.at..self.at + 3;
        if let Some(index) = self.open.iter().rposition(|opened| opened.kind == Kind::Wrap) {
            self.unwind(index + 1);
            self.open.pop();
            self.pending.push(Some(Event { what: What::Close(Kind::Wrap), range: range.clone() }));
        }
        self.wraps = self.wraps.saturating_sub(1);
        range.end
    }

    fn unwind(&mut self, to: usize) {
        while self.open.len() > to {
            let Some(opened) = self.open.pop() else { return };
            self.give_up(&opened);
        }
    }

    /// An element without an end: its tag stands alone, or is text. A branch ends where its parent does.
    fn give_up(&mut self, opened: &Opened) {
        let after = self.pending.len();
        let Some(slot) = self.pending.get_mut(opened.event) else { return };
        let Some(Event { what: What::Open(kind, attributes), range }) = slot.take() else { return };
        if kind == Kind::Wrap {
            self.wraps = self.wraps.saturating_sub(1);
        }
        let branch = matches!(kind, Kind::When | Kind::Otherwise | Kind::Attempt | Kind::Except);
        let parent = matches!(self.open.last().map(|parent| parent.kind), Some(Kind::Choose | Kind::Try));
        if branch && parent {
            *slot = Some(Event { what: What::Open(kind, attributes), range });
            let at = self.at;
            debug_assert!(after > opened.event);
            self.pending.push(Some(Event { what: What::Close(kind), range: at..at }));
        } else if kind.may_be_void(&self.dialect) {
            *slot = Some(Event { what: What::Leaf(kind, attributes), range });
        } else {
            let at = range.start;
            self.report(Mistake::Unclosed, at);
        }
    }

    fn report(&mut self, mistake: Mistake, at: usize) {
        if self.diagnostics.len() < super::diagnostic::MAX_DIAGNOSTICS
            && self.diagnostics.last().is_none_or(|last| last.at != at)
        {
            self.diagnostics.push(Diagnostic { mistake, at });
        }
    }

    /// `</esi:NAME … >` from `from` on.
    fn end_tag(&mut self, page: &[u8], from: usize, name: &'static str, whole: bool) -> Look<Range<usize>> {
        let mut from = from;
        loop {
            let start = match self.find(page, from, name, whole) {
                Look::Found(end) => end - name.len(),
                Look::Absent => return Look::Absent,
                Look::Later => return Look::Later,
            };
            let closes = self.prefixes.iter().find_map(|prefix| {
                let before =
                    page[..start].strip_suffix(b":")?.strip_suffix(prefix.as_slice())?.strip_suffix(b"</")?;
                (before.len() >= self.at && !self.hidden(page, self.at..before.len())).then_some(before.len())
            });
            let after = start + name.len();
            if let Some(opens) = closes {
                let rest = page.get(after..(after + MAX_TAG).min(page.len())).unwrap_or_default();
                match (rest.first(), memchr::memchr(b'>', rest)) {
                    (Some(b'>' | b' ' | b'\t' | b'\r' | b'\n' | b'/'), Some(closing)) => {
                        let end = after + closing + 1;
                        return if end - self.at > MAX_HELD { Look::Absent } else { Look::Found(opens..end) };
                    }
                    (_, None) if !whole && rest.len() < MAX_TAG => return Look::Later,
                    _ => {}
                }
            }
            from = after;
        }
    }

    /// Whether what follows `within` stands in a CDATA section or comment that this dialect does not look into.
    fn hidden(&self, page: &[u8], within: Range<usize>) -> bool {
        if !self.dialect.skip_comments {
            return false;
        }
        let text = &page[within];
        [("<![CDATA[", "]]>"), ("<!--", "-->")].iter().any(|(opens, closes)| {
            let opened = memmem::rfind(text, opens.as_bytes());
            opened.is_some_and(|opened| memmem::find(&text[opened..], closes.as_bytes()).is_none())
        })
    }

    /// The offset after `needle`, looked for from `from` on, within [`MAX_HELD`] of the construct's start.
    fn find(&mut self, page: &[u8], from: usize, needle: &'static str, whole: bool) -> Look<usize> {
        let limit = (self.at + MAX_HELD).min(page.len());
        let absent = self.absent.entry(needle).or_default();
        let from = from.max(*absent);
        if let Some(found) = page.get(from..limit).and_then(|window| memmem::find(window, needle.as_bytes()))
        {
            return Look::Found(from + found + needle.len());
        }
        *absent = limit.saturating_sub(needle.len() - 1).max(from);
        if whole || page.len() >= self.at + MAX_HELD { Look::Absent } else { Look::Later }
    }

    /// The offset after the `>` that ends the tag at `at`, quotes respected, within [`MAX_TAG`].
    fn tag_end(&mut self, page: &[u8], whole: bool) -> Look<usize> {
        let limit = (self.at + MAX_TAG).min(page.len());
        self.resume = self.resume.max(self.at + 1);
        while self.resume < limit {
            let byte = page[self.resume];
            match (self.quote, byte) {
                (None, b'>') => return Look::Found(self.resume + 1),
                (None, b'<') => return Look::Absent,
                (None, quote @ (b'"' | b'\'')) => self.quote = Some(quote),
                (Some(_), b'\\') if self.dialect.backslash_in_attributes => self.resume += 1,
                (Some(quote), _) if quote == byte => self.quote = None,
                _ => {}
            }
            self.resume += 1;
        }
        if whole || page.len() >= self.at + MAX_TAG { Look::Absent } else { Look::Later }
    }
}
