//! Rulesets and what is found in them.

use super::{CODES, Ruleset, Severity};
use proptest::prelude::*;

/// `expect` is code, pointer, line and column of each diagnostic. Blocks are left out that nothing shows, where that is
/// not what is expected.
fn check(json: &str, expect: &[(&str, &str, u32, u32)]) {
    const UNUSED: &str = "HS0307";
    let (ruleset, mut diagnostics) = Ruleset::parse(json);
    if expect.iter().all(|(code, ..)| *code != UNUSED) {
        diagnostics.retain(|one| one.code != UNUSED);
    }
    let found: Vec<(&str, &str, u32, u32)> =
        diagnostics.iter().map(|one| (one.code, one.pointer.as_str(), one.line, one.column)).collect();
    assert_eq!(found, expect, "{json}\n{diagnostics:#?}");
    let clean = diagnostics.iter().all(|one| one.severity == Severity::Warning);
    assert_eq!(ruleset.is_some(), clean, "{json}");
    assert!(diagnostics.iter().all(|one| CODES.iter().any(|code| code.id == one.code)));
}

fn helps(json: &str) -> Vec<String> {
    Ruleset::parse(json).1.into_iter().filter_map(|one| one.help).collect()
}

/// An edit with these fields in place of the good ones.
fn edit(fields: &str) -> String {
    format!(r#"{{"edits":[{{{fields},"rules":[]}}]}}"#)
}

pub(crate) const VALID: &str = r##"{
  "audiences": {
"german": {"place.country": "DE"},
"finance": {"$and": [{"interest.finance": {"$gte": 0.5}}, {"$audience": "german"}]}
  },
  "blocks": {
"hero-de": {"html": "<h1>Grüße \u00e4 \\ \"</h1>"},
"promo": {"fragment": "/fragments/promo.html", "timeout_ms": 800, "ttl_s": 60, "fallback": "hero-de"}
  },
  "slots": {
"hero": {"rules": [
  {"id": "hero-german", "audience": "german", "block": "hero-de"},
  {"id": "r2", "when": {"visitor.visits": {"$in": [1, 2]}, "trait.x": {"$not": {"$exists": true}}}, "block": "default"}
]}
  },
  "edits": [
{"id": "cta", "url": "/pricing*", "selector": "#cta", "action": "replace", "rules": [{"id": "e1", "block": "promo"}]},
{"id": "link", "url": "*", "selector": "a.buy", "action": "set-attribute", "attribute": "href", "rules": []}
  ]
}"##;

#[test]
fn a_valid_ruleset_has_no_findings() {
    check(VALID, &[]);
    check("{}", &[]);
}

#[test]
fn what_is_not_json_is_located() {
    check("", &[("HS0001", "", 1, 1)]);
    check("{\n  \"slots\": {,}\n}", &[("HS0001", "", 2, 13)]);
    check("[]", &[("HS0007", "", 1, 1)]);
    check(r#"{"blocks":{"a":{"html":"\ud800"}}}"#, &[("HS0001", "/blocks/a/html", 1, 24)]);
    check(r#"{"audiences":{"a":{"trait.x":1e999}}}"#, &[("HS0001", "/audiences/a/trait.x", 1, 30)]);
}

#[test]
fn a_repeated_key_is_not_lost() {
    let json = "{\"blocks\": {\n  \"ü\": {\"html\": \"1\"}, \"ü\": {\"html\": \"2\"}\n}}";
    check(json, &[("HS0002", "/blocks/ü", 2, 23)]);
}

#[test]
fn nesting_is_bounded_however_deep() {
    let nested = |levels: usize| {
        format!(r#"{{"audiences":{{"a":{{"trait.x":{}{}}}}}}}"#, "[".repeat(levels), "]".repeat(levels))
    };
    check(&nested(61), &[]);
    for levels in [62, 1_000_000] {
        let pointer = format!("/audiences/a/trait.x{}", "/0".repeat(61));
        check(&nested(levels), &[("HS0003", &pointer, 1, 30 + 61)]);
    }
    check(&"[".repeat(1_000_000), &[("HS0001", "", 1, 1_000_000)]);
}

#[test]
fn a_ruleset_has_a_greatest_size() {
    check(&" ".repeat(super::MAX_RULESET_BYTES + 1), &[("HS0004", "", 1, 1)]);
}

#[test]
fn an_unknown_word_is_found_with_what_was_meant() {
    let json = r#"{"audiences":{"german":{"trait.a":{"$gtee":1}}},"blocks":{"hero":{"html":""}},"slot":{},
"slots":{"s":{"rules":[{"id":"a","audience":"germna","block":"heor","wen":{}}]}}}"#;
    check(
        json,
        &[
            ("HS0203", "/audiences/german/trait.a/$gtee", 1, 36),
            ("HS0005", "/slot", 1, 79),
            ("HS0201", "/slots/s/rules/0/audience", 2, 45),
            ("HS0301", "/slots/s/rules/0/block", 2, 62),
            ("HS0005", "/slots/s/rules/0/wen", 2, 69),
        ],
    );
    let meant = ["$gte", "slots", "german", "hero", "when"];
    let mut expect: Vec<String> = meant.iter().map(|word| format!("did you mean `{word}`?")).collect();
    expect.insert(1, "name it in a rule, or take it out".to_owned());
    assert_eq!(helps(json), expect);
}

#[test]
fn where_nothing_is_near_the_first_few_names_help() {
    let blocks = |blocks: &str| {
        let slots = r#""slots":{"s":{"rules":[{"id":"a","block":"x-y-z"}]}}"#;
        helps(&format!(r#"{{"blocks":{{{blocks}}},{slots}}}"#)).pop().unwrap()
    };
    assert_eq!(blocks(""), "there are `default`, `nothing`");
    assert_eq!(blocks(r#""b":{"html":""},"c":{"html":""}"#), "there are `default`, `nothing`, `b`, `c`");
    let many: Vec<String> = (0..9).map(|at| format!(r#""b{at}":{{"html":""}}"#)).collect();
    assert_eq!(blocks(&many.join(",")), "there are `default`, `nothing`, `b0`, `b1`, `b2`, …");
    assert_eq!(helps(r#"{"audiences":{"a":{"$audience":"long-name"}}}"#), ["there is only `a`"]);
}

#[test]
fn an_error_hides_nothing_of_the_rest() {
    let json = r#"{
"audiences": {"all": {}, "none": {"$audience": "gone"}, "odd": {"place.country": {"$gt": 1, "$nope": 2}}},
"blocks": {"unused": {"html": ""}, "named": {"html": ""}},
"slots": {"s": {"rules": [
{"id": "a", "block": "default"}, {"id": "b", "block": "nothing"}, {"id": "c", "experiment": "e", "blocks": {"0": "named"}}
]}}}"#;
    check(
        json,
        &[
            ("HS0215", "/audiences/all", 2, 15),
            ("HS0201", "/audiences/none/$audience", 2, 48),
            ("HS0203", "/audiences/odd/place.country/$nope", 2, 93),
            ("HS0307", "/blocks/unused", 3, 12),
            ("HS0508", "/slots/s/rules/1", 5, 34),
            ("HS0601", "/slots/s/rules/2/experiment", 5, 93),
        ],
    );
}

#[test]
fn conditions_are_checked_at_every_depth() {
    for (condition, expect) in [
        (r#"{"$gt": 1}"#, vec![("HS0203", "/audiences/a/$gt", 1, 20)]),
        (r#"{"trait.x": {"$or": []}}"#, vec![("HS0203", "/audiences/a/trait.x/$or", 1, 32)]),
        (r#"{"$and": {}}"#, vec![("HS0007", "/audiences/a/$and", 1, 28)]),
        (r#"{"$or": [1]}"#, vec![("HS0007", "/audiences/a/$or/0", 1, 28)]),
        (r#"{"$audience": 1}"#, vec![("HS0007", "/audiences/a/$audience", 1, 33)]),
        (
            r#"{"trait.x": {"$in": 1}}"#,
            vec![("HS0214", "/audiences/a", 1, 15), ("HS0205", "/audiences/a/trait.x/$in", 1, 39)],
        ),
        (
            r#"{"trait.x": {"$eq": []}}"#,
            vec![("HS0214", "/audiences/a", 1, 15), ("HS0205", "/audiences/a/trait.x/$eq", 1, 39)],
        ),
        (r#"{"trait.x": {"$gt": 1, "y": 2}}"#, vec![("HS0206", "/audiences/a/trait.x", 1, 31)]),
        (
            r#"{"$not": {"trait.x": {"$regx": ""}}}"#,
            vec![("HS0203", "/audiences/a/$not/trait.x/$regx", 1, 41)],
        ),
    ] {
        check(&format!(r#"{{"audiences":{{"a":{condition}}}}}"#), &expect);
    }
}

#[test]
fn every_cycle_is_a_finding() {
    check(
        r#"{"audiences":{"b":{"$audience":"a"},"a":{"$not":{"$audience":"b"}},"c":{"$audience":"c"}}}"#,
        &[("HS0202", "/audiences/a", 1, 37), ("HS0202", "/audiences/c", 1, 68)],
    );
    check(
        r#"{"blocks":{"a":{"fragment":"/a","fallback":"b"},"b":{"fragment":"/b","fallback":"a"}}}"#,
        &[("HS0302", "/blocks/a", 1, 12)],
    );
}

#[test]
fn names_are_checked_and_ids_are_unique() {
    let rules = r#"{"rules":[{"id":"r","block":"nothing"}]}"#;
    check(
        &format!(r#"{{"slots":{{"a b":{rules},"c":{rules}}}}}"#),
        &[("HS0101", "/slots/a b", 1, 11), ("HS0103", "/slots/c/rules/0/id", 1, 78)],
    );
    check(
        r#"{"blocks":{"default":{"html":""},"":{"html":""}}}"#,
        &[("HS0105", "/blocks/default", 1, 12), ("HS0104", "/blocks/", 1, 34)],
    );
    check(
        r#"{"slots":{"s":{"rules":[{"id":"a,b","block":"default"},{"block":"default"},{"id":"c"}]}}}"#,
        &[
            ("HS0102", "/slots/s/rules/0/id", 1, 31),
            ("HS0006", "/slots/s/rules/1", 1, 56),
            ("HS0006", "/slots/s/rules/2", 1, 76),
        ],
    );
}

#[test]
fn blocks_are_checked() {
    for (block, code) in [
        (r#"{}"#, "HS0303"),
        (r#"{"html":"","fragment":"/"}"#, "HS0303"),
        (r#"{"html":"","ttl_s":1}"#, "HS0303"),
        (r#"{"html":1}"#, "HS0007"),
        (r#"{"fragment":"//x"}"#, "HS0304"),
        (r#"{"fragment":"/_hs/blocks/a"}"#, "HS0304"),
        (r#"{"fragment":"/x","timeout_ms":9}"#, "HS0008"),
        (r#"{"fragment":"/x","timeout_ms":10.5}"#, "HS0008"),
        (r#"{"fragment":"/x","ttl_s":-1}"#, "HS0008"),
        (r#"{"fragment":"/x","ttl_s":1e300}"#, "HS0008"),
        (r#"{"fragment":"/x","fallback":"default"}"#, "HS0301"),
    ] {
        let (_, found) = Ruleset::parse(&format!(r#"{{"blocks":{{"a":{block}}}}}"#));
        let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, [code], "{block}");
    }
}

#[test]
fn edits_are_checked() {
    let set = r#""url":"*","id":"e","selector":"a","action":"set-attribute""#;
    for (fields, code) in [
        (r#""url":"*","id":"e","selector":"a >","action":"remove""#.to_owned(), "HS0401"),
        (r#""url":"*","id":"e","selector":"","action":"remove""#.to_owned(), "HS0401"),
        (format!(r#""url":"*","id":"e","selector":"{}","action":"remove""#, ":not(".repeat(200)), "HS0401"),
        (r#""url":"*","id":"e","selector":"a","action":"removed""#.to_owned(), "HS0402"),
        (r#""url":"*","id":"e","selector":"a","action":"remove","attribute":"href""#.to_owned(), "HS0403"),
        (r#""url":"x","id":"e","selector":"a","action":"remove""#.to_owned(), "HS0406"),
        (r#""url":"/x?y","id":"e","selector":"a","action":"remove""#.to_owned(), "HS0406"),
        (r#""url":"/x","id":"e","selector":"a""#.to_owned(), "HS0006"),
        (set.to_owned(), "HS0403"),
        (format!(r#"{set},"attribute":"a b""#), "HS0404"),
        (format!(r#"{set},"attribute":"""#), "HS0404"),
        (format!(r#"{set},"attribute":"é""#), "HS0404"),
        (format!(r#"{set},"attribute":"onClick""#), "HS0405"),
    ] {
        let (_, found) = Ruleset::parse(&edit(&fields));
        let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, [code], "{fields}");
    }
}

#[test]
fn a_rule_of_an_edit_needs_a_block_that_suits_the_action() {
    let json = r#"{"blocks":{"f":{"fragment":"/f"},"h":{"html":""}},"edits":[
{"url":"*","id":"e","selector":"a","action":"remove","rules":[{"id":"1","block":"h"},{"id":"2","block":"nothing"}]},
{"url":"*","id":"e","selector":"a","action":"set-attribute","attribute":"href","rules":[{"id":"3","block":"f"}]}]}"#;
    let unsuitable = ("HS0407", "/edits/0/rules/0/block", 2, 81);
    check(
        json,
        &[unsuitable, ("HS0103", "/edits/1/id", 3, 17), ("HS0407", "/edits/1/rules/0/block", 3, 107)],
    );
}

#[test]
fn many_findings_stay_cheap() {
    let rule = |at: usize| format!(r#"{{"id":"{at}","audience":"nobody{at}","block":"b{at}"}}"#);
    let rules: Vec<String> = (0..20_000).map(rule).collect();
    let json = format!(r#"{{"slots":{{"s":{{"rules":[{}]}}}}}}"#, rules.join(","));
    assert_eq!(Ruleset::parse(&json).1.len(), 40_000);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", json in "[\\[\\]{}\",:0-9a\\\\u$ntrue.-]{0,60}") {
        let _ = Ruleset::parse(&text);
        let _ = Ruleset::parse(&json);
    }

    #[test]
    fn no_change_of_a_good_ruleset_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[\\PC\"{}\\[\\],:$]{0,3}"), 1..5)
    ) {
        let mut text = VALID.to_owned();
        for (place, length, new) in changes {
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let from = place.index(boundaries.len());
            let to = (from + length).min(boundaries.len() - 1);
            text.replace_range(boundaries[from]..boundaries[to], &new);
        }
        let (ruleset, diagnostics) = Ruleset::parse(&text);
        prop_assert!(ruleset.is_some() || !diagnostics.is_empty());
    }
}

fn codes(json: &str) -> Vec<&'static str> {
    Ruleset::parse(json).1.into_iter().map(|one| one.code).collect()
}

#[test]
fn what_an_experiment_shows_suits_the_edit_that_asks_it() {
    let json = |attribute: &str, blocks: &str| {
        format!(
            r##"{{"blocks":{{"far":{{"fragment":"/f"}},"wild":{{"html":"{{{{ trait.x }}}}"}},"tame":{{"html":"/x"}}}},
"experiments":{{"x":{{"variations":[{{"block":"far"}},{{"key":"b","block":"wild"}}]}}}},
"edits":[{{"id":"e","url":"*","selector":"#a","action":"set-attribute","attribute":"{attribute}","rules":[{{"id":"r","experiment":"x","blocks":{blocks}}}]}}]}}"##
        )
    };
    assert_eq!(codes(&json("title", "{}")), ["HS0307", "HS0407"]);
    assert_eq!(codes(&json("title", r#"{"0":"tame"}"#)), Vec::<&str>::new());
    assert_eq!(codes(&json("style", r#"{"0":"tame"}"#)), ["HS0306"]);
    assert_eq!(codes(&json("style", r#"{"0":"tame","b":"tame"}"#)), Vec::<&str>::new());
}

#[test]
fn a_negative_weight_is_no_share() {
    let weights = |weights: &str| {
        codes(&format!(r#"{{"experiments":{{"x":{{"variations":[{{}},{{}}],"weights":{weights}}}}}}}"#))
    };
    assert_eq!(weights("[1.5,-0.5]"), ["HS0603"]);
    assert_eq!(weights("[1,0]"), Vec::<&str>::new());
    assert_eq!(weights("[-1,0.5]"), ["HS0603", "HS0603"]);
}

#[test]
fn what_has_no_effect_is_found() {
    let audience = |condition: &str| format!(r#"{{"audiences":{{"a":{condition}}}}}"#);
    for (condition, expect) in [
        (r#"{}"#, &["HS0215"][..]),
        (r#"{"$or":[{"place.country":"DE"},{}]}"#, &["HS0215"]),
        (r#"{"place.country":{"$in":[]}}"#, &["HS0214"]),
        (r#"{"place.country":"DE","$not":{"place.country":"DE"}}"#, &["HS0214"]),
        (r#"{"$and":[{"place.country":"DE"},{"place.country":"FR"}]}"#, &["HS0214"]),
        (r#"{"visitor.visits":{"$gt":3,"$lt":3}}"#, &["HS0214"]),
        (r#"{"$or":[{"trait.x":1},{"trait.y":2},{"$not":{"trait.x":1}}]}"#, &["HS0215"]),
        (r#"{"place.country":{"$eq":"DE","$in":["FR","AT"]}}"#, &["HS0214"]),
        (r#"{"place.country":{"$exists":true,"$eq":null}}"#, &["HS0214"]),
        (r#"{"place.country":{"$eq":"DE","$in":["FR","DE"]}}"#, &[]),
        (r#"{"$or":[{"trait.x":1},{"$not":{"trait.x":2}}]}"#, &[]),
        (r#"{"visitor.visits":{"$gte":3,"$lte":3}}"#, &[]),
        (r#"{"visitor.visits":{"$gt":3,"$lt":9}}"#, &[]),
    ] {
        assert_eq!(codes(&audience(condition)), expect, "{condition}");
    }
    let slot = |rules: &str| {
        format!(
            r#"{{"blocks":{{"b":{{"html":""}},"c":{{"html":""}}}},"experiments":{{"x":{{"variations":[{{}},{{}}]}}}},"slots":{{"s":{{"rules":[{rules}]}}}}}}"#
        )
    };
    let german = r#""when":{"place.country":"DE"}"#;
    for (rules, expect) in [
        (r#"{"id":"1","block":"b"},{"id":"2","block":"c"}"#.to_owned(), &["HS0508"][..]),
        (format!(r#"{{"id":"1",{german},"block":"b"}},{{"id":"2",{german},"block":"c"}}"#), &["HS0508"]),
        (
            format!(
                r#"{{"id":"1",{german},"block":"b"}},{{"id":"2","when":{{"place.country":"DE","visitor.visits":2}},"block":"c"}}"#
            ),
            &["HS0508"],
        ),
        (
            format!(
                r#"{{"id":"1",{german},"experiment":"x"}},{{"id":"2",{german},"block":"c"}},{{"id":"3","block":"b"}}"#
            ),
            &[],
        ),
        (
            format!(
                r#"{{"id":"1",{german},"block":"b","cap":{{"times":1,"per":"ever"}}}},{{"id":"2",{german},"block":"c"}}"#
            ),
            &[],
        ),
        (format!(r#"{{"id":"1","block":"b"}},{{"id":"2",{german},"priority":1,"block":"c"}}"#), &[]),
        (
            format!(
                r#"{{"id":"1","when":{{"place.country":{{"$in":["DE","AT"]}}}},"block":"b"}},{{"id":"2",{german},"block":"c"}}"#
            ),
            &["HS0508"],
        ),
        (
            format!(
                r#"{{"id":"1","when":{{"$or":[{{"trait.x":1}},{{"place.country":"DE"}}]}},"block":"b"}},{{"id":"2",{german},"block":"c"}}"#
            ),
            &["HS0508"],
        ),
        (
            r#"{"id":"1","when":{"visitor.visits":{"$gte":3}},"block":"b"},{"id":"2","when":{"visitor.visits":{"$gt":3}},"block":"c"}"#.to_owned(),
            &["HS0508"],
        ),
        (
            r#"{"id":"1","when":{"visitor.visits":{"$gt":3}},"block":"b"},{"id":"2","when":{"visitor.visits":{"$gte":3}},"block":"c"}"#.to_owned(),
            &[],
        ),
        (format!(r#"{{"id":"1",{german},"block":"b"}}"#), &["HS0307"]),
        (
            r#"{"id":"1","when":{"place.country":{"$in":[]}},"block":"b"},{"id":"2","block":"c"}"#.to_owned(),
            &["HS0509"],
        ),
    ] {
        assert_eq!(codes(&slot(&rules)), expect, "{rules}");
    }
}

#[test]
fn a_fact_is_compared_with_what_it_can_be() {
    let rules = |condition: &str| {
        format!(
            r#"{{"facts":{{"tier":{{"type":"number"}}}},"slots":{{"s":{{"rules":[{{"id":"1","when":{condition},"block":"nothing"}}]}}}}}}"#
        )
    };
    for (condition, fits) in [
        (r#"{"visitor.visits":{"$eq":"3"}}"#, false),
        (r#"{"visitor.visits":"3"}"#, true),
        (r#"{"visitor.visits":"three"}"#, false),
        (r#"{"visitor.visits":{"$in":["1","2"]}}"#, false),
        (r#"{"visitor.visits":{"$in":["1",2]}}"#, true),
        (r#"{"visitor.returning":{"$eq":1}}"#, false),
        (r#"{"visitor.returning":true}"#, true),
        (r#"{"visitor.returning":"yes"}"#, false),
        (r#"{"place.city":["a"]}"#, false),
        (r#"{"place.city":{"$size":1}}"#, false),
        (r#"{"language.all":{"$in":["de"]}}"#, true),
        (r#"{"language.all":{"$elemMatch":{"$startsWith":"de"}}}"#, true),
        (r#"{"place.country":"de"}"#, false),
        (r#"{"place.country":{"$in":["DE","Germany"]}}"#, false),
        (r#"{"tier":{"$eq":"gold"}}"#, false),
        (r#"{"tier":{"$eq":3}}"#, true),
        (r#"{"trait.tier":{"$eq":"gold"}}"#, true),
    ] {
        let expect: &[&str] = if fits { &[] } else { &["HS0205"] };
        assert_eq!(codes(&rules(condition)), expect, "{condition}");
    }
}
