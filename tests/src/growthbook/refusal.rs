//! Why something has no answer.

use hemstitch::pack::{CompileError, PackError};
use hemstitch::ruleset::{Diagnostic, Severity};

/// Why a line has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not UTF-8.
    #[error("the line is not UTF-8")]
    Encoding,
    /// It is longer than a ruleset may be.
    #[error("the line is longer than {limit} bytes")]
    Length {
        /// The longest that is read.
        limit: usize,
    },
    /// It is not JSON.
    #[error("the line is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A value is not of the shape that GrowthBook gives it.
    #[error("{what} should be {expected}")]
    Shape {
        /// Which value.
        what: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Rules of this language cannot say it.
    #[error("a ruleset cannot say: {0}")]
    Beyond(&'static str),
    /// The ruleset that it becomes has errors.
    #[error("{0}")]
    Ruleset(String),
    /// The ruleset that it becomes is too large.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The pack does not open, which would be a defect.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Answering it went wrong, which is a defect.
    #[error("answering this line failed")]
    Defect,
}

impl Refusal {
    /// A value that is not of its shape.
    pub(super) fn shape(what: &str, expected: &'static str) -> Refusal {
        Refusal::Shape { what: what.to_owned(), expected }
    }

    /// The errors of a ruleset.
    pub(super) fn of_ruleset(diagnostics: &[Diagnostic]) -> Refusal {
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let spelled = errors.map(|error| format!("{} at {}: {}", error.code, error.pointer, error.message));
        Refusal::Ruleset(spelled.collect::<Vec<_>>().join("; "))
    }
}
