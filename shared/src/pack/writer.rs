//! Sections while they are written: every text, value, predicate and program once.

use super::format::{Comparison, HEAD, Instruction, MAGIC, Section, tag};
use super::machine::guard;
use crate::ruleset::condition::Operand;
use std::collections::{BTreeMap, BTreeSet};

/// The sections of a pack to be. What is interned gets the index of its first occurrence, so the bytes depend on
/// nothing but the order of the calls.
#[derive(Default)]
pub(super) struct Writer {
    sections: [Vec<u8>; Section::COUNT],
    texts: BTreeMap<String, u32>,
    blobs: BTreeMap<Vec<u8>, u32>,
    values: BTreeMap<Vec<[u32; 3]>, u32>,
    programs: BTreeMap<Vec<u32>, u32>,
    records: BTreeMap<(usize, Vec<u32>), u32>,
}

impl Writer {
    /// Appends a record to a table, and gives its index.
    pub(super) fn push(&mut self, section: Section, record: &[u32]) -> u32 {
        let index = self.count(section);
        self.section(section).extend(record.iter().flat_map(|word| word.to_le_bytes()));
        index
    }

    pub(super) fn count(&mut self, section: Section) -> u32 {
        (self.section(section).len() / section.record()) as u32
    }

    pub(super) fn text(&mut self, text: &str) -> u32 {
        if let Some(index) = self.texts.get(text) {
            return *index;
        }
        let bytes = self.section(Section::Text);
        bytes.extend(text.as_bytes());
        let end = bytes.len() as u32;
        let index = self.push(Section::TextEnds, &[end]);
        self.texts.insert(text.to_owned(), index);
        index
    }

    fn blob(&mut self, blob: &[u8]) -> u32 {
        if let Some(index) = self.blobs.get(blob) {
            return *index;
        }
        let bytes = self.section(Section::Blob);
        bytes.extend(blob);
        let end = bytes.len() as u32;
        let index = self.push(Section::BlobEnds, &[end]);
        self.blobs.insert(blob.to_owned(), index);
        index
    }

    /// A record that is written once, however often it is needed.
    pub(super) fn once(&mut self, section: Section, record: &[u32]) -> u32 {
        let key = (section as usize, record.to_vec());
        if let Some(index) = self.records.get(&key) {
            return *index;
        }
        let index = self.push(section, record);
        self.records.insert(key, index);
        index
    }

    pub(super) fn attribute(&mut self, name: &str) -> u32 {
        let name = self.text(name);
        self.once(Section::Attributes, &[name])
    }

    pub(super) fn pair(&mut self, first: u32, second: u32) -> u32 {
        self.values_once(vec![[tag::PAIR, first, second]])
    }

    pub(super) fn blob_value(&mut self, written: &str, blob: &[u8]) -> u32 {
        let record = [tag::BLOB, self.text(written), self.blob(blob)];
        self.values_once(vec![record])
    }

    pub(super) fn program_value(&mut self, program: u32) -> u32 {
        self.values_once(vec![[tag::PROGRAM, program, 0]])
    }

    /// Values in an order that means something.
    pub(super) fn tuple(&mut self, operands: &[Operand]) -> u32 {
        let records: Vec<[u32; 3]> = operands.iter().map(|operand| self.scalar(operand)).collect();
        let count = records.len() as u32;
        let first = if records.is_empty() { 0 } else { self.values_once(records) };
        self.values_once(vec![[tag::TUPLE, first, count]])
    }

    pub(super) fn value(&mut self, operand: &Operand) -> u32 {
        let record = self.scalar(operand);
        self.values_once(vec![record])
    }

    /// A list whose items are sorted, so that a fact is found by halving.
    pub(super) fn list(&mut self, operands: &[Operand]) -> u32 {
        let mut operands: Vec<&Operand> = operands.iter().collect();
        operands
            .sort_by(|one, other| order(one).partial_cmp(&order(other)).unwrap_or(std::cmp::Ordering::Equal));
        operands.dedup();
        let records: Vec<[u32; 3]> = operands.into_iter().map(|operand| self.scalar(operand)).collect();
        let count = records.len() as u32;
        let first = if records.is_empty() { 0 } else { self.values_once(records) };
        self.values_once(vec![[tag::LIST, first, count]])
    }

    pub(super) fn predicate(&mut self, attribute: &str, comparison: Comparison, value: u32) -> u32 {
        let attribute = self.attribute(attribute);
        self.once(Section::Predicates, &[attribute, comparison as u32, value])
    }

    /// The index of the first instruction of a program, to which the end is added.
    pub(super) fn program(&mut self, instructions: &[Instruction]) -> u32 {
        let ended = instructions.iter().chain([&Instruction::End]);
        let words: Vec<u32> = ended.map(|instruction| instruction.to_word()).collect();
        if let Some(start) = self.programs.get(&words) {
            return *start;
        }
        let start = self.push(Section::Code, &words);
        self.programs.insert(words, start);
        start
    }

    /// The guard of the rules that have this program.
    pub(super) fn guard(&mut self, program: u32) -> u32 {
        guard(self.section(Section::Code).as_chunks().0, program)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.list_compared();
        let length: usize = HEAD + self.sections.iter().map(Vec::len).sum::<usize>();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(MAGIC);
        bytes.extend(self.sections.iter().flat_map(|section| (section.len() as u32).to_le_bytes()));
        self.sections.iter().for_each(|section| bytes.extend(section));
        bytes
    }

    fn list_compared(&mut self) {
        let words = |bytes: &[u8]| -> Vec<u32> {
            bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
        };
        let predicates = words(self.section(Section::Predicates));
        let is_text =
            |comparison| [Comparison::MatchesText as u32, Comparison::IsText as u32].contains(&comparison);
        let compared =
            predicates.chunks(3).filter(|predicate| is_text(predicate[1])).map(|predicate| predicate[2]);
        let compared: BTreeSet<u32> = compared.collect();
        // Texts by their bytes.
        let sorted: Vec<u32> = self.texts.values().copied().filter(|text| compared.contains(text)).collect();
        self.push(Section::Compared, &sorted);
    }

    fn section(&mut self, section: Section) -> &mut Vec<u8> {
        &mut self.sections[section as usize]
    }

    fn values_once(&mut self, records: Vec<[u32; 3]>) -> u32 {
        if let Some(first) = self.values.get(&records) {
            return *first;
        }
        let first = self.count(Section::Values);
        records.iter().for_each(|record| {
            self.push(Section::Values, record);
        });
        self.values.insert(records, first);
        first
    }

    fn scalar(&mut self, operand: &Operand) -> [u32; 3] {
        match operand {
            Operand::Null => [tag::NULL, 0, 0],
            Operand::Bool(yes) => [tag::BOOL, u32::from(*yes), 0],
            Operand::Number(number) => {
                let bits = (number + 0.0).to_bits();
                [tag::NUMBER, bits as u32, (bits >> 32) as u32]
            }
            Operand::Text(text) => [tag::TEXT, self.text(text), 0],
            Operand::Json(text) => [tag::JSON, self.text(text), 0],
        }
    }
}

/// The order of values in a list: by tag, then by value.
fn order(operand: &Operand) -> (u32, f64, &str) {
    match operand {
        Operand::Null => (tag::NULL, 0.0, ""),
        Operand::Bool(yes) => (tag::BOOL, f64::from(u8::from(*yes)), ""),
        Operand::Number(number) => (tag::NUMBER, *number, ""),
        Operand::Text(text) => (tag::TEXT, 0.0, text),
        Operand::Json(text) => (tag::JSON, 0.0, text),
    }
}
