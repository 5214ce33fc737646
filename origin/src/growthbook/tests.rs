use hemstitch::ruleset::{Ruleset, Severity};

use super::*;

const EXPORT: &str = r#"{
  "status": 200,
  "features": {
    "hero text": {
      "defaultValue": "<h1>Hello</h1>",
      "rules": [
        {"id": "fr_1", "condition": {"country": {"$in": ["FR", "BE"]}, "plan": "gold"}, "force": "<h1>Bonjour</h1>"},
        {"condition": {"id": {"$inGroup": "grp_beta"}}, "force": "<h1>Beta</h1>", "coverage": 0.25, "hashAttribute": "id"},
        {"key": "hero-test", "variations": ["<h1>Hello</h1>", "<h1>Hi</h1>"], "weights": [0.3, 0.7], "coverage": 0.8,
         "hashVersion": 2, "seed": "s1", "meta": [{"key": "control", "name": "Control"}, {"key": "short"}],
         "namespace": ["ns", 0, 0.5], "condition": {"$not": {"browser": "edge"}}, "phase": "1", "tracks": []},
        {"parentConditions": [{"id": "other", "condition": {"value": true}}], "force": "<h1>Parent</h1>"}
      ]
    },
    "dark-mode": {"defaultValue": false, "rules": [{"force": true}]},
    "price": {"defaultValue": 9.5, "rules": [{"variations": [9.5, null, true, {"a": 1}], "weights": [0.25, 0.25, 0.25, 0.25]}]},
    "layout": {"defaultValue": {"columns": 2}, "rules": [{"force": [1, 2]}]}
  },
  "savedGroups": {"grp_beta": ["u1", "u2"]},
  "experiments": [{"key": "visual", "variations": [{}, {"css": "h1 { color: red }"}], "weights": [0.5, 0.5], "status": "running"}]
}"#;

fn read(text: &str) -> Import {
    import(text, &BTreeMap::new()).unwrap()
}

fn lacks(import: &Import) -> Vec<String> {
    import.lacking.iter().map(ToString::to_string).collect()
}

#[test]
fn an_export_becomes_a_ruleset_that_can_be_published() {
    let import = read(EXPORT);
    let text = serde_json::to_string_pretty(&import.ruleset).unwrap();
    let (_, findings) = Ruleset::parse(&text);
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    assert!(crate::RulesetFile::of(text).compile().is_ok());
    let rules = &import.ruleset["slots"]["hero-text"]["rules"];
    assert_eq!(
        rules[0],
        json!({
            "id": "fr_1", "block": "hero-text-1",
            "when": {"place.country": {"$in": ["FR", "BE"]}, "trait.plan": "gold"},
        })
    );
    assert_eq!(rules[1]["when"], json!({"visitor.id": {"$inGroup": "grp_beta"}}));
    let share = json!({"coverage": 0.25, "attribute": "visitor.id", "seed": "hero text", "hash_version": 1});
    assert_eq!(rules[1]["rollout"], share);
    assert_eq!(rules[2], json!({"id": "hero-text-3", "experiment": "hero-test"}));
    assert_eq!(rules[3]["id"], "hero-text-default");
    assert_eq!(
        import.ruleset["experiments"]["hero-test"],
        json!({
            "variations": [
                {"key": "control", "name": "Control", "block": "hero-test-0"}, {"key": "short", "block": "hero-test-1"}],
            "weights": [0.3, 0.7], "coverage": 0.8, "attribute": "visitor.id", "seed": "s1", "hash_version": 2,
            "namespace": {"name": "ns", "range": [0, 0.5]}, "when": {"$not": {"device.browser": "edge"}},
        })
    );
    assert_eq!(import.ruleset["groups"], json!({"grp_beta": ["u1", "u2"]}));
    let flag = &import.ruleset["slots"]["dark-mode"]["rules"];
    assert_eq!((&flag[0]["block"], &flag[1]["block"]), (&json!("default"), &json!("nothing")));
    let price = &import.ruleset["slots"]["price"]["rules"][1]["block"];
    assert_eq!(import.ruleset["blocks"][price.as_str().unwrap()], json!({"html": "9.5"}));
    // One text is one block, wherever it is shown.
    assert_eq!(rules[3]["block"], "hero-test-0");
}

#[test]
fn what_has_no_counterpart_is_named() {
    let lacks = lacks(&read(EXPORT));
    for expect in [
        "`tracks` of rule 3 of feature hero text",
        "rule 4 of feature hero text: it depends on another feature",
        "rule 1 of feature layout: a list or an object",
        "the default of feature layout",
        "feature layout: nothing of it can be shown",
        "variation 1 of rule 1 of feature price: a list or an object",
        "variation 3 of rule 1 of feature price: a list or an object",
        "experiment visual: it changes pages by scripts",
    ] {
        assert!(lacks.iter().any(|lack| lack.starts_with(expect)), "{expect}\n{lacks:#?}");
    }
    assert!(
        !lacks.iter().any(|lack| lack.contains("dark-mode") || lack.contains("variation 0")),
        "{lacks:#?}"
    );
}

#[test]
fn an_experiment_of_the_api_keeps_its_split_and_its_targeting() {
    let import = read(
        r#"{"experiment": {"id": "exp_1", "trackingKey": "prices", "hashAttribute": "id", "hashVersion": 2, "status": "running",
            "variations": [{"key": "0", "name": "Old"}, {"key": "1", "name": "New"}],
            "phases": [{"coverage": 0.5, "trafficSplit": [{"variationId": "a", "weight": 0.9}, {"variationId": "b", "weight": 0.1}],
                        "targetingCondition": "{\"country\": \"DE\"}"}],
            "settings": {"goals": []}}}"#,
    );
    assert_eq!(
        import.ruleset["experiments"]["prices"],
        json!({
            "variations": [{"key": "0", "name": "Old"}, {"key": "1", "name": "New"}],
            "coverage": 0.5, "weights": [0.9, 0.1], "attribute": "visitor.id", "seed": "prices", "hash_version": 2,
            "when": {"place.country": "DE"}, "status": "running",
        })
    );
    assert!(lacks(&import).iter().any(|lack| lack.starts_with("`settings` of experiment prices")));
}

#[test]
fn attributes_are_the_facts_that_one_says() {
    let attributes = BTreeMap::from([("plan".to_owned(), "trait.tier".to_owned())]);
    let import = import(EXPORT, &attributes).unwrap();
    assert_eq!(import.ruleset["slots"]["hero-text"]["rules"][0]["when"]["trait.tier"], "gold");
}

#[test]
fn what_is_no_export_is_refused_and_what_is_strange_makes_no_panic() {
    for text in ["", "7", "{}", r#"{"a": 1}"#] {
        assert!(import(text, &BTreeMap::new()).is_err(), "{text}");
    }
    let encrypted = import(r#"{"encryptedFeatures": "abc"}"#, &BTreeMap::new());
    assert!(matches!(encrypted, Err(ImportError::Encrypted)));
    for text in [
        r#"{"features": {"a": 1, "b": {"rules": [1, {"variations": 3}, {"variations": []}, {"force": {}}]}}, "savedGroups": {"g": 1}}"#,
        r#"[1, {"key": "x"}, {"variations": [1, 2], "id": "y", "phases": 3}]"#,
        r#"{"features": {"": {"defaultValue": "x", "rules": [{"id": "ä", "condition": [1], "force": "y"}]}}}"#,
    ] {
        let _import = read(text);
    }
}
