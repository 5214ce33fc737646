//! Why a slot shows what it shows. It is decided anew, with notes, so that decisions themselves carry none.

use super::evaluate::{Choice, Decision, Evaluation, Reason};
use super::format::Instruction;
use super::machine::Step;
use super::{By, Pack, RuleIndex, SlotIndex, describe};
use crate::facts::Facts;
use crate::kill_switch::KillSwitch;
use serde_json::{Value, json};

/// What a slot shows, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What was decided.
    pub decision: Decision,
    /// Audiences that the rule that decided found the visitor in.
    pub audiences: Vec<String>,
    /// The rules above it.
    pub passed: Vec<Passed>,
}

/// A rule that did not decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    /// The rule's id.
    pub rule: String,
    /// The fact on which it failed, and its value, where it is one fact.
    pub fact: Option<(String, Value)>,
    /// Why, in words.
    pub because: String,
}

impl Pack {
    /// Explains what a slot shows to a visitor with these facts. Costs as much as deciding once for every rule above
    /// the one that decides.
    pub fn explain(&self, slot: SlotIndex, facts: &Facts, kill_switch: &KillSwitch) -> Explanation {
        let decision = Evaluation::new(self, facts, kill_switch).decide(slot);
        let looked_at = match decision.reason {
            Reason::NoRule | Reason::Rule | Reason::Experiment(_) => self.rules_of(slot),
            Reason::HeldOut | Reason::Off | Reason::Doubt => None,
        };
        let mut explanation = Explanation { decision, audiences: Vec::new(), passed: Vec::new() };
        let (first, count) = looked_at.unwrap_or_default();
        for rule in (first..first.saturating_add(count)).map(RuleIndex) {
            let mut evaluation = Evaluation::new(self, facts, kill_switch);
            evaluation.trace = Some(Vec::new());
            let _ = evaluation.ask(rule);
            let steps = evaluation.trace.unwrap_or_default();
            if decision.rule == Some(rule) {
                explanation.audiences = self.audiences_of(&steps);
                break;
            }
            explanation.passed.push(self.passed(rule, &steps, facts, kill_switch));
        }
        explanation
    }

    /// An explanation as JSON, the same on every runtime.
    pub fn explanation_json(&self, explanation: &Explanation) -> Value {
        let Explanation { decision, audiences, passed } = explanation;
        let shows = match decision.choice {
            Choice::Default => "default",
            Choice::Nothing => "nothing",
            Choice::Block(block) => self.block(block).id,
        };
        let mut json = json!({
            "shows": shows,
            "rule": decision.rule.map(|rule| self.rule_id(rule)),
            "reason": reason(decision.reason),
            "audiences": audiences,
            "passed": passed.iter().map(Passed::json).collect::<Vec<_>>(),
        });
        if let (Reason::Experiment(assigned), Some(members)) = (decision.reason, json.as_object_mut()) {
            let experiment = json!({
                "key": self.experiment_key(assigned.experiment),
                "variation": self.variation_key(assigned.experiment, assigned.variation),
                "bucket": assigned.bucket,
                "by": by(assigned.by),
            });
            members.insert("experiment".to_owned(), experiment);
        }
        json
    }

    fn audiences_of(&self, steps: &[Step]) -> Vec<String> {
        let mut names = Vec::new();
        for step in steps {
            if let Step::Asked { instruction: Instruction::Audience(audience), answer: true } = step {
                let name = self.word(super::format::Section::Audiences, *audience, 0);
                let name = name.and_then(|name| self.text(name)).unwrap_or_default().to_owned();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The last thing that was asked settled it: of an audience, the last thing that it asked in turn.
    fn passed(&self, rule: RuleIndex, steps: &[Step], facts: &Facts, kill_switch: &KillSwitch) -> Passed {
        let rule = self.rule_id(rule).to_owned();
        let mut words = Vec::new();
        let mut fact = None;
        if !kill_switch.lets(&rule) {
            words.push("it is turned off".to_owned());
        }
        for step in steps.iter().rev() {
            match *step {
                Step::Outside { experiment, because } => {
                    let key = self.experiment_key(experiment);
                    words.push(format!("not in the experiment `{key}`: {}", describe::outside(because)));
                    if !matches!(
                        because,
                        super::machine::Outside::NotAdmitted | super::machine::Outside::NotRunning
                    ) {
                        break;
                    }
                }
                Step::Asked { instruction, answer } => {
                    words.extend(describe::answer(self, facts, instruction, answer));
                    if let Instruction::Test(number) = instruction {
                        let subject = describe::subject(self, facts, number);
                        fact = subject.map(|(name, value)| (name.to_owned(), value));
                    }
                    if !matches!(instruction, Instruction::Audience(_)) {
                        break;
                    }
                }
            }
        }
        let because =
            if words.is_empty() { "its condition does not hold".to_owned() } else { words.join(": ") };
        Passed { rule, fact, because }
    }
}

impl Passed {
    fn json(&self) -> Value {
        let mut json = json!({ "rule": self.rule, "because": self.because });
        if let (Some((name, value)), Some(members)) = (&self.fact, json.as_object_mut()) {
            members.insert("fact".to_owned(), json!({ "name": name, "value": value }));
        }
        json
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NoRule => "no-rule",
        Reason::Rule => "rule",
        Reason::Experiment(_) => "experiment",
        Reason::HeldOut => "held-out",
        Reason::Off => "off",
        Reason::Doubt => "doubt",
    }
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
                 time.now is 1795779000, not at least 1893456000",
                "not in the experiment `none`: the visitor's bucket, 0.6638, is in no variation's part",
            ]
        );
        assert_eq!(explained["passed"][0]["fact"], json!({"name": "interest.finance", "value": 0.25}));
        assert_eq!((&explained["rule"], &explained["reason"]), (&json!("runs"), &json!("experiment")));
        assert_eq!(explained["audiences"], json!(["german"]));
        let experiment = &explained["experiment"];
        assert_eq!((&experiment["key"], &experiment["by"]), (&json!("x"), &json!("hash")));
    }
}
