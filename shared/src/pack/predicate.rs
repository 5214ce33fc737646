//! One comparison of a fact with a value, as GrowthBook's JavaScript SDK makes it.

use super::format::{Comparison, Section, tag};
use super::{Pack, coerce, search};
use crate::facts::{Fact, Facts};
use serde_json::Value;
use std::cmp::Ordering;

/// The fact of a dotted name; missing is null. A name that no fact has is a path into a fact that is JSON.
pub(super) fn resolve<'a>(facts: &'a Facts, name: &str) -> Fact<'a> {
    if let Some(fact) = facts.fact(name) {
        return fact;
    }
    let parents = name.rmatch_indices('.').filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    for (parent, path) in parents {
        if let Some(Fact::Json(json)) = facts.fact(parent) {
            return walk(json, path).unwrap_or(Fact::Null);
        }
    }
    Fact::Null
}

fn walk<'a>(json: &'a Value, path: &str) -> Option<Fact<'a>> {
    let step = |value: &'a Value, key: &str| match value {
        Value::Object(members) => members.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok().filter(|at| at.to_string() == key)?),
        _ => None,
    };
    path.split('.').try_fold(json, step).map(Fact::from_json)
}

/// Whether a predicate of a pack holds for the fact of its attribute.
pub(super) fn holds(pack: &Pack, comparison: Comparison, fact: Fact, value: u32) -> Option<bool> {
    Some(match comparison {
        Comparison::Never => false,
        Comparison::Exists => fact != Fact::Null,
        Comparison::In => is_in(pack, fact, value)?,
        Comparison::Matches => matches(fact, operand(pack, value)?),
        Comparison::Is => is(fact, operand(pack, value)?),
        Comparison::Less => compare(fact, operand(pack, value)?) == Some(Ordering::Less),
        Comparison::Greater => compare(fact, operand(pack, value)?) == Some(Ordering::Greater),
        Comparison::LessOrEqual => compare(fact, operand(pack, value)?).is_some_and(Ordering::is_le),
        Comparison::GreaterOrEqual => compare(fact, operand(pack, value)?).is_some_and(Ordering::is_ge),
    })
}

enum Operand<'p> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'p str),
    Json(&'p str),
}

fn operand(pack: &Pack, value: u32) -> Option<Operand<'_>> {
    let word = |field| pack.word(Section::Values, value, field);
    Some(match word(0)? {
        tag::NULL => Operand::Null,
        tag::BOOL => Operand::Bool(word(1)? != 0),
        tag::NUMBER => Operand::Number(f64::from_bits(u64::from(word(1)?) | u64::from(word(2)?) << 32)),
        tag::TEXT => Operand::Text(pack.text(word(1)?)?),
        tag::JSON => Operand::Json(pack.text(word(1)?)?),
        _ => return None,
    })
}

/// A bare value: the operand's type says what the fact is coerced to.
fn matches(fact: Fact, operand: Operand) -> bool {
    match operand {
        Operand::Null => fact == Fact::Null,
        Operand::Bool(yes) => fact != Fact::Null && coerce::truth(fact) == yes,
        Operand::Number(number) => coerce::number(fact) == number,
        Operand::Text(text) => coerce::text(fact) == text,
        Operand::Json(text) => matches!(fact, Fact::Json(json) if coerce::canonical(json) == text),
    }
}

/// `===`; two lists or objects are never identical.
fn is(fact: Fact, operand: Operand) -> bool {
    match (fact, operand) {
        (Fact::Null, Operand::Null) => true,
        (Fact::Bool(fact), Operand::Bool(yes)) => fact == yes,
        (Fact::Number(fact), Operand::Number(number)) => fact == number,
        (Fact::Text(fact), Operand::Text(text)) => fact == text,
        _ => false,
    }
}

/// `<` and its like: by UTF-16 units where both are texts, otherwise as numbers.
fn compare(fact: Fact, operand: Operand) -> Option<Ordering> {
    let operand = match operand {
        Operand::Text(text) if matches!(fact, Fact::Text(_) | Fact::Json(_)) => {
            return Some(coerce::text(fact).encode_utf16().cmp(text.encode_utf16()));
        }
        Operand::Text(text) => coerce::number(Fact::Text(text)),
        Operand::Number(number) => number,
        Operand::Bool(yes) => f64::from(u8::from(yes)),
        Operand::Null => 0.0,
        Operand::Json(_) => return None,
    };
    coerce::number(fact).partial_cmp(&operand)
}

/// Membership; of a fact that is a list, that of any item.
fn is_in(pack: &Pack, fact: Fact, list: u32) -> Option<bool> {
    let first = pack.word(Section::Values, list, 1)?;
    let count = pack.word(Section::Values, list, 2)?;
    let contains = |fact| {
        let before = |index| order(pack, first.saturating_add(index), fact) == Some(Ordering::Less);
        let index = search::partition(count, before);
        index < count && order(pack, first.saturating_add(index), fact) == Some(Ordering::Equal)
    };
    Some(match fact {
        Fact::Json(Value::Array(items)) => items.iter().map(Fact::from_json).any(contains),
        fact => contains(fact),
    })
}

/// How an item of a sorted list stands to a fact.
fn order(pack: &Pack, value: u32, fact: Fact) -> Option<Ordering> {
    let rank = match fact {
        Fact::Null => tag::NULL,
        Fact::Bool(_) => tag::BOOL,
        Fact::Number(_) => tag::NUMBER,
        Fact::Text(_) => tag::TEXT,
        Fact::Json(_) => return None,
    };
    let item_tag = pack.word(Section::Values, value, 0)?;
    if item_tag != rank {
        return Some(item_tag.cmp(&rank));
    }
    match (operand(pack, value)?, fact) {
        (Operand::Bool(item), Fact::Bool(fact)) => Some(item.cmp(&fact)),
        (Operand::Number(item), Fact::Number(fact)) => item.partial_cmp(&fact),
        (Operand::Text(item), Fact::Text(fact)) => Some(item.cmp(fact)),
        _ => Some(Ordering::Equal),
    }
}
