//! Values of expressions, and the lists and dictionaries that they point to.

use bytes::Bytes;

use super::dialect::{Budgets, Compounds, Truth};
use crate::decimal;

/// Where a text comes from. What is made of several texts comes from where any of them does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taint(u8);

impl Taint {
    /// The page's author.
    pub(super) const NONE: Taint = Taint(0);
    /// It differs from visitor to visitor, and is not in the page's cache key.
    pub(super) const PERSONAL: Taint = Taint(1);
    /// The visitor could choose it.
    pub(super) const SENT: Taint = Taint(2);
    /// It came in from outside, so it may be a number.
    pub(super) const OUTSIDE: Taint = Taint(4);
    /// It has the syntax of a URL.
    pub(super) const URL: Taint = Taint(8);

    pub(super) const fn and(self, other: Taint) -> Taint {
        Taint(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Taint) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is left where a function has made the value harmless, or text of its own.
    pub(super) const fn without(self, other: Taint) -> Taint {
        Taint(self.0 & !other.0)
    }
}

/// Bytes, and where they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) bytes: Bytes,
    pub(super) taint: Taint,
}

impl Text {
    pub(super) fn new(bytes: impl Into<Bytes>, taint: Taint) -> Text {
        Text { bytes: bytes.into(), taint }
    }
}

/// A value. Lists and dictionaries are shared: what one name changes, others see.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value {
    #[default]
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Text),
    List(Handle),
    Dict(Handle),
}

/// Index into the [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(usize);

impl Value {
    pub(super) fn text(bytes: impl Into<Bytes>, taint: Taint) -> Value {
        Value::Text(Text::new(bytes, taint))
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// Whether a test that is nothing but this value holds.
    pub(super) fn is_true(&self, truth: Truth, heap: &Heap) -> bool {
        if truth == Truth::Comparison {
            return matches!(self, Value::Bool(true));
        }
        match self {
            Value::None => false,
            Value::Bool(it) => *it,
            Value::Int(number) if truth == Truth::TrueOrOne => *number == 1,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Text(text) => {
                let trimmed = text.bytes.trim_ascii();
                match truth {
                    Truth::TrueOrOne => matches!(trimmed, b"true" | b"1"),
                    Truth::NonZero => {
                        number(&text.bytes).map_or(!text.bytes.is_empty(), |number| number != 0.0)
                    }
                    _ => !text.bytes.is_empty(),
                }
            }
            Value::List(list) => !heap.list(*list).is_empty(),
            Value::Dict(dict) => !heap.dict(*dict).is_empty(),
        }
    }

    /// Whether there is nothing in it to compare.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Value::None => true,
            Value::Text(text) => text.bytes.is_empty(),
            _ => false,
        }
    }

    /// The number that it is, or, for what came from outside, reads as.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Text(text) if text.taint.has(Taint::OUTSIDE) => number(&text.bytes),
            _ => None,
        }
    }
}

/// A decimal number, with a sign or without.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty()
        && digits.len() <= 32
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| decimal::parse(text)).flatten()
}

#[derive(Debug)]
enum Compound {
    List(Vec<Value>),
    Dict {
        entries: Vec<(Bytes, Value)>,
        /// How it prints, while nothing has been changed.
        raw: Option<Text>,
    },
}

/// All lists and dictionaries of one run. They live as long as it does.
#[derive(Debug, Default)]
pub(super) struct Heap {
    compounds: Vec<Compound>,
    nodes: usize,
    /// Whether they print with brackets and quotes.
    literal: bool,
}

/// Why a list or dictionary cannot be made, or cannot take an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A budget is used up.
    Budget,
    /// A list has no such place, and no names.
    NoSuchPlace,
}

impl Heap {
    pub(super) fn new(compounds: Compounds) -> Heap {
        Heap { literal: compounds == Compounds::Literal, ..Heap::default() }
    }

    pub(super) fn new_list(&mut self, items: Vec<Value>, budgets: &Budgets) -> Result<Value, Refused> {
        self.charge(items.len(), items.len(), budgets)?;
        self.compounds.push(Compound::List(items));
        Ok(Value::List(Handle(self.compounds.len() - 1)))
    }

    pub(super) fn new_dict(
        &mut self,
        entries: Vec<(Bytes, Value)>,
        raw: Option<Text>,
        budgets: &Budgets,
    ) -> Result<Value, Refused> {
        self.charge(entries.len(), entries.len(), budgets)?;
        self.compounds.push(Compound::Dict { entries, raw });
        Ok(Value::Dict(Handle(self.compounds.len() - 1)))
    }

    fn charge(&mut self, length: usize, more: usize, budgets: &Budgets) -> Result<(), Refused> {
        let nodes = self.nodes.saturating_add(more).saturating_add(1);
        if length > budgets.items || nodes > budgets.nodes {
            return Err(Refused::Budget);
        }
        self.nodes = nodes;
        Ok(())
    }

    pub(super) fn list(&self, handle: Handle) -> &[Value] {
        match self.compounds.get(handle.0) {
            Some(Compound::List(items)) => items,
            _ => &[],
        }
    }

    pub(super) fn dict(&self, handle: Handle) -> &[(Bytes, Value)] {
        match self.compounds.get(handle.0) {
            Some(Compound::Dict { entries, .. }) => entries,
            _ => &[],
        }
    }

    fn raw(&self, handle: Handle) -> Option<&Text> {
        match self.compounds.get(handle.0) {
            Some(Compound::Dict { raw, .. }) => raw.as_ref(),
            _ => None,
        }
    }

    /// The element of `value` under `key`: of a list or text by index, of a dictionary by name.
    pub(super) fn element(&self, value: &Value, key: &[u8]) -> Value {
        let index = std::str::from_utf8(key).ok().and_then(|key| key.trim().parse::<usize>().ok());
        match value {
            Value::List(list) => {
                index.and_then(|index| self.list(*list).get(index)).cloned().unwrap_or_default()
            }
            Value::Dict(dict) => {
                let found = self.dict(*dict).iter().find(|(name, _)| name == key);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
            Value::Text(text) => index
                .and_then(|index| {
                    let mut characters = std::str::from_utf8(&text.bytes).ok()?.char_indices().skip(index);
                    let (start, character) = characters.next()?;
                    Some(text.bytes.slice(start..start + character.len_utf8()))
                })
                .map_or(Value::None, |bytes| Value::text(bytes, text.taint)),
            _ => Value::None,
        }
    }

    /// Sets an element. A list keeps its length; a dictionary grows.
    pub(super) fn set(
        &mut self,
        target: &Value,
        key: &[u8],
        value: Value,
        budgets: &Budgets,
    ) -> Result<(), Refused> {
        let (Value::List(handle) | Value::Dict(handle)) = target else { return Err(Refused::NoSuchPlace) };
        let grows = match self.compounds.get(handle.0) {
            Some(Compound::Dict { entries, .. }) if !entries.iter().any(|(name, _)| name == key) => {
                entries.len() + 1
            }
            _ => 0,
        };
        if grows > 0 {
            self.charge(grows, 1, budgets)?;
        }
        match self.compounds.get_mut(handle.0) {
            Some(Compound::List(items)) => {
                let index = std::str::from_utf8(key).ok().and_then(|key| key.trim().parse::<usize>().ok());
                let place = index.and_then(|index| items.get_mut(index)).ok_or(Refused::NoSuchPlace)?;
                *place = value;
            }
            Some(Compound::Dict { entries, raw }) => {
                *raw = None;
                match entries.iter_mut().find(|(name, _)| name == key) {
                    Some((_, old)) => *old = value,
                    None => entries.push((Bytes::copy_from_slice(key), value)),
                }
            }
            None => return Err(Refused::NoSuchPlace),
        }
        Ok(())
    }

    /// How `value` prints: lists with commas, dictionaries as a query, or either as it is written; what is missing as nothing.
    /// At most `limit` bytes.
    pub(super) fn print(&self, value: &Value, limit: usize) -> Text {
        let handle = match value {
            Value::None => return Text::default(),
            Value::Bool(it) => return Text::new(if *it { &b"true"[..] } else { b"false" }, Taint::NONE),
            Value::Int(number) => return Text::new(number.to_string(), Taint::NONE),
            Value::Float(number) => return Text::new(number.to_string(), Taint::NONE),
            Value::Text(text) => return text.clone(),
            Value::List(handle) | Value::Dict(handle) => *handle,
        };
        if let Some(raw) = self.raw(handle) {
            return raw.clone();
        }
        let (mut out, mut taint) = (Vec::new(), Taint::NONE);
        let mut open = vec![(handle, 0)];
        // A list that holds itself is cut by the nesting, whatever the limit.
        while let Some((handle, index)) = open.pop() {
            let (opens, closes) = match self.compounds.get(handle.0) {
                Some(Compound::Dict { .. }) => (b'{', b'}'),
                _ => (b'[', b']'),
            };
            if self.literal && index == 0 {
                out.push(opens);
            }
            let item = match self.compounds.get(handle.0) {
                Some(Compound::List(items)) => items.get(index).map(|item| (&b""[..], item, b',')),
                Some(Compound::Dict { entries, .. }) => {
                    entries.get(index).map(|(name, item)| (name.as_ref(), item, b'&'))
                }
                None => None,
            };
            let Some((name, item, separator)) = item else {
                out.extend(self.literal.then_some(closes));
                continue;
            };
            if out.len() > limit {
                break;
            }
            let quote: &[u8] = if self.literal { b"'" } else { b"" };
            if index > 0 {
                out.extend_from_slice(if self.literal { b", " } else { std::slice::from_ref(&separator) });
            }
            if separator == b'&' {
                for part in [quote, name, quote, if self.literal { b": " } else { b"=" }] {
                    out.extend_from_slice(part);
                }
            }
            open.push((handle, index + 1));
            match item {
                Value::List(inner) | Value::Dict(inner) => {
                    if open.len() < 16 {
                        open.push((*inner, 0));
                    }
                }
                flat => {
                    let text = self.print_flat(flat);
                    taint = taint.and(text.taint);
                    let quote = if matches!(flat, Value::Text(_)) { quote } else { b"" };
                    for part in [quote, &text.bytes, quote] {
                        out.extend_from_slice(part);
                    }
                }
            }
        }
        out.truncate(limit);
        Text::new(out, taint)
    }

    fn print_flat(&self, value: &Value) -> Text {
        match value {
            Value::List(_) | Value::Dict(_) => Text::default(),
            flat => self.print(flat, usize::MAX),
        }
    }
}
