//! Conditions to programs.

use super::compile::Names;
use super::format::{Comparison, Instruction, NONE, Section};
use super::writer::Writer;
use crate::ruleset::condition::{Bucket, Condition, Nulls, Operand, Period, Side, Test};

/// The index of the first instruction of a condition's program.
pub(super) fn program(condition: &Condition, names: &Names, writer: &mut Writer) -> u32 {
    let mut instructions = Vec::new();
    Emitter { names, writer }.emit(condition, &mut instructions);
    writer.program(&instructions)
}

fn compares_with_text(condition: &Condition) -> bool {
    let Condition::Fact(_, test) = condition else { return false };
    matches!(test, Test::Matches(Operand::Text(_)) | Test::Is(Operand::Text(_)))
}

struct Emitter<'c, 'r> {
    names: &'c Names<'r>,
    writer: &'c mut Writer,
}

impl Emitter<'_, '_> {
    fn emit(&mut self, condition: &Condition, into: &mut Vec<Instruction>) {
        match condition {
            Condition::All(parts) => self.emit_parts(parts, Instruction::SkipIfFalse, into),
            Condition::Any(parts) => self.emit_parts(parts, Instruction::SkipIfTrue, into),
            Condition::Not(part) => {
                self.emit(part, into);
                into.push(Instruction::Not);
            }
            Condition::Audience(name) => into.push(match self.names.audiences.get(name.as_str()) {
                Some(index) => Instruction::Audience(*index),
                None => Instruction::Set(false),
            }),
            Condition::Variation { experiment, variations } => {
                into.push(match self.names.experiments.get(experiment.as_str()) {
                    Some((index, one)) => {
                        let wanted = one.variations.iter().zip(0..32);
                        let wanted = wanted.filter(|(variation, _)| variations.contains(&variation.key));
                        let bits = wanted.fold(0, |bits, (_, place)| bits | 1 << place);
                        Instruction::Membership(self.writer.once(Section::Memberships, &[*index, bits]))
                    }
                    None => Instruction::Set(false),
                });
            }
            Condition::Shows { slot, outcomes } => self.emit_showings(slot, outcomes, into),
            Condition::Fact(attribute, test) => into.push(Instruction::Test(self.predicate(attribute, test))),
        }
    }

    fn emit_showings(
        &mut self,
        slot: &str,
        outcomes: &[crate::ruleset::Outcome],
        into: &mut Vec<Instruction>,
    ) {
        let Some(slot) = self.names.slots.get(slot).filter(|_| !outcomes.is_empty()) else {
            return into.push(Instruction::Set(false));
        };
        let records: Vec<[u32; 2]> =
            outcomes.iter().map(|outcome| [*slot, self.names.outcome(outcome)]).collect();
        let left = records.len();
        for (place, record) in records.iter().enumerate() {
            into.push(Instruction::Showing(self.writer.once(Section::Showings, record)));
            let rest = 2 * (left - place - 1);
            if rest > 0 {
                into.push(Instruction::SkipIfTrue(rest as u32 - 1));
            }
        }
    }

    /// Each part, and after each but the last a skip to the end where its answer settles the whole. Where all have to hold,
    /// comparisons with a text come first: they cost least.
    fn emit_parts(&mut self, parts: &[Condition], skip: fn(u32) -> Instruction, into: &mut Vec<Instruction>) {
        if parts.is_empty() {
            into.push(Instruction::Set(true));
        }
        let mut skips = Vec::new();
        let all = skip(0) == Instruction::SkipIfFalse(0);
        let (first, then): (Vec<_>, Vec<_>) = parts.iter().partition(|part| all && compares_with_text(part));
        for (index, part) in first.into_iter().chain(then).enumerate() {
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
        use Comparison as C;
        let (comparison, value) = match test {
            Test::Never => (C::Never, self.writer.value(&Operand::Null)),
            Test::Exists => (C::Exists, self.writer.value(&Operand::Null)),
            Test::Matches(Operand::Text(text)) => (C::MatchesText, self.writer.text(text)),
            Test::Is(Operand::Text(text)) => (C::IsText, self.writer.text(text)),
            Test::Matches(operand) => (C::Matches, self.writer.value(operand)),
            Test::MatchesFolded(text) => (C::MatchesFolded, self.text(text)),
            Test::Is(operand) => (C::Is, self.writer.value(operand)),
            Test::In(operands) => (C::In, self.writer.list(operands)),
            Test::InFolded(operands) => (C::InFolded, self.writer.list(operands)),
            Test::Less(operand) => (C::Less, self.writer.value(operand)),
            Test::LessOrEqual(operand) => (C::LessOrEqual, self.writer.value(operand)),
            Test::Greater(operand) => (C::Greater, self.writer.value(operand)),
            Test::GreaterOrEqual(operand) => (C::GreaterOrEqual, self.writer.value(operand)),
            Test::Version(side, version) => {
                let comparison = match side {
                    Side::Equal => C::VersionIs,
                    Side::Less => C::VersionLess,
                    Side::LessOrEqual => C::VersionLessOrEqual,
                    Side::Greater => C::VersionGreater,
                    Side::GreaterOrEqual => C::VersionGreaterOrEqual,
                };
                (comparison, self.text(version))
            }
            Test::Type(name) => (C::Type, self.text(name)),
            Test::Pattern(pattern) => {
                (C::Pattern, self.writer.blob_value(&pattern.written, &pattern.automaton))
            }
            Test::Contains(text) => (C::Contains, self.text(text)),
            Test::StartsWith(text) => (C::StartsWith, self.text(text)),
            Test::EndsWith(text) => (C::EndsWith, self.text(text)),
            Test::InNetwork(networks) => {
                let bytes: Vec<u8> =
                    networks.spans.iter().flatten().flat_map(|address| address.to_be_bytes()).collect();
                (C::InNetwork, self.writer.blob_value(&networks.written, &bytes))
            }
            Test::TimeBetween(span) => (C::TimeBetween, self.writer.pair(span.from, span.to)),
            Test::Size(condition) => (C::Size, self.nested(condition)),
            Test::AnyItem(condition, Nulls::Skipped) => (C::AnyItem, self.nested(condition)),
            Test::AnyItem(condition, Nulls::Seen) => (C::AnyItemOrNull, self.nested(condition)),
            Test::Bucket(bucket) => (C::Bucket, self.bucket(bucket)),
            Test::ShownLess { times, period } => {
                let seconds = match period {
                    Period::Visit => 0,
                    Period::Seconds(seconds) => *seconds,
                    Period::Ever => NONE,
                };
                (C::ShownLess, self.writer.pair(*times, seconds))
            }
        };
        self.writer.predicate(attribute, comparison, value)
    }

    fn text(&mut self, text: &str) -> u32 {
        self.writer.value(&Operand::Text(text.to_owned()))
    }

    fn nested(&mut self, condition: &Condition) -> u32 {
        let program = program(condition, self.names, self.writer);
        self.writer.program_value(program)
    }

    /// Seed, version, whether it is closed, and from and to of each range.
    fn bucket(&mut self, bucket: &Bucket) -> u32 {
        let mut operands = vec![
            Operand::Text(bucket.seed.clone()),
            Operand::Number(bucket.version.into()),
            Operand::Bool(bucket.closed),
        ];
        operands.extend(bucket.ranges.iter().flatten().map(|number| Operand::Number(*number)));
        self.writer.tuple(&operands)
    }
}
