//! One comparison of a fact with a value, as GrowthBook's JavaScript SDK makes it.

use super::format::{Comparison, Section, tag};
use super::{Pack, bucket, coerce, search};
use crate::facts::{Fact, Facts};
use crate::ruleset::condition::{network, time_of_day};
use serde_json::Value;
use std::cmp::Ordering;
use std::net::IpAddr;

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

/// What stands at a path in a value. A list has places, and a length.
pub(super) fn walk<'a>(json: &'a Value, path: &str) -> Option<Fact<'a>> {
    path.split('.').try_fold(Fact::from_json(json), |fact, key| match fact {
        Fact::Json(Value::Object(members)) => members.get(key).map(Fact::from_json),
        Fact::Json(Value::Array(items)) if key == "length" => Some(Fact::Number(items.len() as f64)),
        Fact::Json(Value::Array(items)) => {
            let place = key.parse::<usize>().ok().filter(|place| place.to_string() == key)?;
            items.get(place).map(Fact::from_json)
        }
        _ => None,
    })
}

/// Whether a predicate of a pack holds for the fact of its attribute; those that need more than a fact are no
/// business of this module.
pub(super) fn holds(pack: &Pack, comparison: Comparison, fact: Fact, value: u32) -> Option<bool> {
    Some(match comparison {
        Comparison::Never => false,
        Comparison::Exists => fact != Fact::Null,
        Comparison::In => is_in(pack, fact, value)?,
        Comparison::InFolded => is_in_folded(pack, fact, value)?,
        Comparison::Matches => matches(fact, operand(pack, value)?),
        Comparison::MatchesText => coerce::text(fact) == pack.text(value)?,
        Comparison::IsText => fact == Fact::Text(pack.text(value)?),
        Comparison::MatchesFolded => coerce::text(fact).to_lowercase() == text(pack, value)?,
        Comparison::Is => is(fact, operand(pack, value)?),
        Comparison::Less => compare(fact, operand(pack, value)?) == Some(Ordering::Less),
        Comparison::Greater => compare(fact, operand(pack, value)?) == Some(Ordering::Greater),
        Comparison::LessOrEqual => compare(fact, operand(pack, value)?).is_some_and(Ordering::is_le),
        Comparison::GreaterOrEqual => compare(fact, operand(pack, value)?).is_some_and(Ordering::is_ge),
        Comparison::VersionIs => version(pack, fact, value)?.is_eq(),
        Comparison::VersionLess => version(pack, fact, value)?.is_lt(),
        Comparison::VersionLessOrEqual => version(pack, fact, value)?.is_le(),
        Comparison::VersionGreater => version(pack, fact, value)?.is_gt(),
        Comparison::VersionGreaterOrEqual => version(pack, fact, value)?.is_ge(),
        Comparison::Type => type_name(fact) == text(pack, value)?,
        Comparison::Pattern => pack.pattern(word(pack, value, 2)?)?.is_match(&coerce::text(fact)),
        Comparison::Contains => contains(fact, text(pack, value)?),
        Comparison::StartsWith => {
            written(fact).is_some_and(|fact| text(pack, value).is_some_and(|text| fact.starts_with(text)))
        }
        Comparison::EndsWith => {
            written(fact).is_some_and(|fact| text(pack, value).is_some_and(|text| fact.ends_with(text)))
        }
        Comparison::InNetwork => in_network(pack.blob(word(pack, value, 2)?)?, fact),
        Comparison::TimeBetween => time_between(fact, word(pack, value, 1)?, word(pack, value, 2)?),
        Comparison::Bucket => in_bucket(pack, fact, value)?,
        Comparison::Size | Comparison::AnyItem | Comparison::AnyItemOrNull | Comparison::ShownLess => {
            return None;
        }
    })
}

fn word(pack: &Pack, value: u32, field: usize) -> Option<u32> {
    pack.word(Section::Values, value, field)
}

fn text(pack: &Pack, value: u32) -> Option<&str> {
    pack.text(word(pack, value, 1)?)
}

enum Operand<'p> {
    Null,
    Bool(bool),
    Number(f64),
    /// UTF-8, which nobody needs to be told who looks for the same bytes.
    Text(&'p [u8]),
    Json(&'p str),
}

fn operand(pack: &Pack, value: u32) -> Option<Operand<'_>> {
    let [kind, first, second] = pack.words(Section::Values, value)?;
    Some(match kind {
        tag::NULL => Operand::Null,
        tag::BOOL => Operand::Bool(first != 0),
        tag::NUMBER => Operand::Number(f64::from_bits(u64::from(first) | u64::from(second) << 32)),
        tag::TEXT => Operand::Text(pack.text_bytes(first)?),
        tag::JSON => Operand::Json(pack.text(first)?),
        _ => return None,
    })
}

/// The number that a value is.
pub(super) fn number(pack: &Pack, value: u32) -> Option<f64> {
    let [low, high] = [1, 2].map(|field| word(pack, value, field).map(u64::from));
    (word(pack, value, 0)? == tag::NUMBER).then_some(f64::from_bits(low? | high? << 32))
}

/// A bare value: the operand's type says what the fact is coerced to.
fn matches(fact: Fact, operand: Operand) -> bool {
    match operand {
        Operand::Null => fact == Fact::Null,
        Operand::Bool(yes) => fact != Fact::Null && coerce::truth(fact) == yes,
        Operand::Number(number) => coerce::number(fact) == number,
        Operand::Text(text) => coerce::text(fact).as_bytes() == text,
        Operand::Json(text) => matches!(fact, Fact::Json(json) if coerce::canonical(json) == text),
    }
}

/// `===`; two lists or objects are never identical.
fn is(fact: Fact, operand: Operand) -> bool {
    match (fact, operand) {
        (Fact::Null, Operand::Null) => true,
        (Fact::Bool(fact), Operand::Bool(yes)) => fact == yes,
        (Fact::Number(fact), Operand::Number(number)) => fact == number,
        (Fact::Text(fact), Operand::Text(text)) => fact.as_bytes() == text,
        _ => false,
    }
}

/// `<` and its like: by UTF-16 units where both are texts, otherwise as numbers.
fn compare(fact: Fact, operand: Operand) -> Option<Ordering> {
    let operand = match operand {
        Operand::Text(text) => match std::str::from_utf8(text).ok()? {
            text if matches!(fact, Fact::Text(_) | Fact::Json(_)) => {
                return Some(coerce::text(fact).encode_utf16().cmp(text.encode_utf16()));
            }
            text => coerce::number(Fact::Text(text)),
        },
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
        (Operand::Text(item), Fact::Text(fact)) => Some(item.cmp(fact.as_bytes())),
        _ => Some(Ordering::Equal),
    }
}

/// Membership in lower case, among items that have been sorted so.
fn is_in_folded(pack: &Pack, fact: Fact, list: u32) -> Option<bool> {
    Some(match fact {
        Fact::Text(text) => is_in(pack, Fact::Text(&text.to_lowercase()), list)?,
        Fact::Json(Value::Array(items)) => {
            let item = |item| match Fact::from_json(item) {
                Fact::Text(text) => is_in(pack, Fact::Text(&text.to_lowercase()), list),
                Fact::Json(_) => Some(false),
                fact => is_in(pack, fact, list),
            };
            items.iter().map(item).any(|found| found == Some(true))
        }
        fact => is_in(pack, fact, list)?,
    })
}

fn version(pack: &Pack, fact: Fact, value: u32) -> Option<Ordering> {
    Some(coerce::version(fact).encode_utf16().cmp(text(pack, value)?.encode_utf16()))
}

fn type_name(fact: Fact) -> &'static str {
    match fact {
        Fact::Null => "null",
        Fact::Bool(_) => "boolean",
        Fact::Number(_) => "number",
        Fact::Text(_) => "string",
        Fact::Json(Value::Array(_)) => "array",
        Fact::Json(_) => "object",
    }
}

/// The text of a text or a number.
fn written(fact: Fact<'_>) -> Option<std::borrow::Cow<'_, str>> {
    matches!(fact, Fact::Text(_) | Fact::Number(_)).then(|| coerce::text(fact))
}

fn contains(fact: Fact, text: &str) -> bool {
    match fact {
        Fact::Json(Value::Array(items)) => {
            items.iter().any(|item| written(Fact::from_json(item)).is_some_and(|item| item == text))
        }
        fact => written(fact).is_some_and(|fact| fact.contains(text)),
    }
}

/// Bytes of a span of addresses.
pub(super) const NETWORK_SPAN: usize = 32;

/// Spans of addresses, first and last of 16 bytes each, sorted and disjoint.
fn in_network(spans: &[u8], fact: Fact) -> bool {
    const SPAN: usize = NETWORK_SPAN;
    let Fact::Text(text) = fact else { return false };
    let Ok(address) = text.parse::<IpAddr>() else { return false };
    let address = network::number(address).to_be_bytes();
    let span = |index: u32| spans.get(index as usize * SPAN..(index as usize + 1) * SPAN);
    let after = search::partition((spans.len() / SPAN) as u32, |index| {
        span(index).and_then(|span| span.get(..SPAN / 2)).is_some_and(|first| first <= address.as_slice())
    });
    let last = after.checked_sub(1).and_then(span).and_then(|span| span.get(SPAN / 2..));
    last.is_some_and(|last| address.as_slice() <= last)
}

fn time_between(fact: Fact, from: u32, to: u32) -> bool {
    let Fact::Text(text) = fact else { return false };
    let Some(time) = time_of_day::seconds(text) else { return false };
    if from <= to { (from..to).contains(&time) } else { time >= from || time < to }
}

/// Seed, version, whether ranges are closed, and from and to of each. What is false or empty has no hash.
fn in_bucket(pack: &Pack, fact: Fact, value: u32) -> Option<bool> {
    if !coerce::truth(fact) {
        return Some(false);
    }
    let (first, count) = (word(pack, value, 1)?, word(pack, value, 2)?);
    let seed = text(pack, first)?;
    let version = number(pack, first.checked_add(1)?)? as u32;
    let closed = word(pack, first.checked_add(2)?, 1)? != 0;
    let Some(hash) = bucket::hash(seed, &coerce::text(fact), version) else { return Some(false) };
    for range in (3..count).step_by(2) {
        let [from, to] = [range, range + 1].map(|place| number(pack, first.checked_add(place)?));
        let (from, to) = (from?, to?);
        if hash >= from && (hash < to || closed && hash <= to) {
            return Some(true);
        }
    }
    Some(false)
}
