//! The bytes of a pack: a head, then tables of little-endian words, one after the other.
//!
//! ```text
//! "HSPACK" version:u16  length in bytes of each section:u32 × 14  sections
//! ```
//! Every section but the text is a table of records of whole words; a reference is the index of a record.

/// First bytes of every pack: a name and the version of the format.
pub(super) const MAGIC: [u8; 8] = *b"HSPACK\x01\x00";
pub(super) const HEAD: usize = MAGIC.len() + 4 * Section::COUNT;

/// A reference to nothing.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Section {
    /// Where each interned text ends; it begins where the one before it ends.
    TextEnds,
    /// The texts, in bytes.
    Text,
    /// tag, two words of payload.
    Values,
    /// name.
    Attributes,
    /// attribute, comparison, value.
    Predicates,
    /// One instruction each.
    Code,
    /// name, program.
    Audiences,
    /// id, program, outcome.
    Rules,
    /// name, first rule, number of rules; sorted by name.
    Slots,
    /// id, kind, content, timeout in ms, time to live in s, fallback; falls back to an earlier one.
    Blocks,
    /// id, url, selector, action, attribute, first rule, number of rules.
    Edits,
    /// Every edit, sorted by id.
    EditIds,
    /// literal, longest other literal that it begins with, first entry, number of entries; sorted by literal.
    Literals,
    /// Edits, ordered by the literal that their URL pattern begins with.
    LiteralEdits,
}

impl Section {
    pub(super) const COUNT: usize = 14;
    pub(super) const ALL: [Section; Section::COUNT] = [
        Section::TextEnds,
        Section::Text,
        Section::Values,
        Section::Attributes,
        Section::Predicates,
        Section::Code,
        Section::Audiences,
        Section::Rules,
        Section::Slots,
        Section::Blocks,
        Section::Edits,
        Section::EditIds,
        Section::Literals,
        Section::LiteralEdits,
    ];

    /// Bytes in a record.
    pub(super) const fn record(self) -> usize {
        match self {
            Section::Text => 1,
            Section::TextEnds | Section::Attributes | Section::Code => 4,
            Section::EditIds | Section::LiteralEdits => 4,
            Section::Audiences => 8,
            Section::Values | Section::Predicates | Section::Rules | Section::Slots => 12,
            Section::Literals => 16,
            Section::Blocks => 24,
            Section::Edits => 28,
        }
    }
}

/// Tags of values. The payload is a text, the bits of a number, or the first value of a list and their number.
pub(super) mod tag {
    pub(in crate::pack) const NULL: u32 = 0;
    pub(in crate::pack) const BOOL: u32 = 1;
    pub(in crate::pack) const NUMBER: u32 = 2;
    pub(in crate::pack) const TEXT: u32 = 3;
    pub(in crate::pack) const JSON: u32 = 4;
    pub(in crate::pack) const LIST: u32 = 5;
}

/// How a predicate compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Never,
    Exists,
    Matches,
    Is,
    In,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    const ALL: [Comparison; 9] = [
        Comparison::Never,
        Comparison::Exists,
        Comparison::Matches,
        Comparison::Is,
        Comparison::In,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];

    pub(super) fn from_word(word: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(word).ok()?).copied()
    }
}

/// An instruction of a program. There is one register, a truth value; every skip leads forward, so programs end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// The register is the answer.
    End,
    Set(bool),
    Not,
    /// Evaluates a predicate.
    Test(u32),
    /// Evaluates an audience.
    Audience(u32),
    /// Passes over that many instructions if the register is true.
    SkipIfTrue(u32),
    SkipIfFalse(u32),
}

impl Instruction {
    const KIND_BITS: u32 = 3;

    pub(super) fn to_word(self) -> u32 {
        let (kind, argument) = match self {
            Instruction::End => (0, 0),
            Instruction::Set(truth) => (1, u32::from(truth)),
            Instruction::Not => (2, 0),
            Instruction::Test(predicate) => (3, predicate),
            Instruction::Audience(audience) => (4, audience),
            Instruction::SkipIfTrue(count) => (5, count),
            Instruction::SkipIfFalse(count) => (6, count),
        };
        argument << Self::KIND_BITS | kind
    }

    pub(super) fn from_word(word: u32) -> Option<Self> {
        let argument = word >> Self::KIND_BITS;
        Some(match word & ((1 << Self::KIND_BITS) - 1) {
            0 => Instruction::End,
            1 => Instruction::Set(argument != 0),
            2 => Instruction::Not,
            3 => Instruction::Test(argument),
            4 => Instruction::Audience(argument),
            5 => Instruction::SkipIfTrue(argument),
            6 => Instruction::SkipIfFalse(argument),
            _ => return None,
        })
    }
}

/// Outcomes of a rule: the two words, or a block.
pub(super) mod outcome {
    pub(in crate::pack) const DEFAULT: u32 = 0;
    pub(in crate::pack) const NOTHING: u32 = 1;
    /// A block's index is this less than its outcome.
    pub(in crate::pack) const BLOCK: u32 = 2;
}

/// Kinds of blocks.
pub(super) mod kind {
    pub(in crate::pack) const INLINE: u32 = 0;
    pub(in crate::pack) const FRAGMENT: u32 = 1;
}
