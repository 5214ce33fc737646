//! Dependency order of things that refer to each other by name.

use std::collections::BTreeMap;

/// An order in which everything comes after what it refers to, and every reference that makes that impossible.
pub(super) struct Order {
    pub(super) order: Vec<usize>,
    /// Chains of indices; the last of each refers to its first.
    pub(super) cycles: Vec<Vec<usize>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Unseen,
    Open,
    Done,
}

/// Where each name stands in the list.
pub(super) fn index<'a>(names: &[&'a str]) -> BTreeMap<&'a str, usize> {
    names.iter().enumerate().map(|(at, name)| (*name, at)).collect()
}

/// Sorts by dependencies; where these leave a choice, the order given stands. Iterative, as chains may be long.
pub(super) fn order(count: usize, refers: impl Fn(usize) -> Vec<usize>) -> Order {
    let references = |of: usize| {
        let mut left = refers(of);
        left.reverse();
        left
    };
    let mut marks = vec![Mark::Unseen; count];
    let mut found = Order { order: Vec::with_capacity(count), cycles: Vec::new() };
    for root in 0..count {
        if marks.get(root) != Some(&Mark::Unseen) {
            continue;
        }
        set(&mut marks, root, Mark::Open);
        let mut path = vec![(root, references(root))];
        while let Some((at, left)) = path.last_mut() {
            let at = *at;
            let Some(next) = left.pop() else {
                set(&mut marks, at, Mark::Done);
                found.order.push(at);
                path.pop();
                continue;
            };
            match marks.get(next) {
                Some(Mark::Unseen) => {
                    set(&mut marks, next, Mark::Open);
                    path.push((next, references(next)));
                }
                Some(Mark::Open) => {
                    let chain = path.iter().map(|(at, _)| *at).skip_while(|at| *at != next);
                    found.cycles.push(chain.collect());
                }
                _ => {}
            }
        }
    }
    found
}

fn set(marks: &mut [Mark], at: usize, mark: Mark) {
    if let Some(place) = marks.get_mut(at) {
        *place = mark;
    }
}

/// A cycle as people read it: `a → b → a`.
pub(super) fn spell(cycle: &[usize], names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<&str> =
        cycle.iter().take(SHOWN).filter_map(|at| names.get(*at)).map(|name| &**name).collect();
    if cycle.len() > SHOWN {
        words.push("…");
    }
    words.extend(cycle.first().and_then(|at| names.get(*at)));
    words.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::{index, order, spell};

    fn check(edges: &[(&str, &[&str])], expect: &str, cycles: &[&str]) {
        let names: Vec<&str> = edges.iter().map(|(name, _)| *name).collect();
        let known = index(&names);
        let refers = |at: usize| edges[at].1.iter().filter_map(|name| known.get(name).copied()).collect();
        let found = order(names.len(), refers);
        let order: Vec<&str> = found.order.iter().map(|at| names[*at]).collect();
        assert_eq!(order.join(" "), expect);
        let spelled: Vec<String> = found.cycles.iter().map(|cycle| spell(cycle, &names)).collect();
        assert_eq!(spelled, cycles);
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        check(&[("a", &["c"]), ("b", &[]), ("c", &["b", "nobody"])], "b c a", &[]);
    }

    #[test]
    fn every_cycle_is_found() {
        check(&[("a", &["b"]), ("b", &["a"]), ("c", &["c", "a"])], "b a c", &["a → b → a", "c → c"]);
    }

    #[test]
    fn a_long_chain_does_not_exhaust_the_stack() {
        let found = order(200_000, |at| if at < 199_999 { vec![at + 1] } else { Vec::new() });
        assert_eq!(found.order.first(), Some(&199_999));
    }
}
