//! Which edits and gates may apply to a path: an index by the literal text that their URL patterns begin with.
//!
//! Sorted literals that begin with each other are linked from the longer to the shorter. The greatest literal that is
//! not greater than a path begins with the longest literal that the path begins with, so that one is on its chain, and
//! all others that the path begins with are after it.

use super::format::{NONE, Section};
use super::url_pattern;
use super::writer::Writer;
use super::{Pack, search};
use std::collections::BTreeMap;

/// Writes the index of what has these patterns, in their order: edits, then gates.
pub(super) fn write<'r>(patterns: impl Iterator<Item = &'r str>, writer: &mut Writer) {
    let mut by_literal: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (pattern, edit) in patterns.zip(0..) {
        by_literal.entry(url_pattern::literal(pattern)).or_default().push(edit);
    }
    let mut chain: Vec<(&str, u32)> = Vec::new();
    for (literal, edits) in by_literal {
        while chain.last().is_some_and(|(shorter, _)| !literal.starts_with(shorter)) {
            chain.pop();
        }
        let shorter = chain.last().map_or(NONE, |(_, index)| *index);
        let first = writer.count(Section::LiteralEntries);
        for edit in &edits {
            writer.push(Section::LiteralEntries, &[*edit]);
        }
        let text = writer.text(literal);
        let index = writer.push(Section::Literals, &[text, shorter, first, edits.len() as u32]);
        chain.push((literal, index));
    }
}

/// Edits whose pattern begins as the path does, and gates, which are numbered after them, in no order.
pub(super) fn candidates(pack: &Pack, path: &str) -> Vec<u32> {
    let literal_of = |index| pack.text_bytes(pack.word(Section::Literals, index, 0)?);
    let not_greater =
        search::partition(pack.count(Section::Literals), |index| literal_of(index) <= Some(path.as_bytes()));
    let mut found = Vec::new();
    let mut next = not_greater.checked_sub(1);
    while let Some(index) = next {
        if literal_of(index).is_some_and(|literal| path.as_bytes().starts_with(literal)) {
            let first = pack.word(Section::Literals, index, 2).unwrap_or_default();
            let count = pack.word(Section::Literals, index, 3).unwrap_or_default();
            let entries = first..first.saturating_add(count);
            found.extend(entries.map_while(|entry| pack.word(Section::LiteralEntries, entry, 0)));
        }
        next = pack.word(Section::Literals, index, 1).filter(|shorter| *shorter < index);
    }
    found
}
