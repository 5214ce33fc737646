//! Digests, and numbers as bytes.

use md5::{Digest as _, Md5};

use super::{Context, Failure, is_missing, text_of};
use crate::value::Value;

/// The digest as four signed numbers.
pub(super) fn md5(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    if is_missing(arguments, 0) {
        return Ok(Value::None);
    }
    let digest = Md5::digest(&text_of(arguments, 0, context).bytes);
    let numbers =
        digest.as_chunks::<4>().0.iter().map(|word| Value::Int(i32::from_le_bytes(*word).into())).collect();
    Ok(context.heap.new_list(numbers, &context.dialect.budgets)?)
}

pub(super) fn md5_hex(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    if is_missing(arguments, 0) {
        return Ok(Value::None);
    }
    let text = text_of(arguments, 0, context);
    let hexadecimal: String = Md5::digest(&text.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Value::text(hexadecimal, text.taint))
}

/// A number as four bytes, the least significant first.
pub(super) fn bin_int(arguments: &[Value], _: &mut Context) -> Result<Value, Failure> {
    match arguments.first() {
        Some(Value::Int(number)) => {
            Ok(Value::text((*number as i32).to_le_bytes().to_vec(), crate::value::Taint::NONE))
        }
        _ => Err(Failure::Arguments),
    }
}
