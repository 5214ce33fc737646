//! The published schema and reference of a ruleset: they are what the code says, and they say what `check` says.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::harness::workspace;
use hemstitch::ruleset::{self, Ruleset};
use jsonschema::Validator;
use serde_json::{Value, json};

/// Findings about the form of a part, which the schema has to see, too.
const OF_FORM: [&str; 15] = [
    "HS0005", "HS0006", "HS0007", "HS0008", "HS0101", "HS0102", "HS0105", "HS0203", "HS0211", "HS0402",
    "HS0404", "HS0501", "HS0502", "HS0506", "HS0606",
];

fn validator() -> Validator {
    jsonschema::draft202012::new(&ruleset::schema()).expect("the schema can be used")
}

fn published(name: &str) -> String {
    let path = workspace().join("docs/formats").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The codes of what `check` finds.
fn findings(ruleset: &str) -> Vec<&'static str> {
    Ruleset::parse(ruleset).1.into_iter().map(|found| found.code).collect()
}

#[test]
fn the_published_schema_is_what_the_code_says() {
    let schema = serde_json::to_string_pretty(&ruleset::schema()).expect("JSON is written");
    let current = published("ruleset.schema.json") == schema + "\n";
    assert!(current, "run `hemstitch schema > docs/formats/ruleset.schema.json`");
    assert!(jsonschema::meta::is_valid(&ruleset::schema()));
}

#[test]
fn the_published_reference_is_what_the_code_says() {
    let current = published("ruleset.md") == ruleset::reference();
    assert!(current, "run `hemstitch schema --reference > docs/formats/ruleset.md`");
}

#[test]
fn every_ruleset_that_check_accepts_validates() {
    let validator = validator();
    let mut rulesets = vec![workspace().join("examples/demo/ruleset.json")];
    collect(&workspace().join("tests/cases"), &mut rulesets);
    assert!(rulesets.len() > 100, "{} rulesets", rulesets.len());
    for path in rulesets {
        let text = fs::read_to_string(&path).expect("a ruleset can be read");
        if Ruleset::parse(&text).0.is_none() {
            continue;
        }
        let json: Value = serde_json::from_str(&text).expect("it was parsed");
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("cases are there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.ends_with("ruleset.json") {
            into.push(path);
        }
    }
}

/// The blocks of JSON in the reference.
fn examples() -> Vec<String> {
    let reference = ruleset::reference();
    let blocks = reference.split("```json\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_example_of_the_reference_is_a_ruleset_without_findings() {
    let validator = validator();
    assert!(examples().len() >= 7);
    for example in examples() {
        assert_eq!(findings(&example), [""; 0], "{example}");
        assert!(validator.is_valid(&serde_json::from_str(&example).unwrap()), "{example}");
    }
}

/// A ruleset in which a condition means something.
fn with_condition(condition: &Value) -> Value {
    json!({
        "facts": {"trait.app_version": {"type": "text"}},
        "groups": {"testers": ["a1"]},
        "audiences": {"german": {"place.country": "DE"}},
        "blocks": {"hallo": {"html": ""}},
        "experiments": {"headline": {"variations": [{"key": "as-is"}, {"key": "short", "block": "hallo"}]}},
        "slots": {
            "hero": {"rules": [{"id": "h", "experiment": "headline"}]},
            "s": {"rules": [{"id": "r", "when": condition, "block": "nothing"}]},
        },
    })
}

#[test]
fn every_example_of_an_operator_is_a_condition_without_findings() {
    let validator = validator();
    let reference = ruleset::reference();
    let conditions = reference.split("## Conditions").nth(1).unwrap_or_default();
    let rows = conditions.lines().filter(|line| line.starts_with("| `$"));
    let conditions: Vec<Value> = rows
        .map(|row| {
            let last = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
            serde_json::from_str(last.trim_matches('`')).unwrap_or_else(|error| panic!("{row}: {error}"))
        })
        .collect();
    assert_eq!(conditions.len(), 44);
    for condition in conditions {
        let ruleset = with_condition(&condition);
        assert_eq!(findings(&ruleset.to_string()), [""; 0], "{condition}");
        assert!(validator.is_valid(&ruleset), "{condition}");
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let validator = validator();
    let rule = |rule: Value| json!({ "slots": { "s": { "rules": [rule] } } });
    let gate = |then: Value| json!({ "gates": [{ "id": "g", "then": then }] });
    let edit = |fields: Value| {
        let mut edit = json!({ "id": "e", "url": "/", "selector": "a", "action": "replace" });
        edit.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
        json!({ "edits": [edit] })
    };
    for wrong in [
        json!([]),
        json!({ "slot": {} }),
        json!({ "slots": [] }),
        json!({ "slots": { "a b": {} } }),
        json!({ "slots": { "s": { "rule": [] } } }),
        rule(json!({ "block": "nothing" })),
        rule(json!({ "id": "r" })),
        rule(json!({ "id": "r", "block": "nothing", "experiment": "x" })),
        rule(json!({ "id": "r", "block": "nothing", "blocks": {} })),
        rule(json!({ "id": "r", "block": "nothing", "rollout": 25 })),
        rule(json!({ "id": "r", "block": "nothing", "rollout": {} })),
        rule(json!({ "id": "r", "block": "nothing", "starts_at": "2026-11-27" })),
        rule(json!({ "id": "r", "block": "nothing", "cap": { "times": 0, "per": "week" } })),
        rule(json!({ "id": "r", "block": "nothing", "cap": { "times": 1, "per": "year" } })),
        rule(json!({ "id": "r", "block": "nothing", "hours": [{ "from": "9:00", "to": "17:00" }] })),
        rule(json!({ "id": "r", "block": "nothing", "priority": 1.5 })),
        json!({ "blocks": { "b": {} } }),
        json!({ "blocks": { "b": { "html": "", "fragment": "/f" } } }),
        json!({ "blocks": { "b": { "html": "", "ttl_s": 1 } } }),
        json!({ "blocks": { "b": { "fragment": "f" } } }),
        json!({ "blocks": { "b": { "fragment": "/f", "timeout_ms": 5 } } }),
        json!({ "blocks": { "default": { "html": "" } } }),
        edit(json!({ "action": "swap" })),
        edit(json!({ "action": "set-attribute" })),
        edit(json!({ "attribute": "href" })),
        edit(json!({ "action": "set-attribute", "attribute": "onclick" })),
        edit(json!({ "url": "https://www.example.com/" })),
        gate(json!({})),
        gate(json!({ "redirect": "/a", "refuse": 404 })),
        gate(json!({ "redirect": "//a" })),
        gate(json!({ "redirect": "/a", "block": "b" })),
        gate(json!({ "redirect": "/a", "status": 304 })),
        gate(json!({ "split": "x" })),
        json!({ "experiments": { "x": { "variations": [{}] } } }),
        json!({ "experiments": { "x": { "variations": [{}, {}], "status": "paused" } } }),
        json!({ "facts": { "place.planet": { "type": "text" } } }),
        json!({ "facts": { "trait.plan": { "type": "string" } } }),
        json!({ "settings": { "redirect_hosts": ["https://shop.example"] } }),
        with_condition(&json!({ "place.contry": "DE" })),
        with_condition(&json!({ "$eq": "DE" })),
        with_condition(&json!({ "place.country": { "$equals": "DE" } })),
        with_condition(&json!({ "place.country": { "$in": "DE" } })),
        with_condition(&json!({ "time.local": { "$timeBetween": ["09:00"] } })),
        with_condition(&json!({ "language.all": { "$elemMatch": { "$audience": "german" } } })),
        with_condition(&json!({ "$slot": { "name": "hero", "show": [] } })),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
        assert_ne!(findings(&wrong.to_string()), [""; 0], "{wrong}");
    }
}

/// What is put into every place of a good ruleset.
fn replacements() -> Vec<Value> {
    let values = [
        json!(null),
        json!(true),
        json!(-7),
        json!(0.5),
        json!(3),
        json!(4e9),
        json!(""),
        json!("a b"),
        json!("r"),
        json!("/x"),
        json!("2026-11-27T00:00:00Z"),
        json!([]),
        json!(["x"]),
        json!([0, 1]),
        json!([1, 0.5, 0]),
        json!({}),
        json!({ "x": 1 }),
        json!({ "$eq": 1 }),
        json!({ "$and": [] }),
    ];
    values.to_vec()
}

#[test]
fn schema_and_reader_agree_on_every_change_of_every_part() {
    let validator = validator();
    let mut good: Vec<Value> =
        examples().iter().map(|example| serde_json::from_str(example).unwrap()).collect();
    let nested = json!({
        "language.all": {"$size": {"$gte": 1}, "$elemMatch": {"$startsWith": "de"}, "$all": ["de"]},
        "trait.list": {"$elemMatch": {"a.b": {"$gt": 1}, "$or": [{"c": 1}, {"$not": {"d": 2}}]}},
        "place.city": {"$not": {"$in": ["x"]}, "$exists": true},
        "$or": [{"$experiment": {"key": "headline", "variations": ["short"]}}, {"$slot": {"name": "hero", "shows": ["hallo"]}}],
        "visitor.id": {"$inGroup": "testers"},
        "trait.app_version": {"$vgte": "2.0"},
    });
    good.push(with_condition(&nested));
    let experiment = json!({
        "variations": [{"key": "a", "name": "A", "passthrough": true}, {"key": "b"}],
        "ranges": [[0, 0.5], [0.5, 1]], "attribute": "visitor.id", "fallback_attribute": "trait.id", "seed": "s",
        "hash_version": 1, "filters": [{"seed": "f", "ranges": [[0, 1]]}], "sticky": true, "bucket_version": 1,
        "min_bucket_version": 0, "force": "a", "status": "running", "name": "X",
        "prerequisites": [{"experiment": "y", "variations": ["0"]}, {"slot": "s", "shows": ["default"]}],
    });
    good.push(json!({
        "$schema": "x", "experiments": {"x": experiment, "y": {"variations": [{}, {}]}},
        "slots": {"s": {"rules": [{"id": "r", "experiment": "y", "blocks": {"0": "nothing"}}],
            "holdout": {"range": [0, 0.1], "attribute": "visitor.id", "seed": "h", "hash_version": 2}}},
        "holdout": {"coverage": 0.1},
    }));
    let mut changes = 0;
    for ruleset in good {
        assert!(validator.is_valid(&ruleset), "{ruleset}");
        let mut places = Vec::new();
        collect_places(&ruleset, String::new(), &mut places);
        for place in places {
            for changed in changed(&ruleset, &place) {
                changes += 1;
                agree(&validator, &changed, &place);
            }
        }
    }
    assert!(changes > 5_000, "{changes} changes");
}

fn agree(validator: &Validator, ruleset: &Value, place: &str) {
    let (accepted, found) = (validator.is_valid(ruleset), findings(&ruleset.to_string()));
    let shown = || format!("{place} is {:?} in {ruleset}", ruleset.pointer(place));
    assert!(accepted || !found.is_empty(), "only the schema refuses: {}", shown());
    let of_form: Vec<_> = found.iter().filter(|code| OF_FORM.contains(code)).collect();
    assert!(!accepted || of_form.is_empty(), "only the reader refuses, by {of_form:?}: {}", shown());
}

fn collect_places(value: &Value, place: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect_places(member, format!("{place}/{key}"), into);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_places(item, format!("{place}/{index}"), into);
            }
        }
        _ => {}
    }
    into.push(place);
}

/// The ruleset with other values there, with a field too many there, and with one less.
fn changed(ruleset: &Value, place: &str) -> Vec<Value> {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = ruleset.clone();
        change(changed.pointer_mut(place).expect("the place is in it"));
        changed
    };
    let mut all: Vec<Value> =
        replacements().into_iter().map(|value| with(&|place| *place = value.clone())).collect();
    let keys =
        ruleset.pointer(place).and_then(Value::as_object).into_iter().flat_map(|members| members.keys());
    for key in keys {
        all.push(with(&|place| {
            place.as_object_mut().expect("it has keys").remove(key);
        }));
        for another in ["unknown", "$unknown", "a b"] {
            all.push(with(&|place| {
                place[another] = json!("x");
            }));
        }
    }
    all
}
