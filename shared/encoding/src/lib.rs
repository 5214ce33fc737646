//! The [WHATWG Encoding Standard](https://encoding.spec.whatwg.org/) for edges that are counted in bytes: it takes the place
//! of the crate of the same name below lol_html and the core, by `[patch.crates-io]`.
//!
//! ```text
//! proof/: the whole crate's tables ──model──▶ packed/, 62 KB       bytes ──Decoder──▶ text ──Encoder──▶ bytes
//!                                                └─▶ tables, unpacked at the first need ─▲──────────▲
//! ```
//!
//! All encodings are here, with their labels, read and written as the Standard says; the tables are packed as well as can be,
//! and the code is short rather than fast, but for UTF-8 and ASCII. It has what lol_html and the core ask for and nothing else:
//! no UTF-16 in memory, no streams that sniff a byte order mark, no output without replacements. What is here means the same as
//! there, but that a stream may stop at another place when its output is full. `proof/` holds both against each other: it is a
//! workspace of its own, since cargo has no two versions 0.8 of a name where one of them is a patch.

mod decode;
mod encode;
mod gb18030;
mod model;
mod sequence;
mod sets;
mod tables;

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

pub use decode::Decoder;
pub use encode::Encoder;
use sets::Kind;
pub use sets::*;

/// Why a decoder or an encoder stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoderResult {
    /// There is no more input.
    InputEmpty,
    /// There is no more room.
    OutputFull,
}

/// A character encoding as the Standard defines it.
pub struct Encoding {
    name: &'static str,
    labels: &'static str,
    kind: Kind,
}

impl Encoding {
    /// The encoding of a label ("get an encoding"): whatever its case, and with whitespace around it.
    pub fn for_label(label: &[u8]) -> Option<&'static Encoding> {
        let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | 0x0C | b'\r' | b' ');
        let start = label.iter().position(|byte| !is_space(byte))?;
        let end = label.iter().rposition(|byte| !is_space(byte))?;
        let label = label.get(start..=end)?;
        let has = |one: &str| one.as_bytes().eq_ignore_ascii_case(label);
        ALL.iter().find(|encoding| encoding.labels.split(' ').any(has)).copied()
    }

    /// The same, but that nothing is [`REPLACEMENT`].
    pub fn for_label_no_replacement(label: &[u8]) -> Option<&'static Encoding> {
        Encoding::for_label(label).filter(|encoding| encoding.kind != Kind::Replacement)
    }

    /// The encoding that a byte order mark says, and how long the mark is.
    pub fn for_bom(bytes: &[u8]) -> Option<(&'static Encoding, usize)> {
        match bytes {
            [0xEF, 0xBB, 0xBF, ..] => Some((UTF_8, 3)),
            [0xFF, 0xFE, ..] => Some((UTF_16LE, 2)),
            [0xFE, 0xFF, ..] => Some((UTF_16BE, 2)),
            _ => None,
        }
    }

    /// The name that the Standard gives it.
    pub fn name(&'static self) -> &'static str {
        self.name
    }

    /// Whether the bytes up to 0x7F are ASCII wherever they stand alone, and nothing else is.
    pub fn is_ascii_compatible(&'static self) -> bool {
        !matches!(self.kind, Kind::Replacement | Kind::Utf16Be | Kind::Utf16Le | Kind::Iso2022Jp)
    }

    /// What text is written in ("get an output encoding"): UTF-8 for those that are only read.
    pub fn output_encoding(&'static self) -> &'static Encoding {
        match self.kind {
            Kind::Replacement | Kind::Utf16Be | Kind::Utf16Le => UTF_8,
            _ => self,
        }
    }

    /// How many of the first bytes are ASCII.
    pub fn ascii_valid_up_to(bytes: &[u8]) -> usize {
        let (words, _) = bytes.as_chunks::<8>();
        let ascii = |word: &&[u8; 8]| u64::from_ne_bytes(**word) & 0x8080_8080_8080_8080 == 0;
        let sure = words.iter().take_while(ascii).count() * 8;
        let rest = bytes.get(sure..).unwrap_or_default();
        sure + rest.iter().take_while(|byte| byte.is_ascii()).count()
    }

    /// Reads all of a text, in the encoding that its byte order mark says if it has one: which that was, and whether something
    /// was malformed, and became U+FFFD.
    pub fn decode<'b>(&'static self, bytes: &'b [u8]) -> (Cow<'b, str>, &'static Encoding, bool) {
        let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or((self, 0));
        let (text, malformed) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
        (text, encoding, malformed)
    }

    /// Reads all of a text, a byte order mark like anything else: whether something was malformed, and became U+FFFD.
    pub fn decode_without_bom_handling<'b>(&'static self, bytes: &'b [u8]) -> (Cow<'b, str>, bool) {
        let as_it_is = match self.kind {
            Kind::Utf8 => true,
            _ => self.is_ascii_compatible() && Encoding::ascii_valid_up_to(bytes) == bytes.len(),
        };
        if let Some(text) = std::str::from_utf8(bytes).ok().filter(|_| as_it_is) {
            return (Cow::Borrowed(text), false);
        }
        let mut text = String::with_capacity(bytes.len());
        let (_, _, malformed) =
            self.new_decoder_without_bom_handling().read(bytes, &mut text, usize::MAX, true);
        (Cow::Owned(text), malformed)
    }

    /// Writes all of a text in the [output encoding](Self::output_encoding): which that is, and whether something could not be
    /// written, and became a numeric character reference.
    pub fn encode<'t>(&'static self, text: &'t str) -> (Cow<'t, [u8]>, &'static Encoding, bool) {
        let output = self.output_encoding();
        let ascii = || output.is_ascii_compatible() && text.is_ascii();
        if output.kind == Kind::Utf8 || ascii() {
            return (Cow::Borrowed(text.as_bytes()), output, false);
        }
        let mut bytes = Vec::with_capacity(text.len());
        let (_, _, lacking) = self.new_encoder().write(text, &mut bytes, usize::MAX, true);
        (Cow::Owned(bytes), output, lacking)
    }

    /// Reads a text as it arrives, a byte order mark like anything else.
    pub fn new_decoder_without_bom_handling(&'static self) -> Decoder {
        Decoder::new(self)
    }

    /// Writes a text as it arrives, in the [output encoding](Self::output_encoding).
    pub fn new_encoder(&'static self) -> Encoder {
        Encoder::new(self.output_encoding())
    }
}

// Not by address: what another crate sees through a static may be a copy.
impl PartialEq for Encoding {
    fn eq(&self, other: &Encoding) -> bool {
        self.name == other.name
    }
}

impl Eq for Encoding {}

impl Hash for Encoding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoding").field("name", &self.name).finish_non_exhaustive()
    }
}
