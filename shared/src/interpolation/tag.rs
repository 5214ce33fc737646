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
    attribute: String,
    value: Value,
    attention: Attention,
}

impl Tag {
    pub(super) fn new(kind: TagKind, name: &str, attention: Attention) -> Self {
        let name = name.to_ascii_lowercase();
        Tag { kind, name, state: State::Name, attribute: String::new(), value: Value::Plain, attention }
    }

    /// Reads a name or a value up to what may end it. How many bytes that were; none where each of them matters.
    pub(super) fn run(&mut self, bytes: &[u8]) -> usize {
        let up_to = |ends: fn(&u8) -> bool| bytes.iter().position(ends).unwrap_or(bytes.len());
        match (self.state, self.attention) {
            (State::Name, _) => {
                let run = up_to(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>'));
                let letters = bytes.iter().take(run).map(|byte| char::from(byte.to_ascii_lowercase()));
                self.name.extend(letters);
                run
            }
            (State::AttributeName, Attention::Markup) => {
                up_to(|byte| is_blank(*byte) || matches!(byte, b'=' | b'/' | b'>'))
            }
            (State::Unquoted, _) => up_to(|byte| is_blank(*byte) || *byte == b'>'),
            (State::Quoted(quote), Attention::Markup) => memchr::memchr(quote, bytes).unwrap_or(bytes.len()),
            _ => 0,
        }
    }

    pub(super) fn read(&mut self, byte: u8) -> Progress {
        use State::*;
        let blank = is_blank(byte);
        self.state = match (self.state, byte) {
            (Quoted(quote), _) if byte == quote => BeforeAttribute,
            (Quoted(_), _) => {
                if byte == b'&' {
                    self.value.read_reference()
                } else {
                    self.value.read(byte)
                }
                self.state
            }
            (_, b'>') => return Progress::Closed,
            (BeforeValue, b'"' | b'\'') => {
                if self.attention == Attention::Facts {
                    self.value = Value::of(Some(&self.name), &self.attribute);
                }
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
    pub(super) fn escape(&self) -> Result<Escape, ProblemKind> {
        match (self.state, self.kind) {
            (State::Name, _) => Err(ProblemKind::TagName),
            (_, TagKind::End) => Err(ProblemKind::EndTag),
            (State::Quoted(_), TagKind::Start) => self.value.escape(),
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
