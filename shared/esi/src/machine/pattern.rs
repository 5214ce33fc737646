//! Regular expressions, in time linear in the text.

use std::collections::HashMap;

use regex_lite::{Regex, RegexBuilder};

use crate::functions::Failure;

/// Most patterns of one run, and the size that one may have when it is compiled, in bytes.
const MAX_PATTERNS: usize = 64;
const MAX_COMPILED: usize = 64 * 1024;

/// The patterns that a run has used.
#[derive(Default)]
pub(super) struct Patterns {
    compiled: HashMap<(String, bool), Option<Regex>>,
}

impl Patterns {
    pub(super) fn get(&mut self, pattern: &str, any_case: bool) -> Result<&Regex, Failure> {
        let key = (pattern.to_owned(), any_case);
        if !self.compiled.contains_key(&key) {
            if self.compiled.len() >= MAX_PATTERNS {
                return Err(Failure::Budget);
            }
            self.compiled.insert(key.clone(), compile(pattern, any_case));
        }
        self.compiled.get(&key).and_then(Option::as_ref).ok_or(Failure::Pattern)
    }
}

fn compile(pattern: &str, any_case: bool) -> Option<Regex> {
    RegexBuilder::new(pattern).case_insensitive(any_case).size_limit(MAX_COMPILED).nest_limit(50).build().ok()
}

/// Whether a pattern can be run.
pub(crate) fn is_pattern(pattern: &str) -> bool {
    compile(pattern, false).is_some()
}
