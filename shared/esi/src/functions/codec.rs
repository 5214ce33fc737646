//! Functions that write text in other letters, and read it back.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Context, Failure, bounded, is_missing, text_of};
use crate::escape;
use crate::value::{Taint, Value};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn html_encode(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    let mut out = Vec::new();
    escape::markup(&text.bytes, false, &mut out);
    bounded(out, text.taint.without(Taint::SENT), context)
}

pub(super) fn html_decode(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    let decoded = decode_references(&String::from_utf8_lossy(&text.bytes));
    bounded(decoded.into_bytes(), text.taint, context)
}

/// References by name and by number become characters; what is none stays.
pub(crate) fn decode_references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let decoded = end.and_then(|end| Some((reference(&rest[1..end])?, end)));
        match decoded {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn reference(name: &str) -> Option<char> {
    let number = name.strip_prefix('#');
    if let Some(number) = number {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|character| *character != '\0');
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "reg" => '®',
        _ => return None,
    })
}

/// Everything but the unreserved characters of RFC 3986 becomes `%XX`.
pub(super) fn url_encode(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    let mut out = Vec::new();
    escape::component(&text.bytes, &mut out);
    bounded(out, text.taint.without(Taint::SENT), context)
}

pub(super) fn url_decode(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    Ok(Value::text(percent_decoded(&text.bytes), text.taint))
}

/// `%XX` as bytes; what is no escape stays.
pub(crate) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(text.get(at + 1)), digit(text.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

pub(super) fn base64_encode(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    bounded(BASE64.encode(&text.bytes).into_bytes(), text.taint, context)
}

pub(super) fn base64_decode(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    let decoded = BASE64.decode(text.bytes.trim_ascii()).unwrap_or_default();
    Ok(Value::text(decoded, text.taint))
}

/// Text is UTF-8 already.
pub(super) fn unicode(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    if is_missing(arguments, 0) {
        return Ok(Value::None);
    }
    Ok(Value::Text(text_of(arguments, 0, context)))
}
