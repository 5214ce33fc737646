//! Any condition is refused, or compiles and answers the same each time for any attributes.
#![no_main]

use hemstitch::facts::Facts;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Choice, Evaluation, Pack, compile};
use hemstitch::ruleset::Ruleset;
use hemstitch::time::UnixTime;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

// The first line is the condition, the second holds the facts.
fuzz_target!(|text: &str| {
    let (condition, facts) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(condition) = serde_json::from_str::<Value>(condition) else { return };
    let stated: Map<String, Value> = serde_json::from_str(facts).unwrap_or_default();
    let rule = json!({ "id": "r", "when": condition, "block": "nothing" });
    let ruleset = json!({
        "facts": { "a": { "type": "any" } },
        "groups": { "g": ["a", 1, null] },
        "audiences": { "n": { "a": { "$gt": 1 } } },
        "slots": { "s": { "rules": [rule] } },
    });
    let (ruleset, findings) = Ruleset::parse_leniently(&ruleset.to_string());
    let Some(ruleset) = ruleset else { return assert!(!findings.is_empty()) };
    let Ok(bytes) = compile(&ruleset) else { return };
    let pack = Pack::open(bytes).expect("what was compiled opens");
    let facts = Facts::from_json(stated, UnixTime(1_795_822_200));
    let slot = pack.slot("s").expect("the ruleset has the slot");
    let decide = || Evaluation::new(&pack, &facts, &KillSwitch::On).decide(slot);
    let decision = decide();
    assert_eq!(decision, decide());
    let explanation = pack.explain(slot, &facts, &KillSwitch::On);
    assert_eq!(explanation.decision, decision);
    assert_eq!(explanation.passed.is_empty(), decision.choice == Choice::Nothing);
});
