//! Choices that were kept, in documents of one attribute each (SDK specification, "Sticky bucketing").

use std::collections::BTreeMap;

use hemstitch::pack::kept_bucket;
use serde_json::{Map, Value};

use super::book::{hashed, is_true};

/// An attribute and its value, as documents are found by them.
pub(super) struct Holder {
    attribute: String,
    value: Value,
}

impl Holder {
    pub(super) fn of(attribute: &str, attributes: &Map<String, Value>) -> Option<Holder> {
        let value = attributes.get(attribute).filter(|value| is_true(Some(value)))?;
        Some(Holder { attribute: attribute.to_owned(), value: value.clone() })
    }

    /// What the document is filed under.
    pub(super) fn document(&self) -> String {
        let value = match &self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
            value => value.to_string(),
        };
        format!("{}||{value}", self.attribute)
    }

    /// What the profile files a choice under.
    pub(super) fn bucket(&self, experiment: &str, version: u32) -> String {
        kept_bucket(experiment, &hashed(&self.attribute), &self.value, version)
    }
}

/// The assignments of the document of that name. Documents come by name, or in a list.
pub(super) fn assignments<'d>(documents: &'d Value, name: &str) -> Option<&'d Map<String, Value>> {
    let named = |document: &&Value| {
        let [attribute, value] = ["attributeName", "attributeValue"].map(|field| document[field].as_str());
        attribute.zip(value).is_some_and(|(attribute, value)| format!("{attribute}||{value}") == name)
    };
    let document = match documents {
        Value::Array(list) => list.iter().find(named)?,
        documents => documents.get(name)?,
    };
    document["assignments"].as_object()
}

/// The versions and variations that the assignments of an experiment name.
fn kept<'d>(assignments: &'d Map<String, Value>, key: &str) -> impl Iterator<Item = (u32, &'d Value)> {
    assignments.iter().filter_map(move |(name, variation)| {
        let version = name.strip_prefix(key)?.strip_prefix("__")?;
        let version: u32 = version.parse().ok()?;
        Some((version, variation))
    })
}

/// The place of the variation with that key, as a text; one that there is not is kept as such.
fn place(keys: &[Value], key: &Value) -> String {
    let place = keys.iter().position(|known| known == key && !key.is_null());
    place.map_or_else(|| "gone".to_owned(), |place| place.to_string())
}

/// Adds what a holder's document says to the buckets of a profile, but for what is there already.
pub(super) fn add(
    buckets: &mut BTreeMap<String, String>,
    (experiment, key): (&str, &str),
    holder: &Holder,
    assignments: &Map<String, Value>,
    keys: &[Value],
) {
    for (version, variation) in kept(assignments, key) {
        buckets.entry(holder.bucket(experiment, version)).or_insert_with(|| place(keys, variation));
    }
}
