//! The tables: what the places of each set are, and where each character is. Unpacked when somebody needs them first, once.

use std::sync::OnceLock;

use crate::model::{CHARACTERS, Chance, Coder, Model, order};

pub(crate) static JIS0208: Table = Table::new(JIS0208_PACKED, 60 * 188, 188);
pub(crate) static JIS0212: Table = Table::new(JIS0212_PACKED, 94 * 94, 94);
pub(crate) static EUC_KR: Table = Table::new(EUC_KR_PACKED, 126 * 190, 190);
pub(crate) static GBK: Table = Table::new(GBK_PACKED, 126 * 190, 190);
pub(crate) static BIG5: Table = Table::new(BIG5_PACKED, 126 * 157, 157);

const JIS0208_PACKED: &[u8] = include_bytes!("../packed/jis0208");
const JIS0212_PACKED: &[u8] = include_bytes!("../packed/jis0212");
const EUC_KR_PACKED: &[u8] = include_bytes!("../packed/euc_kr");
const GBK_PACKED: &[u8] = include_bytes!("../packed/gbk");
const BIG5_PACKED: &[u8] = include_bytes!("../packed/big5");
const SINGLE_BYTE: &[u8] = include_bytes!("../packed/single_byte");

/// The characters of a set, by their places ("pointers", in the Standard).
pub(crate) struct Table {
    packed: &'static [u8],
    places: usize,
    columns: usize,
    characters: OnceLock<Box<[u32]>>,
    /// The first place of each character, and one more, so that 0 says that it has none.
    firsts: OnceLock<Box<[u16]>>,
}

impl Table {
    const fn new(packed: &'static [u8], places: usize, columns: usize) -> Table {
        Table { packed, places, columns, characters: OnceLock::new(), firsts: OnceLock::new() }
    }

    /// Every place in order, 0 where there is no character.
    pub(crate) fn characters(&self) -> &[u32] {
        self.characters.get_or_init(|| self.unpack())
    }

    pub(crate) fn character(&self, place: usize) -> Option<char> {
        let character = self.characters().get(place).filter(|character| **character != 0);
        character.and_then(|character| char::from_u32(*character))
    }

    /// The first place of a character.
    pub(crate) fn place(&self, character: char) -> Option<usize> {
        self.place_from(character, 0)
    }

    /// The first place of a character that is not before `from`, which is always the same for a table.
    pub(crate) fn place_from(&self, character: char, from: usize) -> Option<usize> {
        let firsts = self.firsts.get_or_init(|| self.invert(from));
        firsts.get(character as usize).and_then(|place| usize::from(*place).checked_sub(1))
    }

    fn unpack(&self) -> Box<[u32]> {
        let (mut model, mut unpacker) = (Model::new(), Unpacker::new(self.packed));
        let mut characters = vec![0; self.places].into_boxed_slice();
        for place in order(self.places, self.columns) {
            let character = model.place(&mut unpacker, 0);
            if let Some(at) = characters.get_mut(place) {
                *at = character;
            }
        }
        characters
    }

    fn invert(&self, from: usize) -> Box<[u16]> {
        let mut firsts = vec![0; CHARACTERS].into_boxed_slice();
        for (place, character) in self.characters().iter().enumerate().skip(from).rev() {
            if let Some(first) = firsts.get_mut(*character as usize).filter(|_| *character != 0) {
                *first = place as u16 + 1;
            }
        }
        firsts
    }
}

struct Unpacker {
    low: u32,
    high: u32,
    number: u32,
    rest: std::slice::Iter<'static, u8>,
}

impl Unpacker {
    fn new(packed: &'static [u8]) -> Unpacker {
        let mut unpacker = Unpacker { low: 0, high: u32::MAX, number: 0, rest: packed.iter() };
        for _ in 0..4 {
            unpacker.shift();
        }
        (unpacker.low, unpacker.high) = (0, u32::MAX);
        unpacker
    }

    fn shift(&mut self) {
        self.low <<= 8;
        self.high = self.high << 8 | 0xFF;
        self.number = self.number << 8 | u32::from(self.rest.next().copied().unwrap_or(0));
    }
}

impl Coder for Unpacker {
    fn bit(&mut self, chance: &mut Chance, _: u32) -> u32 {
        let split = chance.split(self.low, self.high);
        let bit = u32::from(self.number > split);
        match bit {
            0 => self.high = split,
            _ => self.low = split + 1,
        }
        chance.learn(bit);
        while (self.low ^ self.high) >> 24 == 0 {
            self.shift();
        }
        bit
    }
}

/// What a byte from 0x80 on is in the single-byte encoding of this number, in the order of the build.
pub(crate) fn single_byte(number: u8, byte: u8) -> Option<char> {
    let at = (usize::from(number) * 128 + usize::from(byte)).checked_sub(0x80)?;
    let high = SINGLE_BYTE.get(at + SINGLE_BYTE.len() / 2)?;
    let character = u32::from(*high) << 8 | u32::from(*SINGLE_BYTE.get(at)?);
    char::from_u32(character).filter(|character| *character != '\0')
}
