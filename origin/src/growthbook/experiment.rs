//! What splits visitors: in a rule of a feature, or as GrowthBook's API tells of experiments.

use serde_json::{Map, Value, json};

use super::Book;
use super::feature::is_something;

impl Book {
    /// The experiment of a rule of a feature, by its name here.
    pub(super) fn experiment(&mut self, what: &str, feature: &str, rule: &Value) -> Option<String> {
        let key = rule.get("key").and_then(Value::as_str).unwrap_or(feature);
        let values = rule.get("variations").and_then(Value::as_array)?;
        let mut variations = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let meta = rule.get("meta").and_then(|meta| meta.get(index)).cloned().unwrap_or_default();
            let named =
                meta.get("key").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
            let mut variation = Map::from_iter([("key".to_owned(), Value::from(named))]);
            for (name, field) in [("name", "name"), ("passthrough", "passthrough")] {
                variation.extend(meta.get(field).map(|value| (name.to_owned(), value.clone())));
            }
            match self.block(&format!("{key}-{index}"), value) {
                Some(block) => {
                    variation.insert("block".to_owned(), Value::from(block));
                }
                None => self.lack(
                    format!("variation {index} of {what}"),
                    "a list or an object is nothing to show; the default stands for it",
                ),
            }
            variations.push(Value::Object(variation));
        }
        if variations.len() < 2 {
            self.lack(what, "it splits nobody: there is one variation");
            return None;
        }
        let mut written = Map::from_iter([("variations".to_owned(), Value::from(variations))]);
        for (field, name) in [
            ("weights", "weights"),
            ("coverage", "coverage"),
            ("ranges", "ranges"),
            ("bucketVersion", "bucket_version"),
            ("minBucketVersion", "min_bucket_version"),
            ("name", "name"),
        ] {
            written.extend(rule.get(field).map(|value| (name.to_owned(), value.clone())));
        }
        self.hashing(&mut written, rule, key);
        if let Some(fallback) = rule.get("fallbackAttribute").and_then(Value::as_str) {
            let fact = self.fact(fallback);
            written.insert("fallback_attribute".to_owned(), Value::from(fact));
        }
        if rule.get("disableStickyBucketing") == Some(&Value::Bool(true)) {
            written.insert("sticky".to_owned(), Value::Bool(false));
        }
        if let Some([name, from, to]) = rule.get("namespace").and_then(Value::as_array).map(Vec::as_slice) {
            written.insert("namespace".to_owned(), json!({ "name": name, "range": [from, to] }));
        }
        if let Some(filters) = rule.get("filters").and_then(Value::as_array) {
            let filters: Vec<Value> = filters.iter().map(|filter| self.filter(filter)).collect();
            written.insert("filters".to_owned(), Value::from(filters));
        }
        if let Some(condition) = rule.get("condition").filter(|condition| is_something(condition)) {
            let condition = self.condition(condition);
            written.insert("when".to_owned(), condition);
        }
        let name = self.names.of("experiment", key);
        if self.experiments.get(&name).is_some_and(|known| *known != Value::Object(written.clone())) {
            self.lack(
                what,
                "another rule has an experiment of the same key that is different; the first one stands",
            );
        } else {
            self.experiments.insert(name.clone(), Value::Object(written));
        }
        Some(name)
    }

    /// A filter: its hash is of version 2 where nothing is said, unlike that of an experiment.
    fn filter(&mut self, filter: &Value) -> Value {
        let mut written = Map::new();
        self.hashing(&mut written, filter, "");
        let version = filter.get("hashVersion").and_then(Value::as_u64).unwrap_or(2);
        let attribute = self.fact(filter.get("attribute").and_then(Value::as_str).unwrap_or("id"));
        written.insert("attribute".to_owned(), Value::from(attribute));
        written.insert("hash_version".to_owned(), Value::from(version));
        written.insert("ranges".to_owned(), filter.get("ranges").cloned().unwrap_or_else(|| json!([])));
        Value::Object(written)
    }

    /// An experiment of the API, or one that changes pages. It has no values: its variations are told apart, and what they
    /// show is left to be written.
    pub(super) fn experiment_of_a_page(&mut self, experiment: &Value) {
        let text = |name: &str| experiment.get(name).and_then(Value::as_str);
        let Some(key) = text("trackingKey").or_else(|| text("key")).or_else(|| text("id")) else {
            return self.lack("an experiment without a key", "it cannot be told from others");
        };
        let what = format!("experiment {key}");
        let visual = experiment.get("variations").and_then(Value::as_array).into_iter().flatten();
        let changes_pages = visual.clone().any(|variation| {
            ["css", "js", "domMutations", "urlRedirect"].iter().any(|field| {
                variation.get(field).is_some_and(|change| {
                    change.as_str() != Some("") && change.as_array().is_none_or(|list| !list.is_empty())
                })
            })
        });
        if changes_pages {
            self.lack(
                &what,
                "it changes pages by scripts in the browser; write edits, or a gate that redirects",
            );
        }
        let phase = experiment.get("phases").and_then(Value::as_array).and_then(|phases| phases.last());
        let from =
            |name: &str| phase.and_then(|phase| phase.get(name)).or_else(|| experiment.get(name)).cloned();
        let variations: Vec<Value> = visual
            .enumerate()
            .map(|(index, variation)| {
                let key = variation
                    .get("key")
                    .and_then(Value::as_str)
                    .map_or_else(|| index.to_string(), str::to_owned);
                let mut written = Map::from_iter([("key".to_owned(), Value::from(key))]);
                written.extend(variation.get("name").map(|name| ("name".to_owned(), name.clone())));
                Value::Object(written)
            })
            .collect();
        if variations.len() < 2 {
            return self.lack(what, "it splits nobody");
        }
        let mut written = Map::from_iter([("variations".to_owned(), Value::from(variations))]);
        written.extend(from("coverage").map(|coverage| ("coverage".to_owned(), coverage)));
        written.extend(from("weights").map(|weights| ("weights".to_owned(), weights)));
        // The API calls them so.
        let split = phase.and_then(|phase| phase.get("trafficSplit")).and_then(Value::as_array);
        if let Some(split) = split {
            let weights: Vec<Value> = split.iter().filter_map(|part| part.get("weight").cloned()).collect();
            written.insert("weights".to_owned(), Value::from(weights));
        }
        self.hashing(&mut written, experiment, key);
        let targeting = phase.and_then(|phase| phase.get("targetingCondition")).and_then(Value::as_str);
        let condition =
            targeting.and_then(|text| serde_json::from_str(text).ok()).or_else(|| from("condition"));
        if let Some(condition) = condition.filter(is_something) {
            let condition = self.condition(&condition);
            written.insert("when".to_owned(), condition);
        }
        let known = |status: &&str| ["running", "draft", "stopped"].contains(status);
        let status = text("status").filter(known).unwrap_or("draft");
        written.insert("status".to_owned(), Value::from(status));
        if experiment.get("archived") == Some(&Value::Bool(true)) {
            return self.lack(what, "it is archived");
        }
        for field in ["metrics", "goalMetrics", "hypothesis", "results", "settings"] {
            if experiment.get(field).is_some_and(|value| !value.is_null()) {
                self.lack(
                    format!("`{field}` of {what}"),
                    "what is counted and how is not a matter of a ruleset",
                );
            }
        }
        let name = self.names.of("experiment", key);
        self.lack(what, "what its variations show is not in the export; name it in rules and their `blocks`");
        self.experiments.entry(name).or_insert(Value::Object(written));
    }
}
