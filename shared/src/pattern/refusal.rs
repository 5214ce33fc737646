//! Why a pattern cannot be used, in words for those who write rules.

/// A pattern that cannot be used. The first reason in the text is the one that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Byte offset in the pattern; its length where something is missing at the end.
    pub(crate) at: usize,
    /// The reason.
    pub(crate) kind: RefusalKind,
}

/// The reason of a [`Refusal`]. What stands before `DuplicateName` is no pattern to JavaScript either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RefusalKind {
    /// `\` with nothing after it.
    TrailingBackslash,
    /// `[` without `]`.
    UnclosedClass,
    /// `(` without `)`.
    UnclosedGroup,
    /// `)` without `(`.
    UnopenedGroup,
    /// `*`, `+`, `?` or `{n}` after nothing.
    NothingToRepeat,
    /// `{n,m}` with n > m.
    RepetitionOrder,
    /// `[z-a]`.
    RangeOrder,
    /// `(?` and something that JavaScript does not know.
    UnknownGroup,
    /// `(?<…>` with something that is not a name, or `\k` with something that is no reference.
    GroupName,
    /// One name for two groups. JavaScript has come to accept it in different alternatives.
    DuplicateName,
    /// `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`.
    LookAround,
    /// `\1`, `\k<name>`.
    BackReference,
    /// `(?i:…)`, which not every browser knows.
    Modifiers,
    /// Half of a surrogate pair, which no text contains.
    LoneSurrogate,
    /// More bytes than [`MAX_BYTES`](super::MAX_BYTES).
    TooLong,
    /// More groups inside each other than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// A count above [`MAX_COUNT`](super::MAX_COUNT).
    CountTooLarge,
    /// The pattern has too many states once it is compiled.
    TooLarge,
}

impl RefusalKind {
    /// What is wrong.
    pub(crate) fn message(self) -> &'static str {
        self.words().0
    }

    /// What to do about it.
    pub(crate) fn help(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        use RefusalKind::*;
        match self {
            TrailingBackslash => (
                "the pattern ends with a single backslash",
                "write `\\\\` for a backslash, which in JSON is `\"\\\\\\\\\"`",
            ),
            UnclosedClass => ("`[` is not closed", "add `]`, or write `\\[` for the character itself"),
            UnclosedGroup => ("`(` is not closed", "add `)`, or write `\\(` for the character itself"),
            UnopenedGroup => ("`)` closes nothing", "take it out, or write `\\)` for the character itself"),
            NothingToRepeat => (
                "there is nothing to repeat before this",
                "put a character or group before it, or a backslash to mean the character itself; for any text, write `.*`",
            ),
            RepetitionOrder => ("the smaller number comes second", "write `{2,5}`, not `{5,2}`"),
            RangeOrder => (
                "the range runs backwards",
                "write `[a-z]`, not `[z-a]`; for a hyphen itself, put it last, as in `[a-z-]`",
            ),
            UnknownGroup => (
                "JavaScript knows no such group",
                "write `(?:` for a plain group, or `\\(` for the character itself",
            ),
            GroupName => (
                "this is not the name of a group",
                "write `(?<name>…)` with letters, digits and `_`, or `(?:…)`: rules use no names",
            ),
            DuplicateName => ("two groups have this name", "write `(?:…)` instead: rules use no names"),
            LookAround => (
                "looking ahead or behind is not supported in rules",
                "use a second condition: `$regex` and `$notRegex` can stand side by side in `$and`",
            ),
            BackReference => (
                "a reference to an earlier group is not supported in rules",
                "write out what may stand here, as in `(a|b)`",
            ),
            Modifiers => (
                "switches inside a pattern are not supported in rules",
                "use `$regexi` to ignore case, and write `[^]` for any character, line breaks among them",
            ),
            LoneSurrogate => (
                "this is half a character, which occurs in no text",
                "write the character itself; for anything beyond U+FFFF, write `[\\uD800-\\uDFFF]`",
            ),
            TooLong => ("the pattern is longer than 1,000 bytes", "use `$in` for a list of values"),
            TooDeep => ("more than 64 groups are inside each other", "take out groups that change nothing"),
            CountTooLarge => {
                ("a count is above 1,000", "use `*` or `+` where the exact number does not matter")
            }
            TooLarge => (
                "the pattern is too large once it is compiled",
                "use fewer or smaller repetitions like `{1,200}`, split it into two conditions, or use `$in`",
            ),
        }
    }
}
