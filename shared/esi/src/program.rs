//! A program: what a document compiles to. Instructions are flat, jumps are indices, literals are ranges of the document.

use std::ops::Range;

use bytes::Bytes;

/// The compiled form of a document of ESI. It is run by a [`Machine`](super::Machine) over the same document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    pub(super) ops: Vec<Op>,
    pub(super) strings: Vec<Str>,
    pub(super) includes: Vec<IncludeSpec>,
    /// Where the constructs at the top begin and end: what stops in the middle of one goes on behind it.
    pub(super) spans: Vec<(u32, u32)>,
    pub(super) traits: Traits,
}

/// A string of a program. Values share it, and where the program is stored, it is where that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Str(Bytes);

impl Str {
    /// `None` where the bytes are no UTF-8.
    pub(super) fn new(bytes: Bytes) -> Option<Str> {
        std::str::from_utf8(&bytes).is_ok().then_some(Str(bytes))
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.0
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Str {
        Str(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// What a program may do, found when it was compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// It reads a value that is not in the page's cache key.
    pub personal: bool,
    /// It may change the status or headers of the answer.
    pub answers: bool,
    /// It has includes.
    pub includes: bool,
}

impl Program {
    /// What it may do.
    pub fn traits(&self) -> Traits {
        self.traits
    }

    /// Number of instructions.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether it writes nothing.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    pub(super) fn string(&self, index: u32) -> &str {
        self.strings.get(index as usize).map_or("", Str::as_str)
    }

    /// The end of the construct at the top that `at` is in.
    pub(super) fn span_end(&self, at: usize) -> Option<usize> {
        let index = self.spans.partition_point(|(start, _)| *start as usize <= at).checked_sub(1)?;
        self.spans.get(index).filter(|(_, end)| at < *end as usize).map(|(_, end)| *end as usize)
    }
}

/// What an include takes from the stack, and what it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IncludeSpec {
    /// The operands, in the order in which they were pushed.
    pub(super) fields: Vec<Field>,
    /// `onerror="continue"`.
    pub(super) on_error: OnError,
    pub(super) dca: Dca,
    /// Whether the instructions behind are what to show where everything fails.
    pub(super) has_body: bool,
    /// It is `eval`: what comes is run in the page's own namespace.
    pub(super) eval: bool,
    /// Whether the URL is as the author wrote it.
    pub(super) constant: bool,
    /// Where what a fragment runs ends up.
    pub(super) place: Place,
}

/// What an include says of failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OnError {
    #[default]
    Unsaid,
    Continue,
    Abort,
}

/// What an include says of the fragment's own ESI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Dca {
    #[default]
    Unsaid,
    None,
    Esi,
}

/// An operand of an include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Src,
    Alt,
    Ttl,
    NoStore,
    MaxWait,
    Method,
    Entity,
    SetHeader,
    AppendHeader,
    RemoveHeader,
    ParamName,
    ParamValue,
    /// A part of the fragment.
    Part,
    /// What to put for a part of that part.
    ReplaceName,
    ReplaceText,
}

impl Field {
    pub(super) const ALL: [Field; 15] = [
        Field::Src,
        Field::Alt,
        Field::Ttl,
        Field::NoStore,
        Field::MaxWait,
        Field::Method,
        Field::Entity,
        Field::SetHeader,
        Field::AppendHeader,
        Field::RemoveHeader,
        Field::ParamName,
        Field::ParamValue,
        Field::Part,
        Field::ReplaceName,
        Field::ReplaceText,
    ];
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Has,
    HasI,
    Matches,
    MatchesI,
    /// `=~ '/pattern/flags'`.
    Like,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Range,
}

impl Binary {
    /// Whether its result is true or false, and never nothing.
    pub(super) fn compares(self) -> bool {
        use Binary::*;
        matches!(self, Equal | Unequal | Less | Greater | AtMost | AtLeast | Has | HasI)
    }

    /// Whether it compares by order alone, and so asks for nothing but its operands.
    pub(super) fn orders(self) -> bool {
        use Binary::*;
        matches!(self, Equal | Unequal | Less | Greater | AtMost | AtLeast)
    }

    pub(super) const ALL: [Binary; 17] = [
        Binary::Equal,
        Binary::Unequal,
        Binary::Less,
        Binary::Greater,
        Binary::AtMost,
        Binary::AtLeast,
        Binary::Has,
        Binary::HasI,
        Binary::Matches,
        Binary::MatchesI,
        Binary::Like,
        Binary::Add,
        Binary::Subtract,
        Binary::Multiply,
        Binary::Divide,
        Binary::Modulo,
        Binary::Range,
    ];
}

/// How a value is written where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// Text, or a quoted attribute.
    #[default]
    Markup,
    /// A script, a style sheet or anywhere else where references are not read.
    Script,
    /// A URL.
    Url,
    /// Text that nobody interprets.
    Plain,
}

impl Place {
    pub(super) const ALL: [Place; 4] = [Place::Markup, Place::Script, Place::Url, Place::Plain];
}

/// An instruction. Operands come from a stack, results go onto it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Writes a range of the document.
    Text {
        start: u32,
        len: u32,
    },
    /// Writes the top value.
    Emit(Place),
    /// Writes a string.
    Write(u32),
    /// Writes a variable.
    WriteVar {
        name: u32,
        place: Place,
    },
    /// Pushes a string.
    Str(u32),
    Int(i64),
    /// The bits of a number with a fraction.
    Float(u64),
    Bool(bool),
    /// Pushes a variable, after taking its keys.
    Var {
        name: u32,
        keys: u32,
    },
    /// Goes on at `to` where the top value is there; takes it off where it is not.
    Default {
        to: u32,
    },
    Binary(Binary),
    Not,
    Negate,
    /// Short circuits.
    And {
        to: u32,
    },
    Or {
        to: u32,
    },
    Truth,
    List(u32),
    Dict(u32),
    Call {
        name: u32,
        args: u32,
    },
    /// Makes one text of so many values.
    Concat(u32),
    /// The same, each escaped for a URL where it is a visitor's.
    ConcatUrl(u32),
    Jump {
        to: u32,
    },
    /// Goes on at `to` unless the test on top holds.
    Unless {
        to: u32,
    },
    /// Goes on at `to` unless a variable compares so with a string.
    TestText {
        operator: Binary,
        name: u32,
        text: u32,
        to: u32,
    },
    /// The same with a number.
    TestNumber {
        operator: Binary,
        name: u32,
        number: i32,
        to: u32,
    },
    /// Assigns a string to a variable.
    SetText {
        name: u32,
        text: u32,
    },
    /// Assigns a number to a variable.
    SetNumber {
        name: u32,
        number: i32,
    },
    /// Assigns the top value to a variable, or to its element under the keys below.
    Assign {
        name: u32,
        keys: u32,
    },
    /// From here on what is written is collected.
    Capture,
    /// Pushes what was collected.
    EndCapture,
    /// Loops over the top value, or goes on at `end`.
    Foreach {
        item: u32,
        end: u32,
    },
    /// The next round, or on at `end`.
    Next {
        body: u32,
        end: u32,
    },
    Break,
    /// Defines a function whose body follows, and goes on at `end`.
    Define {
        name: u32,
        end: u32,
    },
    /// Gives what was written to the caller.
    EndFunction,
    Return,
    /// Includes a fragment; its own body follows up to `end`.
    Include {
        spec: u32,
        end: u32,
    },
    /// Ends what runs by itself: a body of an include, an exception.
    End,
    /// Begins an attempt. `waits`: what follows depends on how it ends.
    Attempt {
        except: u32,
        waits: bool,
    },
    /// Ends an attempt that went well so far, and goes on at `end`.
    EndAttempt {
        end: u32,
    },
    /// A branch for a status (0: any), or on at `next`.
    Except {
        code: u32,
        next: u32,
    },
    /// Names what the next pattern's groups go to.
    MatchName(u32),
    /// Keeps a range of the document as a fragment.
    Inline {
        name: u32,
        start: u32,
        len: u32,
    },
    /// The document fails.
    Fail,
}

impl Op {
    /// A range of the document.
    pub(super) fn text(range: &Range<usize>) -> Op {
        Op::Text { start: range.start as u32, len: (range.end - range.start) as u32 }
    }

    /// The same, so many instructions further on: what jumps inside of an expression.
    pub(super) fn moved(self, by: u32) -> Op {
        match self {
            Op::Default { to } => Op::Default { to: to + by },
            Op::And { to } => Op::And { to: to + by },
            Op::Or { to } => Op::Or { to: to + by },
            other => other,
        }
    }

    /// Points a jump at `target`.
    pub(super) fn aim(&mut self, target: u32) {
        match self {
            Op::Default { to }
            | Op::And { to }
            | Op::Or { to }
            | Op::Jump { to }
            | Op::Unless { to }
            | Op::TestText { to, .. }
            | Op::TestNumber { to, .. } => *to = target,
            Op::Foreach { end, .. }
            | Op::Next { end, .. }
            | Op::Define { end, .. }
            | Op::Include { end, .. }
            | Op::EndAttempt { end } => *end = target,
            Op::Attempt { except, .. } => *except = target,
            Op::Except { next, .. } => *next = target,
            _ => {}
        }
    }
}
