//! Any bytes are refused as a pack, or decide and explain without panic.
#![no_main]

use hemstitch::facts::Facts;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Block, Choice, Content, Evaluation, Pack, Rendering, SlotIndex};
use hemstitch::time::UnixTime;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let Ok(pack) = Pack::open(bytes.to_vec()) else { return };
    let stated = json!({
        "place.country": "DE", "interest.finance": 0.7, "visitor.visits": 3, "visitor.id": "a", "trait.plan": "gold",
        "trait.list": [{"x": [[1, 2]]}, null], "trait.v": "1.2.3", "trait.n": ["a", "b"], "url.path": "/a12",
        "network.address": "192.0.2.7",
    });
    let facts = Facts::from_json(stated.as_object().cloned().unwrap_or_default(), UnixTime(1_795_822_200));
    let mut evaluation = Evaluation::new(&pack, &facts, &KillSwitch::On);
    for slot in ["hero", "promo", "aside"].iter().filter_map(|name| pack.slot(name)) {
        decide(&pack, &facts, &mut evaluation, slot);
    }
    for path in ["/", "/pricing/a", "/old", ""] {
        let _ = evaluation.gate(path).map(|(gate, _)| pack.gate_id(gate));
        for edit in pack.edits_for(path) {
            decide(&pack, &facts, &mut evaluation, edit.slot);
        }
        let _ = pack.visit_json(&pack.explain_visit(path, &facts, &KillSwitch::On));
    }
    let _ = evaluation.learned();
    for experiment in ["color", "path"].iter().filter_map(|key| pack.experiment(key)) {
        let _ = (pack.ranges(experiment), pack.bucket(experiment, "a"), pack.variation_at(experiment, 0.5));
    }
});

fn decide(pack: &Pack, facts: &Facts, evaluation: &mut Evaluation, slot: SlotIndex) {
    let decision = evaluation.decide(slot);
    let _ = pack.explanation_json(&pack.explain(slot, facts, &KillSwitch::On));
    let Choice::Block(first) = decision.choice else { return };
    let mut next = Some(first);
    while let Some(block) = next {
        let Block { content, fallback, .. } = pack.block(block);
        if let Content::Template(template) = content {
            let _ = template.render(facts, Rendering::Markup);
        }
        next = fallback;
    }
}
