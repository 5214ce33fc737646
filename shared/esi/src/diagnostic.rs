//! What a document's author should know.

/// Most diagnostics of one document.
pub(super) const MAX_DIAGNOSTICS: usize = 200;

/// Something to look at in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What.
    pub mistake: Mistake,
    /// Where: an offset into the document, in bytes.
    pub at: usize,
}

impl Diagnostic {
    /// Line and column, from 1; the column counts characters.
    pub fn position(&self, document: &[u8]) -> (usize, usize) {
        let before = document.get(..self.at).unwrap_or(document);
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1;
        (line, column)
    }
}

/// A kind of diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// An element of the namespace that is not one of ESI.
    #[error("there is no such element")]
    UnknownElement,
    /// A start tag without its end tag.
    #[error("the element has no end tag within 64 KB, so it is text")]
    Unclosed,
    /// An end tag without its start tag, or one that crosses another element.
    #[error("the end tag closes nothing that is open here")]
    StrayEndTag,
    /// A tag that does not end.
    #[error("the tag has no `>` within 16 KB, or another `<` before it")]
    UnfinishedTag,
    /// Elements nested too deep.
    #[error("elements are nested more than 64 deep")]
    TooDeep,
    /// An attribute that must be there.
    #[error("the element lacks an attribute that it needs")]
    MissingAttribute,
    /// An expression that does not parse.
    #[error("the expression does not parse, so it has no value, and a test is false")]
    BadExpression,
    /// A function that neither ESI nor the page defines.
    #[error("there is no function of this name")]
    UnknownFunction,
    /// A pattern that does not compile.
    #[error("the pattern is not a regular expression")]
    BadPattern,
    /// A branch that is never taken.
    #[error("this branch is never reached: one before it is always taken")]
    Unreachable,
    /// A branch outside of its element.
    #[error("the element stands outside of the one that it belongs to")]
    Misplaced,
    /// Something that processors read differently.
    #[error("processors disagree on {0}")]
    DialectDependent(Disagreement),
    /// A value of the visitor where it can do harm.
    #[error("a value that a visitor sends stands in the URL's host")]
    Unsafe,
    /// `choose` or `try` without the branches that the dialect asks for.
    #[error("the element lacks a branch that it needs, or has one too many")]
    Structure,
}

/// What processors read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// A word without quotes in an expression.
    #[error("a word without quotes")]
    Bareword,
    /// `true` or `false` in an expression.
    #[error("what `true` and `false` are")]
    Boolean,
    /// A value as a test, without a comparison.
    #[error("when a value that is compared with nothing is true")]
    LoneValue,
    /// A comparison with an empty text.
    #[error("comparing with an empty text")]
    Empty,
    /// A number in quotes, in an order.
    #[error("whether a number in quotes is a number")]
    QuotedNumber,
    /// A backslash before a character that needs none.
    #[error("what a backslash is before this character")]
    Backslash,
    /// `&&` or `||`.
    #[error("whether there is such an operator")]
    Doubled,
    /// `=~`.
    #[error("how patterns are written")]
    Like,
    /// The third argument of `$substr`.
    #[error("whether the third argument of `$substr` is an end or a length")]
    Substr,
    /// An attribute's value without quotes.
    #[error("attributes without quotes")]
    Unquoted,
    /// Two attributes of one name.
    #[error("which of two attributes of one name counts")]
    Duplicate,
    /// An element that needs no end tag and has no `/>`.
    #[error("an element that has neither `/>` nor an end tag")]
    Open,
    /// Text between branches.
    #[error("text between branches")]
    Stray,
    /// `<!--esi` inside of `<!--esi`.
    #[error("where `<!--esi` ends that holds another one")]
    NestedComment,
    /// An element in an HTML comment or a CDATA section.
    #[error("whether ESI runs in comments and CDATA sections")]
    InComment,
    /// A variable in text outside of `vars`.
    #[error("whether a variable is replaced outside of `<esi:vars>`")]
    OutsideVars,
}
