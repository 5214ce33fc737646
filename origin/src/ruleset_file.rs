//! A ruleset in a file, with everything that is wrong with it.

use std::fs;
use std::io;
use std::path::Path;

use hemstitch::pack::{CompileError, compile};
use hemstitch::ruleset::{Diagnostic, Ruleset, Severity};

/// A ruleset as it was read. Reading it succeeds whatever is wrong in it: that is in the diagnostics.
#[derive(Debug)]
pub struct RulesetFile {
    /// The text, for showing where a finding is.
    pub text: String,
    /// All findings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    ruleset: Option<Ruleset>,
}

/// Why a ruleset cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum Unpublishable {
    /// There are errors in it.
    #[error("the ruleset has {errors} error{}", if *errors == 1 { "" } else { "s" })]
    Errors {
        /// How many; never 0.
        errors: usize,
    },
    /// It is right, and yet no pack can be made of it.
    #[error("the ruleset cannot be compiled")]
    Compile(#[from] CompileError),
}

impl RulesetFile {
    /// Reads a file. Errs where the system does, or where the file is no UTF-8.
    pub fn read(path: &Path) -> io::Result<RulesetFile> {
        Ok(RulesetFile::of(fs::read_to_string(path)?))
    }

    /// A ruleset that is in memory.
    pub fn of(text: String) -> RulesetFile {
        let unmarked = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let (ruleset, diagnostics) = Ruleset::parse(&unmarked);
        RulesetFile { text: unmarked, diagnostics, ruleset }
    }

    /// How many findings stop a publication.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == Severity::Error).count()
    }

    /// The bytes of its pack.
    pub fn compile(&self) -> Result<Vec<u8>, Unpublishable> {
        match &self.ruleset {
            Some(ruleset) => Ok(compile(ruleset)?),
            None => Err(Unpublishable::Errors { errors: self.errors().max(1) }),
        }
    }
}
