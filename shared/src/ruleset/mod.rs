//! The ruleset: the JSON document that people edit, read with everything that is wrong with it.
//!
//! `source` gives values with positions, the files beside it each read one part of the document,
//! and `diagnostic` places what they found. Nothing here stops at the first finding.

mod block;
mod code;
pub(crate) mod condition;
mod dependencies;
mod diagnostic;
mod document;
mod edit;
mod experiment;
mod fields;
mod form;
mod gate;
mod kinds;
mod lint;
mod names;
mod order;
mod persona;
pub(crate) mod rollout;
pub(crate) mod rule;
pub(crate) mod schedule;
mod settings;
mod source;
mod weights;

pub use crate::page::EditAction;
pub use code::{CODES, Code};
pub use diagnostic::{Diagnostic, Severity};
pub(crate) use edit::too_complex;
pub use form::{reference, schema};
pub use persona::Persona;

use condition::Condition;
use diagnostic::{Findings, Strictness};
use source::Node;

use crate::esi::interpolation::Part;
use crate::facts::vocabulary::Kind;
use crate::time::UnixTime;

/// Longest text that is read as a ruleset, in bytes.
pub const MAX_RULESET_BYTES: usize = 32 << 20;

/// What marketers published: audiences, blocks, and the rules that bring them together. Invariant: every name in it
/// refers to something in it, and nothing refers to itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruleset {
    /// Facts that the site declares, by name.
    pub(crate) facts: Vec<(String, Kind)>,
    /// Each refers only to those before it.
    pub(crate) audiences: Vec<Audience>,
    /// Each falls back only to one before it.
    pub(crate) blocks: Vec<Block>,
    /// By key.
    pub(crate) experiments: Vec<Experiment>,
    /// By name.
    pub(crate) slots: Vec<Slot>,
    /// As written, since later edits apply after earlier ones.
    pub(crate) edits: Vec<Edit>,
    /// As they are asked.
    pub(crate) gates: Vec<Gate>,
    /// Who sees every page as authored, and is in no experiment.
    pub(crate) holdout: Option<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Audience {
    pub(crate) name: String,
    pub(crate) condition: Condition,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Inline(String),
    /// HTML with facts in it.
    Template(Vec<Part>),
    Fragment {
        url: String,
        timeout_ms: u32,
        ttl_s: Option<u32>,
        fallback: Option<String>,
    },
}

/// A split of an audience over variations. Invariant: there are as many ranges as variations.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Experiment {
    pub(crate) key: String,
    /// The fact that is hashed, and the one that is where it is missing.
    pub(crate) attribute: String,
    pub(crate) fallback: Option<String>,
    pub(crate) seed: String,
    pub(crate) version: u32,
    pub(crate) variations: Vec<Variation>,
    pub(crate) ranges: Vec<[f64; 2]>,
    /// Holds for whoever may be in it at all, those with a sticky bucket among them.
    pub(crate) running: Condition,
    /// Holds for whoever may come into it.
    pub(crate) admits: Condition,
    pub(crate) sticky: Sticky,
    pub(crate) status: Status,
    /// The variation of everybody who is in it.
    pub(crate) forced: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variation {
    pub(crate) key: String,
    pub(crate) outcome: Outcome,
    /// Whether the rules below the experiment's decide.
    pub(crate) passthrough: bool,
}

/// Whether a visitor keeps a variation when weights or coverage change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sticky {
    No,
    /// Those of this version of the buckets do; those of versions below the least one leave the experiment.
    Since {
        bucket_version: u32,
        least_version: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Draft,
    Stopped,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) name: String,
    /// As they are asked.
    pub(crate) rules: Vec<Rule>,
    /// Who sees its default whatever the rules say.
    pub(crate) holdout: Option<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) condition: Condition,
    pub(crate) shows: Shows,
    pub(crate) priority: i32,
    /// Whether the visitor's profile counts how often it was shown.
    pub(crate) counted: bool,
    /// Where it is written: where it begins, and where the last value in it does.
    at: usize,
    last: usize,
}

/// What a rule shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shows {
    Outcome(Outcome),
    /// What the variation says, or what the rule says instead for variations by key.
    Experiment {
        key: String,
        instead: Vec<(String, Outcome)>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Default,
    Nothing,
    Block(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) selector: String,
    pub(crate) action: EditAction,
    pub(crate) attribute: Option<String>,
    pub(crate) rules: Vec<Rule>,
}

/// An answer that is given before any page is looked up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gate {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) condition: Condition,
    pub(crate) priority: i32,
    pub(crate) answer: GateAnswer,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum GateAnswer {
    Refuse {
        status: u16,
        block: Option<String>,
    },
    Redirect {
        to: String,
        status: u16,
        query: Query,
    },
    /// Variations that are not named stay where they are.
    Split {
        experiment: String,
        urls: Vec<(String, String)>,
        status: u16,
        query: Query,
    },
}

/// What happens to the query of a request that is redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Keep,
    Drop,
}

impl Ruleset {
    /// Reads a ruleset. The diagnostics are all there are, in the order of the text; with an error among them there
    /// is no ruleset. Work is bounded by the length of the text.
    pub fn parse(json: &str) -> (Option<Ruleset>, Vec<Diagnostic>) {
        Ruleset::read(json, Strictness::Strict, None)
    }

    /// As [`Ruleset::parse`], with what only a clock can find: schedules that are over.
    pub fn parse_at(json: &str, now: UnixTime) -> (Option<Ruleset>, Vec<Diagnostic>) {
        Ruleset::read(json, Strictness::Strict, Some(now))
    }

    /// As [`Ruleset::parse`], for rules that were written for GrowthBook: what its SDKs take for false is false, and a
    /// warning. That is an operator or a group that there is not, a pattern that cannot be read, and a fact that nobody
    /// declared.
    pub fn parse_leniently(json: &str) -> (Option<Ruleset>, Vec<Diagnostic>) {
        Ruleset::read(json, Strictness::Lenient, None)
    }

    /// Its rules, those of edits among them.
    fn rules(&self) -> impl Iterator<Item = &Rule> + Clone {
        let of_slots = self.slots.iter().flat_map(|slot| &slot.rules);
        of_slots.chain(self.edits.iter().flat_map(|edit| &edit.rules))
    }

    fn read(json: &str, strictness: Strictness, now: Option<UnixTime>) -> (Option<Ruleset>, Vec<Diagnostic>) {
        let mut findings = Findings::new(strictness);
        if json.len() > MAX_RULESET_BYTES {
            let message = format!("{} bytes, of at most {MAX_RULESET_BYTES}", json.len());
            findings.report(code::TOO_LARGE, 0, message);
            return (None, findings.place(json, None));
        }
        let root = Node::read(json, &mut findings);
        let ruleset = root.as_ref().and_then(|root| document::read(root, now, &mut findings));
        let ruleset = if findings.has_errors() { None } else { ruleset };
        (ruleset, findings.place(json, root.as_ref()))
    }
}

#[cfg(test)]
mod tests;
