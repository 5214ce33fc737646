use super::*;

const BEFORE: &str = r#"{
    "facts": {"trait.plan": "text"},
    "audiences": {"german": {"place.country": "DE"}, "old": {"visitor.visits": {"$gt": 9}}},
    "blocks": {"hallo": {"html": "<h1>Hallo</h1>"}, "offer": {"fragment": "/offer.html", "timeout_ms": 300}},
    "experiments": {"price": {"variations": [{"key": "a"}, {"key": "b"}], "weights": [0.5, 0.5]}},
    "slots": {
        "hero": {"rules": [
            {"id": "one", "audience": "german", "block": "hallo"},
            {"id": "two", "block": "offer", "starts_at": "2026-01-01T00:00:00Z"},
            {"id": "three", "block": "default"}]},
        "aside": {"rules": [{"id": "four", "block": "nothing"}]}
    },
    "edits": [{"id": "banner", "url": "/*", "selector": "main", "action": "before", "rules": [{"id": "five", "block": "hallo"}]}],
    "gates": [{"id": "embargo", "audience": "german", "then": {"refuse": 451}}],
    "holdout": 0.1,
    "settings": {"a": 1, "b": 2}
}"#;

/// `BEFORE` with some replacements, and the lines of what changes then.
fn check(replacements: &[(&str, &str)], expect: &[&str]) {
    let mut after = BEFORE.to_owned();
    for (old, new) in replacements {
        assert!(after.contains(old), "{old}");
        after = after.replace(old, new);
    }
    let changes = Changes::between(BEFORE, &after).unwrap();
    assert_eq!(changes.to_string().lines().collect::<Vec<_>>(), expect);
    let back = Changes::between(&after, BEFORE).unwrap();
    assert_eq!(back.is_empty(), changes.is_empty(), "{back}");
}

#[test]
fn spelling_and_the_order_of_members_change_nothing() {
    check(&[], &[]);
    check(&[("0.5, 0.5", "0.50,5e-1"), ("\n", " "), ("\"a\": 1, \"b\": 2", "\"b\": 2.0, \"a\": 1")], &[]);
    check(&[("\"id\": \"one\", \"audience\": \"german\"", "\"audience\": \"german\", \"id\": \"one\"")], &[]);
}

#[test]
fn what_comes_goes_and_changes_is_told_part_by_part() {
    check(
        &[
            (r#""old": {"visitor.visits": {"$gt": 9}}"#, r#""new": {"visitor.visits": {"$gt": 7}}"#),
            ("<h1>Hallo</h1>", "<h1>Guten Tag</h1>"),
            ("[0.5, 0.5]", "[0.9, 0.1]"),
            ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            (r#"{"id": "four", "block": "nothing"}"#, r#"{"id": "six", "block": "nothing"}"#),
            (r#""selector": "main""#, r#""selector": "aside""#),
            ("451", "403"),
            (r#""holdout": 0.1,"#, ""),
            (r#""b": 2"#, r#""b": 3"#),
        ],
        &[
            "+ audience new",
            "- audience old",
            r#"~ block hallo: html "<h1>Hallo</h1>" → "<h1>Guten Tag</h1>""#,
            "~ experiment price: weights [0.5,0.5] → [0.9,0.1]",
            "- rule four of slot aside",
            "+ rule six of slot aside",
            r#"~ rule two of slot hero: starts_at "2026-01-01T00:00:00Z" → "2026-02-01T00:00:00Z""#,
            r#"~ edit banner: selector "main" → "aside""#,
            r#"~ gate embargo: then {"refuse":451} → {"refuse":403}"#,
            "~ holdout: 0.1 → none",
            "~ settings: b 2 → 3",
        ],
    );
}

#[test]
fn the_order_of_rules_is_told_for_those_that_stay() {
    let (one, three) = (
        r#"{"id": "one", "audience": "german", "block": "hallo"}"#,
        r#"{"id": "three", "block": "default"}"#,
    );
    check(
        &[(one, "ONE"), (three, one), ("ONE", three)],
        &[r#"~ rules of slot hero: order ["one","two","three"] → ["three","two","one"]"#],
    );
    check(&[(&format!("{one},"), "")], &["- rule one of slot hero"]);
}

#[test]
fn a_slot_that_comes_brings_its_rules() {
    let after = BEFORE
        .replace(r#""aside": {"#, r#""new": {"rules": [{"id": "seven", "block": "nothing"}]}, "aside": {"#);
    let changes = Changes::between(BEFORE, &after).unwrap();
    assert_eq!(changes.to_string(), "+ slot new\n+ rule seven of slot new\n");
    let back = Changes::between(&after, BEFORE).unwrap();
    assert_eq!(back.to_string(), "- slot new\n- rule seven of slot new\n");
}

#[test]
fn long_values_are_shown_where_they_differ() {
    let long = "x".repeat(400);
    let block = |tail: &str| format!(r#"{{"blocks": {{"b": {{"html": "{long}{tail}"}}}}}}"#);
    let line = Changes::between(&block("one"), &block("two")).unwrap().to_string();
    assert!(line.contains("one\" → …") && line.contains("two\""), "{line}");
    assert!(line.chars().count() < 200, "{line}");
}

#[test]
fn whatever_stands_in_a_ruleset_gives_one_line() {
    for (before, after) in [
        ("{}", r#"{"slots": {"a\u001b[31m": {"rules": []}}}"#),
        ("{}", r#"{"slots": [], "edits": {}, "gates": [1, {"id": 2}], "blocks": 7}"#),
        (r#"{"slots": {"a": {"rules": [{"id": "r"}, {"id": "r"}]}}}"#, r#"{"slots": {"a": 1}}"#),
        (r#"{"holdout": 1}"#, r#"{"holdout": {"a": "b\n"}}"#),
    ] {
        let changes = Changes::between(before, after).unwrap();
        assert_eq!(changes.to_string().lines().count(), changes.list.len());
        assert!(!changes.to_string().contains('\u{1b}'));
        assert!(Changes::between(after, before).is_ok());
    }
    for text in ["", "[]", "7", "{"] {
        assert_eq!(Changes::between("{}", text), Err(Incomparable));
    }
}
