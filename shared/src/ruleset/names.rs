//! The names in a ruleset: which are possible, which exist, which are taken.

use super::Outcome;
use super::code::{self, Code};
use super::condition::Operand;
use super::diagnostic::Findings;
use crate::facts::vocabulary::{self, Kind};
use crate::time::UnixTime;
use std::collections::{BTreeMap, BTreeSet};

const LONGEST_ID: usize = 64;
const LONGEST_NAME: usize = 128;

/// Everything in a ruleset that something else in it may refer to, and the findings about it.
pub(super) struct Scope<'n, 'f> {
    pub(super) findings: &'f mut Findings,
    pub(super) audiences: BTreeSet<&'n str>,
    pub(super) blocks: BTreeMap<&'n str, BlockKind>,
    /// Blocks that something shows.
    pub(super) shown: BTreeSet<String>,
    /// The text of each inline block.
    pub(super) texts: BTreeMap<&'n str, &'n str>,
    pub(super) slots: BTreeSet<&'n str>,
    pub(super) groups: BTreeMap<&'n str, Vec<Operand>>,
    /// The keys of each one's variations.
    pub(super) experiments: BTreeMap<&'n str, Vec<String>>,
    /// The blocks that each one's variations name, by their keys.
    pub(super) shown_by: BTreeMap<&'n str, Vec<(String, &'n str)>>,
    pub(super) redirect_hosts: Vec<&'n str>,
    /// Facts that the ruleset declares, and their kinds.
    pub(super) facts: BTreeMap<&'n str, Kind>,
    rules: BTreeSet<&'n str>,
    edits: BTreeSet<&'n str>,
    namespaces: BTreeMap<&'n str, Vec<([f64; 2], String)>>,
    now: Option<UnixTime>,
}

/// What kind of content a block has, as far as a rule must know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Inline,
    Fragment,
}

impl<'n, 'f> Scope<'n, 'f> {
    pub(super) fn new(findings: &'f mut Findings, now: Option<UnixTime>) -> Self {
        Scope {
            findings,
            audiences: BTreeSet::new(),
            blocks: BTreeMap::new(),
            texts: BTreeMap::new(),
            shown: BTreeSet::new(),
            slots: BTreeSet::new(),
            groups: BTreeMap::new(),
            experiments: BTreeMap::new(),
            shown_by: BTreeMap::new(),
            redirect_hosts: Vec::new(),
            facts: BTreeMap::new(),
            rules: BTreeSet::new(),
            edits: BTreeSet::new(),
            namespaces: BTreeMap::new(),
            now,
        }
    }

    /// A fact is used: one that there is not is a finding.
    pub(super) fn use_fact(&mut self, name: &str, at: usize) {
        if vocabulary::is_known(name) || self.facts.keys().any(|declared| is_within(name, declared)) {
            return;
        }
        let message = format!("there is no fact `{}`", name.escape_debug());
        let known = vocabulary::NAMES.iter().copied().chain(self.facts.keys().copied());
        self.findings.report_unknown(code::UNKNOWN_FACT, at, message, name, known);
    }

    /// The values of a group; an unknown one is a finding, and empty.
    pub(super) fn group(&mut self, name: &str, at: usize) -> Vec<Operand> {
        if let Some(values) = self.groups.get(name) {
            return values.clone();
        }
        let message = format!("there is no group `{}`", name.escape_debug());
        let known = self.groups.keys().copied();
        self.findings.report_unknown(code::UNKNOWN_GROUP, at, message, name, known);
        Vec::new()
    }

    /// The keys of an experiment's variations; an unknown one is a finding.
    pub(super) fn check_experiment(&mut self, key: &str, at: usize) -> Option<Vec<String>> {
        let known = self.experiments.get(key).cloned();
        if known.is_none() {
            let message = format!("there is no experiment `{}`", key.escape_debug());
            let known = self.experiments.keys().copied();
            self.findings.report_unknown(code::UNKNOWN_EXPERIMENT, at, message, key, known);
        }
        known
    }

    /// The blocks that an experiment's variations show by themselves, where nothing is shown instead.
    pub(super) fn variation_blocks<'s>(
        &'s self,
        key: &str,
        instead: &'s [(String, Outcome)],
    ) -> impl Iterator<Item = &'s (String, &'n str)> {
        let blocks = self.shown_by.get(key).map(Vec::as_slice).unwrap_or_default();
        blocks.iter().filter(|(variation, _)| !instead.iter().any(|(key, _)| key == variation))
    }

    pub(super) fn check_variation(&mut self, experiment: &str, known: &[String], key: &str, at: usize) {
        if !known.iter().any(|known| known == key) {
            let message = format!("`{experiment}` has no variation `{}`", key.escape_debug());
            let known = known.iter().map(String::as_str);
            self.findings.report_unknown(code::UNKNOWN_VARIATION, at, message, key, known);
        }
    }

    pub(super) fn check_slot(&mut self, name: &str, at: usize) {
        if !self.slots.contains(name) {
            let message = format!("there is no slot `{}`", name.escape_debug());
            let known = self.slots.iter().copied();
            self.findings.report_unknown(code::UNKNOWN_SLOT, at, message, name, known);
        }
    }

    /// Two experiments in one namespace are there so that nobody is in both.
    pub(super) fn claim_namespace(&mut self, name: &'n str, range: [f64; 2], experiment: &str, at: usize) {
        let taken = self.namespaces.entry(name).or_default();
        let overlaps = |other: &[f64; 2]| range[0] < other[1] && other[0] < range[1];
        if let Some((_, other)) = taken.iter().find(|(other, _)| overlaps(other)) {
            let message = format!("`{experiment}` and `{other}` share a part of the namespace `{name}`");
            let help = "give them ranges that do not overlap, so that nobody is in both";
            self.findings.report_with_help(code::OVERLAPPING_NAMESPACES, at, message, help);
        }
        taken.push((range, experiment.to_owned()));
    }

    /// Something ends at that instant, which may have passed.
    pub(super) fn check_end(&mut self, end: i64, at: usize) {
        if self.now.is_some_and(|now| i64::try_from(now.0).is_ok_and(|now| end <= now)) {
            let message = "it has ended".to_owned();
            let help = "take it out, or put a later instant into `ends_at`";
            self.findings.report_with_help(code::SCHEDULE_OVER, at, message, help);
        }
    }

    /// Rule ids are unique in the whole ruleset, since the kill switch names a rule by nothing else.
    pub(super) fn claim_rule(&mut self, id: &'n str, at: usize) {
        claim(&mut self.rules, "rule", id, at, self.findings);
    }

    pub(super) fn claim_edit(&mut self, id: &'n str, at: usize) {
        claim(&mut self.edits, "edit", id, at, self.findings);
    }

    pub(super) fn check_audience(&mut self, name: &str, at: usize) {
        if !self.audiences.contains(name) {
            let message = format!("there is no audience `{name}`");
            let known = self.audiences.iter().copied();
            self.findings.report_unknown(code::UNKNOWN_AUDIENCE, at, message, name, known);
        }
    }

    /// The kind of the block of that name; an unknown one is a finding. `words` are good beside blocks' names.
    pub(super) fn check_block(&mut self, name: &str, at: usize, words: &[&'n str]) -> Option<BlockKind> {
        let kind = self.blocks.get(name).copied();
        self.shown.extend(kind.map(|_| name.to_owned()));
        if kind.is_none() {
            let message = format!("there is no block `{name}`");
            let known = words.iter().copied().chain(self.blocks.keys().copied());
            self.findings.report_unknown(code::UNKNOWN_BLOCK, at, message, name, known);
        }
        kind
    }

    /// Reports a name of an audience or a block that cannot be one.
    pub(super) fn check_name(&mut self, what: &str, name: &str, at: usize) {
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            let message = format!("`{}` cannot be the name of {what}", name.escape_debug());
            let help = format!("use 1 to {LONGEST_NAME} bytes without control characters");
            self.findings.report_with_help(code::BAD_NAME, at, message, help);
        }
    }

    pub(super) fn check_id(&mut self, code: &'static Code, what: &str, id: &str, at: usize) {
        if !is_id(id) {
            let message = format!("`{}` cannot be the name of {what}", id.escape_debug());
            let help = "use 1 to 64 of the characters A-Z a-z 0-9 _ . -";
            self.findings.report_with_help(code, at, message, help);
        }
    }
}

/// Whether a name is a declared one, or a path into it.
fn is_within(name: &str, declared: &str) -> bool {
    name.strip_prefix(declared).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn claim<'n>(taken: &mut BTreeSet<&'n str>, what: &str, id: &'n str, at: usize, findings: &mut Findings) {
    if !taken.insert(id) {
        let message = format!("there is already {what} `{id}`");
        findings.report_with_help(code::DUPLICATE_ID, at, message, "give one of them another id");
    }
}
