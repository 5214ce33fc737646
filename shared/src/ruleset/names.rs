//! The names in a ruleset: which are possible, which exist, which are taken.

use super::code::{self, Code};
use super::diagnostic::Findings;
use std::collections::{BTreeMap, BTreeSet};

const LONGEST_ID: usize = 64;
const LONGEST_NAME: usize = 128;

/// Everything in a ruleset that something else in it may refer to, and the findings about it.
pub(super) struct Scope<'n, 'f> {
    pub(super) findings: &'f mut Findings,
    pub(super) audiences: BTreeSet<&'n str>,
    pub(super) blocks: BTreeMap<&'n str, BlockKind>,
    rules: BTreeSet<&'n str>,
    edits: BTreeSet<&'n str>,
}

/// What kind of content a block has, as far as a rule must know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Inline,
    Fragment,
}

impl<'n, 'f> Scope<'n, 'f> {
    pub(super) fn new(findings: &'f mut Findings) -> Self {
        let (rules, edits) = (BTreeSet::new(), BTreeSet::new());
        Scope { findings, audiences: BTreeSet::new(), blocks: BTreeMap::new(), rules, edits }
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
