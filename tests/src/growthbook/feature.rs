//! Features: each becomes a slot, each of its values a block, each of its rules a rule.

use serde_json::{Map, Value, json};

use super::Refusal;
use super::book::{Book, hashed, is_true};
use super::condition::never;
use super::experiment::{filters, number, range, text};
use super::lines::holds;

/// The fields of a rule that its experiment has, too.
const OF_EXPERIMENT: [&str; 17] = [
    "key",
    "coverage",
    "weights",
    "hashAttribute",
    "fallbackAttribute",
    "disableStickyBucketing",
    "bucketVersion",
    "minBucketVersion",
    "namespace",
    "meta",
    "ranges",
    "name",
    "phase",
    "seed",
    "hashVersion",
    "filters",
    "condition",
];

/// A feature of a context.
#[derive(Clone, Copy)]
pub(super) struct Feature<'c> {
    key: &'c str,
    place: usize,
    definition: &'c Map<String, Value>,
}

impl<'c> Feature<'c> {
    pub(super) fn of(context: &'c Map<String, Value>, key: &str) -> Option<Self> {
        let features = context.get("features")?.as_object()?;
        let named = features.iter().enumerate().find(|(_, (known, _))| *known == key);
        named.and_then(|(place, (key, definition))| {
            Some(Feature { key, place, definition: definition.as_object()? })
        })
    }

    /// The slot that stands for it.
    pub(super) fn slot(self) -> String {
        format!("f{}", self.place)
    }

    /// The experiment and the rule that stand for a rule of it.
    pub(super) fn rule_name(self, place: usize) -> String {
        format!("{}.{place}", self.slot())
    }

    /// The block that stands for its value where a prerequisite turned it off.
    pub(super) fn blocked(self) -> String {
        format!("{}.blocked", self.slot())
    }

    pub(super) fn rules(self) -> &'c [Value] {
        self.definition.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The key of the experiment that a rule of it is.
    pub(super) fn experiment_key(self, rule: &'c Value) -> &'c str {
        rule["key"].as_str().filter(|key| !key.is_empty()).unwrap_or(self.key)
    }

    /// What the slot may show, and the value that it stands for.
    pub(super) fn values(self) -> Vec<(String, Value)> {
        let default = self.definition.get("defaultValue").cloned().unwrap_or_default();
        let mut values = vec![("default".to_owned(), default), (self.blocked(), Value::Null)];
        for (place, rule) in self.rules().iter().enumerate() {
            let name = self.rule_name(place);
            if let Some(force) = rule.get("force") {
                values.push((name, force.clone()));
                continue;
            }
            let variations = variations(rule).into_iter().flatten().enumerate();
            values.extend(variations.map(|(index, value)| (format!("{name}.{index}"), value.clone())));
        }
        values
    }
}

/// What a rule chooses from.
fn variations(rule: &Value) -> Option<&Vec<Value>> {
    let contextual = rule.get("contextualVariations").filter(|variations| !variations.is_null());
    contextual.unwrap_or(&rule["variations"]).as_array()
}

impl<'c> Book<'c> {
    /// The condition that a feature has a value which another condition holds for.
    pub(super) fn prerequisite(&mut self, parent: &Value) -> Result<Value, Refusal> {
        let key = text(&parent["id"], "a prerequisite's id")?;
        let condition = parent.get("condition").filter(|condition| is_true(Some(condition)));
        let everybody = json!({});
        let condition = condition.unwrap_or(&everybody);
        let groups = self.context.get("savedGroups");
        let fits = |value: &Value| holds(condition, &json!({ "value": value }), groups);
        let Some(feature) = Feature::of(self.context, key) else {
            return Ok(if fits(&Value::Null)? { everybody } else { never() });
        };
        self.pending.push(feature);
        let mut shows = Vec::new();
        for (shown, value) in feature.values() {
            if fits(&value)? {
                shows.push(shown);
            }
        }
        Ok(if shows.is_empty() {
            never()
        } else {
            json!({ "$slot": { "name": feature.slot(), "shows": shows } })
        })
    }

    /// Takes up a feature, unless it has been.
    pub(super) fn take_feature(&mut self, feature: Feature<'c>) -> Result<(), Refusal> {
        if self.slots.contains_key(&feature.slot()) {
            return Ok(());
        }
        self.slots.insert(feature.slot(), Value::Null);
        for (block, _) in feature.values().into_iter().skip(1) {
            self.blocks.insert(block, json!({ "html": "" }));
        }
        let mut rules = Vec::new();
        for (place, rule) in feature.rules().iter().enumerate() {
            let mut all = Vec::new();
            for (index, parent) in rule["parentConditions"].as_array().into_iter().flatten().enumerate() {
                let fulfilled = self.prerequisite(parent)?;
                if is_true(parent.get("gate")) {
                    let id = format!("{}.gate{index}", feature.rule_name(place));
                    let mut when = all.clone();
                    when.push(json!({ "$not": fulfilled }));
                    rules.push(json!({ "id": id, "when": { "$and": when }, "block": feature.blocked() }));
                }
                all.push(fulfilled);
            }
            rules.extend(self.take_rule(feature, place, rule, all)?);
        }
        self.slots.insert(feature.slot(), json!({ "rules": rules }));
        Ok(())
    }

    fn take_rule(
        &mut self,
        feature: Feature<'c>,
        place: usize,
        rule: &'c Value,
        mut all: Vec<Value>,
    ) -> Result<Option<Value>, Refusal> {
        let name = feature.rule_name(place);
        if rule.get("force").is_some() {
            all.push(self.condition(rule.get("condition"))?);
            let mut ours = json!({ "id": name, "when": { "$and": all } });
            if let Some(rollout) = self.rollout(feature, rule)? {
                ours["rollout"] = rollout;
            }
            match rule.get("filters").filter(|filters| is_true(Some(filters))) {
                None => ours["block"] = name.into(),
                Some(filters) => ours["experiment"] = self.take_filters(&name, filters)?,
            }
            return Ok(Some(ours));
        }
        let Some(variations) = variations(rule) else { return Ok(None) };
        if self.has_leaves(rule) {
            return Err(Refusal::Beyond(
                "weights that depend on the visitor, as those of a contextual bandit",
            ));
        }
        let fields =
            OF_EXPERIMENT.iter().filter_map(|field| Some(((*field).to_owned(), rule.get(*field)?.clone())));
        let mut source: Map<String, Value> = fields.collect();
        source.insert("key".to_owned(), feature.experiment_key(rule).into());
        let shown: Vec<Value> = (0..variations.len()).map(|index| format!("{name}.{index}").into()).collect();
        let entry = self.take_experiment(&name, &source, &shown)?;
        all.push(entry);
        Ok(Some(json!({ "id": name, "when": { "$and": all }, "experiment": name })))
    }

    /// The share of the visitors that a rule is for, if it is not for all.
    fn rollout(&self, feature: Feature, rule: &Value) -> Result<Option<Value>, Refusal> {
        let given = |field: &str| rule.get(field).filter(|value| is_true(Some(value)));
        if given("range").is_none() && rule.get("coverage").is_none() {
            return Ok(None);
        }
        if self.keeps() && given("fallbackAttribute").is_some() && given("disableStickyBucketing").is_none() {
            return Err(Refusal::Beyond("a roll-out by one attribute or else another"));
        }
        let version = given("hashVersion").and_then(Value::as_f64).unwrap_or(1.0);
        let attribute = given("hashAttribute").map_or(Ok("id"), |name| text(name, "hashAttribute"))?;
        let seed = given("seed").map_or(Ok(feature.key), |seed| text(seed, "seed"))?;
        let mut ours = json!({ "attribute": hashed(attribute), "seed": seed, "hash_version": if version == 2.0 { 2 } else { 1 } });
        if version != 1.0 && version != 2.0 {
            ours["coverage"] = json!(0);
        } else if let Some(given) = given("range") {
            ours["range"] = range(given)?;
        } else {
            ours["coverage"] = json!(number(&rule["coverage"], "coverage")?.clamp(0.0, 1.0));
        }
        Ok(Some(ours))
    }

    /// Rules have no filters, but an experiment has, and it may show the same to everybody.
    fn take_filters(&mut self, name: &str, given: &Value) -> Result<Value, Refusal> {
        let filters = filters(given)?;
        let attribute = filters[0]["attribute"].as_str().map_or_else(|| hashed("id"), str::to_owned);
        let shown = json!({ "block": name });
        let experiment = json!({
            "variations": [shown, shown],
            "ranges": [[0, 1], [0, 0]],
            "attribute": attribute,
            "filters": filters,
            "sticky": false,
        });
        self.experiments.insert(name.to_owned(), experiment);
        Ok(name.into())
    }

    fn has_leaves(&self, rule: &Value) -> bool {
        let bandit = rule["contextualBanditRef"]
            .as_str()
            .and_then(|name| self.context.get("contextualBandits")?.get(name));
        bandit.and_then(|bandit| bandit["contexts"].as_array()).is_some_and(|leaves| !leaves.is_empty())
    }
}
