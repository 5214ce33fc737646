//! Packs the tables of the Encoding Standard, read out of the crate that has them all. `cargo run` in this folder writes them
//! to `packed/`; a test says when they are not these.

#[path = "../../src/model.rs"]
mod model;

use model::{Chance, Coder, Model, order};
use whole::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS};

/// In the order of `Kind::Single`.
const SINGLE_BYTE: [&str; 27] = [
    "ibm866",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "x-mac-cyrillic",
];

/// Each file of `packed/`: its name, and what it holds.
pub fn packed() -> [(&'static str, Vec<u8>); 6] {
    let rows = || (0x81..=0xFE).flat_map(|row: u8| (0..190).map(move |cell: u8| (row, cell)));
    let from_63 = |cell: u8, gap: u8| cell + if cell < 63 { 0x40 } else { gap };

    let jis0208 = (0..60).flat_map(|row| (0..188).map(move |cell| (row, cell))).map(|(row, cell)| {
        let lead = row + if row < 31 { 0x81 } else { 0xC1 };
        // The rows for characters of one's own are computed, not looked up.
        if (47..57).contains(&row) { 0 } else { character(SHIFT_JIS, &[lead, from_63(cell, 0x41)]) }
    });
    let jis0212 = (0xA1..=0xFE).flat_map(|row| (0xA1..=0xFE).map(move |cell| [0x8F, row, cell]));
    let jis0212 = jis0212.map(|bytes| character(EUC_JP, &bytes));
    let euc_kr = rows().map(|(row, cell)| character(EUC_KR, &[row, cell + 0x41]));
    let gbk = rows().map(|(row, cell)| character(GBK, &[row, from_63(cell, 0x41)]));
    let big5 = rows().filter(|(_, cell)| *cell < 157);
    let big5 = big5.map(|(row, cell)| character(BIG5, &[row, from_63(cell, 0x62)]));
    [
        ("jis0208", pack(188, &jis0208.collect::<Vec<_>>())),
        ("jis0212", pack(94, &jis0212.collect::<Vec<_>>())),
        ("euc_kr", pack(190, &euc_kr.collect::<Vec<_>>())),
        ("gbk", pack(190, &gbk.collect::<Vec<_>>())),
        ("big5", pack(157, &big5.collect::<Vec<_>>())),
        ("single_byte", single_byte()),
    ]
}

/// The character that `bytes` are, 0 if they are none or several.
fn character(encoding: &'static Encoding, bytes: &[u8]) -> u32 {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let mut characters = text.as_deref().unwrap_or_default().chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => u32::from(character),
        _ => 0,
    }
}

/// What 0x80 to 0xFF are in each: all the low bytes, then all the high ones, which gzip packs better than both by turns.
fn single_byte() -> Vec<u8> {
    let encodings =
        SINGLE_BYTE.map(|label| Encoding::for_label(label.as_bytes()).expect("a label of the Standard"));
    let upper = encodings.iter().flat_map(|encoding| (0x80..=0xFF).map(|byte| character(encoding, &[byte])));
    let upper: Vec<u32> = upper.collect();
    let low = upper.iter().map(|character| *character as u8);
    low.chain(upper.iter().map(|character| (character >> 8) as u8)).collect()
}

fn pack(columns: usize, table: &[u32]) -> Vec<u8> {
    let mut model = Model::new();
    let mut packer = Packer { low: 0, high: u32::MAX, packed: Vec::new() };
    for place in order(table.len(), columns) {
        model.place(&mut packer, table[place]);
    }
    packer.packed.extend(packer.low.to_be_bytes());
    packer.packed
}

struct Packer {
    low: u32,
    high: u32,
    packed: Vec<u8>,
}

impl Coder for Packer {
    fn bit(&mut self, chance: &mut Chance, bit: u32) -> u32 {
        let split = chance.split(self.low, self.high);
        match bit {
            0 => self.high = split,
            _ => self.low = split + 1,
        }
        chance.learn(bit);
        while (self.low ^ self.high) >> 24 == 0 {
            self.packed.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 0xFF;
        }
        bit
    }
}
