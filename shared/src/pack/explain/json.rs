//! Explanations as JSON, the same on every runtime.

use serde_json::{Map, Value};

use super::{Cause, Explanation, Passed, by};
use crate::pack::evaluate::{Choice, Reason};
use crate::pack::{Assigned, Pack};

impl Pack {
    /// An explanation as JSON.
    pub fn explanation_json(&self, explanation: &Explanation) -> Value {
        object(self.members(explanation))
    }

    /// An explanation of what a slot or an edit shows as JSON.
    pub fn place_json(&self, kind: &str, name: &str, explanation: &Explanation) -> Value {
        let mut members = self.members(explanation);
        members.extend([("slot", name.into()), ("kind", kind.into())]);
        object(members)
    }

    fn members(&self, explanation: &Explanation) -> Vec<Member> {
        let Explanation { decision, causes, passed } = explanation;
        let mut members = vec![
            ("shows", self.choice_name(decision.choice).into()),
            ("rule", decision.rule.map_or(Value::Null, |rule| self.rule_id(rule).into())),
            ("reason", reason(decision.reason).into()),
            ("because", Cause::spell(causes).into()),
            ("causes", listed(causes, Wanted::AsItIs)),
            ("passed", Value::Array(passed.iter().map(Passed::json).collect())),
        ];
        if let Reason::Experiment(assigned) = decision.reason {
            members.push(("experiment", self.assigned_json(assigned)));
        }
        members
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
        let part = self.part_of(one, assigned.variation);
        object(vec![
            ("key", self.experiment_key(one).into()),
            ("variation", self.variation_key(one, assigned.variation).into()),
            ("by", by(assigned.by).into()),
            ("fact", self.hashed_fact(one).map_or(Value::Null, Value::from)),
            ("bucket", assigned.bucket.map_or(Value::Null, Value::from)),
            ("part", part.map_or(Value::Null, |[from, to]| Value::Array(vec![from.into(), to.into()]))),
        ])
    }
}

impl Passed {
    fn json(&self) -> Value {
        object(vec![
            ("rule", self.rule.as_str().into()),
            ("because", Cause::spell(&self.causes).into()),
            ("causes", listed(&self.causes, Wanted::Otherwise)),
        ])
    }
}

/// What a rule would have needed of a cause to decide.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    AsItIs,
    Otherwise,
}

pub(super) type Member = (&'static str, Value);

/// An object of these members. A macro would write the code of every one of them out, and every edge carries this.
pub(super) fn object(members: Vec<Member>) -> Value {
    let mut object = Map::new();
    for (name, value) in members {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

/// Causes, each with what was, or would have been, needed.
pub(super) fn listed(causes: &[Cause], wanted: Wanted) -> Value {
    Value::Array(causes.iter().map(|cause| cause.json(wanted)).collect())
}

impl Cause {
    /// As JSON, with what was expected.
    fn json(&self, wanted: Wanted) -> Value {
        let text = |text: &str| Value::from(text);
        object(match self {
            Cause::Fact { name, value, test, held, bucket } => {
                let as_asked = *held == matches!(wanted, Wanted::AsItIs);
                let expected = if as_asked { test.clone() } else { ["not ", test].concat() };
                let mut members =
                    vec![("fact", text(name)), ("value", value.clone()), ("expected", expected.into())];
                members.extend(bucket.map(|bucket| ("bucket", bucket.into())));
                members
            }
            Cause::Audience { name, holds, causes } => {
                let causes = listed(causes, wanted);
                vec![("audience", text(name)), ("holds", (*holds).into()), ("causes", causes)]
            }
            Cause::Variation { experiment, variations, holds, causes } => vec![
                ("experiment", text(experiment)),
                ("variations", Value::Array(variations.iter().map(|key| text(key)).collect())),
                ("holds", (*holds).into()),
                ("causes", listed(causes, wanted)),
            ],
            Cause::Slot { name, shows, holds } => {
                vec![("slot", text(name)), ("shows", text(shows)), ("holds", (*holds).into())]
            }
            Cause::Nobody => vec![("nobody", true.into())],
            Cause::Outside { experiment, because, causes } => vec![
                ("experiment", text(experiment)),
                ("holds", false.into()),
                ("because", text(because)),
                ("causes", listed(causes, wanted)),
            ],
            Cause::TurnedOff => vec![("off", true.into())],
            Cause::LeadsBack => vec![("leads_back", true.into())],
            Cause::Stays { experiment, variation } => {
                vec![("experiment", text(experiment)), ("variation", text(variation)), ("stays", true.into())]
            }
        })
    }
}

/// The word for a reason.
pub(crate) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NoRule => "no-rule",
        Reason::Rule => "rule",
        Reason::Experiment(_) => "experiment",
        Reason::HeldOut => "held-out",
        Reason::Off => "off",
        Reason::Doubt => "doubt",
    }
}
