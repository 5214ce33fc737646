//! What a feature is for a visitor, in the words of a `FeatureResult`.

use hemstitch::pack::{By, Choice, Decision, Learned, Reason};
use serde_json::{Value, json};

use super::Refusal;
use super::book::{Book, Case};
use super::feature::Feature;
use super::sticky::Holder;

/// Value and source of a feature, the variation and bucket of its experiment, and the documents with what was learned.
pub(super) fn evaluate(key: &str, context: &Value) -> Result<Value, Refusal> {
    let mut book = Book::new(context)?;
    let Some(feature) = Feature::of(book.context, key) else {
        return Ok(json!({ "value": null, "source": "unknownFeature", "ruleId": "" }));
    };
    book.pending.push(feature);
    let attributes = book.attributes.clone();
    let case = book.close()?;
    let (decision, learned) = case.decide(&feature.slot());
    let mut answer = spelled(feature, &case, decision);
    if let Some(documents) = context.get("stickyBucketAssignmentDocs") {
        let holds = |name: &str| Holder::of(name, &attributes);
        answer["documents"] = with_learned(documents.clone(), feature, holds, &learned);
    }
    Ok(answer)
}

fn spelled(feature: Feature, case: &Case, decision: Decision) -> Value {
    let rule = decision.rule.map(|rule| case.pack.rule_id(rule));
    let rule = rule.and_then(|id| feature.rules().get(id.split('.').nth(1)?.parse::<usize>().ok()?));
    let rule = rule.unwrap_or(&Value::Null);
    let shown = match decision.choice {
        Choice::Block(block) => case.pack.block(block).id,
        Choice::Default | Choice::Nothing => "default",
    };
    let value = feature.values().into_iter().find(|(name, _)| name == shown).map(|(_, value)| value);
    let source = match decision.reason {
        _ if shown == feature.blocked() => "prerequisite",
        Reason::Experiment(_) if rule.get("force").is_none() => "experiment",
        Reason::Experiment(_) | Reason::Rule => "force",
        _ => "defaultValue",
    };
    let id = rule["id"].as_str().filter(|_| matches!(source, "force" | "experiment")).unwrap_or_default();
    let mut answer = json!({ "value": value, "source": source, "ruleId": id });
    if let (Reason::Experiment(assigned), "experiment") = (decision.reason, source) {
        let meta = &rule["meta"][assigned.variation as usize];
        let key = meta["key"].as_str().filter(|key| !key.is_empty());
        answer["experimentResult"] = json!({
            "value": answer["value"],
            "variationId": assigned.variation,
            "key": key.map_or_else(|| assigned.variation.to_string(), str::to_owned),
            "inExperiment": true,
            "hashUsed": assigned.bucket.is_some(),
            "stickyBucketUsed": assigned.by == By::Sticky,
        });
        if let Some(bucket) = assigned.bucket {
            answer["experimentResult"]["bucket"] = bucket.into();
        }
        if let Some(name) = meta["name"].as_str() {
            answer["experimentResult"]["name"] = name.into();
        }
    }
    answer
}

/// The documents, with the choices that are to be kept.
fn with_learned(
    mut documents: Value,
    feature: Feature,
    holder: impl Fn(&str) -> Option<Holder>,
    learned: &Learned,
) -> Value {
    for (place, rule) in feature.rules().iter().enumerate() {
        let version =
            rule["bucketVersion"].as_u64().and_then(|version| u32::try_from(version).ok()).unwrap_or(0);
        let key = format!("{}__{version}", feature.experiment_key(rule));
        let names = [rule["hashAttribute"].as_str().or(Some("id")), rule["fallbackAttribute"].as_str()];
        for holder in names.into_iter().flatten().filter_map(&holder) {
            let bucket = holder.bucket(&feature.rule_name(place), version);
            let Some((_, variation)) = learned.buckets.iter().find(|(name, _)| *name == bucket) else {
                continue;
            };
            let index: usize = variation.parse().unwrap_or_default();
            let kept = rule["meta"][index]["key"].as_str().unwrap_or(variation);
            documents[holder.document()]["assignments"][&key] = kept.into();
        }
    }
    documents
}
