//! What encoding a page is in, and how to put text into it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How many bytes of a page are looked at for a `<meta charset>` (HTML Standard, "prescan a byte stream").
pub const PRESCAN: usize = 1024;

/// The encoding of a page, as far as it matters to somebody who inserts text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Declared, and a superset of ASCII: text is encoded, and what it lacks becomes a character reference.
    Known(&'static Encoding),
    /// Nobody said: inserted text is kept to ASCII, which every candidate has.
    Undeclared,
    /// UTF-16, ISO-2022-JP and the like, in which a byte `<` may be no `<`: the page is not touched.
    Opaque,
}

/// Text in the bytes of some charset.
pub type Transcoded<'t> = Cow<'t, [u8]>;

impl Charset {
    /// UTF-8.
    pub const UTF_8: Charset = Charset::Known(UTF_8);

    /// The charset of a label as in `Content-Type` or `<meta charset>` (WHATWG Encoding Standard, "get an encoding").
    pub fn for_label(label: &str) -> Option<Charset> {
        Encoding::for_label(label.as_bytes()).map(Charset::of)
    }

    /// Finds the charset of a page by byte order mark, then `declared` (from its `Content-Type`), then its `<meta>`.
    ///
    /// `None`: more bytes are needed. `head` is what has arrived so far, `whole` that there is no more.
    pub fn sniff(head: &[u8], declared: Option<&str>, whole: bool) -> Option<Charset> {
        if !whole && head.len() < 3 {
            return None;
        }
        if let Some((encoding, _)) = Encoding::for_bom(head) {
            return Some(Charset::of(encoding));
        }
        if let Some(charset) = declared.and_then(Charset::for_label) {
            return Some(charset);
        }
        if !whole && head.len() < PRESCAN {
            return None;
        }
        let declared = meta_charset(head.get(..PRESCAN).unwrap_or(head));
        Some(declared.and_then(|label| Charset::for_meta(&label)).unwrap_or(Charset::Undeclared))
    }

    /// A `<meta>` that could be read byte by byte cannot be in UTF-16, so UTF-8 is meant (HTML Standard, prescan, step 15).
    fn for_meta(label: &str) -> Option<Charset> {
        let encoding = Encoding::for_label(label.as_bytes())?;
        Some(if encoding == UTF_16LE || encoding == UTF_16BE {
            Charset::UTF_8
        } else {
            Charset::of(encoding)
        })
    }

    fn of(encoding: &'static Encoding) -> Charset {
        if encoding.is_ascii_compatible() { Charset::Known(encoding) } else { Charset::Opaque }
    }

    /// A stable name: the encoding's own, or empty for [`Charset::Undeclared`].
    pub fn name(self) -> &'static str {
        match self {
            Charset::Known(encoding) => encoding.name(),
            Charset::Undeclared => "",
            Charset::Opaque => "UTF-16LE",
        }
    }

    /// The charset with this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Charset> {
        if name.is_empty() { Some(Charset::Undeclared) } else { Charset::for_label(name) }
    }

    /// `text` as this charset's bytes, with numeric character references for what it cannot express.
    pub fn encode(self, text: &str) -> Transcoded<'_> {
        match self {
            Charset::Known(encoding) => encoding.encode(text).0,
            Charset::Opaque => Cow::Borrowed(text.as_bytes()),
            Charset::Undeclared if text.is_ascii() => Cow::Borrowed(text.as_bytes()),
            Charset::Undeclared => Cow::Owned(with_references(text)),
        }
    }

    /// Whether any bytes in the charset `from` are [converted](Self::convert) to themselves.
    pub fn takes_as_it_is(self, from: Charset) -> bool {
        self == from || !matches!(from, Charset::Known(_))
    }

    /// Bytes in the charset `from` as bytes in this one. Where `from` is undeclared, they are taken as they are.
    pub fn convert(self, bytes: &[u8], from: Charset) -> Transcoded<'_> {
        let same = self == from || bytes.is_ascii();
        match from {
            Charset::Known(encoding) if !same => match encoding.decode_without_bom_handling(bytes).0 {
                Cow::Borrowed(text) => self.encode(text),
                Cow::Owned(text) => Cow::Owned(self.encode(&text).into_owned()),
            },
            _ => Cow::Borrowed(bytes),
        }
    }
}

fn with_references(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character as u8);
        } else {
            out.extend_from_slice(format!("&#{};", u32::from(character)).as_bytes());
        }
    }
    out
}

/// The label in the first `<meta charset=…>` or `<meta … content="…charset=…">`, comments left out.
fn meta_charset(head: &[u8]) -> Option<String> {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &head[at..]) {
        let tag = &head[at + found..];
        if tag.starts_with(b"<!--") {
            at += found + 4 + memchr::memmem::find(&tag[4..], b"-->")?;
            continue;
        }
        let end = memchr::memchr(b'>', tag)?;
        let is_meta =
            tag.len() > 5 && tag[1..5].eq_ignore_ascii_case(b"meta") && !tag[5].is_ascii_alphanumeric();
        if let Some(label) = tag.get(5..end).filter(|_| is_meta).and_then(charset_in) {
            return Some(label);
        }
        at += found + 1;
    }
    None
}

fn charset_in(attributes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(attributes).to_ascii_lowercase();
    let after = text.split_once("charset")?.1.trim_start().strip_prefix('=')?.trim_start();
    let after = after.trim_start_matches(['"', '\'']);
    let end = after.find(['"', '\'', ';', '>', '/', ' ', '\t', '\n', '\r']).unwrap_or(after.len());
    (end > 0).then(|| after[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], declared: Option<&str>, expect: Charset) {
        assert_eq!(Charset::sniff(head, declared, true), Some(expect), "{:?}", String::from_utf8_lossy(head));
    }

    #[test]
    fn a_page_says_its_charset_by_mark_then_header_then_meta() {
        let latin = Charset::Known(encoding_rs::WINDOWS_1252);
        check(b"\xEF\xBB\xBF<p>", Some("windows-1252"), Charset::UTF_8);
        check(b"\xFF\xFE<\0", Some("utf-8"), Charset::Opaque);
        check(b"<meta charset=utf-8>", Some("ISO-8859-1"), latin);
        check(b"<!-- <meta charset=x-sjis> --><META charset='windows-1252'>", None, latin);
        check(
            b"<meta http-equiv=Content-Type content=\"text/html; charset=Shift_JIS\">",
            None,
            Charset::Known(encoding_rs::SHIFT_JIS),
        );
        check(b"<meta charset=utf-16>", None, Charset::UTF_8);
        check(b"<p>", Some("ISO-2022-JP"), Charset::Opaque);
        check(b"<p>", Some("no-such-charset"), Charset::Undeclared);
        check(b"", None, Charset::Undeclared);
    }

    #[test]
    fn a_charset_is_certain_only_when_later_bytes_cannot_change_it() {
        assert_eq!(Charset::sniff(b"\xEF\xBB", Some("utf-8"), false), None);
        assert_eq!(Charset::sniff(b"<!d", Some("utf-8"), false), Some(Charset::UTF_8));
        assert_eq!(Charset::sniff(b"<!doctype html>", None, false), None);
    }

    #[test]
    fn inserted_text_is_encoded_or_referenced() {
        let euro_kanji = "€ 漢";
        let encoded =
            |label| Charset::for_label(label).map(|charset| charset.encode(euro_kanji).into_owned());
        assert_eq!(encoded("windows-1252").as_deref(), Some(&b"\x80 &#28450;"[..]));
        assert_eq!(encoded("utf-8").as_deref(), Some(euro_kanji.as_bytes()));
        assert_eq!(Charset::Undeclared.encode(euro_kanji).as_ref(), b"&#8364; &#28450;");
    }

    #[test]
    fn fragments_are_converted_between_charsets() {
        let latin = Charset::Known(encoding_rs::WINDOWS_1252);
        assert_eq!(Charset::UTF_8.convert(b"\xFC", latin).as_ref(), "ü".as_bytes());
        assert_eq!(latin.convert("ü".as_bytes(), Charset::UTF_8).as_ref(), b"\xFC");
        assert_eq!(Charset::UTF_8.convert(b"\xFC", Charset::Undeclared).as_ref(), b"\xFC");
    }
}
