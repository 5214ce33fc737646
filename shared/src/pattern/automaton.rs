//! From an expression to the smallest automaton that finds a match of it, and to the bytes of that.

use std::collections::{BTreeMap, BTreeSet};

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::{primitives::StateID, start};
use regex_syntax::hir::Hir;

use super::matcher::{DEAD, ENDS, MATCHED};
use super::{MAX_COMPILED_BYTES, utf8};

// The first bounds the work for one step of making the automaton deterministic, the others how many steps there are.
const MAX_NFA_BYTES: usize = 256 * 1024;
const MAX_DFA_BYTES: usize = 512 * 1024;
const MAX_SETS_BYTES: usize = 128 * 1024;

/// A deterministic automaton over bytes. The first two states are where there is no match any more, and where there
/// is one whatever follows.
pub(super) struct Automaton {
    pub(super) states: Vec<State>,
    pub(super) start: usize,
}

pub(super) struct State {
    /// Whether there is a match if the text ends here.
    pub(super) ends: bool,
    /// The state for each byte, in runs: the last byte of a run, and the state.
    pub(super) runs: Vec<(u8, usize)>,
}

pub(super) const NEVER: usize = 0;
pub(super) const ALWAYS: usize = 1;

impl Automaton {
    /// `None` where it is too large.
    pub(super) fn new(expression: Hir) -> Option<Automaton> {
        // The library could search from every byte on by itself, but would then try within a character as well.
        let expression = Hir::concat(vec![utf8::any_text(), expression]);
        let config = thompson::Config::new()
            .utf8(false)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(MAX_NFA_BYTES));
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(&expression).ok()?;
        let config = dense::Config::new()
            .accelerate(false)
            .start_kind(StartKind::Anchored)
            .dfa_size_limit(Some(MAX_DFA_BYTES))
            .determinize_size_limit(Some(MAX_SETS_BYTES));
        let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        Automaton::read(&dfa).map(Automaton::minimized)
    }

    /// The library tells of a match one byte after its end. As nothing after it matters here, the state before is the
    /// last.
    fn read(dfa: &dense::DFA<Vec<u32>>) -> Option<Automaton> {
        let first = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
        let mut numbers = BTreeMap::from([(first, 2)]);
        let mut found = vec![first];
        let mut states = vec![State::constant(NEVER, false), State::constant(ALWAYS, true)];
        while let Some(id) = found.get(states.len() - 2).copied() {
            let mut number = |id: StateID| {
                if dfa.is_match_state(id) {
                    return ALWAYS;
                }
                if dfa.is_dead_state(id) {
                    return NEVER;
                }
                *numbers.entry(id).or_insert_with(|| {
                    found.push(id);
                    found.len() + 1
                })
            };
            let next = runs((0..=u8::MAX).map(|byte| (byte, dfa.next_state(id, byte))));
            let next = runs(next.into_iter().map(|(last, id)| (last, number(id))));
            states.push(State { runs: next, ends: dfa.is_match_state(dfa.next_eoi_state(id)) });
        }
        Some(Automaton { states, start: 2 })
    }

    /// The form that [`matcher`](super::matcher) describes; `None` where it is too large.
    pub(super) fn into_bytes(self) -> Option<Vec<u8>> {
        let mut reached = BTreeSet::from([self.start]);
        let mut open = vec![self.start];
        while let Some(state) = open.pop().and_then(|number| self.states.get(number)) {
            open.extend(state.runs.iter().map(|run| run.1).filter(|next| reached.insert(*next)));
        }
        let mut offsets = BTreeMap::from([(NEVER, DEAD), (ALWAYS, MATCHED)]);
        let mut records = Vec::new();
        let mut end = 2_usize;
        for number in reached.into_iter().filter(|number| ![NEVER, ALWAYS].contains(number)) {
            let record = self.states.get(number)?.record();
            offsets.insert(number, u16::try_from(end).ok()?);
            end += 4 + 4 * record.exceptions.len();
            records.push(record);
        }
        if end > MAX_COMPILED_BYTES {
            return None;
        }
        let offset = |number: &usize| offsets.get(number).map(|offset| offset.to_le_bytes());
        let mut bytes = offset(&self.start)?.to_vec();
        for record in records {
            let count = u16::try_from(record.exceptions.len()).ok()?;
            bytes.extend((count | if record.ends { ENDS } else { 0 }).to_le_bytes());
            bytes.extend(offset(&record.usual)?);
            for (first, last, next) in record.exceptions {
                bytes.extend([first, last]);
                bytes.extend(offset(&next)?);
            }
        }
        Some(bytes)
    }
}

/// A state as it is written: where most runs lead, and the others.
struct Record {
    ends: bool,
    usual: usize,
    exceptions: Vec<(u8, u8, usize)>,
}

impl State {
    fn constant(next: usize, ends: bool) -> State {
        State { ends, runs: vec![(u8::MAX, next)] }
    }

    fn record(&self) -> Record {
        let mut uses = BTreeMap::new();
        self.runs.iter().for_each(|(_, next)| *uses.entry(*next).or_insert(0) += 1);
        let usual = uses.into_iter().max_by_key(|(_, uses)| *uses).map_or(NEVER, |(next, _)| next);
        let firsts = [0].into_iter().chain(self.runs.iter().map(|(last, _)| last.saturating_add(1)));
        let ranges = firsts.zip(&self.runs).map(|(first, (last, next))| (first, *last, *next));
        Record { ends: self.ends, usual, exceptions: ranges.filter(|range| range.2 != usual).collect() }
    }
}

/// Joins neighbours that lead to the same state.
pub(super) fn runs<S: PartialEq>(next: impl Iterator<Item = (u8, S)>) -> Vec<(u8, S)> {
    let mut runs: Vec<(u8, S)> = Vec::new();
    for (last, state) in next {
        match runs.last_mut() {
            Some(before) if before.1 == state => before.0 = last,
            _ => runs.push((last, state)),
        }
    }
    runs
}
