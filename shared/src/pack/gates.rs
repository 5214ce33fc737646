//! Gates of a pack: what is answered before any page is looked up.

use super::evaluate::Evaluation;
use super::format::{NONE, Section, gate};
use super::{BlockIndex, ExperimentIndex, Pack, literals, url_pattern};
use crate::kill_switch::KillSwitch;

/// A gate of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GateIndex(pub(super) u32);

/// What a gate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOutcome<'p> {
    /// With a status of an error, and a block as the page.
    Refuse {
        /// From 400 to 599.
        status: u16,
        /// What to show, if anything.
        block: Option<BlockIndex>,
    },
    /// With a redirect.
    Redirect {
        /// One of 301, 302, 303, 307 and 308.
        status: u16,
        /// A path of the site, or a URL whose host the ruleset names.
        to: &'p str,
        /// Whether the query of the request is added.
        keeps_query: bool,
    },
}

impl<'a> Evaluation<'a> {
    /// The first gate that the request for a path does not pass, and what it answers. A gate that leads to the path
    /// itself is none.
    pub fn gate(&mut self, path: &str) -> Option<(GateIndex, GateOutcome<'a>)> {
        if *self.kill_switch == KillSwitch::Off {
            return None;
        }
        let pack = self.pack;
        for gate in pack.gates_for(path) {
            let GateIndex(index) = gate;
            let holds = self.run(pack.word(Section::Gates, index, gate::PROGRAM)?)?;
            if !holds || !self.kill_switch.lets(pack.gate_id(gate)) {
                continue;
            }
            if let Some(outcome) = self.outcome(index)
                && !leads_back(outcome, path)
            {
                return Some((gate, outcome));
            }
        }
        None
    }

    pub(super) fn outcome(&mut self, index: u32) -> Option<GateOutcome<'a>> {
        let pack = self.pack;
        let word = |field| pack.word(Section::Gates, index, field);
        let status = u16::try_from(word(gate::STATUS)?).ok()?;
        let answer = word(gate::ANSWER)?;
        let keeps_query = word(gate::DROPS_QUERY)? == 0;
        let to = match word(gate::KIND)? {
            gate::REFUSE => {
                let block = (answer != NONE).then_some(BlockIndex(answer));
                return Some(GateOutcome::Refuse { status, block });
            }
            gate::REDIRECT => answer,
            _ => {
                let assigned = self.assign(ExperimentIndex(answer))??;
                let target = word(gate::FIRST_TARGET)?.checked_add(assigned.variation)?;
                pack.word(Section::Targets, target, 0)?
            }
        };
        Some(GateOutcome::Redirect { status, to: pack.optional_text(to)?, keeps_query })
    }
}

/// Whether what a gate answers leads to the path that was asked for.
pub(super) fn leads_back(outcome: GateOutcome, path: &str) -> bool {
    match outcome {
        GateOutcome::Redirect { to, .. } => to.split(['?', '#']).next() == Some(path),
        GateOutcome::Refuse { .. } => false,
    }
}

impl Pack {
    /// What people called the gate.
    pub fn gate_id(&self, GateIndex(gate): GateIndex) -> &str {
        let id = self.word(Section::Gates, gate, gate::ID);
        id.and_then(|id| self.text(id)).unwrap_or_default()
    }

    /// The gates whose URL pattern matches a path, in the order in which they are asked.
    pub(super) fn gates_for(&self, path: &str) -> Vec<GateIndex> {
        if self.count(Section::Gates) == 0 {
            return Vec::new();
        }
        let edits = self.count(Section::Edits);
        let mut gates: Vec<u32> = literals::candidates(self, path)
            .into_iter()
            .filter_map(|entry| entry.checked_sub(edits))
            .collect();
        gates.sort_unstable();
        let applies = |gate: &u32| {
            let pattern = self.word(Section::Gates, *gate, gate::URL).and_then(|url| self.text(url));
            pattern.is_some_and(|pattern| url_pattern::matches(pattern, path))
        };
        gates.into_iter().filter(applies).map(GateIndex).collect()
    }
}
