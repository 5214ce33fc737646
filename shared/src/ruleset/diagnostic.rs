//! What is wrong in a ruleset, and where.

use super::code::{self, Code};
use super::source::Node;
use crate::esi::suggest;
use serde_json::{Value, json};

/// Whether a finding stops a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The ruleset cannot be published.
    Error,
    /// The ruleset can be published, but probably does not mean what it says.
    Warning,
}

/// One finding in the text that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable code out of [`CODES`](super::CODES).
    pub code: &'static str,
    /// Whether it stops a publication.
    pub severity: Severity,
    /// RFC 6901 pointer to the value, or to the member whose key is at fault; empty for the whole document.
    pub pointer: String,
    /// Line of the text, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, with the names as they were written.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// As JSON, the same wherever it is shown.
    pub fn to_json(&self) -> Value {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        json!({
            "code": self.code,
            "severity": severity,
            "pointer": self.pointer,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "help": self.help,
        })
    }
}

/// Near misses are looked for this often per document, so that a document full of them stays cheap to check.
const SUGGESTIONS: u32 = 200;

/// Whether what GrowthBook's SDKs take for false is an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    Strict,
    Lenient,
}

/// Findings by byte offset, while a ruleset is read.
pub(super) struct Findings {
    list: Vec<Finding>,
    strictness: Strictness,
    suggestions_left: u32,
}

struct Finding {
    code: &'static Code,
    at: usize,
    message: String,
    help: Option<String>,
}

impl Findings {
    pub(super) fn new(strictness: Strictness) -> Self {
        Findings { list: Vec::new(), strictness, suggestions_left: SUGGESTIONS }
    }

    pub(super) fn report(&mut self, code: &'static Code, at: usize, message: String) {
        self.list.push(Finding { code, at, message, help: None });
    }

    pub(super) fn report_with_help(
        &mut self,
        code: &'static Code,
        at: usize,
        message: String,
        help: impl Into<String>,
    ) {
        self.list.push(Finding { code, at, message, help: Some(help.into()) });
    }

    /// Reports a name that is not among the known ones, with the nearest of those as help, or else the first few.
    pub(super) fn report_unknown<'k, I>(
        &mut self,
        code: &'static Code,
        at: usize,
        message: String,
        name: &str,
        known: I,
    ) where
        I: IntoIterator<Item = &'k str, IntoIter: Clone>,
    {
        let known = known.into_iter();
        let nearest = match self.suggestions_left.checked_sub(1) {
            Some(left) => {
                self.suggestions_left = left;
                suggest::nearest(name, known.clone())
            }
            None => None,
        };
        let help = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => suggest::first_few(known),
        };
        self.list.push(Finding { code, at, message, help: Some(help) });
    }

    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| self.severity(finding.code) == Severity::Error)
    }

    /// Where there are errors, in the order of the text.
    pub(super) fn error_places(&self) -> Vec<usize> {
        let errors = self.list.iter().filter(|finding| self.severity(finding.code) == Severity::Error);
        let mut places: Vec<usize> = errors.map(|finding| finding.at).collect();
        places.sort_unstable();
        places
    }

    fn severity(&self, code: &Code) -> Severity {
        let forgiven = self.strictness == Strictness::Lenient && code::FORGIVEN.contains(&code.id);
        if forgiven { Severity::Warning } else { code.severity }
    }

    /// Places all findings in the text, in its order. Linear in the text, however many there are.
    pub(super) fn place(mut self, text: &str, root: Option<&Node>) -> Vec<Diagnostic> {
        let mut list = std::mem::take(&mut self.list);
        list.sort_by_key(|finding| finding.at);
        let mut cursor = Cursor { text, at: 0, line: 1, column: 1 };
        let place = |finding: Finding| {
            cursor.advance(finding.at);
            Diagnostic {
                code: finding.code.id,
                severity: self.severity(finding.code),
                pointer: root.map(|root| root.pointer_to(finding.at)).unwrap_or_default(),
                line: cursor.line,
                column: cursor.column,
                message: finding.message,
                help: finding.help,
            }
        };
        list.into_iter().map(place).collect()
    }
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    column: u32,
}

impl Cursor<'_> {
    fn advance(&mut self, to: usize) {
        for (offset, character) in self.text.get(self.at..).unwrap_or_default().char_indices() {
            if self.at + offset + character.len_utf8() > to {
                self.at += offset;
                return;
            }
            if character == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.at = self.text.len();
    }
}
