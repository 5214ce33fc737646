//! The bytes of a pack: a head, then tables of little-endian words, one after the other.
//!
//! ```text
//! "HSPACK" version:u16  length in bytes of each section:u32 × 27  sections
//! ```
//! Every section but the text and the blobs is a table of records of whole words; a reference is the index of a record.

/// First bytes of every pack: a name and the version of the format.
pub(super) const MAGIC: [u8; 8] = *b"HSPACK\x03\x00";
pub(super) const HEAD: usize = MAGIC.len() + 4 * Section::COUNT;

/// Bytes of a rule, and of a predicate.
pub(super) const RULE: usize = Section::Rules.record();
pub(super) const PREDICATE: usize = Section::Predicates.record();

/// A reference to nothing.
pub(super) const NONE: u32 = u32::MAX;

macro_rules! sections {
    ($($(#[$about:meta])* $name:ident $bytes:literal $title:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub(super) enum Section {
            $($(#[$about])* $name),*
        }

        impl Section {
            pub(super) const ALL: &[Section] = &[$(Section::$name),*];
            pub(super) const COUNT: usize = Section::ALL.len();

            /// Bytes in a record.
            pub(super) const fn record(self) -> usize {
                match self {
                    $(Section::$name => $bytes),*
                }
            }

            /// What its records are called in errors.
            pub(super) const fn title(self) -> &'static str {
                match self {
                    $(Section::$name => $title),*
                }
            }
        }
    };
}

sections! {
    /// Where each interned text ends; it begins where the one before it ends.
    TextEnds 4 "texts";
    /// Where each blob ends; it begins where the one before it ends.
    BlobEnds 4 "blobs";
    /// Automata and networks, in bytes.
    Blob 1 "blobs";
    /// tag, two words of payload.
    Values 12 "values";
    /// name.
    Attributes 4 "attributes";
    /// attribute, comparison, value; of `MatchesText` and `IsText` that is a text.
    Predicates 12 "predicates";
    /// The texts of `MatchesText` and `IsText`, sorted: which of them a fact is, is found once.
    Compared 4 "compared texts";
    /// One instruction each.
    Code 4 "code";
    /// name, program.
    Audiences 8 "audiences";
    /// experiment, and a bit for each of its variations that will do.
    Memberships 8 "memberships";
    /// slot, outcome.
    Showings 8 "showings";
    /// id, program, outcome, guard: what the program begins with, if it is false wherever that is, else nothing.
    Rules 16 "rules";
    /// experiment, first outcome; there is one for each variation.
    Trials 8 "trials";
    /// Outcomes of variations.
    Outcomes 4 "outcomes";
    /// See `experiment` for its fields; sorted by key.
    Experiments 56 "experiments";
    /// key, whether it passes through.
    Variations 8 "variations";
    /// name, first rule, number of rules, program of its holdout; sorted by name.
    Slots 16 "slots";
    /// id, kind, content, timeout in ms, time to live in s, fallback; falls back to an earlier one. Of one with facts,
    /// the content is its first part, and instead of the timeout there is their number.
    Blocks 24 "blocks";
    /// text, nothing, nothing; or attribute, default, escape.
    Parts 12 "parts";
    /// id, url, selector, action, attribute, first rule, number of rules.
    Edits 28 "edits";
    /// Every edit, sorted by id.
    EditIds 4 "edit ids";
    /// See `gate` for its fields.
    Gates 36 "gates";
    /// Where the variations of a gate lead: a text, or nothing.
    Targets 4 "targets";
    /// literal, longest other literal that it begins with, first entry, number of entries; sorted by literal.
    Literals 16 "literals";
    /// Edits, then gates, ordered by the literal that their URL pattern begins with.
    LiteralEntries 4 "literal entries";
    /// The program of the holdout of all slots, if there is one.
    Holdout 4 "holdout";
    /// The texts, in bytes. They come last, so that the pack can hold them as what they are.
    Text 1 "texts";
}

/// Fields of an experiment.
pub(super) mod experiment {
    pub(in crate::pack) const KEY: usize = 0;
    /// An attribute.
    pub(in crate::pack) const ATTRIBUTE: usize = 1;
    /// An attribute, or nothing.
    pub(in crate::pack) const FALLBACK: usize = 2;
    /// A text.
    pub(in crate::pack) const SEED: usize = 3;
    pub(in crate::pack) const HASH_VERSION: usize = 4;
    /// A tuple of two numbers for each variation.
    pub(in crate::pack) const RANGES: usize = 5;
    pub(in crate::pack) const FIRST_VARIATION: usize = 6;
    pub(in crate::pack) const VARIATIONS: usize = 7;
    /// A program.
    pub(in crate::pack) const RUNNING: usize = 8;
    /// A program.
    pub(in crate::pack) const ADMITS: usize = 9;
    /// Nothing where no bucket is kept.
    pub(in crate::pack) const BUCKET_VERSION: usize = 10;
    pub(in crate::pack) const LEAST_VERSION: usize = 11;
    /// A variation, or nothing.
    pub(in crate::pack) const FORCED: usize = 12;
    /// Whether it is stopped.
    pub(in crate::pack) const STOPPED: usize = 13;
}

/// Fields of a gate.
pub(super) mod gate {
    pub(in crate::pack) const ID: usize = 0;
    /// A text.
    pub(in crate::pack) const URL: usize = 1;
    pub(in crate::pack) const PROGRAM: usize = 2;
    pub(in crate::pack) const KIND: usize = 3;
    pub(in crate::pack) const STATUS: usize = 4;
    /// A block or nothing, a text, or an experiment.
    pub(in crate::pack) const ANSWER: usize = 5;
    /// The first of as many targets as the experiment has variations.
    pub(in crate::pack) const FIRST_TARGET: usize = 6;
    pub(in crate::pack) const TARGETS: usize = 7;
    /// Whether the query is dropped.
    pub(in crate::pack) const DROPS_QUERY: usize = 8;

    pub(in crate::pack) const REFUSE: u32 = 0;
    pub(in crate::pack) const REDIRECT: u32 = 1;
    pub(in crate::pack) const SPLIT: u32 = 2;
}

/// Tags of values.
pub(super) mod tag {
    pub(in crate::pack) const NULL: u32 = 0;
    pub(in crate::pack) const BOOL: u32 = 1;
    /// The bits of a number.
    pub(in crate::pack) const NUMBER: u32 = 2;
    /// A text.
    pub(in crate::pack) const TEXT: u32 = 3;
    /// A text.
    pub(in crate::pack) const JSON: u32 = 4;
    /// The first of values that are sorted, and their number.
    pub(in crate::pack) const LIST: u32 = 5;
    /// The first of values in an order that means something, and their number.
    pub(in crate::pack) const TUPLE: u32 = 6;
    /// Two numbers.
    pub(in crate::pack) const PAIR: u32 = 7;
    /// A text and a blob.
    pub(in crate::pack) const BLOB: u32 = 8;
    /// A program about an item of a list.
    pub(in crate::pack) const PROGRAM: u32 = 9;
}

macro_rules! comparisons {
    ($($name:ident => $tags:pat,)*) => {
        /// How a predicate compares.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Comparison {
            $($name),*
        }

        impl Comparison {
            const ALL: &[Comparison] = &[$(Comparison::$name),*];

            /// Whether it compares with a value of that tag.
            pub(super) fn takes(self, tag: u32) -> bool {
                match self {
                    $(Comparison::$name => matches!(tag, $tags)),*
                }
            }
        }
    };
}

comparisons! {
    Never => tag::NULL,
    Exists => tag::NULL,
    Matches => tag::NULL..=tag::JSON,
    MatchesFolded => tag::TEXT,
    Is => tag::NULL..=tag::JSON,
    In => tag::LIST,
    InFolded => tag::LIST,
    Less => tag::NULL..=tag::JSON,
    LessOrEqual => tag::NULL..=tag::JSON,
    Greater => tag::NULL..=tag::JSON,
    GreaterOrEqual => tag::NULL..=tag::JSON,
    VersionIs => tag::TEXT,
    VersionLess => tag::TEXT,
    VersionLessOrEqual => tag::TEXT,
    VersionGreater => tag::TEXT,
    VersionGreaterOrEqual => tag::TEXT,
    Type => tag::TEXT,
    Pattern => tag::BLOB,
    Contains => tag::TEXT,
    StartsWith => tag::TEXT,
    EndsWith => tag::TEXT,
    InNetwork => tag::BLOB,
    TimeBetween => tag::PAIR,
    Size => tag::PROGRAM,
    AnyItem => tag::PROGRAM,
    AnyItemOrNull => tag::PROGRAM,
    Bucket => tag::TUPLE,
    ShownLess => tag::PAIR,
    MatchesText => tag::TEXT,
    IsText => tag::TEXT,
}

impl Comparison {
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
    /// Whether the visitor is in an experiment, by way of a membership.
    Membership(u32),
    /// Whether a slot shows something, by way of a showing.
    Showing(u32),
}

impl Instruction {
    const KIND_BITS: u32 = 4;

    pub(super) fn to_word(self) -> u32 {
        let (kind, argument) = match self {
            Instruction::End => (0, 0),
            Instruction::Set(truth) => (1, u32::from(truth)),
            Instruction::Not => (2, 0),
            Instruction::Test(predicate) => (3, predicate),
            Instruction::Audience(audience) => (4, audience),
            Instruction::SkipIfTrue(count) => (5, count),
            Instruction::SkipIfFalse(count) => (6, count),
            Instruction::Membership(membership) => (7, membership),
            Instruction::Showing(showing) => (8, showing),
        };
        argument << Self::KIND_BITS | kind
    }

    /// The predicate that is evaluated, where it is that.
    #[inline(always)]
    pub(super) fn tested(word: u32) -> Option<u32> {
        const TEST: u32 = 3;
        (word & ((1 << Self::KIND_BITS) - 1) == TEST).then_some(word >> Self::KIND_BITS)
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
            7 => Instruction::Membership(argument),
            8 => Instruction::Showing(argument),
            _ => return None,
        })
    }
}

/// Outcomes: the two words, a block, or what an experiment's variation says. A rule's outcome also says whether its
/// showings are counted.
pub(super) mod outcome {
    pub(in crate::pack) const DEFAULT: u32 = 0;
    pub(in crate::pack) const NOTHING: u32 = 1;
    /// A block's index is this less than its outcome.
    pub(in crate::pack) const BLOCK: u32 = 2;
    /// The rest is a trial.
    pub(in crate::pack) const TRIAL: u32 = 1 << 30;
    pub(in crate::pack) const COUNTED: u32 = 1 << 31;
}

/// Kinds of blocks.
pub(super) mod kind {
    pub(in crate::pack) const INLINE: u32 = 0;
    pub(in crate::pack) const FRAGMENT: u32 = 1;
    pub(in crate::pack) const TEMPLATE: u32 = 2;
}
