//! Writing: text into bytes.

use crate::sequence::JisSet;
use crate::sets::Kind;
use crate::tables::{BIG5, EUC_KR, GBK, JIS0208, single_byte};
use crate::{CoderResult, Encoding, gb18030};

/// The places of the IBM extensions that NEC selected: duplicates, which Shift_JIS does not write.
const NEC_SELECTED: std::ops::Range<usize> = 8272..8836;
/// Where Big5 begins without the extensions of Hong Kong, which are read and not written.
const BIG5_ITSELF: usize = (0xA1 - 0x81) * 157;
/// Characters that Big5 has twice and of which the last place is written.
const LAST_IN_BIG5: [char; 6] = ['═', '╞', '╡', '╪', '十', '卅'];
/// What the half-width katakana from U+FF61 on are written as in ISO-2022-JP, which has no half-width.
const FULL_WIDTH: &str = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜";

/// A text that is written as it arrives.
pub struct Encoder {
    encoding: &'static Encoding,
    /// Of ISO-2022-JP: what the bytes are understood as.
    set: JisSet,
}

impl Encoder {
    pub(crate) fn new(encoding: &'static Encoding) -> Encoder {
        Encoder { encoding, set: JisSet::Ascii }
    }

    /// The encoding that is written.
    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// Whether something must still be written at the end.
    pub fn has_pending_state(&self) -> bool {
        self.set != JisSet::Ascii
    }

    /// Writes on into `bytes`, of at least 16: why it stopped, how much it read and wrote, and whether something could not be
    /// written, and became a numeric character reference. With `last` the bytes end where `text` does.
    pub fn encode_from_utf8(
        &mut self,
        text: &str,
        bytes: &mut [u8],
        last: bool,
    ) -> (CoderResult, usize, usize, bool) {
        let mut written = Vec::with_capacity(bytes.len());
        let (result, read, lacking) = self.write(text, &mut written, bytes.len(), last);
        for (place, byte) in bytes.iter_mut().zip(&written) {
            *place = *byte;
        }
        (result, read, written.len(), lacking)
    }

    /// Writes on, as long as `bytes` are not more than `room`.
    pub(crate) fn write(
        &mut self,
        text: &str,
        bytes: &mut Vec<u8>,
        room: usize,
        last: bool,
    ) -> (CoderResult, usize, bool) {
        let mut lacking = false;
        for (at, character) in text.char_indices() {
            let before = (bytes.len(), self.set);
            let is_written = self.character(character, bytes);
            if !is_written {
                self.reference(character, bytes);
            }
            if bytes.len() > room {
                bytes.truncate(before.0);
                self.set = before.1;
                return (CoderResult::OutputFull, at, lacking);
            }
            lacking |= !is_written;
        }
        if last {
            let (length, set) = (bytes.len(), self.set);
            self.escape(JisSet::Ascii, bytes);
            if bytes.len() > room {
                bytes.truncate(length);
                self.set = set;
                return (CoderResult::OutputFull, text.len(), lacking);
            }
        }
        (CoderResult::InputEmpty, text.len(), lacking)
    }

    /// Writes a numeric character reference, as forms do, and as HTML reads.
    fn reference(&mut self, character: char, bytes: &mut Vec<u8>) {
        if self.set == JisSet::Jis0208 {
            self.escape(JisSet::Ascii, bytes);
        }
        // Control characters of ISO-2022-JP itself must not come back by a reference.
        let controls = self.encoding.kind == Kind::Iso2022Jp && character.is_ascii();
        let character = if controls { char::REPLACEMENT_CHARACTER } else { character };
        bytes.extend_from_slice(b"&#");
        bytes.extend_from_slice(u32::from(character).to_string().as_bytes());
        bytes.push(b';');
    }

    /// Writes a character, or says that there is none.
    fn character(&mut self, character: char, bytes: &mut Vec<u8>) -> bool {
        match self.encoding.kind {
            Kind::Iso2022Jp => return self.iso_2022_jp(character, bytes),
            _ if character.is_ascii() => bytes.push(character as u8),
            Kind::Utf8 | Kind::Replacement | Kind::Utf16Be | Kind::Utf16Le => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            kind => match beyond_ascii(kind, character) {
                Some([0, byte]) => bytes.push(byte),
                Some(two) => bytes.extend_from_slice(&two),
                None if kind == Kind::Gb18030 => return four_bytes(character, bytes),
                None => return false,
            },
        }
        true
    }

    fn iso_2022_jp(&mut self, character: char, bytes: &mut Vec<u8>) -> bool {
        let character = match character as u32 {
            half @ 0xFF61..=0xFF9F => FULL_WIDTH.chars().nth(half as usize - 0xFF61).unwrap_or(character),
            _ => minus(character),
        };
        match (character, self.set) {
            ('\u{E}' | '\u{F}' | '\u{1B}', _) => return false,
            ('\\' | '~', JisSet::Roman) | (..='\x7F', JisSet::Jis0208 | JisSet::Katakana) => {
                self.escape(JisSet::Ascii, bytes);
                bytes.push(character as u8);
            }
            (..='\x7F', _) => bytes.push(character as u8),
            ('¥' | '‾', _) => {
                self.escape(JisSet::Roman, bytes);
                bytes.push(if character == '¥' { 0x5C } else { 0x7E });
            }
            _ => {
                let Some(place) = JIS0208.place(character) else { return false };
                self.escape(JisSet::Jis0208, bytes);
                bytes.extend([place / 94, place % 94].map(|row| row as u8 + 0x21));
            }
        }
        true
    }

    fn escape(&mut self, set: JisSet, bytes: &mut Vec<u8>) {
        if self.set != set {
            self.set = set;
            bytes.extend_from_slice(match set {
                JisSet::Ascii => b"\x1B(B",
                JisSet::Roman => b"\x1B(J",
                JisSet::Katakana => b"\x1B(I",
                JisSet::Jis0208 => b"\x1B$B",
            });
        }
    }
}

/// The minus sign has its place in JIS X 0208 under another name.
fn minus(character: char) -> char {
    if character == '\u{2212}' { '\u{FF0D}' } else { character }
}

/// The two bytes of a character, 0 and the byte if there is but one.
fn beyond_ascii(kind: Kind, character: char) -> Option<[u8; 2]> {
    let half_width = || u8::try_from((character as u32).checked_sub(0xFF61)?).ok().filter(|half| *half < 63);
    let one = |byte: u8| Some([0, byte]);
    let two = |place: usize, columns: usize, lead: usize, trail: fn(usize) -> usize| {
        Some([(place / columns + lead) as u8, trail(place % columns) as u8])
    };
    match kind {
        Kind::Single(number) => {
            (0x80..=0xFF).find(|byte| single_byte(number, *byte) == Some(character)).and_then(one)
        }
        Kind::UserDefined => match character as u32 {
            own @ 0xF780..=0xF7FF => one((own - 0xF700) as u8),
            _ => None,
        },
        Kind::Gbk if character == '€' => one(0x80),
        Kind::Gbk | Kind::Gb18030 => gb18030::until_2022(character).or_else(|| {
            let cell = |cell| cell + if cell < 63 { 0x40 } else { 0x41 };
            two(GBK.place(character).filter(|_| character != '\u{E5E5}')?, 190, 0x81, cell)
        }),
        Kind::Big5 => {
            let first = BIG5.place_from(character, BIG5_ITSELF)?;
            let last = || BIG5.characters().iter().rposition(|other| *other == character as u32);
            let place = if LAST_IN_BIG5.contains(&character) { last()? } else { first };
            two(place, 157, 0x81, |cell| cell + if cell < 63 { 0x40 } else { 0x62 })
        }
        Kind::EucKr => two(EUC_KR.place(character)?, 190, 0x81, |cell| cell + 0x41),
        Kind::EucJp | Kind::ShiftJis if matches!(character, '¥' | '‾') => {
            one(if character == '¥' { 0x5C } else { 0x7E })
        }
        Kind::EucJp => match half_width() {
            Some(half) => Some([0x8E, half + 0xA1]),
            None => two(JIS0208.place(minus(character))?, 94, 0xA1, |cell| cell + 0xA1),
        },
        Kind::ShiftJis if character == '\u{80}' => one(0x80),
        Kind::ShiftJis => match half_width() {
            Some(half) => one(half + 0xA1),
            None => {
                let mut place = JIS0208.place(minus(character))?;
                if NEC_SELECTED.contains(&place) {
                    let same = |other: &u32| *other == minus(character) as u32;
                    let ibm = JIS0208.characters().iter().skip(NEC_SELECTED.end).position(same)?;
                    place = NEC_SELECTED.end + ibm;
                }
                let lead = if place / 188 < 31 { 0x81 } else { 0xC1 };
                two(place, 188, lead, |cell| cell + if cell < 63 { 0x40 } else { 0x41 })
            }
        },
        _ => None,
    }
}

fn four_bytes(character: char, bytes: &mut Vec<u8>) -> bool {
    let Some(number) = gb18030::number(character) else { return false };
    bytes.extend([
        (number / 12_600) as u8 + 0x81,
        (number / 1260 % 10) as u8 + 0x30,
        (number / 10 % 126) as u8 + 0x81,
        (number % 10) as u8 + 0x30,
    ]);
    true
}
