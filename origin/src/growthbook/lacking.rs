//! What has no counterpart.

use std::fmt;

use serde::Serialize;

/// Something of an export that is not in the ruleset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// What it is, by its name in the export.
    pub what: String,
    /// Why it is not there, or not as it was.
    pub why: &'static str,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |character: char| if character.is_control() { ' ' } else { character };
        write!(f, "{}: {}", self.what.chars().map(plain).collect::<String>(), self.why)
    }
}
