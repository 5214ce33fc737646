//! Explanations as JSON, the same on every runtime.

use serde_json::{Map, Value, json};

use super::{Cause, Explanation, Passed, by};
use crate::pack::evaluate::{Choice, Reason};
use crate::pack::{Assigned, Pack};

impl Pack {
    /// An explanation as JSON.
    pub fn explanation_json(&self, explanation: &Explanation) -> Value {
        let Explanation { decision, causes, passed } = explanation;
        let shows = self.choice_name(decision.choice);
        let mut json = json!({
            "shows": shows,
            "rule": decision.rule.map(|rule| self.rule_id(rule)),
            "reason": reason(decision.reason),
            "because": Cause::spell(causes),
            "causes": causes.iter().map(|cause| cause.json(Wanted::AsItIs)).collect::<Vec<_>>(),
            "passed": passed.iter().map(Passed::json).collect::<Vec<_>>(),
        });
        if let (Reason::Experiment(assigned), Some(members)) = (decision.reason, json.as_object_mut()) {
            members.insert("experiment".to_owned(), self.assigned_json(assigned));
        }
        json
    }

    /// As a ruleset calls what is shown.
    pub(super) fn choice_name(&self, choice: Choice) -> &str {
        match choice {
            Choice::Default => "default",
            Choice::Nothing => "nothing",
            Choice::Block(block) => self.block(block).id,
        }
    }

    pub(super) fn assigned_json(&self, assigned: Assigned) -> Value {
        let one = assigned.experiment;
        json!({
            "key": self.experiment_key(one),
            "variation": self.variation_key(one, assigned.variation),
            "by": by(assigned.by),
            "fact": self.hashed_fact(one),
            "bucket": assigned.bucket,
            "part": self.part_of(one, assigned.variation),
        })
    }
}

impl Passed {
    fn json(&self) -> Value {
        json!({ "rule": self.rule, "because": Cause::spell(&self.causes), "causes": otherwise(&self.causes) })
    }
}

/// Causes of what did not happen, each with what would have been needed.
pub(super) fn otherwise(causes: &[Cause]) -> Vec<Value> {
    causes.iter().map(|cause| cause.json(Wanted::Otherwise)).collect()
}

/// What a rule would have needed of a cause to decide.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    AsItIs,
    Otherwise,
}

impl Cause {
    /// As JSON, with what was expected.
    pub(super) fn json(&self, wanted: Wanted) -> Value {
        let inner = |causes: &[Cause]| causes.iter().map(|cause| cause.json(wanted)).collect::<Vec<_>>();
        match self {
            Cause::Fact { name, value, test, held, bucket } => {
                let as_asked = *held == matches!(wanted, Wanted::AsItIs);
                let expected = if as_asked { test.clone() } else { format!("not {test}") };
                let mut json = Map::new();
                json.insert("fact".to_owned(), name.as_str().into());
                json.insert("value".to_owned(), value.clone());
                json.insert("expected".to_owned(), expected.into());
                if let Some(bucket) = bucket {
                    json.insert("bucket".to_owned(), (*bucket).into());
                }
                Value::Object(json)
            }
            Cause::Audience { name, holds, causes } => {
                json!({ "audience": name, "holds": holds, "causes": inner(causes) })
            }
            Cause::Variation { experiment, variations, holds, causes } => json!({
                "experiment": experiment, "variations": variations, "holds": holds, "causes": inner(causes),
            }),
            Cause::Slot { name, shows, holds } => json!({ "slot": name, "shows": shows, "holds": holds }),
            Cause::Nobody => json!({ "nobody": true }),
            Cause::Outside { experiment, because, causes } => json!({
                "experiment": experiment, "holds": false, "because": because, "causes": inner(causes),
            }),
            Cause::TurnedOff => json!({ "off": true }),
            Cause::LeadsBack => json!({ "leads_back": true }),
            Cause::Stays { experiment, variation } => {
                json!({ "experiment": experiment, "variation": variation, "stays": true })
            }
        }
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
