//! Reading: bytes into text.

use encoding_rs_mem::mem::convert_utf16_to_str;

use crate::sequence::Sequence::{self, Character, Escape, Malformed, Two, Unfinished};
use crate::sequence::{JisSet, sequence};
use crate::sets::Kind;
use crate::{CoderResult, Encoding};

/// Room that one step may take: a character of four bytes, or two of two.
const STEP: usize = 4;
/// Room that must be left behind a character to put it into a `&mut str`: what does it wants three bytes a unit, and one more.
const MARGIN: usize = 3;

/// A text that is read as it arrives.
pub struct Decoder {
    encoding: &'static Encoding,
    /// Bytes of a sequence that has not ended, in front of those that come.
    held: [u8; 4],
    length: usize,
    jis: Jis,
    /// [`Kind::Replacement`] has had its one U+FFFD.
    replaced: bool,
}

/// What the bytes of ISO-2022-JP are at the moment.
#[derive(Clone, Copy, Default)]
struct Jis {
    set: JisSet,
    /// An escape sequence came, and nothing after it.
    escaped: bool,
}

impl Decoder {
    pub(crate) fn new(encoding: &'static Encoding) -> Decoder {
        Decoder { encoding, held: [0; 4], length: 0, jis: Jis::default(), replaced: false }
    }

    /// The encoding that is read.
    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// Reads on into `text`, of at least 7 bytes: why it stopped, how much it read and wrote, and whether something was malformed,
    /// and became U+FFFD. With `last` the text ends where `bytes` do.
    pub fn decode_to_str(
        &mut self,
        bytes: &[u8],
        text: &mut str,
        last: bool,
    ) -> (CoderResult, usize, usize, bool) {
        let room = text.len().saturating_sub(MARGIN);
        let mut characters = String::with_capacity(room);
        let (result, read, malformed) = self.read(bytes, &mut characters, room, last);
        let mut written = 0;
        for character in characters.chars() {
            if let Some(rest) = text.get_mut(written..) {
                written += convert_utf16_to_str(character.encode_utf16(&mut [0; 2]), rest);
            }
        }
        (result, read, written, malformed)
    }

    /// Reads on, until `text` has no `room` for another step.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        text: &mut String,
        room: usize,
        last: bool,
    ) -> (CoderResult, usize, bool) {
        let (mut at, mut malformed) = (0, false);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if self.length == 0 {
                let plain = self.plain(rest, room.saturating_sub(text.len()));
                text.push_str(plain);
                at += plain.len();
            }
            let rest = bytes.get(at..).unwrap_or_default();
            if self.length == 0 && rest.is_empty() {
                return (CoderResult::InputEmpty, at, malformed);
            }
            if room.saturating_sub(text.len()) < STEP {
                return (CoderResult::OutputFull, at, malformed);
            }
            let (sequence, length) = match (self.finished(), rest.first()) {
                (Some(finished), _) => finished,
                (None, Some(byte)) => {
                    if let Some(place) = self.held.get_mut(self.length) {
                        *place = *byte;
                    }
                    self.length += 1;
                    at += 1;
                    continue;
                }
                (None, None) if !last => return (CoderResult::InputEmpty, at, malformed),
                // An escape sequence that the end cuts short leaves what follows ESC.
                (None, None) if self.encoding.kind == Kind::Iso2022Jp => (Malformed(1), 1),
                (None, None) => (Malformed(self.length), self.length),
            };
            malformed |= self.take(sequence, length, text);
        }
    }

    /// The first of `bytes` that need no looking at, and for which there is room.
    fn plain<'b>(&self, bytes: &'b [u8], room: usize) -> &'b str {
        let bytes = bytes.get(..room).unwrap_or(bytes);
        let ascii = match self.encoding.kind {
            Kind::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => return text,
                Err(malformed) => malformed.valid_up_to(),
            },
            _ if self.encoding.is_ascii_compatible() => Encoding::ascii_valid_up_to(bytes),
            _ => 0,
        };
        bytes.get(..ascii).and_then(|plain| std::str::from_utf8(plain).ok()).unwrap_or_default()
    }

    /// The sequence that the bytes held back begin with, and its length, if it does not go on.
    fn finished(&self) -> Option<(Sequence, usize)> {
        (1..=self.length).find_map(|length| {
            match sequence(self.encoding.kind, self.jis.set, self.held.get(..length)?) {
                Unfinished => None,
                sequence => Some((sequence, length)),
            }
        })
    }

    /// Writes what a finished sequence of this length is; says whether it was malformed.
    fn take(&mut self, sequence: Sequence, length: usize, text: &mut String) -> bool {
        let escaped = std::mem::take(&mut self.jis.escaped);
        let mut taken = length;
        let malformed = match sequence {
            Character(character) => {
                text.push(character);
                false
            }
            Two(one, other) => {
                text.extend([one, other]);
                false
            }
            Escape(set) => {
                self.jis = Jis { set, escaped: true };
                escaped
            }
            Unfinished => false,
            Malformed(bytes) => {
                taken = bytes.min(length);
                !self.replaced
            }
        };
        if malformed {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        self.replaced = self.encoding.kind == Kind::Replacement;
        self.held.rotate_left(taken % 4);
        self.length -= taken;
        malformed
    }
}
