//! The check of a pack when it is opened: every reference leads somewhere, every table that is halved is sorted, no
//! chain of references closes. One pass over each table.

use super::format::{Comparison, Instruction, NONE, Section, experiment, gate, kind, outcome, tag};
use super::machine::guard;
use super::predicate::NETWORK_SPAN;
use super::{Pack, PackError, edits};
use crate::esi::interpolation::Escape;
use crate::pattern::Matcher;

pub(super) fn check(pack: &Pack) -> Result<(), PackError> {
    texts(pack).ok_or(corrupt(Section::Text, 0))?;
    blobs(pack).ok_or(corrupt(Section::Blob, 0))?;
    let reach = reach_of_code(pack)?;
    for (section, check) in TABLES {
        for index in 0..pack.count(section) {
            let sound = check(pack, index).unwrap_or(false);
            if !sound {
                return Err(corrupt(section, index));
            }
        }
    }
    for audience in 0..pack.count(Section::Audiences) {
        let program = pack.word(Section::Audiences, audience, 1);
        let reach = program.and_then(|program| reach.get(program as usize));
        if reach.is_none_or(|reach| *reach > audience) {
            return Err(corrupt(Section::Audiences, audience));
        }
    }
    if pack.count(Section::EditIds) != pack.count(Section::Edits) {
        return Err(corrupt(Section::EditIds, 0));
    }
    Ok(())
}

/// A membership has a bit for each variation.
const MOST_VARIATIONS: u32 = 32;

/// Says of one record whether it is sound; `None` where a read failed, which is not.
type Check = fn(&Pack, u32) -> Option<bool>;

const TABLES: [(Section, Check); 21] = [
    (Section::Values, value),
    (Section::Attributes, |pack, index| is_text(pack, Section::Attributes, index, 0)),
    (Section::Predicates, predicate),
    (Section::Compared, compared),
    (Section::Audiences, |pack, index| is_text(pack, Section::Audiences, index, 0)),
    (Section::Memberships, |pack, index| {
        is_index(pack, Section::Memberships, index, 0, Section::Experiments)
    }),
    (Section::Showings, |pack, index| is_index(pack, Section::Showings, index, 0, Section::Slots)),
    (Section::Blocks, block),
    (Section::Parts, part),
    (Section::Rules, rule),
    (Section::Trials, trial),
    (Section::Experiments, experiment),
    (Section::Variations, |pack, index| is_text(pack, Section::Variations, index, 0)),
    (Section::Slots, slot),
    (Section::Edits, edit),
    (Section::EditIds, edit_id),
    (Section::Gates, gate),
    (Section::Targets, |pack, index| is_optional(pack, Section::Targets, index, 0, Section::TextEnds)),
    (Section::Literals, literal),
    (Section::LiteralEntries, |pack, index| {
        let entries = pack.count(Section::Edits).checked_add(pack.count(Section::Gates))?;
        Some(pack.word(Section::LiteralEntries, index, 0)? < entries)
    }),
    (Section::Holdout, |pack, index| is_index(pack, Section::Holdout, index, 0, Section::Code)),
];

fn corrupt(section: Section, record: u32) -> PackError {
    PackError::Corrupt { table: section.title(), record }
}

fn blobs(pack: &Pack) -> Option<()> {
    let (_, length) = pack.sections[Section::Blob as usize];
    let mut end = 0;
    for index in 0..pack.count(Section::BlobEnds) {
        let next = pack.word(Section::BlobEnds, index, 0)?;
        if next < end {
            return None;
        }
        end = next;
    }
    (end == length).then_some(())
}

fn texts(pack: &Pack) -> Option<()> {
    let heap = &pack.text;
    let mut end = 0;
    for index in 0..pack.count(Section::TextEnds) {
        let next = pack.word(Section::TextEnds, index, 0)? as usize;
        heap.get(end..next)?;
        end = next;
    }
    (end == heap.len()).then_some(())
}

/// For every instruction, one more than the highest audience that the rest of its program can refer to. Also checks
/// that every program ends, and that no skip leaves its program.
fn reach_of_code(pack: &Pack) -> Result<Vec<u32>, PackError> {
    let count = pack.count(Section::Code);
    let mut reach = vec![0; count as usize];
    let mut end = None;
    let mut highest = 0;
    for index in (0..count).rev() {
        let word = pack.word(Section::Code, index, 0);
        let instruction = word.and_then(Instruction::from_word).ok_or(corrupt(Section::Code, index))?;
        let sound = match instruction {
            Instruction::End => {
                end = Some(index);
                highest = 0;
                true
            }
            Instruction::Set(_) | Instruction::Not => true,
            Instruction::Test(predicate) => predicate < pack.count(Section::Predicates),
            Instruction::Audience(audience) => {
                highest = highest.max(audience.saturating_add(1));
                audience < pack.count(Section::Audiences)
            }
            Instruction::Membership(membership) => membership < pack.count(Section::Memberships),
            Instruction::Showing(showing) => showing < pack.count(Section::Showings),
            Instruction::SkipIfTrue(skip) | Instruction::SkipIfFalse(skip) => {
                end.is_some_and(|end| index.saturating_add(1).saturating_add(skip) <= end)
            }
        };
        if !sound || end.is_none() {
            return Err(corrupt(Section::Code, index));
        }
        if let Some(place) = reach.get_mut(index as usize) {
            *place = highest;
        }
    }
    Ok(reach)
}

fn value(pack: &Pack, index: u32) -> Option<bool> {
    let word = |field| pack.word(Section::Values, index, field);
    Some(match word(0)? {
        tag::NULL | tag::BOOL | tag::NUMBER | tag::PAIR => true,
        tag::TEXT | tag::JSON => is_text(pack, Section::Values, index, 1)?,
        // What is in a list stands before it, so that nothing is within itself.
        tag::LIST | tag::TUPLE => word(1)?.checked_add(word(2)?)? <= index,
        tag::BLOB => {
            is_text(pack, Section::Values, index, 1)?
                && is_index(pack, Section::Values, index, 2, Section::BlobEnds)?
        }
        tag::PROGRAM => is_index(pack, Section::Values, index, 1, Section::Code)?,
        _ => false,
    })
}

fn predicate(pack: &Pack, index: u32) -> Option<bool> {
    let comparison = Comparison::from_word(pack.word(Section::Predicates, index, 1)?)?;
    let value = pack.word(Section::Predicates, index, 2)?;
    let attribute = is_index(pack, Section::Predicates, index, 0, Section::Attributes)?;
    if matches!(comparison, Comparison::MatchesText | Comparison::IsText) {
        return Some(attribute && is_text(pack, Section::Predicates, index, 2)?);
    }
    let tag = pack.word(Section::Values, value, 0)?;
    let blob = || pack.blob(pack.word(Section::Values, value, 2)?);
    let content = match comparison {
        Comparison::Pattern => Matcher::open(blob()?).is_some(),
        Comparison::InNetwork => blob()?.len().is_multiple_of(NETWORK_SPAN),
        _ => true,
    };
    Some(comparison.takes(tag) && content && attribute)
}

fn compared(pack: &Pack, index: u32) -> Option<bool> {
    let text = |index| pack.text_bytes(pack.word(Section::Compared, index, 0)?);
    let before = index.checked_sub(1).and_then(text);
    Some(before < Some(text(index)?))
}

fn block(pack: &Pack, index: u32) -> Option<bool> {
    let word = |field| pack.word(Section::Blocks, index, field);
    let fallback = word(5)?;
    let content = match word(1)? {
        kind::INLINE | kind::FRAGMENT => is_text(pack, Section::Blocks, index, 2)?,
        kind::TEMPLATE => is_range(pack, Section::Blocks, index, 2, Section::Parts)?,
        _ => false,
    };
    let id = is_text(pack, Section::Blocks, index, 0)?;
    Some(id && content && (fallback == NONE || fallback < index))
}

fn part(pack: &Pack, index: u32) -> Option<bool> {
    Some(match pack.word(Section::Parts, index, 2)? {
        NONE => is_text(pack, Section::Parts, index, 0)?,
        escape => {
            u8::try_from(escape).ok().and_then(Escape::from_code).is_some()
                && is_index(pack, Section::Parts, index, 0, Section::Attributes)?
                && is_optional(pack, Section::Parts, index, 1, Section::TextEnds)?
        }
    })
}

fn rule(pack: &Pack, index: u32) -> Option<bool> {
    let shown = pack.word(Section::Rules, index, 2)? & !outcome::COUNTED;
    let shown_is_sound = match shown & outcome::TRIAL {
        0 => is_outcome(pack, shown),
        _ => (shown & !outcome::TRIAL) < pack.count(Section::Trials),
    };
    Some(
        shown_is_sound
            && is_text(pack, Section::Rules, index, 0)?
            && is_index(pack, Section::Rules, index, 1, Section::Code)?
            && pack.word(Section::Rules, index, 3)?
                == guard(pack.code(), pack.word(Section::Rules, index, 1)?),
    )
}

fn is_outcome(pack: &Pack, outcome: u32) -> bool {
    outcome.checked_sub(outcome::BLOCK).is_none_or(|block| block < pack.count(Section::Blocks))
}

fn trial(pack: &Pack, index: u32) -> Option<bool> {
    let one = pack.word(Section::Trials, index, 0)?;
    let variations = pack.word(Section::Experiments, one, experiment::VARIATIONS)?;
    let first = pack.word(Section::Trials, index, 1)?;
    let end = first.checked_add(variations)?;
    let sound = |at| pack.word(Section::Outcomes, at, 0).is_some_and(|outcome| is_outcome(pack, outcome));
    Some(end <= pack.count(Section::Outcomes) && (first..end).all(sound))
}

fn experiment(pack: &Pack, index: u32) -> Option<bool> {
    let word = |field| pack.word(Section::Experiments, index, field);
    let key = |index| pack.text_bytes(pack.word(Section::Experiments, index, experiment::KEY)?);
    let leads = |field, table| is_index(pack, Section::Experiments, index, field, table);
    let sorted = index == 0 || key(index - 1)? < key(index)?;
    let variations = word(experiment::VARIATIONS)?;
    let ranges = word(experiment::RANGES)?;
    let tuple = |field| pack.word(Section::Values, ranges, field);
    let split = tuple(0)? == tag::TUPLE && tuple(2)? == variations.checked_mul(2)?;
    let forced = word(experiment::FORCED)?;
    Some(
        sorted
            && key(index).is_some()
            && split
            && variations <= MOST_VARIATIONS
            && (forced == NONE || forced < variations)
            && leads(experiment::ATTRIBUTE, Section::Attributes)?
            && is_optional(pack, Section::Experiments, index, experiment::FALLBACK, Section::Attributes)?
            && leads(experiment::SEED, Section::TextEnds)?
            && leads(experiment::RUNNING, Section::Code)?
            && leads(experiment::ADMITS, Section::Code)?
            && is_range(pack, Section::Experiments, index, experiment::FIRST_VARIATION, Section::Variations)?,
    )
}

fn slot(pack: &Pack, index: u32) -> Option<bool> {
    let name = |index| pack.text_bytes(pack.word(Section::Slots, index, 0)?);
    let sorted = index == 0 || name(index - 1)? < name(index)?;
    Some(
        sorted
            && name(index).is_some()
            && is_range(pack, Section::Slots, index, 1, Section::Rules)?
            && is_optional(pack, Section::Slots, index, 3, Section::Code)?,
    )
}

fn gate(pack: &Pack, index: u32) -> Option<bool> {
    let leads = |field, table| is_index(pack, Section::Gates, index, field, table);
    let answer = match pack.word(Section::Gates, index, gate::KIND)? {
        gate::REFUSE => is_optional(pack, Section::Gates, index, gate::ANSWER, Section::Blocks)?,
        gate::REDIRECT => leads(gate::ANSWER, Section::TextEnds)?,
        gate::SPLIT => {
            let one = pack.word(Section::Gates, index, gate::ANSWER)?;
            let variations = pack.word(Section::Experiments, one, experiment::VARIATIONS)?;
            pack.word(Section::Gates, index, gate::TARGETS)? == variations
        }
        _ => false,
    };
    let status = pack.word(Section::Gates, index, gate::STATUS)?;
    Some(
        answer
            && (300..600).contains(&status)
            && leads(gate::ID, Section::TextEnds)?
            && leads(gate::URL, Section::TextEnds)?
            && leads(gate::PROGRAM, Section::Code)?
            && is_range(pack, Section::Gates, index, gate::FIRST_TARGET, Section::Targets)?,
    )
}

fn edit(pack: &Pack, index: u32) -> Option<bool> {
    let word = |field| pack.word(Section::Edits, index, field);
    let action = *edits::ACTIONS.get(word(3)? as usize)?;
    let attribute = word(4)?;
    let has_attribute = attribute != NONE;
    let mut texts = [0, 1, 2].into_iter().map(|field| is_text(pack, Section::Edits, index, field));
    let selector = pack.text_bytes(word(2)?)?;
    let plain =
        std::str::from_utf8(selector).is_ok_and(|selector| crate::ruleset::too_complex(selector).is_none());
    Some(
        plain
            && texts.all(|sound| sound == Some(true))
            && (!has_attribute || is_text(pack, Section::Edits, index, 4)?)
            && has_attribute == (action == crate::ruleset::EditAction::SetAttribute)
            && is_range(pack, Section::Edits, index, 5, Section::Rules)?,
    )
}

fn edit_id(pack: &Pack, index: u32) -> Option<bool> {
    let id = |index| {
        let edit = pack.word(Section::EditIds, index, 0)?;
        pack.text_bytes(pack.word(Section::Edits, edit, 0)?)
    };
    let this = id(index)?;
    Some(index == 0 || id(index - 1)? < this)
}

fn literal(pack: &Pack, index: u32) -> Option<bool> {
    let text = |index| pack.text_bytes(pack.word(Section::Literals, index, 0)?);
    let this = text(index)?;
    let sorted = index == 0 || text(index - 1)? < this;
    let shorter = pack.word(Section::Literals, index, 1)?;
    let linked = shorter == NONE || (shorter < index && this.starts_with(text(shorter)?));
    Some(sorted && linked && is_range(pack, Section::Literals, index, 2, Section::LiteralEntries)?)
}

fn is_text(pack: &Pack, section: Section, index: u32, field: usize) -> Option<bool> {
    is_index(pack, section, index, field, Section::TextEnds)
}

fn is_index(pack: &Pack, section: Section, index: u32, field: usize, table: Section) -> Option<bool> {
    Some(pack.word(section, index, field)? < pack.count(table))
}

fn is_optional(pack: &Pack, section: Section, index: u32, field: usize, table: Section) -> Option<bool> {
    let word = pack.word(section, index, field)?;
    Some(word == NONE || word < pack.count(table))
}

/// Whether two words are the first record and the number of records of a part of a table.
fn is_range(pack: &Pack, section: Section, index: u32, field: usize, table: Section) -> Option<bool> {
    let first = pack.word(section, index, field)?;
    let count = pack.word(section, index, field + 1)?;
    Some(first.checked_add(count)? <= pack.count(table))
}
