//! Conditions about the items of a list, or about how many there are.

use super::format::{Comparison, Instruction, Section};
use super::{Pack, predicate};
use crate::facts::Fact;
use serde_json::Value;

/// Lists within lists that are looked into; a ruleset cannot be nested deeper.
const MAX_DEPTH: u8 = 64;

/// Whether it holds for the fact. `left` are the instructions that may still be run.
pub(super) fn holds(
    pack: &Pack,
    comparison: Comparison,
    fact: Fact,
    value: u32,
    left: &mut u32,
    depth: u8,
) -> Option<bool> {
    let Fact::Json(Value::Array(items)) = fact else { return Some(false) };
    if depth == MAX_DEPTH {
        return None;
    }
    let program = pack.word(Section::Values, value, 1)?;
    if comparison == Comparison::Size {
        return run(pack, program, Fact::Number(items.len() as f64), left, depth + 1);
    }
    for item in items {
        let skipped = comparison == Comparison::AnyItem && item.is_null();
        if !skipped && run(pack, program, Fact::from_json(item), left, depth + 1)? {
            return Some(true);
        }
    }
    Some(false)
}

fn run(pack: &Pack, program: u32, item: Fact, left: &mut u32, depth: u8) -> Option<bool> {
    let mut next = program;
    let mut truth = true;
    loop {
        *left = left.checked_sub(1)?;
        let instruction = Instruction::from_word(pack.word(Section::Code, next, 0)?)?;
        next = next.checked_add(1)?;
        match instruction {
            Instruction::End => return Some(truth),
            Instruction::Set(value) => truth = value,
            Instruction::Not => truth = !truth,
            Instruction::Test(number) => truth = test(pack, number, item, left, depth)?,
            Instruction::SkipIfTrue(count) if truth => next = next.checked_add(count)?,
            Instruction::SkipIfFalse(count) if !truth => next = next.checked_add(count)?,
            Instruction::SkipIfTrue(_) | Instruction::SkipIfFalse(_) => {}
            Instruction::Audience(_) | Instruction::Membership(_) | Instruction::Showing(_) => return None,
        }
    }
}

fn test(pack: &Pack, number: u32, item: Fact, left: &mut u32, depth: u8) -> Option<bool> {
    let [attribute, comparison, value] = [0, 1, 2].map(|field| pack.word(Section::Predicates, number, field));
    let (comparison, value) = (Comparison::from_word(comparison?)?, value?);
    let path = pack.text(pack.word(Section::Attributes, attribute?, 0)?)?;
    let fact = match (path, item) {
        ("", item) => item,
        (path, Fact::Json(json)) => predicate::walk(json, path).unwrap_or(Fact::Null),
        _ => Fact::Null,
    };
    match comparison {
        Comparison::ShownLess => None,
        Comparison::Size | Comparison::AnyItem | Comparison::AnyItemOrNull => {
            holds(pack, comparison, fact, value, left, depth)
        }
        _ => predicate::holds(pack, comparison, fact, value),
    }
}
