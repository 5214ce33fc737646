//! What gb18030 has besides the table of GBK: four bytes for every other character.

use std::sync::OnceLock;

use crate::tables::GBK;

/// Characters for private use that had two bytes until the edition of 2022 gave those to characters of Unicode. They are
/// still written with these two bytes, which read as the others; and what reads as them are the four bytes of the others.
const UNTIL_2022: [(u16, [u8; 2]); 18] = [
    (0xE78D, [0xA6, 0xD9]),
    (0xE78E, [0xA6, 0xDA]),
    (0xE78F, [0xA6, 0xDB]),
    (0xE790, [0xA6, 0xDC]),
    (0xE791, [0xA6, 0xDD]),
    (0xE792, [0xA6, 0xDE]),
    (0xE793, [0xA6, 0xDF]),
    (0xE794, [0xA6, 0xEC]),
    (0xE795, [0xA6, 0xED]),
    (0xE796, [0xA6, 0xF3]),
    (0xE81E, [0xFE, 0x59]),
    (0xE826, [0xFE, 0x61]),
    (0xE82B, [0xFE, 0x66]),
    (0xE82C, [0xFE, 0x67]),
    (0xE832, [0xFE, 0x6D]),
    (0xE843, [0xFE, 0x7E]),
    (0xE854, [0xFE, 0x90]),
    (0xE864, [0xFE, 0xA0]),
];

/// Never written: two bytes read as the ideographic space in its place.
const SPACE: u16 = 0xE5E5;
/// The edition of 2005 let these two change places: one has two bytes since then, and the other the four that it had.
const GOT_TWO: u16 = 0x1E3F;
const GOT_FOUR: u16 = 0xE7C7;

/// The two bytes of a character for private use that the table has no more.
pub(crate) fn until_2022(character: char) -> Option<[u8; 2]> {
    let found = UNTIL_2022.iter().find(|(own, _)| u32::from(*own) == u32::from(character));
    found.map(|(_, bytes)| *bytes)
}

/// The place in the table of GBK that two bytes name.
pub(crate) fn place(lead: u8, trail: u8) -> Option<usize> {
    let cell = match trail {
        0x40..=0x7E => trail - 0x40,
        0x80..=0xFE => trail - 0x41,
        _ => return None,
    };
    Some(usize::from(lead.checked_sub(0x81)?) * 190 + usize::from(cell))
}

/// The character of a number that four bytes are.
pub(crate) fn character(number: u32) -> Option<char> {
    match number {
        189_000.. => char::from_u32(number - 189_000 + 0x1_0000),
        _ => match *four_bytes().get(number as usize)? {
            GOT_TWO => char::from_u32(GOT_FOUR.into()),
            character => char::from_u32(character.into()),
        },
    }
}

/// The number that the four bytes of a character are, of one that has no two.
pub(crate) fn number(character: char) -> Option<u32> {
    let Ok(short) = u16::try_from(u32::from(character)) else {
        return Some(u32::from(character) - 0x1_0000 + 189_000);
    };
    let sought = if short == GOT_FOUR { GOT_TWO } else { short };
    four_bytes().binary_search(&sought).ok().map(|number| number as u32)
}

/// The characters up to U+FFFF that have no two bytes, in the order of their four.
fn four_bytes() -> &'static [u16] {
    static FOUR_BYTES: OnceLock<Box<[u16]>> = OnceLock::new();
    FOUR_BYTES.get_or_init(|| {
        let mut has_two = vec![false; 0x1_0000];
        let mut mark = |character: u32, two: bool| {
            if let Some(has_two) = has_two.get_mut(character as usize) {
                *has_two = two;
            }
        };
        GBK.characters().iter().for_each(|character| mark(*character, true));
        for (own, [lead, trail]) in UNTIL_2022 {
            mark(own.into(), true);
            mark(place(lead, trail).and_then(|place| GBK.character(place)).map_or(0, u32::from), false);
        }
        mark(SPACE.into(), true);
        mark(GOT_FOUR.into(), true);
        mark(GOT_TWO.into(), false);
        let all = (0x80..0xD800).chain(0xE000..=u16::MAX);
        all.filter(|character| has_two.get(usize::from(*character)) == Some(&false)).collect()
    })
}
