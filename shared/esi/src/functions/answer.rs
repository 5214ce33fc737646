//! Functions that change status, headers or body of the answer. What they are given is checked: no header can carry
//! another.

use super::{Context, Failure, is_missing, text_of, whole};
use crate::value::Value;

pub(super) fn add_header(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let (name, value) = (text_of(arguments, 0, context), text_of(arguments, 1, context));
    context.answer.add_header(&name.bytes, &value.bytes).ok_or(Failure::Arguments)?;
    Ok(Value::None)
}

pub(super) fn add_cachebusting_header(_: &[Value], context: &mut Context) -> Result<Value, Failure> {
    context
        .answer
        .add_header(b"Cache-Control", b"no-cache, no-store, must-revalidate")
        .ok_or(Failure::Arguments)?;
    Ok(Value::None)
}

pub(super) fn set_response_code(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let status = whole(arguments, 0, context)?;
    let status =
        u16::try_from(status).ok().filter(|status| (200..600).contains(status)).ok_or(Failure::Arguments)?;
    let body = (!is_missing(arguments, 1)).then(|| text_of(arguments, 1, context).bytes);
    context.answer.set_status(status, body);
    Ok(Value::None)
}

pub(super) fn set_redirect(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let location = text_of(arguments, 0, context);
    let status = if is_missing(arguments, 1) { 302 } else { whole(arguments, 1, context)? };
    let status =
        u16::try_from(status).ok().filter(|status| (300..400).contains(status)).ok_or(Failure::Arguments)?;
    context.answer.add_header(b"Location", location.bytes.trim_ascii()).ok_or(Failure::Arguments)?;
    context.answer.set_status(status, Some(bytes::Bytes::new()));
    Ok(Value::None)
}
