//! Rulesets of any size, of rules as marketers write them.

use std::fmt::Write;

use crate::reference::block;

/// Rules of each slot, but of [`one_long_slot`].
const RULES_OF_A_SLOT: usize = 10;

/// A ruleset of so many rules, ten to a slot. The slots `b-0` to `b-{slots - 1}` are those of the page; the last of their
/// rules matches, with a block of the size of a fragment. All others are of other pages.
pub fn ruleset(rules: usize, slots: usize) -> String {
    let mut json = String::from(r#"{"blocks":{"#);
    for index in 0..slots {
        let html = serde_json::Value::from(block(index));
        let _ = write!(json, r#""block-{index}":{{"html":{html}}},"#);
    }
    json.push_str(r#""elsewhere":{"html":"<p>elsewhere</p>"}},"slots":{"#);
    let pages_slots = slots.min(rules / RULES_OF_A_SLOT);
    for slot in 0..rules / RULES_OF_A_SLOT {
        if slot > 0 {
            json.push(',');
        }
        match slot < pages_slots {
            true => write!(json, r#""b-{slot}":{{"rules":["#),
            false => write!(json, r#""elsewhere-{slot}":{{"rules":["#),
        }
        .unwrap_or_default();
        for place in 0..RULES_OF_A_SLOT {
            let rule = slot * RULES_OF_A_SLOT + place;
            let last = slot < pages_slots && place == RULES_OF_A_SLOT - 1;
            let comma = if place == 0 { "" } else { "," };
            let (when, block) = match last {
                true => (r#"{"visitor.visits":{"$gte":1}}"#.to_owned(), format!("block-{slot}")),
                false => (ordinary(rule), "elsewhere".to_owned()),
            };
            let _ = write!(json, r#"{comma}{{"id":"campaign-{rule}","when":{when},"block":"{block}"}}"#);
        }
        json.push_str("]}");
    }
    json.push_str("}}");
    json
}

/// A ruleset whose one slot `b-0` has so many rules, none of which matches but the last.
pub fn one_long_slot(rules: usize) -> String {
    let mut json = String::from(r#"{"blocks":{"block-0":{"html":"<p>one</p>"}},"slots":{"b-0":{"rules":["#);
    for rule in 0..rules.saturating_sub(1) {
        let when = ordinary(rule);
        let _ = write!(json, r#"{{"id":"campaign-{rule}","when":{when},"block":"block-0"}},"#);
    }
    json.push_str(r#"{"id":"everybody-else","block":"block-0"}]}}}"#);
    json
}

/// A condition on two facts that the visitor of the benchmark does not meet.
fn ordinary(rule: usize) -> String {
    let (country, topic, weight) = (rule % 200, rule % 40, 0.5 + (rule % 50) as f64 / 100.0);
    format!(r#"{{"place.country":"C{country}","interest.topic{topic}":{{"$gte":{weight}}}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hemstitch::ruleset::Ruleset;

    #[test]
    fn rulesets_have_as_many_rules_as_asked_for_and_no_errors() {
        for (json, rules) in
            [(ruleset(100, 8), 100), (ruleset(1_000, 8), 1_000), (one_long_slot(1_000), 1_000)]
        {
            let (parsed, findings) = Ruleset::parse(&json);
            let pack = hemstitch::pack::compile(&parsed.unwrap_or_else(|| panic!("{findings:?}"))).unwrap();
            assert_eq!(hemstitch::pack::Pack::open(pack).unwrap().rule_count(), rules);
        }
    }
}
