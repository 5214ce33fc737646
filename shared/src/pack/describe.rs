//! Predicates in words: what was compared, and how it came out.

use super::explain::{Cause, spoken};
use super::format::{Comparison, NONE, Section, tag};
use super::machine::Outside;
use super::{Pack, bucket, coerce, predicate};
use crate::facts::{Fact, Facts};
use crate::ruleset::rule::SHOWN;
use serde_json::Value;

const DAY_S: u32 = 86_400;

/// A fact as JSON.
pub(super) fn value_of(fact: Fact) -> Value {
    match fact {
        Fact::Null => Value::Null,
        Fact::Bool(yes) => yes.into(),
        Fact::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => (number as i64).into(),
        Fact::Number(number) => number.into(),
        Fact::Text(text) => text.into(),
        Fact::Json(json) => json.clone(),
    }
}

/// What a predicate found, which held or did not.
pub(super) fn tested(pack: &Pack, facts: &Facts, predicate: u32, held: bool) -> Option<Cause> {
    let word = |field| pack.word(Section::Predicates, predicate, field);
    let comparison = Comparison::from_word(word(1)?)?;
    let operand = word(2)?;
    if comparison == Comparison::Never {
        return Some(Cause::Nobody);
    }
    let name = pack.text(pack.word(Section::Attributes, word(0)?, 0)?)?;
    let mut value = value_of(predicate::resolve(facts, name));
    if comparison == Comparison::ShownLess {
        let rule = name.strip_prefix(SHOWN).unwrap_or(name);
        value = facts.profile().shown.get(rule).map_or(0, |shown| shown.times).into();
    }
    let bucket = match comparison {
        Comparison::Bucket => hashed(pack, facts, name, operand),
        _ => None,
    };
    let test = test(pack, name, comparison, operand)?;
    Some(Cause::Fact { name: name.to_owned(), value, test, held, bucket })
}

/// Where the hash of a fact lies that a share asks about.
fn hashed(pack: &Pack, facts: &Facts, name: &str, operand: u32) -> Option<f64> {
    let fact = predicate::resolve(facts, name);
    let first = pack.word(Section::Values, operand, 1)?;
    let seed = pack.text(pack.word(Section::Values, first, 1)?)?;
    let version = predicate::number(pack, first.checked_add(1)?)?;
    coerce::truth(fact).then(|| bucket::hash(seed, &coerce::text(fact), version as u32))?
}

/// What a predicate asks of a fact, so that `is` and `is not` may stand before it.
fn test(pack: &Pack, fact: &str, comparison: Comparison, value: u32) -> Option<String> {
    use Comparison as C;
    let shown = || literal(pack, fact, value);
    Some(match comparison {
        C::Exists => "known".to_owned(),
        C::Never => return None,
        C::Matches | C::Is => shown()?,
        C::MatchesText | C::IsText => Value::from(pack.text(value)?).to_string(),
        C::VersionIs => version(pack, value)?,
        C::MatchesFolded => format!("{} in any case", shown()?),
        C::In => format!("among {}", shown()?),
        C::InFolded => format!("among {} in any case", shown()?),
        C::Less => format!("less than {}", shown()?),
        C::LessOrEqual => format!("at most {}", shown()?),
        C::Greater => format!("more than {}", shown()?),
        C::GreaterOrEqual => format!("at least {}", shown()?),
        C::VersionLess => format!("before {}", version(pack, value)?),
        C::VersionLessOrEqual => format!("at most {}", version(pack, value)?),
        C::VersionGreater => format!("after {}", version(pack, value)?),
        C::VersionGreaterOrEqual => format!("at least {}", version(pack, value)?),
        C::Type => format!("a JSON {}", pack.text(pack.word(Section::Values, value, 1)?)?),
        C::Pattern => format!("a match of {}", shown()?),
        C::Contains => format!("something with {}", shown()?),
        C::StartsWith => format!("something that begins with {}", shown()?),
        C::EndsWith => format!("something that ends with {}", shown()?),
        C::InNetwork => format!("within {}", shown()?),
        C::TimeBetween => {
            let [from, to] = [1, 2].map(|field| pack.word(Section::Values, value, field));
            format!("from {} up to {}", time(from?), time(to?))
        }
        C::Size => "a list of such a length".to_owned(),
        C::AnyItem | C::AnyItemOrNull => "a list with such an item".to_owned(),
        C::Bucket => format!("hashed within {}", ranges(pack, value)?),
        C::ShownLess => {
            let [times, seconds] = [1, 2].map(|field| pack.word(Section::Values, value, field));
            let within = match seconds? {
                NONE => "ever".to_owned(),
                0 => "in this visit".to_owned(),
                DAY_S => "in a day".to_owned(),
                seconds => format!("in {} days", seconds / DAY_S),
            };
            format!("fewer than {} {within}", times?)
        }
    })
}

/// A version as people write it: the parts of a release, and those before one.
fn version(pack: &Pack, value: u32) -> Option<String> {
    let padded = pack.text(pack.word(Section::Values, value, 1)?)?;
    let parts: Vec<&str> = padded.split('-').map(str::trim_start).filter(|part| *part != "~").collect();
    let (release, before) = parts.split_at(parts.len().min(3));
    let dash = if before.is_empty() { "" } else { "-" };
    Some(format!("version {}{dash}{}", release.join("."), before.join(".")))
}

/// The parts of the hashes from 0 up to 1 that a share is.
fn ranges(pack: &Pack, value: u32) -> Option<String> {
    const SHOWN: u32 = 4;
    let (first, count) = (pack.word(Section::Values, value, 1)?, pack.word(Section::Values, value, 2)?);
    let number = |at: u32| predicate::number(pack, first.checked_add(at)?);
    let pairs = (3..count).step_by(2).take(SHOWN as usize);
    let ranges: Option<Vec<String>> =
        pairs.map(|at| Some(format!("{} to {}", number(at)?, number(at.checked_add(1)?)?))).collect();
    let ranges = ranges?;
    Some(if ranges.is_empty() { "nothing".to_owned() } else { ranges.join(" or ") })
}

fn time(seconds: u32) -> String {
    format!("{:02}:{:02}", seconds / 3_600, seconds / 60 % 60)
}

/// A value as JSON. Long lists are cut, and lists in lists left out.
fn literal(pack: &Pack, fact: &str, value: u32) -> Option<String> {
    const SHOWN: u32 = 5;
    let word = |field| pack.word(Section::Values, value, field);
    if word(0)? != tag::LIST {
        return scalar(pack, fact, value);
    }
    let (first, count) = (word(1)?, word(2)?);
    let items = (0..count.min(SHOWN)).filter_map(|at| scalar(pack, fact, first.checked_add(at)?));
    let more = if count > SHOWN { ", …" } else { "" };
    Some(format!("[{}{more}]", items.collect::<Vec<_>>().join(", ")))
}

fn scalar(pack: &Pack, fact: &str, value: u32) -> Option<String> {
    let word = |field| pack.word(Section::Values, value, field);
    Some(match word(0)? {
        tag::NULL => "null".to_owned(),
        tag::BOOL => (word(1)? != 0).to_string(),
        tag::NUMBER => spoken(fact, &value_of(Fact::Number(predicate::number(pack, value)?))),
        tag::TEXT => Value::from(pack.text(word(1)?)?).to_string(),
        tag::JSON | tag::BLOB => pack.text(word(1)?)?.to_owned(),
        _ => return None,
    })
}

/// Why a visitor is not in an experiment.
pub(super) fn outside(because: Outside) -> String {
    match because {
        Outside::NoSplit => "it has fewer than two variations".to_owned(),
        Outside::TurnedOff => "it is turned off".to_owned(),
        Outside::HeldOut => "the visitor is held out".to_owned(),
        Outside::NotRunning => "it is not running for this visitor".to_owned(),
        Outside::NoHash => "the visitor lacks the fact that is hashed".to_owned(),
        Outside::Blocked => "the visitor was in it before its buckets changed".to_owned(),
        Outside::NotAdmitted => "its own condition does not hold".to_owned(),
        Outside::Uncovered(bucket) => format!("the visitor's bucket, {bucket}, is in no variation's part"),
        Outside::NoSuchVariation => "the token names no variation of it".to_owned(),
        Outside::PassesThrough => "the variation leaves it to the rules below".to_owned(),
    }
}
