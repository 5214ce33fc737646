//! Why a slot shows what it shows, and why a gate answers. It is decided anew, with a trace, so that decisions themselves
//! carry no reasons: all that they pay is to see that nobody asked for a trace.

mod cause;
mod gates;
mod json;
mod replay;
mod visit;

pub use cause::Cause;
pub(super) use cause::spoken;
pub use gates::{GatePassed, GatesExplanation};
pub(crate) use json::reason as reason_word;
pub use visit::{PlaceExplanation, VisitExplanation};

use super::evaluate::{Decision, Evaluation, Reason};
use super::format::{Section, experiment};
use super::machine::Step;
use super::{By, Pack, RuleIndex, SlotIndex};
use crate::facts::Facts;
use crate::kill_switch::KillSwitch;
use replay::Replay;

/// What a slot shows, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What was decided.
    pub decision: Decision,
    /// What settled it: the condition of the rule that decided, or of the holdout that the visitor is in.
    pub causes: Vec<Cause>,
    /// The rules above it.
    pub passed: Vec<Passed>,
}

/// A rule that did not decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    /// The rule's id.
    pub rule: String,
    /// Why: all of this, and any of it would have to be otherwise.
    pub causes: Vec<Cause>,
}

impl Pack {
    /// Explains what a slot shows to a visitor with these facts. Costs as much as deciding once for every rule above
    /// the one that decides.
    pub fn explain(&self, slot: SlotIndex, facts: &Facts, kill_switch: &KillSwitch) -> Explanation {
        let decision = Evaluation::new(self, facts, kill_switch).decide(slot);
        let mut explanation = Explanation { decision, causes: Vec::new(), passed: Vec::new() };
        match decision.reason {
            Reason::HeldOut => explanation.causes = self.held_out_by(slot, facts, kill_switch),
            Reason::Off | Reason::Doubt => {}
            Reason::NoRule | Reason::Rule | Reason::Experiment(_) => {
                let (first, count) = self.rules_of(slot).unwrap_or_default();
                for rule in (first..first.saturating_add(count)).map(RuleIndex) {
                    let mut evaluation = traced(self, facts, kill_switch);
                    let _ = evaluation.ask(rule);
                    let steps = evaluation.trace.unwrap_or_default();
                    let mut replay = Replay::new(self, facts, &steps);
                    let (holds, causes) = replay.program().unwrap_or_default();
                    if decision.rule == Some(rule) {
                        explanation.causes = causes;
                        break;
                    }
                    let rule = self.rule_id(rule).to_owned();
                    let causes = match holds {
                        false => causes,
                        true if !kill_switch.lets(&rule) => vec![Cause::TurnedOff],
                        true => replay.outside().into_iter().collect(),
                    };
                    explanation.passed.push(Passed { rule, causes });
                }
            }
        }
        explanation
    }

    /// What of a holdout the visitor is in: of everything, or else of the slot.
    fn held_out_by(&self, slot: SlotIndex, facts: &Facts, kill_switch: &KillSwitch) -> Vec<Cause> {
        let programs = [self.word(Section::Holdout, 0, 0), self.holdout_of(slot)];
        for program in programs.into_iter().flatten() {
            let mut evaluation = traced(self, facts, kill_switch);
            let held_out = evaluation.run(program) == Some(true);
            let steps = evaluation.trace.unwrap_or_default();
            if let Some((_, causes)) = Replay::new(self, facts, &steps).program().filter(|_| held_out) {
                return causes;
            }
        }
        Vec::new()
    }

    /// The part of the hashes from 0 up to 1 that a variation has.
    fn part_of(&self, one: super::ExperimentIndex, variation: u32) -> Option<[f64; 2]> {
        self.ranges(one).get(variation as usize).copied()
    }

    /// Whether hashes of an experiment are made of a fact, and which one that is.
    fn hashed_fact(&self, one: super::ExperimentIndex) -> Option<&str> {
        let attribute = self.word(Section::Experiments, one.0, experiment::ATTRIBUTE)?;
        self.text(self.word(Section::Attributes, attribute, 0)?)
    }
}

fn traced<'a>(pack: &'a Pack, facts: &'a Facts, kill_switch: &'a KillSwitch) -> Evaluation<'a> {
    let mut evaluation = Evaluation::new(pack, facts, kill_switch);
    evaluation.trace = Some(Vec::<Step>::new());
    evaluation
}

fn by(by: By) -> &'static str {
    match by {
        By::Hash => "hash",
        By::Sticky => "sticky",
        By::Token => "token",
        By::Experiment => "experiment",
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::Facts;
    use crate::kill_switch::KillSwitch;
    use crate::pack::{Pack, compile};
    use crate::ruleset::Ruleset;
    use crate::time::UnixTime;
    use serde_json::json;

    #[test]
    fn every_rule_above_says_why_it_did_not_decide() {
        let ruleset = json!({
            "audiences": {
                "german": {"place.country": "DE"},
                "keen": {"$audience": "german", "interest.finance": {"$gte": 0.5}},
            },
            "blocks": {"b": {"html": "B"}},
            "experiments": {
                "early": {"variations": [{}, {}], "starts_at": "2030-01-01T00:00:00Z"},
                "none": {"variations": [{}, {}], "coverage": 0},
                "x": {"variations": [{"block": "b"}, {"block": "b"}], "attribute": "trait.id"},
            },
            "slots": {"s": {"rules": [
                {"id": "in-keen", "audience": "keen", "block": "b"},
                {"id": "not-german", "when": {"$not": {"$audience": "german"}}, "block": "b"},
                {"id": "in-list", "when": {"place.city": {"$in": ["a", "b", "c", "d", "e", "f"]}}, "block": "b"},
                {"id": "at-night", "when": {"time.local": {"$timeBetween": ["22:00", "06:00"]}}, "block": "b"},
                {"id": "off", "block": "b"},
                {"id": "starts", "experiment": "early"},
                {"id": "covers", "experiment": "none"},
                {"id": "runs", "audience": "german", "experiment": "x"},
                {"id": "below", "block": "b"},
            ]}},
        });
        let (ruleset, findings) = Ruleset::parse(&ruleset.to_string());
        let pack = Pack::open(compile(&ruleset.unwrap_or_else(|| panic!("{findings:?}"))).unwrap()).unwrap();
        let stated =
            json!({"place.country": "DE", "interest.finance": 0.25, "trait.id": "1", "visitor.id": "a"});
        let facts = Facts::from_json(stated.as_object().cloned().unwrap(), UnixTime(1_795_822_200 - 43_200));
        let switch = KillSwitch::parse("off:off").unwrap();
        let explained = pack.explanation_json(&pack.explain(pack.slot("s").unwrap(), &facts, &switch));
        let because: Vec<&str> = explained["passed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["because"].as_str().unwrap())
            .collect();
        assert_eq!(
            because,
            [
                "not in the audience `keen`: interest.finance is 0.25, not at least 0.5",
                "in the audience `german`: place.country is \"DE\"",
                "place.city is missing, not among [\"a\", \"b\", \"c\", \"d\", \"e\", …]",
                "time.local is \"11:30:00\", not from 22:00 up to 06:00",
                "it is turned off",
                "not in the experiment `early`: it is not running for this visitor: \
                 time.now is 2026-11-27T11:30:00Z, not at least 2030-01-01T00:00:00Z",
                "not in the experiment `none`: the visitor's bucket, 0.6638, is in no variation's part",
            ]
        );
        let keen = json!({"audience": "keen", "holds": false, "causes": [
            {"fact": "interest.finance", "value": 0.25, "expected": "at least 0.5"},
        ]});
        assert_eq!(explained["passed"][0]["causes"], json!([keen]));
        let german = json!({"fact": "place.country", "value": "DE", "expected": "not \"DE\""});
        assert_eq!(explained["passed"][1]["causes"][0]["causes"], json!([german]));
        assert_eq!((&explained["rule"], &explained["reason"]), (&json!("runs"), &json!("experiment")));
        assert_eq!(explained["because"], "in the audience `german`: place.country is \"DE\"");
        let experiment = &explained["experiment"];
        assert_eq!((&experiment["key"], &experiment["by"]), (&json!("x"), &json!("hash")));
    }
}
