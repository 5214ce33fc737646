//! A tag from its first letter to its `>`: the tag and attribute states of the HTML Standard's tokenizer.

use super::attribute::Value;
use super::escape::Escape;
use super::problem::ProblemKind;

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
    /// In small letters.
    pub(super) name: String,
    state: State,
    /// The name of the attribute, in small letters.
    attribute: String,
    /// What of its value is [judged](Self::escape), and what has been read of it since. Hardly any value is ever asked about.
    judged: Option<Value>,
    unjudged: Vec<u8>,
    attention: Attention,
}

impl Tag {
    pub(super) fn new(attention: Attention) -> Self {
        Tag {
            kind: TagKind::Start,
            name: String::new(),
            state: State::Name,
            attribute: String::new(),
            judged: None,
            unjudged: Vec::new(),
            attention,
        }
    }

    pub(super) fn attention(&self) -> Attention {
        self.attention
    }

    /// A tag begins whose name begins so.
    pub(super) fn begin(&mut self, kind: TagKind, name: &str) {
        self.kind = kind;
        self.name.clear();
        self.name.push_str(name);
        self.name.make_ascii_lowercase();
        self.state = State::Name;
    }

    /// Reads up to the `>` that ends it, as far as these bytes go. How many those were.
    pub(super) fn read_on(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        loop {
            at += self.run(bytes.get(at..).unwrap_or_default());
            match bytes.get(at) {
                Some(b'>') | None => return at,
                Some(byte) => self.read(*byte),
            };
            at += 1;
        }
    }

    /// Reads a name or a value up to what may end it. How many bytes that were; none where each of them matters.
    fn run(&mut self, bytes: &[u8]) -> usize {
        let up_to = |ends: fn(&u8) -> bool| bytes.iter().position(ends).unwrap_or(bytes.len());
        let run = match self.state {
            State::Name => up_to(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>')),
            State::AttributeName => up_to(|byte| is_blank(*byte) || matches!(byte, b'=' | b'/' | b'>')),
            State::Unquoted => up_to(|byte| is_blank(*byte) || *byte == b'>'),
            State::Quoted(quote) => memchr::memchr(quote, bytes).unwrap_or(bytes.len()),
            State::BeforeAttribute | State::AfterAttribute | State::BeforeValue => 0,
        };
        let passed = bytes.get(..run).unwrap_or_default();
        let small = passed.iter().map(|byte| char::from(byte.to_ascii_lowercase()));
        match (self.state, self.attention) {
            (State::Name, _) => self.name.extend(small),
            (State::AttributeName, Attention::Facts) => self.attribute.extend(small),
            (State::Quoted(_), Attention::Facts) => self.unjudged.extend_from_slice(passed),
            _ => {}
        }
        run
    }

    pub(super) fn read(&mut self, byte: u8) -> Progress {
        use State::*;
        let blank = is_blank(byte);
        self.state = match (self.state, byte) {
            (Quoted(quote), _) if byte == quote => BeforeAttribute,
            (Quoted(_), _) => {
                if self.attention == Attention::Facts {
                    self.unjudged.push(byte);
                }
                self.state
            }
            (_, b'>') => return Progress::Closed,
            (BeforeValue, b'"' | b'\'') => {
                self.judged = None;
                self.unjudged.clear();
                Quoted(byte)
            }
            (BeforeValue, _) if blank => BeforeValue,
            (BeforeValue, _) => Unquoted,
            (Unquoted, _) if !blank => Unquoted,
            (AttributeName | AfterAttribute, b'=') => BeforeValue,
            (AttributeName | AfterAttribute, _) if blank => AfterAttribute,
            (_, b'/') => BeforeAttribute,
            (_, _) if blank => BeforeAttribute,
            (Name, _) => {
                self.name.push(char::from(byte.to_ascii_lowercase()));
                Name
            }
            (_, _) if self.attention == Attention::Markup => AttributeName,
            (state, _) => {
                if state != AttributeName {
                    self.attribute.clear();
                }
                self.attribute.push(char::from(byte.to_ascii_lowercase()));
                AttributeName
            }
        };
        Progress::Within
    }

    /// How a fact at this place is escaped.
    pub(super) fn escape(&mut self) -> Result<Escape, ProblemKind> {
        match (self.state, self.kind) {
            (State::Name, _) => Err(ProblemKind::TagName),
            (_, TagKind::End) => Err(ProblemKind::EndTag),
            (State::Quoted(_), TagKind::Start) => {
                let value =
                    self.judged.get_or_insert_with(|| Value::of(Some(&self.name), &self.attribute));
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

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}
