//! Any bytes are refused as a pack, or decide without panic.
#![no_main]

use hemstitch::facts::Facts;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Choice, Evaluation, Pack, compile};
use hemstitch::ruleset::Ruleset;
use libfuzzer_sys::fuzz_target;

const RULESET: &str = include_str!("../seeds/ruleset.json");

fuzz_target!(|changes: Vec<(u16, u8)>| {
    let (ruleset, _) = Ruleset::parse(RULESET);
    let mut bytes = compile(&ruleset.expect("the seed is valid")).expect("the seed compiles");
    for (at, value) in changes {
        let at = usize::from(at) % bytes.len();
        bytes[at] = value;
    }
    let Ok(pack) = Pack::open(bytes) else { return };
    let facts = serde_json::json!({"place.country": "DE", "interest.finance": 0.7, "visitor.visits": 3});
    let facts = Facts::from_json(facts.as_object().cloned().unwrap_or_default());
    let mut evaluation = Evaluation::new(&pack, &facts, &KillSwitch::On);
    for slot in ["hero", "promo", "aside"].iter().filter_map(|name| pack.slot(name)) {
        if let Choice::Block(block) = evaluation.decide(slot).choice {
            let _ = pack.block(block);
        }
    }
    for edit in pack.edits_for("/pricing/a") {
        let _ = evaluation.decide(edit.slot);
    }
});
