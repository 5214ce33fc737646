//! What a few bytes are in each encoding: functions of the bytes alone.

use Sequence::{Character, Escape, Malformed, Two, Unfinished};

use crate::gb18030;
use crate::sets::Kind;
use crate::tables::{BIG5, EUC_KR, GBK, JIS0208, JIS0212, Table, single_byte};

/// What bytes of ISO-2022-JP are understood as, as escape sequences say.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum JisSet {
    #[default]
    Ascii,
    Roman,
    Katakana,
    Jis0208,
}

/// What a few bytes are.
pub(crate) enum Sequence {
    /// The beginning of one.
    Unfinished,
    Character(char),
    Two(char, char),
    /// No character, but a change of set.
    Escape(JisSet),
    /// Malformed. So many bytes are gone with it, the others stand for themselves.
    Malformed(usize),
}

/// What `bytes` are, which are no more than one sequence; `set` is how those of ISO-2022-JP are understood.
pub(crate) fn sequence(kind: Kind, set: JisSet, bytes: &[u8]) -> Sequence {
    let single = |character: Option<char>| character.map_or(Malformed(1), Character);
    match (kind, bytes) {
        (Kind::Utf8, bytes) => utf_8(bytes),
        (Kind::Utf16Be, bytes) => utf_16(bytes, u16::from_be_bytes),
        (Kind::Utf16Le, bytes) => utf_16(bytes, u16::from_le_bytes),
        (Kind::Replacement, _) => Malformed(1),
        (Kind::Iso2022Jp, bytes) => iso_2022_jp(set, bytes),
        (_, [byte @ 0..=0x7F]) => Character(char::from(*byte)),
        (Kind::Single(number), [byte, ..]) => single(single_byte(number, *byte)),
        (Kind::UserDefined, [byte, ..]) => single(char::from_u32(0xF700 + u32::from(*byte))),
        (Kind::Gbk | Kind::Gb18030, bytes) => gb18030(bytes),
        (Kind::Big5, bytes) => big5(bytes),
        (Kind::EucJp, bytes) => euc_jp(bytes),
        (Kind::ShiftJis, bytes) => shift_jis(bytes),
        (Kind::EucKr, [0x81..=0xFE]) => Unfinished,
        (Kind::EucKr, [lead, trail @ 0x41..=0xFE]) => {
            looked_up(&EUC_KR, row(*lead, 0x81) * 190 + row(*trail, 0x41), bytes)
        }
        (_, bytes) => lead_of(bytes),
    }
}

fn row(byte: u8, first: u8) -> usize {
    usize::from(byte.saturating_sub(first))
}

/// Malformed; of its bytes after the first, an ASCII one at the end stands for itself.
fn lead_of(bytes: &[u8]) -> Sequence {
    Malformed(bytes.len() - usize::from(bytes.len() > 1 && bytes.last().is_some_and(u8::is_ascii)))
}

fn looked_up(table: &Table, place: usize, bytes: &[u8]) -> Sequence {
    table.character(place).map_or_else(|| lead_of(bytes), Character)
}

fn utf_8(bytes: &[u8]) -> Sequence {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().next().map_or(Unfinished, Character),
        Err(malformed) => malformed.error_len().map_or(Unfinished, Malformed),
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Sequence {
    match *bytes {
        [a, b] => match char::from_u32(unit([a, b]).into()) {
            Some(character) => Character(character),
            None if unit([a, b]) < 0xDC00 => Unfinished,
            None => Malformed(2),
        },
        [a, b, c, d] => {
            let pair = char::decode_utf16([unit([a, b]), unit([c, d])]).next();
            pair.and_then(Result::ok).map_or(Malformed(2), Character)
        }
        _ => Unfinished,
    }
}

fn gb18030(bytes: &[u8]) -> Sequence {
    match *bytes {
        [0x80] => Character('€'),
        [0x81..=0xFE] | [_, 0x30..=0x39] | [_, 0x30..=0x39, 0x81..=0xFE] => Unfinished,
        [a, b @ 0x30..=0x39, c @ 0x81..=0xFE, d @ 0x30..=0x39] => {
            let number = [(a, 0x81, 10), (b, 0x30, 126), (c, 0x81, 10), (d, 0x30, 1)];
            let number = number.iter().fold(0, |sum, (byte, first, next)| (sum + row(*byte, *first)) * next);
            gb18030::character(number as u32).map_or(Malformed(4), Character)
        }
        // What no four bytes are is a lead alone, and the others stand for themselves.
        [_, 0x30..=0x39, ..] => Malformed(1),
        [lead @ 0x81..=0xFE, trail] => match gb18030::place(lead, trail) {
            Some(place) => looked_up(&GBK, place, bytes),
            None => lead_of(bytes),
        },
        _ => lead_of(bytes),
    }
}

fn big5(bytes: &[u8]) -> Sequence {
    let (lead, trail) = match *bytes {
        [0x81..=0xFE] => return Unfinished,
        [lead, trail @ (0x40..=0x7E | 0xA1..=0xFE)] => (lead, trail),
        _ => return lead_of(bytes),
    };
    let cell = row(trail, if trail < 0x7F { 0x40 } else { 0x62 });
    match row(lead, 0x81) * 157 + cell {
        1133 => Two('Ê', '\u{304}'),
        1135 => Two('Ê', '\u{30C}'),
        1164 => Two('ê', '\u{304}'),
        1166 => Two('ê', '\u{30C}'),
        place => looked_up(&BIG5, place, bytes),
    }
}

fn euc_jp(bytes: &[u8]) -> Sequence {
    match *bytes {
        [0x8E | 0x8F | 0xA1..=0xFE] | [0x8F, 0xA1..=0xFE] => Unfinished,
        [0x8E, trail @ 0xA1..=0xDF] => katakana(trail, 0xA1),
        [0x8F, lead @ 0xA1..=0xFE, trail @ 0xA1..=0xFE] => {
            let place = row(lead, 0xA1) * 94 + row(trail, 0xA1);
            JIS0212.character(place).map_or(Malformed(3), Character)
        }
        [lead @ 0xA1..=0xFE, trail @ 0xA1..=0xFE] => {
            looked_up(&JIS0208, row(lead, 0xA1) * 94 + row(trail, 0xA1), bytes)
        }
        _ => lead_of(bytes),
    }
}

fn shift_jis(bytes: &[u8]) -> Sequence {
    match *bytes {
        [byte @ 0x80] => Character(char::from(byte)),
        [byte @ 0xA1..=0xDF] => katakana(byte, 0xA1),
        [0x81..=0x9F | 0xE0..=0xFC] => Unfinished,
        [lead, trail @ (0x40..=0x7E | 0x80..=0xFC)] => {
            let cell = row(trail, if trail < 0x7F { 0x40 } else { 0x41 });
            match row(lead, if lead < 0xA0 { 0x81 } else { 0xC1 }) * 188 + cell {
                // Rows for characters of one's own.
                place @ 8836..=10715 => {
                    char::from_u32(0xE000 - 8836 + place as u32).map_or(Malformed(2), Character)
                }
                place => looked_up(&JIS0208, place, bytes),
            }
        }
        _ => lead_of(bytes),
    }
}

fn iso_2022_jp(set: JisSet, bytes: &[u8]) -> Sequence {
    match (set, bytes) {
        (_, [0x1B] | [0x1B, 0x24 | 0x28]) => Unfinished,
        (_, [0x1B, 0x28, 0x42]) => Escape(JisSet::Ascii),
        (_, [0x1B, 0x28, 0x4A]) => Escape(JisSet::Roman),
        (_, [0x1B, 0x28, 0x49]) => Escape(JisSet::Katakana),
        (_, [0x1B, 0x24, 0x40 | 0x42]) => Escape(JisSet::Jis0208),
        (_, [0x1B, ..]) => Malformed(1),
        (JisSet::Jis0208, [0x21..=0x7E]) => Unfinished,
        (JisSet::Jis0208, [lead @ 0x21..=0x7E, trail @ 0x21..=0x7E]) => {
            JIS0208.character(row(*lead, 0x21) * 94 + row(*trail, 0x21)).map_or(Malformed(2), Character)
        }
        (JisSet::Jis0208, [_, 0x1B]) => Malformed(1),
        (JisSet::Jis0208, _) => Malformed(2),
        (JisSet::Katakana, [byte @ 0x21..=0x5F]) => katakana(*byte, 0x21),
        (JisSet::Roman, [0x5C]) => Character('¥'),
        (JisSet::Roman, [0x7E]) => Character('‾'),
        (JisSet::Ascii | JisSet::Roman, [0x0E | 0x0F]) => Malformed(1),
        (JisSet::Ascii | JisSet::Roman, [byte @ 0..=0x7F]) => Character(char::from(*byte)),
        _ => Malformed(1),
    }
}

/// One of the half-width katakana, which begin at `first`.
fn katakana(byte: u8, first: u8) -> Sequence {
    char::from_u32(0xFF61 + u32::from(byte.saturating_sub(first))).map_or(Malformed(1), Character)
}
