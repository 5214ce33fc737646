//! What a visitor would see, and why, for people.
//!
//! ```text
//! slot hero: the block `hallo`, by the rule `in-german`
//!   because in the audience `german`: place.country is "DE"
//!   not `to-readers`: not in the audience `reader`: interest.finance is missing, not at least 0.5
//! ```

use std::fmt::Write as _;

use hemstitch::pack::{
    Assigned, By, Cause, Choice, GateOutcome, GatesExplanation, Pack, PlaceExplanation, Reason,
    VisitExplanation,
};
use hemstitch::time::UnixTime;

/// The whole explanation.
pub fn for_people(pack: &Pack, path: &str, now: UnixTime, explained: &VisitExplanation) -> String {
    let mut out = format!("{path} at {now}\n");
    gates(&mut out, pack, &explained.gates);
    for explained in &explained.places {
        place(&mut out, pack, explained);
    }
    if explained.places.is_empty() && explained.gates.answer.is_none() {
        out.push_str("\nno slot has rules, and no edit applies to this page\n");
    }
    out
}

fn gates(out: &mut String, pack: &Pack, explained: &GatesExplanation) {
    if let Some((gate, outcome)) = explained.answer {
        let what = match outcome {
            GateOutcome::Refuse { status, block: Some(block) } => {
                format!("{status} with the block `{}`", pack.block(block).id)
            }
            GateOutcome::Refuse { status, block: None } => status.to_string(),
            GateOutcome::Redirect { status, to, .. } => format!("{status} to {to}"),
        };
        let _ = write!(out, "\ngate {} answers: {what}, and no page is looked up\n", pack.gate_id(gate));
        if let Some(assigned) = explained.assigned {
            let _ = writeln!(out, "  {}", experiment(pack, assigned));
        }
        because(out, &explained.causes);
    } else if !explained.passed.is_empty() {
        out.push_str("\nno gate answers\n");
    }
    for passed in &explained.passed {
        not(out, &passed.gate, &passed.causes);
    }
}

fn place(out: &mut String, pack: &Pack, place: &PlaceExplanation) {
    let decision = place.explanation.decision;
    let shows = match decision.choice {
        Choice::Default => "what stands there".to_owned(),
        Choice::Nothing => "nothing".to_owned(),
        Choice::Block(block) => format!("the block `{}`", pack.block(block).id),
    };
    let why = match (decision.rule, decision.reason) {
        (Some(rule), _) => format!("by the rule `{}`", pack.rule_id(rule)),
        (None, Reason::HeldOut) => "since the visitor is held out".to_owned(),
        (None, Reason::Off) => "since personalization is off".to_owned(),
        (None, Reason::Doubt) => "since deciding would cost more than a request may".to_owned(),
        (None, _) => "since no rule decides".to_owned(),
    };
    let _ = write!(out, "\n{} {}: {shows}, {why}\n", place.kind, place.name);
    if let Reason::Experiment(assigned) = decision.reason {
        let _ = writeln!(out, "  {}", experiment(pack, assigned));
    }
    because(out, &place.explanation.causes);
    for passed in &place.explanation.passed {
        not(out, &passed.rule, &passed.causes);
    }
}

fn experiment(pack: &Pack, assigned: Assigned) -> String {
    let (key, variation) = (
        pack.experiment_key(assigned.experiment),
        pack.variation_key(assigned.experiment, assigned.variation),
    );
    let how = match assigned.by {
        By::Hash => {
            let part = pack.ranges(assigned.experiment).get(assigned.variation as usize).copied();
            let [from, to] = part.unwrap_or_default();
            format!("hashed to {}, within {from} to {to}", assigned.bucket.unwrap_or_default())
        }
        By::Sticky => "kept by the profile".to_owned(),
        By::Token => "forced by a token".to_owned(),
        By::Experiment => "forced for everybody".to_owned(),
    };
    format!("variation `{variation}` of the experiment `{key}`: {how}")
}

fn because(out: &mut String, causes: &[Cause]) {
    if !causes.is_empty() {
        let _ = writeln!(out, "  because {}", Cause::spell(causes));
    }
}

fn not(out: &mut String, id: &str, causes: &[Cause]) {
    let because =
        if causes.is_empty() { "its condition does not hold".to_owned() } else { Cause::spell(causes) };
    let _ = writeln!(out, "  not `{id}`: {because}");
}
