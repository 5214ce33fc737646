//! What GrowthBook exports, as a ruleset.
//!
//! ```text
//! {"features": {key: {"defaultValue": …, "rules": […]}}, "experiments": […], "savedGroups": {id: […]}}    the payload of its SDKs
//! {"trackingKey": …, "variations": […], "phases": […]}, or a list of such                               its experiments
//! ```
//! A feature becomes a slot of its name, each of its values a block, each of its rules a rule, and what splits visitors an
//! experiment. A flag shows what the page has there as its default, or hides it. What has no counterpart is named, and left out.

mod condition;
mod experiment;
mod feature;
mod lacking;
mod names;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use lacking::Lacking;

/// A ruleset, and what is not in it.
#[derive(Debug)]
pub struct Import {
    /// The ruleset.
    pub ruleset: Value,
    /// What has no counterpart, each by its name.
    pub lacking: Vec<Lacking>,
}

/// A text is no export of GrowthBook.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is something else.
    #[error("it is no export of GrowthBook: there are neither `features` nor experiments in it")]
    Strange,
    /// It is encrypted.
    #[error("it is encrypted; export it without encryption")]
    Encrypted,
}

/// Collects the parts of a ruleset.
#[derive(Debug, Default)]
struct Book {
    facts: BTreeMap<String, Value>,
    groups: BTreeMap<String, Value>,
    audiences: BTreeMap<String, Value>,
    blocks: BTreeMap<String, Value>,
    experiments: BTreeMap<String, Value>,
    slots: BTreeMap<String, Vec<Value>>,
    names: names::Names,
    attributes: BTreeMap<String, String>,
    lacking: Vec<Lacking>,
}

/// Reads an export. `attributes` says which fact each attribute of GrowthBook is; one that is not in it is a trait.
pub fn import(text: &str, attributes: &BTreeMap<String, String>) -> Result<Import, ImportError> {
    let export: Value = serde_json::from_str(text)?;
    let mut book = Book { attributes: attributes.clone(), ..Book::default() };
    // The REST API wraps what it gives.
    let inner = ["experiment", "feature"].iter().find_map(|name| export.get(name)).unwrap_or(&export);
    if inner.get("encryptedFeatures").is_some() || inner.get("encryptedExperiments").is_some() {
        return Err(ImportError::Encrypted);
    }
    let groups = inner.get("savedGroups").and_then(Value::as_object);
    groups.into_iter().flatten().for_each(|(id, values)| book.group(id, values));
    let features = inner.get("features").and_then(Value::as_object);
    for (key, feature) in features.into_iter().flatten() {
        book.feature(key, feature);
    }
    let list = inner.as_array().or_else(|| inner.get("experiments").and_then(Value::as_array));
    let single = [inner.clone()];
    let experiments = match list {
        Some(list) => list.as_slice(),
        None if inner.get("phases").is_some() => &single,
        None if features.is_none() => return Err(ImportError::Strange),
        None => &[],
    };
    experiments.iter().for_each(|experiment| book.experiment_of_a_page(experiment));
    Ok(Import { ruleset: book.ruleset(), lacking: book.lacking })
}

impl Book {
    fn lack(&mut self, what: impl Into<String>, why: &'static str) {
        let lacking = Lacking { what: what.into(), why };
        if !self.lacking.contains(&lacking) {
            self.lacking.push(lacking);
        }
    }

    fn group(&mut self, id: &str, values: &Value) {
        match values.as_array() {
            Some(values) => {
                let name = self.names.of("group", id);
                self.groups.insert(name, Value::from(values.clone()));
            }
            None => self.lack(format!("saved group {id}"), "it is no list of values"),
        }
    }

    fn ruleset(&self) -> Value {
        let mut ruleset = Map::new();
        let mut put = |name: &str, part: Map<String, Value>| {
            if !part.is_empty() {
                ruleset.insert(name.to_owned(), Value::Object(part));
            }
        };
        let of = |part: &BTreeMap<String, Value>| part.clone().into_iter().collect();
        put("facts", of(&self.facts));
        put("groups", of(&self.groups));
        put("audiences", of(&self.audiences));
        put("blocks", of(&self.blocks));
        put("experiments", of(&self.experiments));
        let slots = self.slots.iter().map(|(name, rules)| (name.clone(), json!({ "rules": rules })));
        put("slots", slots.collect());
        Value::Object(ruleset)
    }
}

#[cfg(test)]
mod tests;
