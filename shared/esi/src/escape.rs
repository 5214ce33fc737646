//! How a value is written where it stands.

use super::dialect::Escape;
use super::program::Place;
use super::value::{Taint, Text};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `text` as the dialect writes it at `place`. What the page's author wrote is written as it is.
pub(super) fn write(text: &Text, place: Place, escape: Escape, out: &mut Vec<u8>) {
    if !text.taint.has(Taint::SENT) {
        out.extend_from_slice(&text.bytes);
        return;
    }
    match (escape, place) {
        (Escape::Nothing, _) | (Escape::Context, Place::Plain) => out.extend_from_slice(&text.bytes),
        (Escape::Angles, _) => {
            for byte in text.bytes.iter() {
                match byte {
                    b'<' => out.extend_from_slice(b"&lt;"),
                    b'>' => out.extend_from_slice(b"&gt;"),
                    _ => out.push(*byte),
                }
            }
        }
        (Escape::Context, Place::Markup) => markup(&text.bytes, true, out),
        (Escape::Context, Place::Script) => script(&text.bytes, out),
        (Escape::Context, Place::Url) if text.taint.has(Taint::URL) => out.extend_from_slice(&text.bytes),
        (Escape::Context, Place::Url) => component(&text.bytes, out),
    }
}

/// References for what means something in text and quoted attributes.
pub(super) fn markup(text: &[u8], apostrophes: bool, out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            b'\'' if apostrophes => out.extend_from_slice(b"&#39;"),
            _ => out.push(*byte),
        }
    }
}

/// What is escaped for markup, and may yet be put into a script: what would mean something there is a reference, too.
pub(super) fn inert(markup: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(markup.len());
    for byte in markup {
        match byte {
            b'\\' | b'`' | b'$' | b'\n' | b'\r' => out.extend_from_slice(format!("&#{byte};").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}

/// Escapes that scripts, JSON and style sheets read alike inside of a string; outside of one there is nothing safe, and
/// what is left are letters, digits and a few harmless characters.
fn script(text: &[u8], out: &mut Vec<u8>) {
    for character in String::from_utf8_lossy(text).chars() {
        let harmless = character.is_ascii_alphanumeric()
            || matches!(character, ' ' | '_' | '-' | '.' | ',')
            || character > '\u{2029}';
        if harmless {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
        }
    }
}

/// Everything but the unreserved characters of RFC 3986, section 2.3.
pub(super) fn component(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(*byte);
        } else {
            percent(*byte, out);
        }
    }
}

/// What cannot stand in a URL at all. A backslash in front of the query is a slash, as to a browser, so that what is
/// judged is what will be read.
pub(super) fn url(text: &[u8], out: &mut Vec<u8>) {
    let query = memchr::memchr2(b'?', b'#', text).unwrap_or(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte == b'\\' && at < query {
            out.push(b'/');
        } else if byte.is_ascii_control() || matches!(byte, b' ' | b'"' | b'<' | b'>' | b'`' | b'\\') {
            percent(*byte, out);
        } else {
            out.push(*byte);
        }
    }
}

fn percent(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}
