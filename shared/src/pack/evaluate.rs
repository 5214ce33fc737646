//! Decisions: which block a slot shows in one request.

use super::format::{Comparison, Instruction, Section, outcome};
use super::memo::Memo;
use super::{BlockIndex, Pack, RuleIndex, SlotIndex, predicate};
use crate::facts::{Fact, Facts};
use crate::kill_switch::KillSwitch;
use std::collections::BTreeMap;

/// What a slot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What stands in the page as authored.
    Default,
    /// No content.
    Nothing,
    /// A block.
    Block(BlockIndex),
}

/// For one slot: what it shows, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it shows.
    pub choice: Choice,
    /// The rule that says so; `None` where no rule matched.
    pub rule: Option<RuleIndex>,
}

/// The decisions of one request. Each predicate is evaluated, and each fact looked up, at most once in its life, and
/// only when a rule that is reached needs it: cost does not depend on what else is in the pack.
pub struct Evaluation<'a> {
    pack: &'a Pack,
    facts: &'a Facts,
    kill_switch: &'a KillSwitch,
    predicates: Memo,
    audiences: Memo,
    known: BTreeMap<u32, Fact<'a>>,
    calls: Vec<Call>,
    /// Instructions that may still be run.
    left: u32,
}

/// Most instructions of one request, which is some milliseconds of work: rules can share a long program, and a pack in
/// which that adds up shows defaults from there on.
const MAX_INSTRUCTIONS: u32 = 1 << 20;

/// An audience under evaluation, and the instruction to go on with when it is known. A stack of our own, as audiences
/// may refer to each other in long chains.
struct Call {
    audience: u32,
    back: u32,
}

const UNDECIDED: Decision = Decision { choice: Choice::Default, rule: None };

impl<'a> Evaluation<'a> {
    /// Of one request with these facts.
    pub fn new(pack: &'a Pack, facts: &'a Facts, kill_switch: &'a KillSwitch) -> Self {
        let (predicates, audiences) = (Memo::default(), Memo::default());
        Evaluation {
            pack,
            facts,
            kill_switch,
            predicates,
            audiences,
            known: BTreeMap::new(),
            calls: Vec::new(),
            left: MAX_INSTRUCTIONS,
        }
    }

    /// The first rule of the slot that matches decides; without one, and whenever in doubt, the default stands.
    pub fn decide(&mut self, slot: SlotIndex) -> Decision {
        if *self.kill_switch == KillSwitch::Off {
            return UNDECIDED;
        }
        self.first_match(slot).unwrap_or(UNDECIDED)
    }

    fn first_match(&mut self, slot: SlotIndex) -> Option<Decision> {
        let (first, count) = self.pack.rules_of(slot)?;
        for rule in first..first.checked_add(count)? {
            let program = self.pack.word(Section::Rules, rule, 1)?;
            if !self.run(program)? {
                continue;
            }
            let rule_index = RuleIndex(rule);
            if !self.kill_switch.lets(self.pack.rule_id(rule_index)) {
                continue;
            }
            let choice = match self.pack.word(Section::Rules, rule, 2)? {
                outcome::DEFAULT => Choice::Default,
                outcome::NOTHING => Choice::Nothing,
                block => Choice::Block(BlockIndex(block.checked_sub(outcome::BLOCK)?)),
            };
            return Some(Decision { choice, rule: Some(rule_index) });
        }
        None
    }

    fn run(&mut self, program: u32) -> Option<bool> {
        let mut next = program;
        let mut truth = true;
        self.calls.clear();
        loop {
            self.left = self.left.checked_sub(1)?;
            let instruction = Instruction::from_word(self.pack.word(Section::Code, next, 0)?)?;
            next = next.checked_add(1)?;
            match instruction {
                Instruction::Set(value) => truth = value,
                Instruction::Not => truth = !truth,
                Instruction::Test(predicate) => truth = self.test(predicate)?,
                Instruction::SkipIfTrue(count) if truth => next = next.checked_add(count)?,
                Instruction::SkipIfFalse(count) if !truth => next = next.checked_add(count)?,
                Instruction::SkipIfTrue(_) | Instruction::SkipIfFalse(_) => {}
                Instruction::Audience(audience) => match self.audiences.get(audience) {
                    Some(answer) => truth = answer,
                    None => {
                        self.calls.push(Call { audience, back: next });
                        next = self.pack.word(Section::Audiences, audience, 1)?;
                    }
                },
                Instruction::End => match self.calls.pop() {
                    Some(call) => {
                        self.audiences.set(call.audience, truth);
                        next = call.back;
                    }
                    None => return Some(truth),
                },
            }
        }
    }

    fn test(&mut self, number: u32) -> Option<bool> {
        if let Some(answer) = self.predicates.get(number) {
            return Some(answer);
        }
        let attribute = self.pack.word(Section::Predicates, number, 0)?;
        let comparison = Comparison::from_word(self.pack.word(Section::Predicates, number, 1)?)?;
        let value = self.pack.word(Section::Predicates, number, 2)?;
        let fact = self.fact(attribute)?;
        let answer = predicate::holds(self.pack, comparison, fact, value)?;
        self.predicates.set(number, answer);
        Some(answer)
    }

    fn fact(&mut self, attribute: u32) -> Option<Fact<'a>> {
        if let Some(fact) = self.known.get(&attribute) {
            return Some(*fact);
        }
        let name = self.pack.text(self.pack.word(Section::Attributes, attribute, 0)?)?;
        let fact = predicate::resolve(self.facts, name);
        self.known.insert(attribute, fact);
        Some(fact)
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Evaluation};
    use crate::facts::Facts;
    use crate::kill_switch::KillSwitch;
    use crate::pack::{Pack, compile};
    use crate::ruleset::Ruleset;
    use serde_json::{Value, json};

    fn pack(ruleset: &Value) -> Pack {
        let (ruleset, diagnostics) = Ruleset::parse(&ruleset.to_string());
        Pack::open(compile(&ruleset.unwrap_or_else(|| panic!("{diagnostics:?}"))).unwrap()).unwrap()
    }

    fn facts(json: Value) -> Facts {
        Facts::from_json(json.as_object().cloned().unwrap_or_default())
    }

    /// Whether a condition holds, by way of a whole pack.
    fn holds(condition: &Value, attributes: &Value) -> bool {
        let rule = json!({"id": "r", "when": condition, "block": "nothing"});
        let pack = pack(&json!({"slots": {"s": {"rules": [rule]}}}));
        let facts = facts(attributes.clone());
        let decision = Evaluation::new(&pack, &facts, &KillSwitch::On).decide(pack.slot("s").unwrap());
        decision.choice == Choice::Nothing
    }

    fn operators(json: &Value, into: &mut Vec<String>) {
        match json {
            Value::Array(items) => items.iter().for_each(|item| operators(item, into)),
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                into.extend(key.starts_with('$').then(|| key.clone()));
                operators(value, into);
            }),
            _ => {}
        }
    }

    const SUBSET: [&str; 13] =
        ["$and", "$or", "$nor", "$not", "$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$in", "$nin", "$exists"];

    #[test]
    fn conditions_are_those_of_growthbook() {
        let folder = std::env::var("HEMSTITCH_DATA").unwrap_or_else(|_| "../../shared".to_owned());
        let path = format!("{folder}/conformance/growthbook-cases.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: there is no {path}");
            return;
        };
        let suite: Value = serde_json::from_str(&text).unwrap();
        let cases = suite["evalCondition"].as_array().unwrap();
        let mut ran = 0;
        let mut wrong = Vec::new();
        for case in cases {
            let mut used = Vec::new();
            operators(&case[1], &mut used);
            if used.iter().all(|operator| SUBSET.contains(&operator.as_str())) {
                ran += 1;
                if holds(&case[1], &case[2]) != case[3].as_bool().unwrap() {
                    wrong.push(case[0].to_string());
                }
            }
        }
        println!("{ran} of {} cases of evalCondition are in the language", cases.len());
        assert_eq!(wrong, Vec::<String>::new());
        assert!(ran >= 75);
    }

    #[test]
    fn coercions_are_those_of_javascript() {
        for (condition, attributes, expect) in [
            (json!({"a": 0}), json!({}), true),
            (json!({"a": "null"}), json!({}), true),
            (json!({"a": "10"}), json!({"a": 10}), true),
            (json!({"a": 10}), json!({"a": " 10 "}), true),
            (json!({"a": true}), json!({"a": "x"}), true),
            (json!({"a": false}), json!({"a": ""}), true),
            (json!({"a": "a,b"}), json!({"a": ["a", "b"]}), true),
            (json!({"a": {"$eq": 10}}), json!({"a": "10"}), false),
            (json!({"a": {"$eq": null}}), json!({}), true),
            (json!({"a": {"$eq": [1]}}), json!({"a": [1]}), false),
            (json!({"a": {"$ne": [1]}}), json!({"a": [1]}), true),
            (json!({"a": {"$lt": 1}}), json!({}), true),
            (json!({"a": {"$lt": "x"}}), json!({"a": 1}), false),
            (json!({"a": {"$gte": "x"}}), json!({"a": 1}), false),
            (json!({"a": {"$lt": "\u{ffff}"}}), json!({"a": "\u{1f600}"}), true),
            (json!({"a": {"$in": [null]}}), json!({}), true),
            (json!({"a": {"$in": [1, "1", true, null, 2.5, "z"]}}), json!({"a": "1"}), true),
            (json!({"a": {"$in": [1, true, null, 2.5, "z"]}}), json!({"a": "1"}), false),
            (json!({"a": {"$in": [0]}}), json!({"a": -0.0}), true),
            (json!({"a": {"$in": []}}), json!({}), false),
            (json!({"a": {"$nin": []}}), json!({}), true),
            (json!({"a": {"$exists": null}}), json!({}), true),
            (json!({"a": {"$exists": true}}), json!({"a": null}), false),
            (json!({"a": {"$not": {"$gt": 1, "$lt": 3}}}), json!({"a": 2}), false),
            (json!({"a": {}}), json!({"a": {}}), true),
            (json!({"a.b.1.c": 1}), json!({"a": {"b": [0, {"c": 1}]}}), true),
            (json!({"a.b": 1}), json!({"a.b": 1, "a": {"b": 2}}), true),
            (json!({"$nor": []}), json!({}), false),
            (json!({"$not": {}}), json!({}), false),
        ] {
            assert_eq!(holds(&condition, &attributes), expect, "{condition} {attributes}");
        }
    }

    fn check(ruleset: &Value, switch: &str, attributes: Value, expect: &[&str]) {
        let pack = pack(ruleset);
        let (facts, switch) = (facts(attributes), KillSwitch::parse(switch).expect("a setting"));
        let mut evaluation = Evaluation::new(&pack, &facts, &switch);
        for _ in 0..2 {
            let decided: Vec<String> = ["a", "b"]
                .iter()
                .map(|slot| {
                    let decision = evaluation.decide(pack.slot(slot).unwrap());
                    let shown = match decision.choice {
                        Choice::Default => "default",
                        Choice::Nothing => "nothing",
                        Choice::Block(block) => pack.block(block).id,
                    };
                    format!("{shown} by {}", decision.rule.map_or("nobody", |rule| pack.rule_id(rule)))
                })
                .collect();
            assert_eq!(decided, expect);
        }
    }

    fn two_slots() -> Value {
        json!({
            "audiences": {"z": {"n": 1}, "both": {"$audience": "z", "m": 1}, "not": {"$not": {"$audience": "both"}}},
            "blocks": {"x": {"html": "X"}, "y": {"html": "Y"}},
            "slots": {
                "a": {"rules": [
                    {"id": "a1", "audience": "both", "when": {"k": 1}, "block": "x"},
                    {"id": "a2", "audience": "both", "block": "default"},
                    {"id": "a3", "block": "y"},
                ]},
                "b": {"rules": [{"id": "b1", "audience": "not", "block": "nothing"}]},
            },
        })
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let ruleset = two_slots();
        check(&ruleset, "on", json!({"n": 1, "m": 1, "k": 1}), &["x by a1", "default by nobody"]);
        check(&ruleset, "on", json!({"n": 1, "m": 1}), &["default by a2", "default by nobody"]);
        check(&ruleset, "on", json!({"n": 1}), &["y by a3", "nothing by b1"]);
    }

    #[test]
    fn the_kill_switch_takes_rules_out() {
        let ruleset = two_slots();
        check(&ruleset, "off", json!({}), &["default by nobody", "default by nobody"]);
        let everything = json!({"n": 1, "m": 1, "k": 1});
        check(&ruleset, "off:a1,a2", everything, &["y by a3", "default by nobody"]);
        check(&ruleset, "off:a3,b1", json!({}), &["default by nobody", "default by nobody"]);
    }

    #[test]
    fn a_long_chain_of_audiences_does_not_exhaust_the_stack() {
        let link = |at: u32| match at {
            0 => ("n0".to_owned(), json!({"n": 1})),
            _ => (format!("n{at}"), json!({"$not": {"$audience": format!("n{}", at - 1)}})),
        };
        let audiences: serde_json::Map<String, Value> = (0..50_001).map(link).collect();
        let rules = json!([{"id": "r", "audience": "n50000", "block": "nothing"}]);
        let slots = json!({"a": {"rules": rules}, "b": {"rules": []}});
        let ruleset = json!({"audiences": audiences, "slots": slots});
        check(&ruleset, "on", json!({"n": 1}), &["nothing by r", "default by nobody"]);
    }
}
