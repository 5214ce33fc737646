//! Experiments and contexts at random, with every field that decides who is in.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::random_condition::{self, Patterns};

const IDS: [&str; 8] = ["id", "device", "company", "a", "b.c", "missing", "id", "id"];
const KEYS: [&str; 4] = ["exp", "my test/1", "prüfung", "x"];
const URLS: [&str; 8] = [
    "http://www.example.com/home",
    "https://example.com/a/b?exp=1&x=2#top",
    "https://example.com/?exp=0",
    "http://example.com:8080/post/12?exp=-1",
    "/home/?x=1a",
    "https://sub.example.com/Home?exp=7&exp=1",
    "https://example.com/?a=1?exp=1",
    "",
];
const SIMPLE: [&str; 9] = [
    "http://www.example.com/home",
    "/home",
    "*",
    "example.com/*",
    "*.example.com/home/",
    "/post/*?exp=*",
    "https://example.com/?exp=1",
    "/a/b#top",
    "/*",
];
const REGEXES: [&str; 4] = ["home", "^/post/[0-9]+", "example\\.com/$", "("];

pub fn question(dice: &mut Dice) -> Value {
    let context = context(dice);
    json!({ "experiment": experiment(dice), "context": context })
}

fn put(dice: &mut Dice, into: &mut Value, one_in: usize, name: &str, make: impl FnOnce(&mut Dice) -> Value) {
    if dice.one_in(one_in) {
        into[name] = make(dice);
    }
}

fn context(dice: &mut Dice) -> Value {
    let mut attributes = random_condition::attributes(dice);
    for name in ["id", "device", "company", "b.c"] {
        put(dice, &mut attributes, 2, name, id);
    }
    let mut context = json!({ "attributes": attributes });
    put(dice, &mut context, 12, "enabled", |dice| dice.one_in(2).into());
    put(dice, &mut context, 10, "qaMode", |dice| dice.one_in(2).into());
    put(dice, &mut context, 3, "url", |dice| json!(*dice.pick(&URLS)));
    put(
        dice,
        &mut context,
        6,
        "forcedVariations",
        |dice| json!({ "exp": dice.below(6) as i64 - 1, "other": 1 }),
    );
    put(dice, &mut context, 3, "savedGroups", random_condition::groups);
    put(dice, &mut context, 6, "groups", |dice| json!({ "beta": dice.one_in(2), "staff": dice.below(2) }));
    put(
        dice,
        &mut context,
        10,
        "overrides",
        |dice| json!({ "exp": { "coverage": dice.share(), "status": "running" } }),
    );
    put(dice, &mut context, 12, "attributeOverrides", |dice| json!({ "id": dice.below(50).to_string() }));
    put(dice, &mut context, 3, "stickyBucketAssignmentDocs", |dice| documents(dice, &attributes));
    put(dice, &mut context, 4, "features", features);
    context
}

fn id(dice: &mut Dice) -> Value {
    match dice.below(8) {
        0 => random_condition::value(dice, 1),
        1 => json!(dice.below(1_000)),
        2 => json!(dice.share()),
        _ => json!(format!("user-{}", dice.below(10_000))),
    }
}

/// Every context has the same few, so that prerequisites find some of them.
fn features(dice: &mut Dice) -> Value {
    let rule = json!({ "condition": random_condition::condition(dice, 1, Patterns::Without), "force": dice.below(3) });
    let split = json!({ "variations": [0, "b", null], "key": "inner", "coverage": dice.share() });
    let gate = json!({ "parentConditions": [{ "id": "on", "condition": { "value": { "$gt": 0 } }, "gate": dice.one_in(2) }], "force": 2 });
    json!({
        "on": { "defaultValue": 0, "rules": [rule] },
        "split": { "defaultValue": "d", "rules": [gate, split] },
    })
}

fn documents(dice: &mut Dice, attributes: &Value) -> Value {
    let mut documents = Map::new();
    for name in IDS {
        let value = &attributes[name];
        let written = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
            value => value.to_string(),
        };
        let assigned = dice.list(3, |dice| {
            let key = format!("{}__{}", dice.pick(&KEYS), dice.below(4));
            (key, json!(dice.pick(&["0", "1", "c", "none"])))
        });
        let assigned: Map<String, Value> = assigned.into_iter().collect();
        let document = json!({ "attributeName": name, "attributeValue": written, "assignments": assigned });
        documents.insert(format!("{name}||{written}"), document);
    }
    documents.into()
}

fn experiment(dice: &mut Dice) -> Value {
    let count = if dice.one_in(12) { dice.below(2) } else { 2 + dice.below(3) };
    let mut one = json!({ "key": dice.pick(&KEYS), "variations": (0..count).collect::<Vec<_>>() });
    put(dice, &mut one, 3, "weights", |dice| weights(dice, count));
    put(dice, &mut one, 3, "coverage", |dice| match dice.below(8) {
        0 => json!(-0.5),
        1 => json!(1.5),
        2 => json!(0),
        _ => json!(dice.share()),
    });
    put(dice, &mut one, 2, "hashAttribute", |dice| json!(dice.pick(&IDS)));
    put(dice, &mut one, 3, "fallbackAttribute", |dice| json!(dice.pick(&IDS)));
    put(dice, &mut one, 2, "hashVersion", |dice| json!(dice.pick(&[1, 2, 2, 2, 0, 3])));
    put(dice, &mut one, 3, "seed", |dice| json!(dice.pick(&["", "seed", "sä😀t"])));
    put(dice, &mut one, 6, "namespace", |dice| json!(["ns", dice.share(), dice.share()]));
    put(dice, &mut one, 6, "ranges", |dice| {
        let count = if dice.one_in(6) { dice.below(5) } else { count };
        (0..count).map(|_| json!([dice.share(), dice.share()])).collect()
    });
    put(dice, &mut one, 8, "filters", |dice| dice.list(2, filter).into());
    put(dice, &mut one, 3, "condition", |dice| random_condition::condition(dice, 2, Patterns::With));
    put(dice, &mut one, 8, "force", |dice| json!(dice.below(6) as i64 - 1));
    put(dice, &mut one, 10, "active", |dice| dice.one_in(2).into());
    put(dice, &mut one, 6, "status", |dice| json!(dice.pick(&["draft", "running", "stopped"])));
    put(dice, &mut one, 6, "groups", |dice| {
        dice.list(2, |dice| json!(dice.pick(&["beta", "staff", "none"]))).into()
    });
    put(dice, &mut one, 6, "urlPatterns", |dice| dice.list(3, target).into());
    put(dice, &mut one, 2, "meta", |dice| meta(dice, count));
    put(dice, &mut one, 4, "bucketVersion", |dice| json!(dice.below(4)));
    put(dice, &mut one, 6, "minBucketVersion", |dice| json!(dice.below(3)));
    put(dice, &mut one, 8, "disableStickyBucketing", |dice| dice.one_in(2).into());
    put(dice, &mut one, 5, "parentConditions", |dice| dice.list(2, parent).into());
    one
}

fn weights(dice: &mut Dice, count: usize) -> Value {
    let mut weights: Vec<f64> = (0..count).map(|_| dice.share()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter_mut().filter(|_| total > 0.0).for_each(|weight| *weight /= total);
    if dice.one_in(6) {
        weights.push(0.3);
    }
    if dice.one_in(6) {
        weights.iter_mut().for_each(|weight| *weight *= 0.995);
    }
    json!(weights)
}

fn filter(dice: &mut Dice) -> Value {
    let mut filter =
        json!({ "seed": "f", "ranges": dice.list(3, |dice| json!([dice.share() / 2.0, dice.share()])) });
    put(dice, &mut filter, 2, "attribute", |dice| json!(dice.pick(&IDS)));
    put(dice, &mut filter, 2, "hashVersion", |dice| json!(dice.pick(&[1, 2, 0, 3])));
    filter
}

fn target(dice: &mut Dice) -> Value {
    let simple = !dice.one_in(3);
    let (kind, pattern) =
        if simple { ("simple", *dice.pick(&SIMPLE)) } else { ("regex", *dice.pick(&REGEXES)) };
    json!({ "type": kind, "pattern": pattern, "include": !dice.one_in(4) })
}

fn meta(dice: &mut Dice, count: usize) -> Value {
    let one = |place: usize, dice: &mut Dice| match dice.below(3) {
        0 => json!({}),
        1 => json!({ "key": "c", "passthrough": true }),
        _ => json!({ "key": place.to_string(), "name": "n" }),
    };
    (0..count.max(1)).map(|place| one(place, dice)).collect()
}

fn parent(dice: &mut Dice) -> Value {
    let conditions = [
        json!({ "value": 0 }),
        json!({ "value": { "$in": [1, "b", "d"] } }),
        json!({ "value": null }),
        json!({}),
    ];
    json!({ "id": dice.pick(&["on", "split", "none"]), "condition": dice.pick(&conditions) })
}
