//! Functions on lists and dictionaries.

use super::{Context, Failure, bounded, is_missing, text_of, whole};
use crate::value::{Taint, Value};

pub(super) fn exists(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let there = match arguments.first() {
        None | Some(Value::None) => false,
        Some(Value::Text(text)) => !text.bytes.is_empty(),
        Some(Value::List(list)) => !context.heap.list(*list).is_empty(),
        Some(Value::Dict(dict)) => !context.heap.dict(*dict).is_empty(),
        Some(_) => true,
    };
    Ok(Value::Bool(there))
}

/// Whether something is there that has nothing in it.
pub(super) fn is_empty(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let empty = match arguments.first() {
        Some(Value::Text(text)) => text.bytes.is_empty(),
        Some(Value::List(list)) => context.heap.list(*list).is_empty(),
        Some(Value::Dict(dict)) => context.heap.dict(*dict).is_empty(),
        _ => false,
    };
    Ok(Value::Bool(empty))
}

pub(super) fn len(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let length = match arguments.first() {
        Some(Value::List(list)) => context.heap.list(*list).len(),
        Some(Value::Dict(dict)) => context.heap.dict(*dict).len(),
        _ => String::from_utf8_lossy(&text_of(arguments, 0, context).bytes).chars().count(),
    };
    Ok(Value::Int(length as i64))
}

pub(super) fn join(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let Some(Value::List(list)) = arguments.first() else { return Err(Failure::Arguments) };
    let separator =
        if is_missing(arguments, 1) { b" ".to_vec() } else { text_of(arguments, 1, context).bytes.to_vec() };
    let (mut out, mut taint) = (Vec::new(), Taint::NONE);
    let limit = context.dialect.budgets.value_bytes;
    for (index, item) in context.heap.list(*list).iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(&separator);
        }
        let text = context.heap.print(item, limit);
        taint = taint.and(text.taint);
        out.extend_from_slice(&text.bytes);
        if out.len() > limit {
            return Err(Failure::Budget);
        }
    }
    bounded(out, taint, context)
}

pub(super) fn string_split(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let text = text_of(arguments, 0, context);
    let separator =
        if is_missing(arguments, 1) { b" ".to_vec() } else { text_of(arguments, 1, context).bytes.to_vec() };
    let items = context.dialect.budgets.items;
    let most =
        if is_missing(arguments, 2) { usize::MAX } else { whole(arguments, 2, context)?.max(0) as usize };
    let piece = |from: usize, to: usize| Value::text(text.bytes.slice(from..to), text.taint);
    let (mut parts, mut from) = (Vec::new(), 0);
    let step = separator.len().max(1);
    while parts.len() < most && parts.len() <= items {
        let found = if separator.is_empty() {
            // Between characters, not bytes.
            let next = (from + 1..text.bytes.len()).find(|at| text.bytes[*at] & 0xC0 != 0x80);
            next.map(|next| (next, next))
        } else {
            let rest = text.bytes.get(from..).unwrap_or_default();
            memchr::memmem::find(rest, &separator).map(|at| (from + at, from + at + step))
        };
        let Some((end, next)) = found else { break };
        parts.push(piece(from, end));
        from = next;
    }
    parts.push(piece(from, text.bytes.len()));
    Ok(context.heap.new_list(parts, &context.dialect.budgets)?)
}

pub(super) fn list_delitem(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let Some(Value::List(list)) = arguments.first() else {
        return if is_missing(arguments, 0) { Ok(Value::None) } else { Err(Failure::Arguments) };
    };
    let index = whole(arguments, 1, context)?;
    let kept = context.heap.list(*list).iter().enumerate();
    let kept = kept.filter(|(at, _)| *at as i64 != index).map(|(_, item)| item.clone()).collect();
    Ok(context.heap.new_list(kept, &context.dialect.budgets)?)
}
