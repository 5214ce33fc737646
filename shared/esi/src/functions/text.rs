//! Functions on text. Positions count characters.

use super::{Context, Failure, bounded, is_missing, text_of, whole};
use crate::value::{Taint, Text, Value};

fn mapped(arguments: &[Value], context: &Context, map: fn(&str) -> String) -> Result<Value, Failure> {
    if is_missing(arguments, 0) {
        return Ok(Value::None);
    }
    let text = text_of(arguments, 0, context);
    bounded(map(&String::from_utf8_lossy(&text.bytes)).into_bytes(), text.taint, context)
}

pub(super) fn lower(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    match arguments {
        [Value::Text(Text { bytes, taint })] if bytes.is_ascii() => {
            bounded(bytes.to_ascii_lowercase(), *taint, context)
        }
        _ => mapped(arguments, context, str::to_lowercase),
    }
}

pub(super) fn upper(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    match arguments {
        [Value::Text(Text { bytes, taint })] if bytes.is_ascii() => {
            bounded(bytes.to_ascii_uppercase(), *taint, context)
        }
        _ => mapped(arguments, context, str::to_uppercase),
    }
}

pub(super) fn lstrip(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    mapped(arguments, context, |text| text.trim_start().to_owned())
}

pub(super) fn rstrip(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    mapped(arguments, context, |text| text.trim_end().to_owned())
}

pub(super) fn strip(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    mapped(arguments, context, |text| text.trim().to_owned())
}

/// The value as text; what is missing is `None`.
pub(super) fn str(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    if is_missing(arguments, 0) {
        return Ok(Value::text(&b"None"[..], Taint::NONE));
    }
    Ok(Value::Text(text_of(arguments, 0, context)))
}

/// The value, trusted: it is written as it is.
pub(super) fn raw(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    Ok(Value::Text(Text { taint: text.taint.without(Taint::SENT), ..text }))
}

/// The number that a text begins with, else 0.
pub(super) fn int(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    if let Some(Value::Int(_)) = arguments.first() {
        return Ok(arguments.first().cloned().unwrap_or_default());
    }
    let text = text_of(arguments, 0, context);
    let text = String::from_utf8_lossy(&text.bytes);
    let text = text.trim();
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
    Ok(Value::Int(text.get(..sign + digits).and_then(|number| number.parse().ok()).unwrap_or(0)))
}

/// From the second argument up to, not including, the third, or as many as that says; negative positions count from the end.
pub(super) fn substr(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    if is_missing(arguments, 0) {
        return Ok(Value::None);
    }
    let text = text_of(arguments, 0, context);
    let whole_text = String::from_utf8_lossy(&text.bytes);
    let length = whole_text.chars().count() as i64;
    let position = |at: i64| if at < 0 { length.saturating_add(at).max(0) } else { at.min(length) };
    let start = position(whole(arguments, 1, context)?);
    let end = match arguments.len() {
        3.. => match whole(arguments, 2, context)? {
            count @ 0.. if context.dialect.substr_length => position(start.saturating_add(count)),
            end => position(end),
        },
        _ => length,
    };
    let part: String = whole_text.chars().skip(start as usize).take((end - start).max(0) as usize).collect();
    Ok(Value::text(part, text.taint))
}

pub(super) fn replace(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    if is_missing(arguments, 0) {
        return Ok(Value::None);
    }
    let text = text_of(arguments, 0, context);
    let (old, new) = (text_of(arguments, 1, context), text_of(arguments, 2, context));
    let most = if arguments.len() > 3 { whole(arguments, 3, context)?.max(0) as usize } else { usize::MAX };
    let taint = text.taint.and(new.taint);
    if old.bytes.is_empty() {
        return Ok(Value::Text(text));
    }
    let limit = context.dialect.budgets.value_bytes;
    let (mut out, mut from) = (Vec::new(), 0);
    for at in memchr::memmem::find_iter(&text.bytes, &old.bytes).take(most) {
        out.extend_from_slice(&text.bytes[from..at]);
        out.extend_from_slice(&new.bytes);
        from = at + old.bytes.len();
        if out.len() > limit {
            return Err(Failure::Budget);
        }
    }
    out.extend_from_slice(&text.bytes[from..]);
    bounded(out, taint, context)
}

fn position(
    arguments: &[Value],
    context: &Context,
    find: fn(&str, &str) -> Option<usize>,
) -> Result<Value, Failure> {
    if is_missing(arguments, 0) || is_missing(arguments, 1) {
        return Ok(Value::Int(-1));
    }
    let (text, part) = (text_of(arguments, 0, context), text_of(arguments, 1, context));
    let text = String::from_utf8_lossy(&text.bytes);
    let found = find(&text, &String::from_utf8_lossy(&part.bytes));
    Ok(Value::Int(found.map_or(-1, |at| text[..at].chars().count() as i64)))
}

pub(super) fn index(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    position(arguments, context, |text, part| text.find(part))
}

pub(super) fn rindex(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    position(arguments, context, |text, part| text.rfind(part))
}
