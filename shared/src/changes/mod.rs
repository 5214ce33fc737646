//! What changes from one ruleset to another, in the words of people who write rules.
//!
//! The order of members, spelling and white space change nothing; the order of rules does, since the first that applies
//! decides.

mod compare;
mod describe;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// What changes, part by part in the order of the document.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Changes {
    /// Each of something else.
    pub list: Vec<Change>,
}

/// A change of one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What happens to it.
    pub kind: Kind,
    /// What kind of thing it is, such as `rule`.
    pub what: &'static str,
    /// Its name or id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is in, such as `slot hero`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Its fields that differ; for something that comes or goes, none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// What happens to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// A text is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no ruleset that can be compared")]
pub struct Incomparable;

impl Changes {
    /// What changes between two texts that have been checked. Cost grows with their length.
    pub fn between(before: &str, after: &str) -> Result<Changes, Incomparable> {
        let read = |text: &str| match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(Value::Object(ruleset)) => Ok(ruleset),
            _ => Err(Incomparable),
        };
        Ok(compare::rulesets(&read(before)?, &read(after)?))
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// A line for each change.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.iter().try_for_each(|change| writeln!(f, "{change}"))
    }
}

#[cfg(test)]
mod tests;
