//! A tag from its first letter to its `>`: the tag and attribute states of the HTML Standard's tokenizer.

use super::attribute::Value;
use super::escape::Escape;
use super::problem::ProblemKind;
use crate::seek;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagKind {
    Start,
    End,
}

/// What a reading is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attention {
    /// To know where facts may stand, in values too.
    Facts,
    /// To tell markup from the rest; nothing will stand in a value.
    Markup,
}

/// Whether a tag goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Within,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Name,
    BeforeAttribute,
    AttributeName,
    AfterAttribute,
    BeforeValue,
    /// In a value, up to this quote.
    Quoted(u8),
    Unquoted,
}

#[derive(Debug)]
pub(super) struct Tag {
    pub(super) kind: TagKind,
    name: Vec<u8>,
    state: State,
    /// The name of the attribute.
    attribute: Vec<u8>,
    /// What of its value is [judged](Self::escape), and what has been read of it since. Hardly any value is ever asked about.
    judged: Option<Value>,
    unjudged: Vec<u8>,
    attention: Attention,
}

impl Tag {
    pub(super) fn new(attention: Attention) -> Self {
        Tag {
            kind: TagKind::Start,
            name: Vec::new(),
            state: State::Name,
            attribute: Vec::new(),
            judged: None,
            unjudged: Vec::new(),
            attention,
        }
    }

    pub(super) fn attention(&self) -> Attention {
        self.attention
    }

    /// A tag begins whose name begins so.
    pub(super) fn begin(&mut self, kind: TagKind, name: &[u8]) {
        self.kind = kind;
        self.name.clear();
        self.name.extend_from_slice(name);
        self.state = State::Name;
    }

    /// Its name, in small letters, once it is closed.
    pub(super) fn name(&mut self) -> &[u8] {
        self.name.make_ascii_lowercase();
        &self.name
    }

    /// Reads up to the `>` that ends it, as far as these bytes go. How many those were.
    pub(super) fn read_on(&mut self, bytes: &[u8]) -> usize {
        use State::*;
        let (mut attribute, mut value) = (Seen::default(), Seen::default());
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let run = match self.state {
                Name => up_to(rest, |byte| is_blank(byte) || matches!(byte, b'/' | b'>')),
                AttributeName => up_to(rest, |byte| is_blank(byte) || matches!(byte, b'=' | b'/' | b'>')),
                BeforeAttribute => up_to(rest, |byte| !is_blank(byte) && byte != b'/'),
                AfterAttribute | BeforeValue => up_to(rest, |byte| !is_blank(byte)),
                Unquoted => up_to(rest, |byte| is_blank(byte) || byte == b'>'),
                Quoted(quote) => seek::byte(quote, rest).unwrap_or(rest.len()),
            };
            at += run;
            match self.state {
                Name => rest.iter().take(run).for_each(|byte| self.name.push(*byte)),
                AttributeName => attribute.end = at,
                Quoted(_) => value.end = at,
                _ => {}
            }
            let Some(next) = bytes.get(at).copied() else { break };
            self.state = match (self.state, next) {
                (Quoted(_), _) => BeforeAttribute,
                (_, b'>') => {
                    self.attribute.clear();
                    self.unjudged.clear();
                    self.judged = None;
                    return at;
                }
                (BeforeValue, b'"' | b'\'') => {
                    value = Seen::from(at + 1);
                    Quoted(next)
                }
                (BeforeValue, _) => Unquoted,
                (AttributeName | AfterAttribute, b'=') => BeforeValue,
                (Name | Unquoted, _) | (_, b'/') => BeforeAttribute,
                (AttributeName, _) => AfterAttribute,
                (BeforeAttribute | AfterAttribute, _) => {
                    attribute = Seen::from(at);
                    AttributeName
                }
            };
            at += 1;
        }
        if self.attention == Attention::Facts {
            attribute.keep(bytes, &mut self.attribute);
            if value.begun {
                self.judged = None;
            }
            value.keep(bytes, &mut self.unjudged);
        }
        at
    }

    pub(super) fn read(&mut self, byte: u8) -> Progress {
        if self.read_on(&[byte]) == 0 { Progress::Closed } else { Progress::Within }
    }

    /// How a fact at this place is escaped.
    pub(super) fn escape(&mut self) -> Result<Escape, ProblemKind> {
        match (self.state, self.kind) {
            (State::Name, _) => Err(ProblemKind::TagName),
            (_, TagKind::End) => Err(ProblemKind::EndTag),
            (State::Quoted(_), TagKind::Start) => {
                let small = |name: &[u8]| String::from_utf8_lossy(name).to_ascii_lowercase();
                let value = self
                    .judged
                    .get_or_insert_with(|| Value::of(Some(&small(&self.name)), &small(&self.attribute)));
                for byte in self.unjudged.drain(..) {
                    if byte == b'&' { value.read_reference() } else { value.read(byte) }
                }
                value.escape()
            }
            (State::BeforeValue | State::Unquoted, _) => Err(ProblemKind::Unquoted),
            (State::BeforeAttribute | State::AttributeName | State::AfterAttribute, _) => {
                Err(ProblemKind::AttributeName)
            }
        }
    }
}

/// Which of the bytes that are being read are of a name or a value. Only what goes on behind them has to be kept, since
/// nothing will stand in the rest.
#[derive(Default)]
struct Seen {
    /// Whether it begins among these, and not before.
    begun: bool,
    start: usize,
    end: usize,
}

impl Seen {
    fn from(start: usize) -> Seen {
        Seen { begun: true, start, end: start }
    }

    fn keep(&self, bytes: &[u8], kept: &mut Vec<u8>) {
        if self.begun {
            kept.clear();
        }
        kept.extend_from_slice(bytes.get(self.start..self.end).unwrap_or_default());
    }
}

/// How many bytes come before the first that ends them.
fn up_to(bytes: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| ends(*byte)).unwrap_or(bytes.len())
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}
