//! Whether a pack has something of a name, for people who turn it off by that.

use super::gates::GateIndex;
use super::{ExperimentIndex, Pack, RuleIndex, Section};

impl Pack {
    /// Whether there is an experiment of that key.
    pub fn has_experiment(&self, key: &str) -> bool {
        (0..self.count(Section::Experiments)).any(|index| self.experiment_key(ExperimentIndex(index)) == key)
    }

    /// Whether there is a rule or a gate of that id.
    pub fn has_rule(&self, id: &str) -> bool {
        let rules = (0..self.count(Section::Rules)).any(|index| self.rule_id(RuleIndex(index)) == id);
        rules || (0..self.count(Section::Gates)).any(|index| self.gate_id(GateIndex(index)) == id)
    }
}
