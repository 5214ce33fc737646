//! The check of a pack when it is opened: every reference leads somewhere, every table that is halved is sorted, no
//! chain of references closes. One pass over each table.

use super::format::{Comparison, Instruction, NONE, Section, kind, outcome, tag};
use super::{Pack, PackError, edits};

pub(super) fn check(pack: &Pack) -> Result<(), PackError> {
    texts(pack).ok_or(corrupt(Section::Text, 0))?;
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

/// Says of one record whether it is sound; `None` where a read failed, which is not.
type Check = fn(&Pack, u32) -> Option<bool>;

const TABLES: [(Section, Check); 11] = [
    (Section::Values, value),
    (Section::Attributes, |pack, index| is_text(pack, Section::Attributes, index, 0)),
    (Section::Predicates, predicate),
    (Section::Audiences, |pack, index| is_text(pack, Section::Audiences, index, 0)),
    (Section::Blocks, block),
    (Section::Rules, rule),
    (Section::Slots, slot),
    (Section::Edits, edit),
    (Section::EditIds, edit_id),
    (Section::Literals, literal),
    (Section::LiteralEdits, |pack, index| is_index(pack, Section::LiteralEdits, index, 0, Section::Edits)),
];

fn corrupt(section: Section, record: u32) -> PackError {
    let table = match section {
        Section::TextEnds | Section::Text => "texts",
        Section::Values => "values",
        Section::Attributes => "attributes",
        Section::Predicates => "predicates",
        Section::Code => "code",
        Section::Audiences => "audiences",
        Section::Rules => "rules",
        Section::Slots => "slots",
        Section::Blocks => "blocks",
        Section::Edits => "edits",
        Section::EditIds => "edit ids",
        Section::Literals => "literals",
        Section::LiteralEdits => "literal edits",
    };
    PackError::Corrupt { table, record }
}

fn texts(pack: &Pack) -> Option<()> {
    let (start, length) = pack.sections[Section::Text as usize];
    let heap = std::str::from_utf8(pack.bytes.get(start..start + length as usize)?).ok()?;
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
        tag::NULL | tag::BOOL | tag::NUMBER => true,
        tag::TEXT | tag::JSON => is_text(pack, Section::Values, index, 1)?,
        tag::LIST => word(1)?.checked_add(word(2)?)? <= pack.count(Section::Values),
        _ => false,
    })
}

fn predicate(pack: &Pack, index: u32) -> Option<bool> {
    let comparison = Comparison::from_word(pack.word(Section::Predicates, index, 1)?)?;
    let tag = pack.word(Section::Values, pack.word(Section::Predicates, index, 2)?, 0)?;
    let fits = (comparison == Comparison::In) == (tag == tag::LIST);
    Some(fits && is_index(pack, Section::Predicates, index, 0, Section::Attributes)?)
}

fn block(pack: &Pack, index: u32) -> Option<bool> {
    let word = |field| pack.word(Section::Blocks, index, field);
    let fallback = word(5)?;
    let texts = is_text(pack, Section::Blocks, index, 0)? && is_text(pack, Section::Blocks, index, 2)?;
    Some(texts && matches!(word(1)?, kind::INLINE | kind::FRAGMENT) && (fallback == NONE || fallback < index))
}

fn rule(pack: &Pack, index: u32) -> Option<bool> {
    let outcome = pack.word(Section::Rules, index, 2)?;
    let block = outcome.checked_sub(outcome::BLOCK);
    let outcome_is_sound = block.is_none_or(|block| block < pack.count(Section::Blocks));
    Some(
        outcome_is_sound
            && is_text(pack, Section::Rules, index, 0)?
            && is_index(pack, Section::Rules, index, 1, Section::Code)?,
    )
}

fn slot(pack: &Pack, index: u32) -> Option<bool> {
    let name = |index| pack.text_bytes(pack.word(Section::Slots, index, 0)?);
    let sorted = index == 0 || name(index - 1)? < name(index)?;
    Some(sorted && name(index).is_some() && is_range(pack, Section::Slots, index, 1, Section::Rules)?)
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
    Some(sorted && linked && is_range(pack, Section::Literals, index, 2, Section::LiteralEdits)?)
}

fn is_text(pack: &Pack, section: Section, index: u32, field: usize) -> Option<bool> {
    is_index(pack, section, index, field, Section::TextEnds)
}

fn is_index(pack: &Pack, section: Section, index: u32, field: usize, table: Section) -> Option<bool> {
    Some(pack.word(section, index, field)? < pack.count(table))
}

/// Whether two words are the first record and the number of records of a part of a table.
fn is_range(pack: &Pack, section: Section, index: u32, field: usize, table: Section) -> Option<bool> {
    let first = pack.word(section, index, field)?;
    let count = pack.word(section, index, field + 1)?;
    Some(first.checked_add(count)? <= pack.count(table))
}
