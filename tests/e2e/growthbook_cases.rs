//! The cases that GrowthBook's SDKs share, asked of compiled packs: natively, and as wasm under Fastly's runtime.

use std::collections::BTreeMap;
use std::fs;

use e2e::harness::{ask_natively, ask_wasm, conformance};
use serde_json::{Value, json};

/// How many cases of each section have to pass.
const SECTIONS: [(&str, usize); 10] = [
    ("evalCondition", 248),
    ("hash", 15),
    ("getBucketRange", 13),
    ("chooseVariation", 13),
    ("getEqualWeights", 6),
    ("inNamespace", 16),
    ("feature", 51),
    ("run", 73),
    ("stickyBucket", 13),
    ("urlRedirect", 4),
];

/// What rules of ours cannot say, and why.
const UNSAID: [(&str, &str, &str); 4] = [
    ("feature", "Prerequisite cycle detected, break", CIRCLE),
    (
        "feature",
        "CB rule with empty contexts (explore) buckets on marginal weights with fallback leaf -1",
        BANDIT,
    ),
    ("feature", "CB rule with no contexts key falls back to marginal weights (fallback leaf -1)", BANDIT),
    ("feature", "CB rule with empty contexts uses marginal weights (fallback leaf -1)", BANDIT),
];
const CIRCLE: &str = "what depends on itself is refused before it is published";
const BANDIT: &str = "contextual bandits, of whose leaves and versions a result tells, are not ours";

struct Case {
    section: &'static str,
    name: String,
    question: Value,
    expect: Value,
}

#[test]
fn what_sdks_agree_on_holds_natively_and_in_wasm() {
    let Some(path) = conformance("growthbook-cases.json") else {
        println!("skipped: no cases of GrowthBook; HEMSTITCH_DATA names a folder with `conformance` in it");
        return;
    };
    let suite = fs::read_to_string(path).expect("a file that exists");
    let suite: Value = serde_json::from_str(&suite).expect("the cases are JSON");
    let cases: Vec<Case> = SECTIONS.iter().flat_map(|(section, _)| read(section, &suite[section])).collect();
    let questions: Vec<Value> = cases.iter().map(|case| case.question.clone()).collect();
    let answers = ask_natively(env!("CARGO_BIN_EXE_rules-lines"), &questions);
    assert_eq!(answers, ask_wasm(&questions), "natively, and in wasm");

    let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let unsaid = UNSAID.iter().find(|(section, name, _)| (*section, *name) == (case.section, &case.name));
        match (unsaid, says(&case.expect, answer)) {
            (None, true) => *passed.entry(case.section).or_default() += 1,
            (Some((section, name, why)), false) => println!("  not said: {section}: {name}: {why}"),
            (_, passes) => wrong.push(format!(
                "{}: {}: passes: {passes}: {answer} for {}",
                case.section, case.name, case.expect
            )),
        }
    }
    for (section, least) in SECTIONS {
        let (passed, all) =
            (passed.get(section).copied().unwrap_or(0), suite[section].as_array().map_or(0, Vec::len));
        println!("{passed:>4} of {all:>3} {section}");
        if passed < least {
            wrong.push(format!("{section}: {passed} pass, of at least {least}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn read(section: &'static str, cases: &Value) -> Vec<Case> {
    let one = |(place, case): (usize, &Value)| {
        let name = case[0].as_str().map_or_else(|| format!("#{place}"), str::to_owned);
        let result = |result: &Value| json!({ "result": result });
        let (question, expect) = match section {
            "evalCondition" => {
                let groups = if case[4].is_object() { case[4].clone() } else { json!({}) };
                (json!({ "condition": case[1], "attributes": case[2], "groups": groups }), result(&case[3]))
            }
            "hash" => (json!({ "hash": [case[0], case[1], case[2]] }), result(&case[3])),
            "getBucketRange" => (json!({ "bucketRanges": case[1] }), result(&case[2])),
            "chooseVariation" => (json!({ "chooseVariation": [case[1], case[2]] }), result(&case[3])),
            "getEqualWeights" => (json!({ "equalWeights": case[0] }), result(&case[1])),
            "inNamespace" => (json!({ "namespace": [case[1], case[2]] }), result(&case[3])),
            "run" => (json!({ "experiment": case[2], "context": case[1] }), expected_run(case)),
            "feature" => (json!({ "feature": case[2], "context": case[1] }), case[3].clone()),
            "stickyBucket" => sticky(case),
            _ => (json!({ "redirect": case[1] }), result(&case[2][0]["urlWithParams"])),
        };
        Case { section, name, question, expect }
    };
    cases.as_array().expect("a list of cases").iter().enumerate().map(one).collect()
}

/// Of equal values the first is the one that is meant: no case has another.
fn expected_run(case: &Value) -> Value {
    let variations = case[2]["variations"].as_array().expect("an experiment has variations");
    let variation = variations.iter().position(|value| *value == case[3]);
    let bucket = if case[5] == true { json!("some") } else { Value::Null };
    json!({ "inExperiment": case[4], "variationId": variation, "bucket": bucket })
}

/// An SDK loads the documents of the visitor's own attributes, and of no others.
fn sticky(case: &Value) -> (Value, Value) {
    let (mut context, attributes) = (case[1].clone(), &case[1]["attributes"]);
    let mut documents = json!({});
    for document in case[2].as_array().expect("a list of documents") {
        let [name, value] =
            ["attributeName", "attributeValue"].map(|field| document[field].as_str().expect("a text"));
        if attributes[name] == value {
            documents[format!("{name}||{value}")] = document.clone();
        }
    }
    context["stickyBucketAssignmentDocs"] = documents;
    let documents: Value = case[5]
        .as_object()
        .expect("documents by name")
        .iter()
        .map(|(name, document)| (name.clone(), json!({ "assignments": document["assignments"] })))
        .collect();
    (
        json!({ "feature": case[3], "context": context }),
        json!({ "experimentResult": case[4], "documents": documents }),
    )
}

/// Whether an answer says all that is expected, as far as an edge can know it.
fn says(expect: &Value, answer: &Value) -> bool {
    const NOT_OURS: [&str; 7] =
        ["experiment", "on", "off", "featureId", "hashAttribute", "hashValue", "attributeName"];
    match (expect, answer) {
        (Value::Object(expect), Value::Object(answer)) => expect.iter().all(|(name, expect)| {
            NOT_OURS.contains(&name.as_str()) || says(expect, answer.get(name).unwrap_or(&Value::Null))
        }),
        (Value::Array(expect), Value::Array(answer)) => {
            expect.len() == answer.len()
                && expect.iter().zip(answer).all(|(expect, answer)| says(expect, answer))
        }
        (Value::Number(expect), Value::Number(answer)) => {
            let [expect, answer] = [expect, answer].map(|number| number.as_f64().unwrap_or(f64::NAN));
            (expect - answer).abs() < 1e-6
        }
        (Value::String(expect), Value::Number(_)) => expect == "some",
        (expect, answer) => expect == answer,
    }
}
