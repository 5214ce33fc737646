//! Experiments: their fields, each in our words.

use serde_json::{Map, Value, json};

use super::book::{Book, GROUPS, hashed, is_true};
use super::sticky::{self, Holder};
use super::{Refusal, targeting};

impl Book<'_> {
    /// Takes up an experiment, with what each of its variations shows. Gives the condition for the rule that shows it:
    /// the page is one that it is for.
    pub(super) fn take_experiment(
        &mut self,
        name: &str,
        source: &Map<String, Value>,
        shown: &[Value],
    ) -> Result<Value, Refusal> {
        let source = &self.with_overrides(source);
        let key = source.get("key").and_then(Value::as_str).unwrap_or_default();
        let url = self.context.get("url").and_then(Value::as_str).unwrap_or_default();
        let forced = match targeting::forced(key, url, shown.len()) {
            Some(variation) => Some(json!(variation)),
            None => self.context.get("forcedVariations").and_then(|forced| forced.get(key)).cloned(),
        };
        if let Some(forced) = forced {
            whole(&forced, "a forced variation")?;
            self.stated.insert(format!("experiment.{name}"), forced);
        }
        let mut when = Vec::new();
        if let Some(targets) = source.get("urlPatterns").filter(|targets| is_true(Some(targets))) {
            let targets = targets.as_array().ok_or(Refusal::shape("urlPatterns", "a list"))?;
            when.push(self.page.targeted(targets));
        }
        if let Some(expression) = source.get("url").filter(|url| is_true(Some(url))) {
            let expression = expression.as_str().ok_or(Refusal::shape("url", "a text"))?;
            let forced = json!({ format!("experiment.{name}"): { "$exists": true } });
            when.push(json!({ "$or": [forced, targeting::matching(expression)] }));
        }
        let translated = self.translate(name, source, shown)?;
        self.experiments.insert(name.to_owned(), translated);
        Ok(json!({ "$and": when }))
    }

    fn with_overrides(&self, source: &Map<String, Value>) -> Map<String, Value> {
        let mut source = source.clone();
        let key = source.get("key").and_then(Value::as_str).unwrap_or_default();
        let overrides = self.context.get("overrides").and_then(|overrides| overrides.get(key));
        source.extend(overrides.and_then(Value::as_object).cloned().unwrap_or_default());
        source
    }

    fn translate(
        &mut self,
        name: &str,
        source: &Map<String, Value>,
        shown: &[Value],
    ) -> Result<Value, Refusal> {
        let given = |field: &str| source.get(field).filter(|value| is_true(Some(value)));
        let key = given("key").map_or(Ok(""), |key| text(key, "key"))?;
        let version = given("hashVersion").unwrap_or(&json!(1)).clone();
        let hashes =
            version == json!(1) || version == json!(2) || version == json!(1.0) || version == json!(2.0);
        let attribute = given("hashAttribute").map_or(Ok("id"), |name| text(name, "hashAttribute"))?;
        let keeps = self.keeps() && given("disableStickyBucketing").is_none();
        let fallback = given("fallbackAttribute").map(|name| text(name, "fallbackAttribute")).transpose()?;
        let mut ours = json!({
            "variations": variations(shown, source.get("meta")),
            "attribute": hashed(attribute),
            "seed": given("seed").map_or(Ok(key), |seed| text(seed, "seed"))?,
            "hash_version": if version == json!(2) || version == json!(2.0) { 2 } else { 1 },
            "sticky": keeps,
            "when": self.admits(source)?,
        });
        if keeps {
            for (field, name) in
                [("bucketVersion", "bucket_version"), ("minBucketVersion", "min_bucket_version")]
            {
                ours[name] = given(field).unwrap_or(&json!(0)).clone();
            }
            if let Some(fallback) = fallback {
                ours["fallback_attribute"] = hashed(fallback).into();
            }
            if hashes {
                self.keep(name, key, attribute, fallback, source.get("meta"));
            }
        }
        if !hashes {
            ours["ranges"] = vec![json!([0, 0]); shown.len()].into();
        } else if let Some(ranges) = given("ranges") {
            ours["ranges"] = self::ranges(ranges)?;
        } else {
            ours["coverage"] = match source.get("coverage") {
                None => json!(1),
                Some(Value::Null) => json!(0),
                Some(coverage) => json!(number(coverage, "coverage")?.clamp(0.0, 1.0)),
            };
            if let Some(weights) = given("weights") {
                ours["weights"] = weights.clone();
            }
        }
        if let Some(filters) = given("filters") {
            ours["filters"] = self::filters(filters)?;
        } else if let Some(namespace) = given("namespace") {
            ours["namespace"] = self::namespace(namespace)?;
        }
        let force = source.get("force").map(|force| whole(force, "force")).transpose()?;
        let forced = force.and_then(|force| usize::try_from(force).ok()).filter(|force| *force < shown.len());
        if let Some(forced) = forced {
            ours["force"] = forced.to_string().into();
        }
        let quiet = is_true(self.context.get("qaMode")) || source.get("status") == Some(&json!("stopped"));
        if source.get("active") == Some(&json!(false)) || source.get("status") == Some(&json!("draft")) {
            ours["status"] = json!("draft");
        } else if quiet || (force.is_some() && forced.is_none()) {
            ours["status"] = json!("stopped");
        }
        Ok(ours)
    }

    /// Who may come into it: its condition, what it depends on, its groups.
    fn admits(&mut self, source: &Map<String, Value>) -> Result<Value, Refusal> {
        let mut all = vec![self.condition(source.get("condition"))?];
        for parent in source.get("parentConditions").and_then(Value::as_array).into_iter().flatten() {
            all.push(self.prerequisite(parent)?);
        }
        if let Some(groups) = source.get("groups").filter(|groups| is_true(Some(groups))) {
            all.push(json!({ GROUPS: { "$in": groups } }));
        }
        Ok(json!({ "$and": all }))
    }

    /// Puts what was kept into the profile. Where no fallback is named, the SDK looks into the documents of `id`.
    fn keep(&mut self, name: &str, key: &str, attribute: &str, fallback: Option<&str>, meta: Option<&Value>) {
        let Some(documents) = self.context.get("stickyBucketAssignmentDocs") else { return };
        let meta = meta.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let keys: Vec<Value> = meta.iter().map(|variation| variation["key"].clone()).collect();
        let own = Holder::of(attribute, &self.attributes);
        let other = Holder::of(fallback.unwrap_or("id"), &self.attributes);
        for holder in [&own, &other].into_iter().flatten() {
            let Some(found) = sticky::assignments(documents, &holder.document()) else { continue };
            let kept_by = if fallback.is_some() { Some(holder) } else { own.as_ref() };
            if let Some(kept_by) = kept_by {
                sticky::add(&mut self.buckets, (name, key), kept_by, found, &keys);
            }
        }
    }
}

fn variations(shown: &[Value], meta: Option<&Value>) -> Vec<Value> {
    let one = |(place, shown): (usize, &Value)| {
        let passes =
            meta.and_then(|meta| meta.get(place)).is_some_and(|meta| is_true(meta.get("passthrough")));
        json!({ "key": place.to_string(), "block": shown, "passthrough": passes })
    };
    shown.iter().enumerate().map(one).collect()
}

pub(super) fn ranges(ranges: &Value) -> Result<Value, Refusal> {
    let ranges = ranges.as_array().ok_or(Refusal::shape("ranges", "a list"))?;
    let ranges: Result<Vec<Value>, Refusal> = ranges.iter().map(range).collect();
    Ok(ranges?.into())
}

/// A range that ends before it begins is empty.
pub(super) fn range(range: &Value) -> Result<Value, Refusal> {
    let [from, to] = [0, 1].map(|place| number(&range[place], "a range's end"));
    let (from, to) = (from?, to?);
    Ok(if from <= to { json!([from, to]) } else { json!([0, 0]) })
}

pub(super) fn filters(filters: &Value) -> Result<Value, Refusal> {
    let filters = filters.as_array().ok_or(Refusal::shape("filters", "a list"))?;
    let one = |filter: &Value| {
        let attribute = filter.get("attribute").filter(|name| is_true(Some(name)));
        let version = filter.get("hashVersion").filter(|version| is_true(Some(version)));
        let version = version.cloned().unwrap_or(json!(2));
        let known = version == json!(1) || version == json!(2);
        Ok(json!({
            "attribute": hashed(attribute.map_or(Ok("id"), |name| text(name, "attribute"))?),
            "seed": text(&filter["seed"], "a filter's seed")?,
            "hash_version": if known { version } else { json!(2) },
            "ranges": if known { ranges(&filter["ranges"])? } else { json!([]) },
        }))
    };
    let filters: Result<Vec<Value>, Refusal> = filters.iter().map(one).collect();
    Ok(filters?.into())
}

fn namespace(namespace: &Value) -> Result<Value, Refusal> {
    let name = text(&namespace[0], "a namespace's name")?;
    Ok(json!({ "name": name, "range": range(&json!([namespace[1], namespace[2]]))? }))
}

pub(super) fn text<'v>(value: &'v Value, what: &str) -> Result<&'v str, Refusal> {
    value.as_str().ok_or(Refusal::shape(what, "a text"))
}

pub(super) fn number(value: &Value, what: &str) -> Result<f64, Refusal> {
    value.as_f64().ok_or(Refusal::shape(what, "a number"))
}

fn whole(value: &Value, what: &str) -> Result<i64, Refusal> {
    let number = number(value, what)?;
    let whole = number as i64;
    if whole as f64 == number { Ok(whole) } else { Err(Refusal::shape(what, "a whole number")) }
}
