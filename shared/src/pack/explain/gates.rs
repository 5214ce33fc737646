//! Why a gate answers, or none does.

use serde_json::Value;

use super::json::{Wanted, listed, object};
use super::{Cause, Replay, traced};
use crate::facts::Facts;
use crate::kill_switch::KillSwitch;
use crate::pack::format::{Section, gate};
use crate::pack::gates::leads_back;
use crate::pack::{Assigned, ExperimentIndex, GateIndex, GateOutcome, Pack};

/// What the gates of a path say to a visitor, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct GatesExplanation<'p> {
    /// The gate that answers, and what.
    pub answer: Option<(GateIndex, GateOutcome<'p>)>,
    /// The experiment that chose, where that was one.
    pub assigned: Option<Assigned>,
    /// What settled it.
    pub causes: Vec<Cause>,
    /// The gates above it whose URL pattern matches.
    pub passed: Vec<GatePassed>,
}

/// A gate that did not answer.
#[derive(Clone, Debug, PartialEq)]
pub struct GatePassed {
    /// The gate's id.
    pub gate: String,
    /// Why.
    pub causes: Vec<Cause>,
}

impl Pack {
    /// Explains what the gates of a path say to a visitor with these facts.
    pub fn explain_gates<'p>(
        &'p self,
        path: &str,
        facts: &'p Facts,
        kill_switch: &'p KillSwitch,
    ) -> GatesExplanation<'p> {
        let mut explained =
            GatesExplanation { answer: None, assigned: None, causes: Vec::new(), passed: Vec::new() };
        if *kill_switch == KillSwitch::Off {
            return explained;
        }
        for one in self.gates_for(path) {
            let GateIndex(index) = one;
            let mut evaluation = traced(self, facts, kill_switch);
            let program = self.word(Section::Gates, index, gate::PROGRAM);
            let holds = program.and_then(|program| evaluation.run(program)).unwrap_or(false);
            let lets = kill_switch.lets(self.gate_id(one));
            let outcome = if holds && lets { evaluation.outcome(index) } else { None };
            let assigned =
                self.split_of(index).and_then(|one| evaluation.assigned.get(&one).copied().flatten());
            let steps = evaluation.trace.unwrap_or_default();
            let mut replay = Replay::new(self, facts, &steps);
            let (_, causes) = replay.program().unwrap_or_default();
            let causes = match outcome {
                Some(outcome) if !leads_back(outcome, path) => {
                    explained.answer = Some((one, outcome));
                    (explained.assigned, explained.causes) = (assigned, causes);
                    return explained;
                }
                Some(_) => vec![Cause::LeadsBack],
                None if !holds => causes,
                None if !lets => vec![Cause::TurnedOff],
                None => match assigned {
                    Some(assigned) => vec![Cause::Stays {
                        experiment: self.experiment_key(assigned.experiment).to_owned(),
                        variation: self.variation_key(assigned.experiment, assigned.variation).to_owned(),
                    }],
                    None => replay.outside().into_iter().collect(),
                },
            };
            explained.passed.push(GatePassed { gate: self.gate_id(one).to_owned(), causes });
        }
        explained
    }

    fn split_of(&self, index: u32) -> Option<ExperimentIndex> {
        let word = |field| self.word(Section::Gates, index, field);
        (word(gate::KIND)? == gate::SPLIT).then_some(ExperimentIndex(word(gate::ANSWER)?))
    }

    /// An explanation of gates as JSON.
    pub fn gates_json(&self, explained: &GatesExplanation) -> Value {
        let passed = |one: &GatePassed| {
            object(vec![
                ("gate", one.gate.as_str().into()),
                ("because", Cause::spell(&one.causes).into()),
                ("causes", listed(&one.causes, Wanted::Otherwise)),
            ])
        };
        let mut members = vec![("passed", Value::Array(explained.passed.iter().map(passed).collect()))];
        if let Some((one, outcome)) = explained.answer {
            members.extend([
                ("gate", self.gate_id(one).into()),
                ("because", Cause::spell(&explained.causes).into()),
                ("causes", listed(&explained.causes, Wanted::AsItIs)),
            ]);
            members.extend(match outcome {
                GateOutcome::Refuse { status, block } => {
                    let shows = block.map_or(Value::Null, |block| self.block(block).id.into());
                    [("status", status.into()), ("shows", shows)]
                }
                GateOutcome::Redirect { status, to, .. } => [("status", status.into()), ("to", to.into())],
            });
        }
        members.extend(explained.assigned.map(|assigned| ("experiment", self.assigned_json(assigned))));
        object(members)
    }
}
