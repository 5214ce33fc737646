//! What a document may know of a request.

use std::sync::Arc;

/// What a document may know of a request. Whoever makes it leaves out what nobody may see: session cookies, our own.
#[derive(Clone, Default)]
pub struct Facts {
    /// The method.
    pub method: String,
    /// The path of the page, as it was asked for.
    pub path: String,
    /// The query, without `?`, as it was asked for.
    pub query: String,
    /// Headers in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The visitor's address.
    pub remote_addr: String,
    /// Variables beyond those of the language, by name: `GEO` is one.
    pub variables: Vec<(String, Given)>,
    /// Dictionaries that are looked up only when they are asked.
    pub asked: Option<Arc<Lookup>>,
    /// Seconds since 1970.
    pub now: i64,
    /// What random numbers begin with.
    pub seed: u64,
}

/// Answers `$(NAME{key})`; `None` where there is nothing.
pub type Lookup = dyn Fn(&str, &str) -> Option<String> + Send + Sync;

impl std::fmt::Debug for Facts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Facts").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The value of a variable that comes from outside of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A text.
    Text(String),
    /// A dictionary.
    Dictionary(Vec<(String, String)>),
}

impl Facts {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let matches = |known: &str| {
            known.len() == name.len()
                && known
                    .bytes()
                    .zip(name.bytes())
                    .all(|(known, name)| known.eq_ignore_ascii_case(&name) || (known == b'-' && name == b'_'))
        };
        let joint = if matches("cookie") { "; " } else { ", " };
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(known, _)| matches(known))
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(joint))
    }
}
