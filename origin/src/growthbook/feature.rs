//! A feature: a slot, its values as blocks, its rules.

use serde_json::{Map, Value, json};

use super::Book;

/// What a rule may have that means nothing here, or that is translated elsewhere.
const SILENT: [&str; 26] = [
    "id",
    "condition",
    "force",
    "coverage",
    "hashAttribute",
    "hashVersion",
    "seed",
    "fallbackAttribute",
    "variations",
    "weights",
    "key",
    "namespace",
    "ranges",
    "meta",
    "filters",
    "name",
    "phase",
    "minBucketVersion",
    "bucketVersion",
    "disableStickyBucketing",
    "parentConditions",
    "range",
    "description",
    "type",
    "enabled",
    "value",
];

impl Book {
    pub(super) fn feature(&mut self, key: &str, feature: &Value) {
        let slot = self.names.of("slot", key);
        let rules = feature.get("rules").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut written: Vec<Value> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let what = match rule.get("id").and_then(Value::as_str) {
                Some(id) => format!("rule {id} of feature {key}"),
                None => format!("rule {} of feature {key}", index + 1),
            };
            if let Some(rule) = self.rule(&what, key, index, rule) {
                written.push(rule);
            }
        }
        if let Some(default) = feature.get("defaultValue").filter(|default| !default.is_null()) {
            let id = self.names.of("rule", &format!("{key}-default"));
            match self.block(&format!("{key}-default"), default) {
                Some(block) => written.push(json!({ "id": id, "block": block })),
                None => self.lack(
                    format!("the default of feature {key}"),
                    "a list or an object is nothing to show; what the page has as its default stands",
                ),
            }
        }
        if written.is_empty() {
            return self.lack(format!("feature {key}"), "nothing of it can be shown");
        }
        self.slots.insert(slot, written);
    }

    fn rule(&mut self, what: &str, key: &str, index: usize, rule: &Value) -> Option<Value> {
        let id = self.names.of(
            "rule",
            &match rule.get("id").and_then(Value::as_str) {
                Some(id) => id.to_owned(),
                None => format!("{key}-{}", index + 1),
            },
        );
        for field in rule.as_object().into_iter().flat_map(Map::keys) {
            if !SILENT.contains(&field.as_str()) {
                self.lack(format!("`{field}` of {what}"), "there is nothing like it");
            }
        }
        if rule.get("enabled") == Some(&Value::Bool(false)) {
            self.lack(what, "it is turned off");
            return None;
        }
        if rule.get("parentConditions").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
            self.lack(what, "it depends on another feature; write its condition out");
            return None;
        }
        let mut written = Map::from_iter([("id".to_owned(), Value::from(id))]);
        if rule.get("variations").is_some() {
            let experiment = self.experiment(what, key, rule)?;
            written.insert("experiment".to_owned(), Value::from(experiment));
            return Some(Value::Object(written));
        }
        let forced = rule.get("force").or_else(|| rule.get("value"));
        let Some(forced) = forced else {
            self.lack(what, "it neither forces a value nor splits visitors");
            return None;
        };
        let Some(block) = self.block(&format!("{key}-{}", index + 1), forced) else {
            self.lack(what, "a list or an object is nothing to show");
            return None;
        };
        written.insert("block".to_owned(), Value::from(block));
        if let Some(condition) = rule.get("condition").filter(|condition| is_something(condition)) {
            let condition = self.condition(condition);
            written.insert("when".to_owned(), condition);
        }
        if let Some(share) = self.share(key, rule) {
            written.insert("rollout".to_owned(), share);
        }
        Some(Value::Object(written))
    }

    /// A share of the visitors, hashed as GrowthBook hashes: by the feature's key and version 1 where nothing is said.
    fn share(&mut self, key: &str, rule: &Value) -> Option<Value> {
        let (coverage, range) = (rule.get("coverage"), rule.get("range"));
        let mut share = match (coverage, range) {
            (_, Some(range)) => Map::from_iter([("range".to_owned(), range.clone())]),
            (Some(coverage), None) if coverage.as_f64() != Some(1.0) => {
                Map::from_iter([("coverage".to_owned(), coverage.clone())])
            }
            _ => return None,
        };
        self.hashing(&mut share, rule, key);
        Some(Value::Object(share))
    }

    /// How is hashed. What GrowthBook takes where nothing is said is said here.
    pub(super) fn hashing(&mut self, into: &mut Map<String, Value>, from: &Value, key: &str) {
        let text = |name: &str| from.get(name).and_then(Value::as_str);
        let attribute = self.fact(text("hashAttribute").unwrap_or("id"));
        into.insert("attribute".to_owned(), Value::from(attribute));
        into.insert("seed".to_owned(), Value::from(text("seed").unwrap_or(key)));
        let version =
            from.get("hashVersion").and_then(Value::as_u64).filter(|version| (1..=2).contains(version));
        into.insert("hash_version".to_owned(), Value::from(version.unwrap_or(1)));
    }

    /// The block that shows a value: of a text the text, of a number its digits, of a flag that is on what the page has as
    /// its default, and of one that is off nothing. The same text is the same block.
    pub(super) fn block(&mut self, name: &str, value: &Value) -> Option<String> {
        let text = match value {
            Value::Bool(true) => return Some("default".to_owned()),
            Value::Bool(false) => return Some("nothing".to_owned()),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        let html = json!({ "html": text });
        if let Some((known, _)) = self.blocks.iter().find(|(_, block)| **block == html) {
            return Some(known.clone());
        }
        let name = self.names.of("block", name);
        self.blocks.insert(name.clone(), html);
        Some(name)
    }
}

/// Whether a condition asks for anything.
pub(super) fn is_something(condition: &Value) -> bool {
    condition.as_object().is_none_or(|condition| !condition.is_empty())
}
