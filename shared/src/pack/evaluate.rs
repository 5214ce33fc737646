//! Decisions: which block a slot shows in one request.

use super::assignment::Assigned;
use super::format::{NONE, Section, outcome};
use super::machine::{Compared, Outside};
use super::memo::Memo;
use super::{BlockIndex, ExperimentIndex, Pack, RuleIndex, SlotIndex};
use crate::facts::{Fact, Facts};
use crate::kill_switch::KillSwitch;
use crate::sorted::Sorted;
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// What it shows.
    pub choice: Choice,
    /// The rule that says so; `None` where no rule matched.
    pub rule: Option<RuleIndex>,
    /// How it came to that.
    pub reason: Reason,
}

/// How a decision came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// No rule matched.
    NoRule,
    /// The rule shows a block.
    Rule,
    /// The rule shows what an experiment chose.
    Experiment(Assigned),
    /// The visitor is held out, of everything or of this slot.
    HeldOut,
    /// Personalization is off.
    Off,
    /// The pack asks for more than one request may cost, or contradicts itself.
    Doubt,
}

/// The decisions of one request. Each predicate is evaluated, and each fact looked up, at most once in its life, and
/// only when a rule that is reached needs it: cost does not depend on what else is in the pack.
pub struct Evaluation<'a> {
    pub(super) pack: &'a Pack,
    pub(super) facts: &'a Facts,
    pub(super) kill_switch: &'a KillSwitch,
    pub(super) predicates: Memo,
    pub(super) audiences: Memo,
    pub(super) known: BTreeMap<u32, Fact<'a>>,
    pub(super) compared: BTreeMap<u32, Compared>,
    /// The attribute that was compared last: mostly the next rule asks for the same.
    pub(super) recent_text: Option<(u32, Compared)>,
    pub(super) assigned: BTreeMap<ExperimentIndex, Option<Assigned>>,
    decided: Sorted<SlotIndex, Decision>,
    held_out: Option<bool>,
    /// Rules that decided and are counted.
    pub(super) counted: Vec<RuleIndex>,
    /// Ids of rules whose count is over.
    pub(super) over: Vec<String>,
    pub(super) calls: Vec<super::machine::Call>,
    /// Instructions that may still be run.
    pub(super) left: u32,
    /// How many decisions, experiments and lists wait for each other.
    pub(super) depth: u8,
    /// What happened, where somebody wants to know.
    pub(super) trace: Option<Vec<super::machine::Step>>,
}

/// Most instructions of one request, which is some milliseconds of work: rules can share a long program, and a pack in
/// which that adds up shows defaults from there on.
const MAX_INSTRUCTIONS: u32 = 1 << 20;

/// Most decisions, experiments and lists that wait for each other, so that a pack in which they do in a circle ends.
const MAX_DEPTH: u8 = 100;

impl<'a> Evaluation<'a> {
    /// Of one request with these facts.
    pub fn new(pack: &'a Pack, facts: &'a Facts, kill_switch: &'a KillSwitch) -> Self {
        Evaluation {
            pack,
            facts,
            kill_switch,
            predicates: Memo::default(),
            audiences: Memo::default(),
            known: BTreeMap::new(),
            compared: BTreeMap::new(),
            recent_text: None,
            assigned: BTreeMap::new(),
            decided: Sorted::default(),
            held_out: None,
            counted: Vec::new(),
            over: Vec::new(),
            calls: Vec::new(),
            left: MAX_INSTRUCTIONS,
            depth: 0,
            trace: None,
        }
    }

    /// The first rule of the slot that matches decides; without one, and whenever in doubt, the default stands.
    pub fn decide(&mut self, slot: SlotIndex) -> Decision {
        if let Some(decision) = self.decided.get(slot) {
            self.count(decision);
            return decision;
        }
        let undecided = |reason| Decision { choice: Choice::Default, rule: None, reason };
        if *self.kill_switch == KillSwitch::Off {
            return undecided(Reason::Off);
        }
        let decision =
            self.deeper(|evaluation| evaluation.first_match(slot)).unwrap_or(undecided(Reason::Doubt));
        self.decided.insert(slot, decision);
        self.count(decision);
        decision
    }

    /// How many instructions have been run.
    pub fn instructions(&self) -> u32 {
        MAX_INSTRUCTIONS.saturating_sub(self.left)
    }

    /// Notes that a rule was shown, if that counts: not where another rule merely asks what a slot shows.
    fn count(&mut self, decision: Decision) {
        let Some(rule) = decision.rule.filter(|_| self.depth == 0) else { return };
        let shown = self.pack.word(Section::Rules, rule.0, 2).unwrap_or_default();
        if shown & outcome::COUNTED != 0 && !self.counted.contains(&rule) {
            self.counted.push(rule);
        }
    }

    /// Whether the visitor is held out of everything.
    pub(super) fn is_held_out(&mut self) -> Option<bool> {
        if let Some(answer) = self.held_out {
            return Some(answer);
        }
        let answer = match self.pack.word(Section::Holdout, 0, 0) {
            Some(program) => self.run(program)?,
            None => false,
        };
        self.held_out = Some(answer);
        Some(answer)
    }

    /// Does something that may come back here; `None` where that has happened too often.
    pub(super) fn deeper<T>(&mut self, act: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let done = act(self);
        self.depth -= 1;
        done
    }

    fn first_match(&mut self, slot: SlotIndex) -> Option<Decision> {
        let held_out = Decision { choice: Choice::Default, rule: None, reason: Reason::HeldOut };
        if self.is_held_out()? {
            return Some(held_out);
        }
        if let Some(holdout) = self.pack.holdout_of(slot)
            && self.run(holdout)?
        {
            return Some(held_out);
        }
        let (first, count) = self.pack.rules_of(slot)?;
        let rules = self.pack.rules(first, count)?;
        let mut at = 0;
        loop {
            at = self.next_possible(rules, at)?;
            if at >= rules.len() {
                break;
            }
            if let Some(decision) = self.ask(RuleIndex(first.checked_add(at as u32)?))? {
                return Some(decision);
            }
            at += 1;
        }
        Some(Decision { choice: Choice::Default, rule: None, reason: Reason::NoRule })
    }

    /// What a rule decides, if anything.
    pub(super) fn ask(&mut self, rule: RuleIndex) -> Option<Option<Decision>> {
        let program = self.pack.word(Section::Rules, rule.0, 1)?;
        if !self.run(program)? || !self.kill_switch.lets(self.pack.rule_id(rule)) {
            return Some(None);
        }
        let word = self.pack.word(Section::Rules, rule.0, 2)?;
        let shown = word & !outcome::COUNTED;
        let (outcome, reason) = if shown & outcome::TRIAL == 0 {
            (shown, Reason::Rule)
        } else {
            let trial = shown & !outcome::TRIAL;
            let experiment = ExperimentIndex(self.pack.word(Section::Trials, trial, 0)?);
            let Some(assigned) = self.assign(experiment)? else { return Some(None) };
            if self.pack.passes_through(assigned)? {
                self.outside(experiment, Outside::PassesThrough);
                return Some(None);
            }
            let first = self.pack.word(Section::Trials, trial, 1)?;
            let outcome = self.pack.word(Section::Outcomes, first.checked_add(assigned.variation)?, 0)?;
            (outcome, Reason::Experiment(assigned))
        };
        Some(Some(Decision { choice: choice(outcome)?, rule: Some(rule), reason }))
    }
}

/// What an outcome shows.
pub(super) fn choice(outcome: u32) -> Option<Choice> {
    Some(match outcome {
        outcome::DEFAULT => Choice::Default,
        outcome::NOTHING => Choice::Nothing,
        block => Choice::Block(BlockIndex(block.checked_sub(outcome::BLOCK)?)),
    })
}

/// The outcome that a choice is.
pub(super) fn outcome_of(choice: Choice) -> u32 {
    match choice {
        Choice::Default => outcome::DEFAULT,
        Choice::Nothing => outcome::NOTHING,
        Choice::Block(BlockIndex(block)) => block.saturating_add(outcome::BLOCK),
    }
}

impl Pack {
    /// The program that says who sees the slot's default whatever its rules say.
    pub(super) fn holdout_of(&self, slot: SlotIndex) -> Option<u32> {
        self.word(Section::Slots, slot.0, 3).filter(|program| *program != NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Evaluation};
    use crate::facts::Facts;
    use crate::kill_switch::KillSwitch;
    use crate::pack::{Pack, compile};
    use crate::ruleset::Ruleset;
    use crate::time::UnixTime;
    use serde_json::{Value, json};

    fn pack(ruleset: &Value) -> Pack {
        let (ruleset, diagnostics) = Ruleset::parse_leniently(&ruleset.to_string());
        Pack::open(compile(&ruleset.unwrap_or_else(|| panic!("{diagnostics:?}"))).unwrap()).unwrap()
    }

    fn facts(json: Value) -> Facts {
        Facts::from_json(json.as_object().cloned().unwrap_or_default(), UnixTime(0))
    }

    /// Whether a condition holds, by way of a whole pack.
    fn holds(condition: &Value, attributes: &Value) -> bool {
        holds_among(condition, attributes, &json!({}))
    }

    fn holds_among(condition: &Value, attributes: &Value, groups: &Value) -> bool {
        let rule = json!({"id": "r", "when": condition, "block": "nothing"});
        let groups = if groups.is_object() { groups.clone() } else { json!({}) };
        let pack = pack(&json!({"groups": groups, "slots": {"s": {"rules": [rule]}}}));
        let facts = facts(attributes.clone());
        let decision = Evaluation::new(&pack, &facts, &KillSwitch::On).decide(pack.slot("s").unwrap());
        decision.choice == Choice::Nothing
    }

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
        let wrong: Vec<String> = cases
            .iter()
            .filter(|case| holds_among(&case[1], &case[2], &case[4]) != case[3].as_bool().unwrap())
            .map(|case| case[0].to_string())
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
        assert!(cases.len() >= 248);
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
            (json!({"a.length": 2, "a.0.length": 1}), json!({"a": [[0], 0]}), true),
            (json!({"a.length": {"$exists": true}}), json!({"a": "text"}), false),
            (json!({"a": {"$veq": "1+x\ny"}}), json!({"a": "1"}), false),
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
