//! Ruleset to pack.

use super::format::{Comparison, Instruction, NONE, Section, kind, outcome};
use super::writer::Writer;
use super::{MAX_PACK_BYTES, literals};
use crate::ruleset::condition::{Condition, Operand, Test};
use crate::ruleset::{Content, Edit, Outcome, Rule, Ruleset};
use std::collections::BTreeMap;

/// Why a ruleset has no pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The pack would be longer than [`MAX_PACK_BYTES`].
    #[error("the pack would have {bytes} bytes, of at most {MAX_PACK_BYTES}")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
}

/// The bytes of a ruleset's pack. The same ruleset gives the same bytes, whatever the order of its keys.
pub fn compile(ruleset: &Ruleset) -> Result<Vec<u8>, CompileError> {
    let mut compiler = Compiler::default();
    for audience in &ruleset.audiences {
        let program = compiler.program(&audience.condition);
        let name = compiler.writer.text(&audience.name);
        let index = compiler.writer.push(Section::Audiences, &[name, program]);
        compiler.audiences.insert(&audience.name, index);
    }
    for block in &ruleset.blocks {
        let record = compiler.block(&block.name, &block.content);
        let index = compiler.writer.push(Section::Blocks, &record);
        compiler.blocks.insert(&block.name, index);
    }
    for slot in &ruleset.slots {
        let (first, count) = compiler.rules(&slot.rules);
        let name = compiler.writer.text(&slot.name);
        compiler.writer.push(Section::Slots, &[name, first, count]);
    }
    for edit in &ruleset.edits {
        compiler.edit(edit);
    }
    let mut ids: Vec<(&str, u32)> = ruleset.edits.iter().map(|edit| edit.id.as_str()).zip(0..).collect();
    ids.sort();
    for (_, edit) in ids {
        compiler.writer.push(Section::EditIds, &[edit]);
    }
    literals::write(ruleset.edits.iter().map(|edit| edit.url.as_str()), &mut compiler.writer);
    let bytes = compiler.writer.finish();
    if bytes.len() > MAX_PACK_BYTES {
        return Err(CompileError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

#[derive(Default)]
struct Compiler<'r> {
    writer: Writer,
    audiences: BTreeMap<&'r str, u32>,
    blocks: BTreeMap<&'r str, u32>,
}

impl Compiler<'_> {
    fn block(&mut self, name: &str, content: &Content) -> [u32; 6] {
        let id = self.writer.text(name);
        match content {
            Content::Inline(html) => [id, kind::INLINE, self.writer.text(html), 0, NONE, NONE],
            Content::Fragment { url, timeout_ms, ttl_s, fallback } => {
                let url = self.writer.text(url);
                let fallback = fallback.as_deref().and_then(|name| self.blocks.get(name));
                let fallback = fallback.copied().unwrap_or(NONE);
                [id, kind::FRAGMENT, url, *timeout_ms, ttl_s.unwrap_or(NONE), fallback]
            }
        }
    }

    fn edit(&mut self, edit: &Edit) {
        let (first, count) = self.rules(&edit.rules);
        let attribute = edit.attribute.as_deref().map_or(NONE, |name| self.writer.text(name));
        let record = [
            self.writer.text(&edit.id),
            self.writer.text(&edit.url),
            self.writer.text(&edit.selector),
            edit.action.code().into(),
            attribute,
            first,
            count,
        ];
        self.writer.push(Section::Edits, &record);
    }

    fn rules(&mut self, rules: &[Rule]) -> (u32, u32) {
        let first = self.writer.count(Section::Rules);
        for rule in rules {
            let program = self.program(&rule.condition);
            let outcome = match &rule.outcome {
                Outcome::Default => outcome::DEFAULT,
                Outcome::Nothing => outcome::NOTHING,
                Outcome::Block(name) => {
                    self.blocks.get(name.as_str()).map_or(outcome::DEFAULT, |block| block + outcome::BLOCK)
                }
            };
            let id = self.writer.text(&rule.id);
            self.writer.push(Section::Rules, &[id, program, outcome]);
        }
        (first, rules.len() as u32)
    }

    fn program(&mut self, condition: &Condition) -> u32 {
        let mut instructions = Vec::new();
        self.emit(condition, &mut instructions);
        self.writer.program(&instructions)
    }

    fn emit(&mut self, condition: &Condition, into: &mut Vec<Instruction>) {
        match condition {
            Condition::All(parts) => self.emit_parts(parts, Instruction::SkipIfFalse, into),
            Condition::Any(parts) => self.emit_parts(parts, Instruction::SkipIfTrue, into),
            Condition::Not(part) => {
                self.emit(part, into);
                into.push(Instruction::Not);
            }
            Condition::Audience(name) => into.push(match self.audiences.get(name.as_str()) {
                Some(index) => Instruction::Audience(*index),
                None => Instruction::Set(false),
            }),
            Condition::Fact(attribute, test) => into.push(Instruction::Test(self.predicate(attribute, test))),
        }
    }

    /// Each part, and after each but the last a skip to the end where its answer settles the whole.
    fn emit_parts(&mut self, parts: &[Condition], skip: fn(u32) -> Instruction, into: &mut Vec<Instruction>) {
        if parts.is_empty() {
            into.push(Instruction::Set(true));
        }
        let mut skips = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                skips.push(into.len());
                into.push(skip(0));
            }
            self.emit(part, into);
        }
        let end = into.len();
        for at in skips {
            if let Some(instruction) = into.get_mut(at) {
                *instruction = skip((end - at - 1) as u32);
            }
        }
    }

    fn predicate(&mut self, attribute: &str, test: &Test) -> u32 {
        let (comparison, value) = match test {
            Test::Never => (Comparison::Never, self.writer.value(&Operand::Null)),
            Test::Exists => (Comparison::Exists, self.writer.value(&Operand::Null)),
            Test::Matches(operand) => (Comparison::Matches, self.writer.value(operand)),
            Test::Is(operand) => (Comparison::Is, self.writer.value(operand)),
            Test::In(operands) => (Comparison::In, self.writer.list(operands)),
            Test::Less(operand) => (Comparison::Less, self.writer.value(operand)),
            Test::LessOrEqual(operand) => (Comparison::LessOrEqual, self.writer.value(operand)),
            Test::Greater(operand) => (Comparison::Greater, self.writer.value(operand)),
            Test::GreaterOrEqual(operand) => (Comparison::GreaterOrEqual, self.writer.value(operand)),
        };
        self.writer.predicate(attribute, comparison, value)
    }
}
