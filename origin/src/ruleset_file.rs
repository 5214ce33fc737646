//! A ruleset in a file, with everything that is wrong with it.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use hemstitch::pack::{CompileError, compile};
use hemstitch::ruleset::{Diagnostic, MAX_RULESET_BYTES, Ruleset, Severity};

use crate::visits::now;

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

/// Why the bytes of a file are no text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum NoText {
    #[error("it is UTF-16; save it as UTF-8")]
    Utf16,
    #[error("it is not UTF-8, from byte {0} on; save it as UTF-8")]
    NotUtf8(usize),
}

impl RulesetFile {
    /// Reads a file, and of one that is too large no more than shows that. Errs where the system does, or where the file
    /// is no UTF-8.
    pub fn read(path: &Path) -> io::Result<RulesetFile> {
        Ok(RulesetFile::of(read_text(path)?))
    }

    /// A ruleset that is in memory.
    pub fn of(text: String) -> RulesetFile {
        let unmarked = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let (ruleset, diagnostics) = Ruleset::parse_at(&unmarked, now());
        RulesetFile { text: unmarked, diagnostics, ruleset }
    }

    /// The ruleset, unless there are errors in it.
    pub fn ruleset(&self) -> Option<&Ruleset> {
        self.ruleset.as_ref()
    }

    /// Adds what only the compiler sees, which is a ruleset's size.
    pub fn compiled(mut self) -> RulesetFile {
        if let Err(Unpublishable::Compile(error)) = self.compile() {
            self.diagnostics.insert(0, error.diagnostic());
        }
        self
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

/// The text of a file, and of one that is too large no more than shows that. Errs as [`RulesetFile::read`] does.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_RULESET_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    text_of(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

fn text_of(bytes: Vec<u8>) -> Result<String, NoText> {
    if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [1..=255, 0, ..] | [0, 1..=255, ..] = bytes[..] {
        return Err(NoText::Utf16);
    }
    let read_whole = bytes.len() <= MAX_RULESET_BYTES;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if read_whole => Err(NoText::NotUtf8(error.utf8_error().valid_up_to())),
        // The end may have cut a character; it is too large in any case.
        Err(error) => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_another_encoding_is_told_what_to_do() {
        let utf16 =
            |order: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        for (bytes, expect) in [
            (Vec::new(), Ok(String::new())),
            (b"{}".to_vec(), Ok("{}".to_owned())),
            ("\u{feff}{}".as_bytes().to_vec(), Ok("\u{feff}{}".to_owned())),
            (vec![0, 0], Ok("\0\0".to_owned())),
            (utf16(u16::to_le_bytes, "\u{feff}{}"), Err(NoText::Utf16)),
            (utf16(u16::to_be_bytes, "\u{feff}{}"), Err(NoText::Utf16)),
            (utf16(u16::to_le_bytes, "{}"), Err(NoText::Utf16)),
            (utf16(u16::to_be_bytes, "{}"), Err(NoText::Utf16)),
            (b"\"\xe4\"".to_vec(), Err(NoText::NotUtf8(1))),
        ] {
            assert_eq!(text_of(bytes.clone()), expect, "{bytes:?}");
        }
        assert!(NoText::NotUtf8(1).to_string().contains("save it as UTF-8"));
    }

    #[test]
    fn a_file_that_is_too_large_is_so_even_where_a_character_is_cut() {
        let mut bytes = vec![b' '; MAX_RULESET_BYTES];
        bytes.push(0xC3);
        let file = RulesetFile::of(text_of(bytes).unwrap());
        assert_eq!(file.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["HS0004"]);
    }

    #[test]
    fn a_ruleset_whose_pack_is_too_large_is_found_with_the_rest() {
        let block = |at: usize| format!(r#""b{at}":{{"html":"{}"}}"#, at.to_string().repeat(100_000));
        let blocks: Vec<String> = (100..180).map(block).collect();
        let file = RulesetFile::of(format!(r#"{{"blocks":{{{}}}}}"#, blocks.join(","))).compiled();
        let codes: Vec<&str> = file.diagnostics.iter().map(|found| found.code).collect();
        assert_eq!((codes[0], codes.len(), file.errors()), ("HS0009", 81, 1));
    }
}
