//! The pack: the compiled form of a ruleset, read in place.
//!
//! ```text
//! Ruleset ─► compile ─► bytes ─► open (checked once) ─► Pack ─► Evaluation::decide, edits_for, block
//! ```
//! Every read is bounds-checked, and `check` has seen every reference before the first of them, so a read that fails
//! is a defect of this module; the slot then shows its default.

mod asked;
mod assignment;
mod blocks;
mod bucket;
mod check;
pub(crate) mod coerce;
mod compile;
mod conditions;
mod describe;
#[cfg(test)]
mod distribution;
mod edits;
mod evaluate;
mod explain;
mod format;
mod gates;
mod hash;
mod items;
mod literals;
mod machine;
mod memo;
mod names;
mod predicate;
mod search;
pub(crate) mod url_pattern;
mod writer;

pub use assignment::{Assigned, By, Learned, Showing, kept_bucket};
pub use blocks::{Block, Content, Fragment, Rendering, Template};
pub use compile::{CompileError, compile};
pub use edits::Edit;
pub use evaluate::{Choice, Decision, Evaluation, Reason};
pub(crate) use explain::reason_word;
pub use explain::{
    Cause, Explanation, GatePassed, GatesExplanation, Passed, PlaceExplanation, VisitExplanation,
};
pub use gates::{GateIndex, GateOutcome};
pub use hash::PackHash;

use crate::page::Place;
use crate::pattern::Matcher;
use format::{HEAD, MAGIC, NONE, PREDICATE, RULE, Section, experiment};
use std::fmt;
use std::sync::OnceLock;

/// Longest pack, in bytes.
pub const MAX_PACK_BYTES: usize = 20 << 20;

/// A slot of a pack, or the rules of one of its edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotIndex(pub(crate) u32);

/// A rule of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(u32);

/// An experiment of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExperimentIndex(u32);

/// A block of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockIndex(u32);

/// Why bytes are not a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Longer than [`MAX_PACK_BYTES`].
    #[error("a pack of {bytes} bytes is too long")]
    TooLarge {
        /// Their length.
        bytes: usize,
    },
    /// Of another format, or of another version of it.
    #[error("not a pack of this version")]
    NotAPack,
    /// The lengths in the head do not add up to the length of the bytes.
    #[error("the pack has been cut or extended")]
    Length,
    /// A table holds what no compiler writes.
    #[error("record {record} of table {table} is corrupt")]
    Corrupt {
        /// The table's name in the format.
        table: &'static str,
        /// The record's index.
        record: u32,
    },
    /// The bytes are not those that were asked for.
    #[error("the pack has another hash than {expected}")]
    OtherHash {
        /// The hash that was asked for.
        expected: PackHash,
    },
}

/// A rule pack in memory.
pub struct Pack {
    /// All sections but the texts.
    bytes: Vec<u8>,
    text: String,
    /// Where each section begins, and how many records it has.
    sections: [(usize, u32); Section::COUNT],
    hash: OnceLock<PackHash>,
}

impl Pack {
    /// Reads the bytes of a pack, and checks every reference in it. Never panics; work is proportional to the length.
    pub fn open(mut bytes: Vec<u8>) -> Result<Pack, PackError> {
        if bytes.len() > MAX_PACK_BYTES {
            return Err(PackError::TooLarge { bytes: bytes.len() });
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(PackError::NotAPack);
        }
        let mut sections = [(0, 0); Section::COUNT];
        let mut start = HEAD;
        for (&section, place) in Section::ALL.iter().zip(&mut sections) {
            let at = MAGIC.len() + 4 * section as usize;
            let length = word_at(&bytes, at).ok_or(PackError::Length)? as usize;
            if !length.is_multiple_of(section.record()) {
                return Err(PackError::Length);
            }
            *place = (start, (length / section.record()) as u32);
            start = start.checked_add(length).ok_or(PackError::Length)?;
        }
        if start != bytes.len() {
            return Err(PackError::Length);
        }
        let (text_start, _) = sections[Section::Text as usize];
        let text = String::from_utf8(bytes.split_off(text_start));
        let text = text.map_err(|_| PackError::Corrupt { table: Section::Text.title(), record: 0 })?;
        bytes.shrink_to_fit();
        let pack = Pack { bytes, text, sections, hash: OnceLock::new() };
        check::check(&pack)?;
        Ok(pack)
    }

    /// As [`Pack::open`], but refuses first whatever does not have that hash.
    pub fn open_verified(bytes: Vec<u8>, expected: &PackHash) -> Result<Pack, PackError> {
        if bytes.len() > MAX_PACK_BYTES {
            return Err(PackError::TooLarge { bytes: bytes.len() });
        }
        let hash = PackHash::of(&bytes);
        if hash != *expected {
            return Err(PackError::OtherHash { expected: *expected });
        }
        let pack = Pack::open(bytes)?;
        Ok(Pack { hash: OnceLock::from(hash), ..pack })
    }

    /// The hash of its bytes; costs as much as they are long, the first time.
    pub fn hash(&self) -> PackHash {
        *self.hash.get_or_init(|| PackHash::of_parts(&[&self.bytes, self.text.as_bytes()]))
    }

    /// The slot of that name, if any rule was written for it.
    pub fn slot(&self, name: &str) -> Option<SlotIndex> {
        self.find(Section::Slots, name, Some).map(SlotIndex)
    }

    /// The rules of the edit with that id.
    pub fn edit_slot(&self, edit_id: &str) -> Option<SlotIndex> {
        let place = self.find(Section::EditIds, edit_id, |index| self.word(Section::EditIds, index, 0))?;
        self.edit_rules(self.word(Section::EditIds, place, 0)?)
    }

    /// The slot of a place in a page.
    pub(crate) fn slot_of(&self, place: &Place) -> Option<SlotIndex> {
        if place.edit { self.edit_slot(&place.name) } else { self.slot(&place.name) }
    }

    /// What people called the rule; empty for a rule of another pack.
    pub fn rule_id(&self, rule: RuleIndex) -> &str {
        self.word(Section::Rules, rule.0, 0).and_then(|id| self.text(id)).unwrap_or_default()
    }

    /// What people called the experiment; empty for one of another pack.
    pub fn experiment_key(&self, experiment: ExperimentIndex) -> &str {
        let key = self.word(Section::Experiments, experiment.0, experiment::KEY);
        key.and_then(|key| self.text(key)).unwrap_or_default()
    }

    /// What people called the variation; empty for one of another experiment.
    pub fn variation_key(&self, experiment: ExperimentIndex, variation: u32) -> &str {
        let first = self.word(Section::Experiments, experiment.0, experiment::FIRST_VARIATION);
        let place = first.and_then(|first| first.checked_add(variation));
        let key = place.and_then(|place| self.word(Section::Variations, place, 0));
        key.and_then(|key| self.text(key)).unwrap_or_default()
    }

    /// How many rules there are, those of edits among them.
    pub fn rule_count(&self) -> u32 {
        self.count(Section::Rules)
    }

    /// The slot of an edit. Slots come first, then edits.
    fn edit_rules(&self, edit: u32) -> Option<SlotIndex> {
        self.count(Section::Slots).checked_add(edit).map(SlotIndex)
    }

    /// First rule and number of rules.
    fn rules_of(&self, slot: SlotIndex) -> Option<(u32, u32)> {
        let slots = self.count(Section::Slots);
        let (section, index, field) = match slot.0.checked_sub(slots) {
            None => (Section::Slots, slot.0, 1),
            Some(edit) => (Section::Edits, edit, 5),
        };
        Some((self.word(section, index, field)?, self.word(section, index, field + 1)?))
    }

    /// The records of rules.
    fn rules(&self, first: u32, count: u32) -> Option<&[[u8; RULE]]> {
        let (start, rules) = self.sections[Section::Rules as usize];
        if first.checked_add(count)? > rules {
            return None;
        }
        let from = start + first as usize * RULE;
        Some(self.bytes.get(from..from + count as usize * RULE)?.as_chunks().0)
    }

    /// The records of all predicates.
    fn predicates(&self) -> &[[u8; PREDICATE]] {
        let (start, count) = self.sections[Section::Predicates as usize];
        self.bytes.get(start..start + count as usize * PREDICATE).unwrap_or_default().as_chunks().0
    }

    /// The text that predicates compare with and that is this one.
    fn compared(&self, wanted: &str) -> Option<u32> {
        let text_of = |index| self.text_bytes(self.word(Section::Compared, index, 0)?);
        let index = search::partition(self.count(Section::Compared), |index| {
            text_of(index) < Some(wanted.as_bytes())
        });
        let text = self.word(Section::Compared, index, 0)?;
        (self.text_bytes(text)? == wanted.as_bytes()).then_some(text)
    }

    /// Halves a table that is sorted by the first text of the record that each index leads to.
    fn find(&self, section: Section, name: &str, leads_to: impl Fn(u32) -> Option<u32>) -> Option<u32> {
        let table = if section == Section::EditIds { Section::Edits } else { section };
        let name_of = |index| self.text_bytes(self.word(table, leads_to(index)?, 0)?);
        let index = search::partition(self.count(section), |index| name_of(index) < Some(name.as_bytes()));
        (name_of(index)? == name.as_bytes()).then_some(index)
    }

    fn count(&self, section: Section) -> u32 {
        self.sections[section as usize].1
    }

    /// One word of a record.
    fn word(&self, section: Section, index: u32, field: usize) -> Option<u32> {
        let (start, count) = self.sections[section as usize];
        if index >= count {
            return None;
        }
        word_at(&self.bytes, start + index as usize * section.record() + field * 4)
    }

    /// The first words of a record, read at once: on the way of every rule.
    fn words<const N: usize>(&self, section: Section, index: u32) -> Option<[u32; N]> {
        let (start, count) = self.sections[section as usize];
        if index >= count || N * 4 > section.record() {
            return None;
        }
        let at = start + index as usize * section.record();
        let record = self.bytes.get(at..at.checked_add(N * 4)?)?;
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(record.chunks_exact(4)) {
            *word = u32::from_le_bytes(bytes.try_into().ok()?);
        }
        Some(words)
    }

    /// The instructions of all programs.
    fn code(&self) -> &[[u8; 4]] {
        let (start, count) = self.sections[Section::Code as usize];
        self.bytes.get(start..start + count as usize * 4).unwrap_or_default().as_chunks().0
    }

    fn text_bytes(&self, text: u32) -> Option<&[u8]> {
        let (begin, end) = self.interned(Section::TextEnds, text)?;
        self.text.as_bytes().get(begin..end)
    }

    fn text(&self, text: u32) -> Option<&str> {
        let (begin, end) = self.interned(Section::TextEnds, text)?;
        self.text.get(begin..end)
    }

    fn blob(&self, blob: u32) -> Option<&[u8]> {
        let (begin, end) = self.interned(Section::BlobEnds, blob)?;
        let (start, length) = self.sections[Section::Blob as usize];
        self.bytes.get(start..start + length as usize)?.get(begin..end)
    }

    /// The automaton in a blob, which has been checked when the pack was opened.
    fn pattern(&self, blob: u32) -> Option<Matcher<'_>> {
        self.blob(blob).map(Matcher::of_checked)
    }

    /// From where to where something interned reaches.
    fn interned(&self, ends: Section, index: u32) -> Option<(usize, usize)> {
        let begin = match index.checked_sub(1) {
            Some(before) => self.word(ends, before, 0)? as usize,
            None => 0,
        };
        Some((begin, self.word(ends, index, 0)? as usize))
    }

    /// A text, unless the reference is to nothing.
    fn optional_text(&self, text: u32) -> Option<&str> {
        if text == NONE { None } else { self.text(text) }
    }
}

impl PartialEq for Pack {
    fn eq(&self, other: &Pack) -> bool {
        self.bytes == other.bytes && self.text == other.text
    }
}

impl Eq for Pack {}

impl fmt::Debug for Pack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, rules) = (self.bytes.len() + self.text.len(), self.rule_count());
        formatter.debug_struct("Pack").field("bytes", &bytes).field("rules", &rules).finish_non_exhaustive()
    }
}

#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Content, Evaluation, MAGIC, Pack, PackError, PackHash, Section, SlotIndex, compile};
    use crate::facts::Facts;
    use crate::kill_switch::KillSwitch;
    use crate::ruleset::Ruleset;
    use crate::time::UnixTime;
    use proptest::prelude::*;

    const RULESET: &str = r##"{
        "audiences": {"a": {"x.y": {"$in": ["p", 2, null]}, "$or": [{"$audience": "b"}, {"z": [1]}]}, "b": {"v": {"$gte": 3}}},
        "blocks": {
            "a": {"fragment": "/f", "timeout_ms": 250, "ttl_s": 9, "fallback": "z"},
            "b": {"fragment": "https://w.test/f"},
            "z": {"html": "<p>z</p>"}
        },
        "slots": {
            "s": {"rules": [{"id": "r1", "audience": "a", "block": "a"}, {"id": "r2", "when": {"$nor": [{"v": 1}]}, "block": "b"}]},
            "t": {"rules": []}
        },
        "edits": [
            {"id": "z", "url": "/p*", "selector": "#z", "action": "set-attribute", "attribute": "href", "rules": [{"id": "e1", "block": "z"}]},
            {"id": "y", "url": "*", "selector": "#y", "action": "remove", "rules": [{"id": "e2", "block": "nothing"}]}
        ]
    }"##;

    fn bytes_of(ruleset: &str) -> Vec<u8> {
        let (ruleset, diagnostics) = Ruleset::parse_leniently(ruleset);
        compile(&ruleset.unwrap_or_else(|| panic!("{diagnostics:?}"))).unwrap()
    }

    /// Everything that can be asked of a pack.
    fn use_all(pack: &Pack) {
        let fact = serde_json::json!({"x": {"y": "p"}, "z": [1], "v": 1});
        let facts = Facts::from_json(fact.as_object().cloned().unwrap(), UnixTime(0));
        let mut evaluation = Evaluation::new(pack, &facts, &KillSwitch::On);
        for slot in (0..20).chain([u32::MAX]) {
            let decision = evaluation.decide(SlotIndex(slot));
            let _ = decision.rule.map(|rule| pack.rule_id(rule));
            if let super::Choice::Block(block) = decision.choice {
                let mut next = Some(block);
                while let Some(block) = next {
                    next = pack.block(block).fallback;
                }
            }
        }
        for path in ["", "/", "/p", "/pricing/x", "é"] {
            pack.edits_for(path).into_iter().for_each(|edit| assert!(pack.edit_slot(edit.id).is_some()));
        }
        let _ = (pack.slot("s"), pack.slot("nobody"));
        let _ = pack.visit_json(&pack.explain_visit("/p", &facts, &KillSwitch::On)).to_string();
    }

    #[test]
    fn a_pack_holds_what_the_ruleset_says() {
        let pack = Pack::open(bytes_of(RULESET)).unwrap();
        assert_eq!(pack.rule_count(), 4);
        assert!(pack.slot("s").is_some() && pack.slot("t").is_some());
        assert_eq!((pack.slot("r"), pack.slot(""), pack.slot("u")), (None, None, None));
        assert_ne!(pack.edit_slot("z"), pack.edit_slot("y"));
        assert_eq!(pack.edit_slot("x"), None);
        let facts = Facts::from_json(serde_json::json!({"v": 3}).as_object().cloned().unwrap(), UnixTime(0));
        let mut evaluation = Evaluation::new(&pack, &facts, &KillSwitch::On);
        let super::Choice::Block(block) = evaluation.decide(pack.slot("s").unwrap()).choice else {
            panic!("a block")
        };
        let block = pack.block(block);
        let Content::Fragment(fragment) = block.content else { panic!("a fragment") };
        assert_eq!((block.id, fragment.url, fragment.timeout_ms, fragment.ttl_s), ("a", "/f", 250, Some(9)));
        let fallback = pack.block(block.fallback.unwrap());
        assert_eq!((fallback.id, fallback.content), ("z", Content::Inline("<p>z</p>")));
        let other = evaluation.decide(pack.edit_slot("z").unwrap());
        assert_eq!(other.choice, super::Choice::Block(block.fallback.unwrap()));
        use_all(&pack);
    }

    #[test]
    fn a_list_within_itself_is_refused() {
        let bytes = bytes_of(RULESET);
        let (start, count) = Pack::open(bytes.clone()).unwrap().sections[Section::Values as usize];
        let mut lists = 0;
        for index in 0..count {
            let at = start + index as usize * Section::Values.record();
            if super::word_at(&bytes, at) == Some(super::format::tag::LIST) {
                let mut within = bytes.clone();
                within[at + 4..at + 8].copy_from_slice(&index.to_le_bytes());
                within[at + 8..at + 12].copy_from_slice(&1_u32.to_le_bytes());
                assert!(matches!(Pack::open(within), Err(PackError::Corrupt { .. })));
                lists += 1;
            }
        }
        assert!(lists > 0);
    }

    #[test]
    fn the_same_ruleset_gives_the_same_bytes() {
        let bytes = bytes_of(RULESET);
        assert_eq!(bytes, bytes_of(RULESET));
        let reordered = RULESET
            .replace(r#""z": {"html": "<p>z</p>"}"#, r#""b": {"fragment": "https://w.test/f"}"#)
            .replacen(r#""b": {"fragment": "https://w.test/f"}"#, r#""z": {"html": "<p>z</p>"}"#, 1);
        assert_ne!(reordered, RULESET);
        assert_eq!(bytes, bytes_of(&reordered));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let bytes = bytes_of(RULESET);
        let hash = PackHash::of(&bytes);
        assert_eq!(Pack::open_verified(bytes.clone(), &hash).unwrap().hash(), hash);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refused = Pack::open_verified(flipped.clone(), &hash).unwrap_err();
            assert_eq!(refused, PackError::OtherHash { expected: hash });
            if let Ok(pack) = Pack::open(flipped) {
                use_all(&pack);
            }
        }
        for length in 0..bytes.len() {
            assert!(Pack::open(bytes[..length].to_vec()).is_err(), "length {length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Pack::open(longer).unwrap_err(), PackError::Length);
    }

    #[test]
    fn other_formats_and_versions_are_refused() {
        assert_eq!(Pack::open(Vec::new()).unwrap_err(), PackError::NotAPack);
        let mut next_version = bytes_of("{}");
        next_version[6] += 1;
        assert_eq!(Pack::open(next_version).unwrap_err(), PackError::NotAPack);
        let bytes = super::MAX_PACK_BYTES + 1;
        assert_eq!(Pack::open(vec![0; bytes]).unwrap_err(), PackError::TooLarge { bytes });
    }

    #[test]
    fn a_pack_beyond_the_limit_is_not_compiled() {
        let html = "x".repeat(super::MAX_PACK_BYTES);
        let (ruleset, _) = Ruleset::parse(&format!(r#"{{"blocks":{{"a":{{"html":"{html}"}}}}}}"#));
        assert!(matches!(compile(&ruleset.unwrap()), Err(super::CompileError::TooLarge { .. })));
    }

    #[test]
    fn an_ordinary_rule_is_small() {
        let rule = |at: usize| {
            let (slot, block) = (at / 10, at % 50);
            let when = format!(
                r#"{{"place.country":"C{}","interest.topic{}":{{"$gte":0.{at}}}}}"#,
                at % 200,
                at % 40
            );
            (slot, format!(r#"{{"id":"campaign-{at}","when":{when},"block":"b{block}"}}"#))
        };
        let rules: Vec<String> = (0..10_000).map(|at| rule(at).1).collect();
        let slots: Vec<String> = rules
            .chunks(10)
            .enumerate()
            .map(|(at, rules)| format!(r#""slot-{at}":{{"rules":[{}]}}"#, rules.join(",")))
            .collect();
        let blocks: Vec<String> = (0..50).map(|at| format!(r#""b{at}":{{"html":""}}"#)).collect();
        let ruleset = format!(r#"{{"blocks":{{{}}},"slots":{{{}}}}}"#, blocks.join(","), slots.join(","));
        let each = bytes_of(&ruleset).len() / 10_000;
        println!("{each} bytes a rule");
        assert!(each <= 120, "{each}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail: Vec<u8>) {
            let _ = Pack::open([MAGIC.as_slice(), &tail].concat()).map(|pack| use_all(&pack));
            let _ = Pack::open(tail);
        }

        #[test]
        fn no_changed_words_make_it_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![0u32..40, any::<u32>()]), 1..4)
        ) {
            let mut bytes = bytes_of(RULESET);
            for (place, word) in changes {
                let at = place.index(bytes.len() - 4);
                bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            }
            let _ = Pack::open(bytes).map(|pack| use_all(&pack));
        }
    }
}
