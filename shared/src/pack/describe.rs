//! Predicates in words: what was compared, and how it came out.

use super::format::{Comparison, Instruction, Section, tag};
use super::machine::Outside;
use super::{Pack, coerce, predicate};
use crate::facts::{Fact, Facts};
use serde_json::Value;

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

/// The fact that a predicate is about, and its value.
pub(super) fn subject<'p>(pack: &'p Pack, facts: &Facts, predicate: u32) -> Option<(&'p str, Value)> {
    let attribute = pack.word(Section::Predicates, predicate, 0)?;
    let name = pack.text(pack.word(Section::Attributes, attribute, 0)?)?;
    Some((name, value_of(predicate::resolve(facts, name))))
}

/// What the answer to a question of a program says of the visitor.
pub(super) fn answer(pack: &Pack, facts: &Facts, instruction: Instruction, answer: bool) -> Option<String> {
    let not = if answer { "" } else { "not " };
    Some(match instruction {
        Instruction::Test(number) => tested(pack, facts, number, answer)?,
        Instruction::Audience(audience) => {
            let name = pack.text(pack.word(Section::Audiences, audience, 0)?)?;
            format!("{not}in the audience `{name}`")
        }
        Instruction::Membership(membership) => {
            let one = super::ExperimentIndex(pack.word(Section::Memberships, membership, 0)?);
            format!("{not}in that variation of the experiment `{}`", pack.experiment_key(one))
        }
        Instruction::Showing(showing) => {
            let slot = pack.word(Section::Showings, showing, 0)?;
            let name = pack.text(pack.word(Section::Slots, slot, 0)?)?;
            format!("the slot `{name}` does {not}show that")
        }
        _ => return None,
    })
}

fn tested(pack: &Pack, facts: &Facts, number: u32, answer: bool) -> Option<String> {
    let comparison = Comparison::from_word(pack.word(Section::Predicates, number, 1)?)?;
    let value = pack.word(Section::Predicates, number, 2)?;
    let (name, fact) = subject(pack, facts, number)?;
    if comparison == Comparison::ShownLess {
        let times = pack.word(Section::Values, value, 1)?;
        let rule = name.strip_prefix(crate::ruleset::rule::SHOWN).unwrap_or(name);
        return Some(match answer {
            true => format!("`{rule}` was shown fewer than {times} times"),
            false => format!("`{rule}` was shown {times} times already"),
        });
    }
    let is = if fact.is_null() { format!("{name} is missing") } else { format!("{name} is {fact}") };
    let what = operand(pack, comparison, value)?;
    Some(match (answer, what) {
        (_, None) => is,
        (true, Some(_)) if matches!(comparison, Comparison::Matches | Comparison::Is) => is,
        (true, Some(what)) => format!("{is}, which is {what}"),
        (false, Some(what)) => format!("{is}, not {what}"),
    })
}

/// What a fact is compared with, so that `is not` may stand before it; nothing where the fact says it all.
fn operand(pack: &Pack, comparison: Comparison, value: u32) -> Option<Option<String>> {
    use Comparison as C;
    let shown = || literal(pack, value);
    Some(Some(match comparison {
        C::Exists => return Some(None),
        C::Never => "anything that it is compared with".to_owned(),
        C::Matches | C::Is | C::VersionIs => shown()?,
        C::MatchesFolded => format!("{} in any case", shown()?),
        C::In => format!("among {}", shown()?),
        C::InFolded => format!("among {} in any case", shown()?),
        C::Less | C::VersionLess => format!("less than {}", shown()?),
        C::LessOrEqual | C::VersionLessOrEqual => format!("at most {}", shown()?),
        C::Greater | C::VersionGreater => format!("more than {}", shown()?),
        C::GreaterOrEqual | C::VersionGreaterOrEqual => format!("at least {}", shown()?),
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
        C::Bucket => "in the share that is meant".to_owned(),
        C::ShownLess => return Some(None),
    }))
}

fn time(seconds: u32) -> String {
    format!("{:02}:{:02}", seconds / 3_600, seconds / 60 % 60)
}

/// A value as JSON. Long lists are cut.
fn literal(pack: &Pack, value: u32) -> Option<String> {
    const SHOWN: u32 = 5;
    let word = |field| pack.word(Section::Values, value, field);
    Some(match word(0)? {
        tag::NULL => "null".to_owned(),
        tag::BOOL => (word(1)? != 0).to_string(),
        tag::NUMBER => coerce::text(Fact::Number(predicate::number(pack, value)?)).into_owned(),
        tag::TEXT => Value::from(pack.text(word(1)?)?).to_string(),
        tag::JSON | tag::BLOB => pack.text(word(1)?)?.to_owned(),
        tag::LIST => {
            let (first, count) = (word(1)?, word(2)?);
            let items = (0..count.min(SHOWN)).filter_map(|at| literal(pack, first.checked_add(at)?));
            let more = if count > SHOWN { ", …" } else { "" };
            format!("[{}{more}]", items.collect::<Vec<_>>().join(", "))
        }
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
