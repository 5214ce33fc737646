//! The functions of the language. They are total: what they cannot take gives a [`Failure`], never a panic, and what they
//! return is bounded by the budgets.

mod answer;
mod codec;
mod collection;
mod digest;
mod moment;
mod text;

pub(super) use codec::{decode_references, percent_decoded};

use super::answer::Answer;
use super::dialect::Dialect;
use super::value::{Heap, Refused, Taint, Text, Value};

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A function got too few, too many or unfit arguments.
    #[error("a function got arguments that it does not take")]
    Arguments,
    /// Nobody defined the function.
    #[error("there is no such function")]
    UnknownFunction,
    /// Numbers overflowed, or something was divided by zero.
    #[error("the numbers have no result")]
    Arithmetic,
    /// An operator got operands that it does not take.
    #[error("an operator got operands that it does not take")]
    Operands,
    /// A list has no such place, and no names.
    #[error("a list has no such place")]
    NoSuchPlace,
    /// A pattern is no regular expression, or too large.
    #[error("a pattern is not a regular expression")]
    Pattern,
    /// A budget is used up.
    #[error("a budget is used up")]
    Budget,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        match refused {
            Refused::Budget => Failure::Budget,
            Refused::NoSuchPlace => Failure::NoSuchPlace,
        }
    }
}

/// What a function may see and change besides its arguments.
pub(super) struct Context<'a> {
    pub(super) heap: &'a mut Heap,
    pub(super) answer: &'a mut Answer,
    pub(super) dialect: &'a Dialect,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) chance: &'a mut Chance,
}

/// Numbers that look random. The seed comes from outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    state: u64,
    last: Option<i64>,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance { state: seed, last: None }
    }

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
    fn below(&mut self, bound: i64) -> i64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let number = ((mixed ^ (mixed >> 31)) >> 1) as i64 % bound.max(1);
        self.last = Some(number);
        number
    }
}

type Body = fn(&[Value], &mut Context) -> Result<Value, Failure>;

/// A function of the language.
#[derive(Clone, Copy)]
pub(super) struct Function {
    body: Body,
    least: usize,
    most: usize,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        let (body, least, most): (Body, usize, usize) = match name {
            "lower" => (text::lower, 1, 1),
            "upper" => (text::upper, 1, 1),
            "lstrip" => (text::lstrip, 1, 1),
            "rstrip" => (text::rstrip, 1, 1),
            "strip" => (text::strip, 1, 1),
            "substr" => (text::substr, 2, 3),
            "replace" => (text::replace, 3, 4),
            "index" => (text::index, 2, 2),
            "rindex" => (text::rindex, 2, 2),
            "str" => (text::str, 1, 1),
            "int" => (text::int, 1, 1),
            "dollar" => (|_, _| Ok(Value::text(&b"$"[..], Taint::NONE)), 0, 0),
            "dquote" => (|_, _| Ok(Value::text(&b"\""[..], Taint::NONE)), 0, 0),
            "squote" => (|_, _| Ok(Value::text(&b"'"[..], Taint::NONE)), 0, 0),
            "raw" => (text::raw, 1, 1),
            "html_encode" => (codec::html_encode, 1, 1),
            "html_decode" => (codec::html_decode, 1, 1),
            "url_encode" => (codec::url_encode, 1, 1),
            "url_decode" => (codec::url_decode, 1, 1),
            "base64_encode" => (codec::base64_encode, 1, 1),
            "base64_decode" => (codec::base64_decode, 1, 1),
            "convert_to_unicode" | "convert_from_unicode" => (codec::unicode, 1, 2),
            "digest_md5" => (digest::md5, 1, 1),
            "digest_md5_hex" => (digest::md5_hex, 1, 1),
            "bin_int" => (digest::bin_int, 1, 1),
            "exists" => (collection::exists, 1, 1),
            "is_empty" => (collection::is_empty, 1, 1),
            "len" => (collection::len, 1, 1),
            "join" => (collection::join, 1, 2),
            "string_split" => (collection::string_split, 1, 3),
            "list_delitem" => (collection::list_delitem, 2, 2),
            "time" => (moment::time, 0, 0),
            "http_time" => (moment::http_time, 0, 1),
            "strftime" => (moment::strftime, 1, 2),
            "rand" => (moment::rand, 0, 1),
            "last_rand" => (moment::last_rand, 0, 0),
            "add_header" => (answer::add_header, 2, 2),
            "add_cachebusting_header" => (answer::add_cachebusting_header, 0, 0),
            "set_response_code" => (answer::set_response_code, 1, 2),
            "set_redirect" => (answer::set_redirect, 1, 2),
            _ => return None,
        };
        Some(Function { body, least, most })
    }

    /// Whether it gives the same text or number for the same ones, and does no more.
    pub(super) fn is_pure(name: &str) -> bool {
        const PURE: [&str; 20] = [
            "lower",
            "upper",
            "lstrip",
            "rstrip",
            "strip",
            "substr",
            "replace",
            "index",
            "rindex",
            "str",
            "int",
            "dollar",
            "dquote",
            "squote",
            "html_encode",
            "html_decode",
            "url_encode",
            "url_decode",
            "base64_encode",
            "base64_decode",
        ];
        PURE.contains(&name)
    }

    /// Whether a call of it changes the answer.
    pub(super) fn answers(name: &str) -> bool {
        name.starts_with("add_") || name.starts_with("set_re")
    }

    pub(super) fn call(self, arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
        if !(self.least..=self.most).contains(&arguments.len()) {
            return Err(Failure::Arguments);
        }
        (self.body)(arguments, context)
    }
}

/// The argument as text; a missing one as nothing.
fn text_of(arguments: &[Value], index: usize, context: &Context) -> Text {
    let value = arguments.get(index).unwrap_or(&Value::None);
    context.heap.print(value, context.dialect.budgets.value_bytes)
}

fn is_missing(arguments: &[Value], index: usize) -> bool {
    arguments.get(index).is_none_or(Value::is_none)
}

/// The argument as a whole number.
fn whole(arguments: &[Value], index: usize, context: &Context) -> Result<i64, Failure> {
    match arguments.get(index) {
        Some(Value::Int(number)) => Ok(*number),
        Some(Value::Float(number)) => Ok(*number as i64),
        Some(Value::Text(_)) => {
            let text = text_of(arguments, index, context);
            let text = std::str::from_utf8(&text.bytes).map_err(|_| Failure::Arguments)?;
            text.trim().parse().map_err(|_| Failure::Arguments)
        }
        Some(Value::None) => Ok(0),
        _ => Err(Failure::Arguments),
    }
}

/// A text of at most as many bytes as a value may have.
fn bounded(bytes: Vec<u8>, taint: Taint, context: &Context) -> Result<Value, Failure> {
    if bytes.len() > context.dialect.budgets.value_bytes {
        return Err(Failure::Budget);
    }
    Ok(Value::text(bytes, taint))
}
