//! What is in `shared/encoding` does the same as the crate that it stands in for.

mod bytes;
mod labels;
mod streams;
mod text;

/// Every encoding, here and there.
fn encodings() -> Vec<(&'static slim::Encoding, &'static whole::Encoding)> {
    let labels = [
        "utf-8",
        "ibm866",
        "iso-8859-2",
        "iso-8859-3",
        "iso-8859-4",
        "iso-8859-5",
        "iso-8859-6",
        "iso-8859-7",
        "iso-8859-8",
        "iso-8859-8-i",
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
        "gbk",
        "gb18030",
        "big5",
        "euc-jp",
        "iso-2022-jp",
        "shift_jis",
        "euc-kr",
        "replacement",
        "utf-16be",
        "utf-16le",
        "x-user-defined",
    ];
    let both = |label: &str| {
        Some((slim::Encoding::for_label(label.as_bytes())?, whole::Encoding::for_label(label.as_bytes())?))
    };
    labels.into_iter().map(|label| both(label).expect(label)).collect()
}

/// The same numbers each time, which look random (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

/// A byte that means something to many encodings, or any.
fn byte(dice: &mut Dice) -> u8 {
    const TELLING: &[u8] =
        b"\x1B\x1B$($B@JI\x0E\x0F<a09~\\\x7F\x80\x81\x8E\x8F\xA1\xA4\xA6\xB0\xC8\xD8\xDC\xDF\xE3\xF0\xFE\xFF";
    match dice.below(2) {
        0 => dice.below(256) as u8,
        _ => TELLING[dice.below(TELLING.len())],
    }
}

/// A character of those that encodings have, mostly.
fn character(dice: &mut Dice) -> char {
    let (from, count) = [
        (0, 0x80),
        (0x80, 0x700),
        (0x2000, 0x700),
        (0x3000, 0x100),
        (0x4E00, 0x5200),
        (0xAC00, 0x2BA4),
        (0xE000, 0x1900),
        (0xFF00, 0x100),
        (0x2_0000, 0xA000),
        (0, 0x11_0000),
    ][dice.below(10)];
    char::from_u32((from + dice.below(count)) as u32).unwrap_or('\u{1B}')
}

#[test]
fn the_packed_tables_are_those_of_the_standard() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../packed");
    for (name, bytes) in encoding_proof::packed() {
        let committed = std::fs::read(folder.join(name)).expect(name);
        assert!(committed == bytes, "{name} is not what `cargo run` in shared/encoding/proof writes");
    }
}
