//! One state for all states that cannot be told apart by what follows.

use std::collections::{BTreeMap, BTreeSet};

use super::automaton::{ALWAYS, Automaton, NEVER, State, runs};

/// States by what is known to tell them apart. A state is looked at again where one that it leads to has left its
/// block, as in Hopcroft's algorithm; looking at all of them each time would take a long chain the square of its
/// length.
struct Blocks<'a> {
    states: &'a [State],
    block_of: Vec<usize>,
    sizes: Vec<usize>,
}

impl Automaton {
    pub(super) fn minimized(self) -> Automaton {
        let mut before = vec![Vec::new(); self.states.len()];
        for (number, state) in self.states.iter().enumerate() {
            for (_, next) in &state.runs {
                before[*next].push(number);
            }
        }
        let mut blocks = Blocks::new(&self.states);
        let mut unsure: BTreeSet<usize> = (0..self.states.len()).collect();
        while !unsure.is_empty() {
            let moved = blocks.split(unsure);
            unsure = moved.into_iter().flat_map(|number| before[number].iter().copied()).collect();
        }
        let mut merged = BTreeMap::new();
        for number in 0..self.states.len() {
            merged
                .entry(blocks.block_of[number])
                .or_insert_with(|| State { ends: self.states[number].ends, runs: blocks.next(number) });
        }
        Automaton { states: merged.into_values().collect(), start: blocks.block_of[self.start] }
    }
}

impl<'a> Blocks<'a> {
    fn new(states: &'a [State]) -> Self {
        let block_of: Vec<usize> =
            states.iter().map(|state| if state.ends { ALWAYS } else { NEVER }).collect();
        let ends = block_of.iter().sum();
        Blocks { states, block_of, sizes: vec![states.len() - ends, ends] }
    }

    /// The blocks that a state leads to.
    fn next(&self, number: usize) -> Vec<(u8, usize)> {
        runs(self.states[number].runs.iter().map(|(last, next)| (*last, self.block_of[*next])))
    }

    /// Splits each block by where the unsure states lead, and gives the states that left theirs. The others of a
    /// block, which are sure, lead nowhere that any unsure one leads; they stay, or where none is, the part with one of
    /// the first two states, or the largest.
    fn split(&mut self, unsure: BTreeSet<usize>) -> Vec<usize> {
        let mut parts: BTreeMap<usize, BTreeMap<_, Vec<usize>>> = BTreeMap::new();
        for number in unsure {
            let alike = parts.entry(self.block_of[number]).or_default();
            alike.entry(self.next(number)).or_default().push(number);
        }
        let mut moved = Vec::new();
        for (block, alike) in parts {
            let mut alike: Vec<_> = alike.into_values().collect();
            alike.sort_by_key(|part| (part.iter().any(|number| *number <= ALWAYS), part.len()));
            if alike.iter().map(Vec::len).sum::<usize>() == self.sizes[block] {
                alike.pop();
            }
            for part in alike {
                self.sizes[block] -= part.len();
                part.iter().for_each(|number| self.block_of[*number] = self.sizes.len());
                self.sizes.push(part.len());
                moved.extend(part);
            }
        }
        moved
    }
}
