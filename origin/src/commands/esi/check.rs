use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use hemstitch::esi::{self, Dialect};
use hemstitch::ruleset::{Diagnostic, Severity};

use crate::report::{Colour, for_programs, page_for_people};
use crate::{Verdict, output};

/// Show what is wrong with a document, and what processors disagree on in it
///
/// Each finding has a stable code, its place in the file, and what to write instead. Warnings alone give exit code 0: the
/// document does what it says, though perhaps not what is meant, or not behind every processor.
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0  nothing, or warnings alone
  1  there are errors in it
  2  the document cannot be read

Examples:
  hemstitch esi check page.html
  hemstitch esi check page.html --dialect akamai
  hemstitch esi check page.html --json | jq '.findings[].code'")]
pub struct Check {
    /// The document
    page: PathBuf,
    /// The name of a preset
    #[arg(long, default_value = "hemstitch", value_parser = super::dialect)]
    dialect: Dialect,
    /// Print one JSON object: findings, errors, warnings
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let (document, _) = super::document(&self.page)?;
        let findings: Vec<Diagnostic> =
            esi::check(&document, &self.dialect).into_iter().map(|found| finding(&document, found)).collect();
        if self.json {
            output::line(for_programs(&findings))?;
        } else {
            let (file, text) = (self.page.display().to_string(), String::from_utf8_lossy(&document));
            output::text(&page_for_people(&file, &text, &findings, Colour::of_output()))?;
        }
        let errors = findings.iter().any(|finding| finding.severity == Severity::Error);
        Ok(if errors { Verdict::Findings } else { Verdict::Fine })
    }
}

fn finding(document: &[u8], found: esi::Diagnostic) -> Diagnostic {
    let (line, column) = found.position(document);
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    Diagnostic {
        code: found.mistake.code(),
        severity: if found.mistake.is_warning() { Severity::Warning } else { Severity::Error },
        pointer: String::new(),
        line: number(line),
        column: number(column),
        message: found.mistake.to_string(),
        help: Some(found.help(document)),
    }
}
