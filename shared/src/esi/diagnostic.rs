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
    /// Line and column, from 1; the column counts bytes.
    pub fn position(&self, document: &[u8]) -> (usize, usize) {
        let before = document.get(..self.at).unwrap_or(document);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        (line, column)
    }
}

/// A kind of diagnostic, with its stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// An element of the namespace that is not one of ESI.
    #[error("HS6001 there is no such element: see whether its name is misspelled")]
    UnknownElement,
    /// A start tag without its end tag.
    #[error("HS6002 the element has no end tag within 64 KB, so it is text")]
    Unclosed,
    /// An end tag without its start tag, or one that crosses another element.
    #[error("HS6003 the end tag closes nothing that is open here")]
    StrayEndTag,
    /// A tag that does not end.
    #[error("HS6004 the tag has no `>` within 16 KB, or another `<` before it")]
    UnfinishedTag,
    /// Elements nested too deep.
    #[error("HS6005 elements are nested more than 64 deep")]
    TooDeep,
    /// An attribute that must be there.
    #[error("HS6006 the element lacks an attribute that it needs")]
    MissingAttribute,
    /// An expression that does not parse.
    #[error("HS6007 the expression does not parse, so it has no value, and a test is false")]
    BadExpression,
    /// A function that neither ESI nor the page defines.
    #[error("HS6008 there is no function of this name")]
    UnknownFunction,
    /// A pattern that does not compile.
    #[error("HS6009 the pattern is not a regular expression")]
    BadPattern,
    /// A branch that is never taken.
    #[error("HS6010 this branch is never reached: one before it is always taken")]
    Unreachable,
    /// A branch outside of its element.
    #[error("HS6011 the element stands outside of the one that it belongs to")]
    Misplaced,
    /// Something that processors read differently.
    #[error("HS6012 processors disagree on this: write quotes, or a comparison")]
    DialectDependent,
    /// A value of the visitor where it can do harm.
    #[error("HS6013 a value that a visitor sends stands in the URL's host")]
    Unsafe,
    /// `choose` or `try` without the branches that the dialect asks for.
    #[error("HS6014 the element lacks a branch that it needs, or has one too many")]
    Structure,
}
