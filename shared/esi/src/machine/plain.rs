//! The instructions that take nothing but values: most of what pages run, in a loop that does no more than they ask.

use std::ops::Range;
use std::sync::Arc;

use super::names::ARGUMENTS;
use super::run::Code;
use super::{Fiber, Frame, Machine, Piece};
use crate::charset::Charset;
use crate::dialect::Escape;
use crate::escape;
use crate::program::{Op, Place, Program, Str};
use crate::value::{Taint, Text, Value};

/// Text of the page that is copied behind a value, so that both are one piece, in bytes.
const SHORT: usize = 32;
/// The longest value that is copied there.
const COPIED: usize = 256;

impl Machine {
    /// Runs as many of them as there are before `until`, or the first instruction that needs more. True: there were any.
    pub(super) fn run_plain(&mut self, fiber: &mut Fiber, code: &Code<'_>, until: usize) -> bool {
        let (program, before) = (code.program(), self.steps);
        let Fiber { unit, at, stack, frames, space, outs, .. } = fiber;
        let (unit, at_top) = (*unit, frames.is_empty());
        let Some(out) = outs.last_mut() else { return false };
        while self.steps > 0 && *at < until {
            let Some(op) = program.ops.get(*at) else { break };
            let mut next = *at + 1;
            match *op {
                Op::Text { start, len } => {
                    if at_top || self.may_add(len as usize) {
                        let range = start as usize..start as usize + len as usize;
                        self.write_literal(out, unit, range, code.document());
                    }
                }
                Op::Write(text) => {
                    if let Some(text) = program.strings.get(text as usize) {
                        self.write_bytes(out, text.bytes(), Taint::NONE);
                    }
                }
                Op::WriteVar { name, place } => {
                    let Some(value) = self.number(unit, program, name).and_then(|it| space.variables.get(it))
                    else {
                        break;
                    };
                    self.write_value(out, value, place, frames);
                }
                Op::Emit(place) => {
                    let value = stack.pop().unwrap_or_default();
                    self.write_value(out, &value, place, frames);
                }
                Op::Str(index) => {
                    let text = program.strings.get(index as usize).map(Str::bytes).cloned();
                    stack.push(Value::text(text.unwrap_or_default(), Taint::NONE));
                }
                Op::Int(number) => stack.push(Value::Int(number)),
                Op::Bool(it) => stack.push(Value::Bool(it)),
                Op::Var { name, keys: 0 } => {
                    let Some(value) = self.number(unit, program, name).and_then(|it| space.variables.get(it))
                    else {
                        break;
                    };
                    stack.push(value.clone());
                }
                Op::TestText { operator, name, text, to } => {
                    let Some(value) = self.number(unit, program, name).and_then(|it| space.variables.get(it))
                    else {
                        break;
                    };
                    let text = program.strings.get(text as usize).map_or(&[][..], |text| text.bytes());
                    if !self.compare_text(operator, value, text) {
                        next = to as usize;
                    }
                }
                Op::TestNumber { operator, name, number, to } => {
                    let Some(value) = self.number(unit, program, name).and_then(|it| space.variables.get(it))
                    else {
                        break;
                    };
                    if !self.compare(operator, value, &Value::Int(number.into())) {
                        next = to as usize;
                    }
                }
                Op::SetText { name, text } => {
                    let name = self.any_number(unit, program, name);
                    let text = program.strings.get(text as usize).map(Str::bytes).cloned();
                    let value = Value::text(text.unwrap_or_default(), Taint::NONE);
                    Arc::make_mut(space).variables.assign(name, value, self.dialect.budgets.items);
                }
                Op::SetNumber { name, number } => {
                    let name = self.any_number(unit, program, name);
                    let value = Value::Int(number.into());
                    Arc::make_mut(space).variables.assign(name, value, self.dialect.budgets.items);
                }
                Op::Assign { name, keys: 0 } => {
                    let name = self.any_number(unit, program, name);
                    let value = stack.pop().unwrap_or_default();
                    Arc::make_mut(space).variables.assign(name, value, self.dialect.budgets.items);
                }
                Op::Truth => {
                    let value = stack.pop().unwrap_or_default();
                    stack.push(Value::Bool(self.holds(&value)));
                }
                Op::And { to } | Op::Or { to } => {
                    let value = stack.pop().unwrap_or_default();
                    let holds = self.holds(&value);
                    if holds == matches!(op, Op::Or { .. }) {
                        stack.push(Value::Bool(holds));
                        next = to as usize;
                    }
                }
                Op::Unless { to } => {
                    let value = stack.pop().unwrap_or_default();
                    if !self.holds(&value) {
                        next = to as usize;
                    }
                }
                Op::Jump { to } => next = to as usize,
                _ => break,
            }
            self.steps -= 1;
            *at = next;
        }
        self.steps != before
    }

    /// The number of a variable's name; `None` where it is not one that is assigned.
    fn number(&mut self, unit: usize, program: &Program, name: u32) -> Option<usize> {
        Some(self.any_number(unit, program, name)).filter(|number| *number != ARGUMENTS)
    }

    /// The number of a name.
    pub(super) fn any_number(&mut self, unit: usize, program: &Program, name: u32) -> usize {
        let Machine { units, names, .. } = self;
        units.get_mut(unit).map_or(ARGUMENTS, |unit| unit.number(names, program, name))
    }

    /// Writes text of a document.
    pub(super) fn write_literal(
        &mut self,
        out: &mut Vec<Piece>,
        unit: usize,
        range: Range<usize>,
        document: &[u8],
    ) {
        if let (Some(Piece::Made(made, _)), 0..=SHORT) = (out.last_mut(), range.len())
            && made.end == self.made.len()
            && let Some(text) = document.get(range.clone())
        {
            self.made.extend_from_slice(text);
            made.end = self.made.len();
            return;
        }
        Piece::Page(unit, range).append_to(out);
    }

    fn write_value(&mut self, out: &mut Vec<Piece>, value: &Value, place: Place, frames: &[Frame]) {
        match value {
            Value::Text(text) => self.write_text(out, text, place, frames),
            Value::Int(number) => self.write_bytes(out, decimal(*number, &mut [0; 20]), Taint::NONE),
            other => self.write_text(out, &self.print(other), place, frames),
        }
    }

    /// Writes a text as it has to be written there, in the midst of these.
    pub(super) fn write_text(&mut self, out: &mut Vec<Piece>, text: &Text, place: Place, frames: &[Frame]) {
        let taint = text.taint.without(Taint::SENT.and(Taint::OUTSIDE).and(Taint::URL));
        if !text.taint.has(Taint::SENT) {
            if text.bytes.len() <= COPIED || self.charset != Charset::UTF_8 {
                return self.write_bytes(out, &text.bytes, taint);
            }
            if self.may_add(text.bytes.len()) {
                out.push(Piece::Owned(text.bytes.clone(), taint));
            }
            return;
        }
        let mut written = Vec::with_capacity(text.bytes.len());
        escape::write(text, place, self.dialect.escape, &mut written);
        let is_captured = |frame: &Frame| matches!(frame, Frame::Capture | Frame::Call { .. });
        if self.dialect.escape == Escape::Context && place == Place::Markup && frames.iter().any(is_captured)
        {
            written = escape::inert(&written);
        }
        self.write_bytes(out, &written, taint);
    }

    /// Writes bytes of UTF-8 as they are.
    fn write_bytes(&mut self, out: &mut Vec<Piece>, bytes: &[u8], taint: Taint) {
        let start = self.made.len();
        if self.charset == Charset::UTF_8 {
            if !self.may_add(bytes.len()) {
                return;
            }
            self.made.extend_from_slice(bytes);
        } else {
            let written = self.charset.encode(&String::from_utf8_lossy(bytes)).to_vec();
            if !self.may_add(written.len()) {
                return;
            }
            self.made.extend_from_slice(&written);
        }
        if self.made.len() > start {
            Piece::Made(start..self.made.len(), taint).append_to(out);
        }
    }
}

/// The number in digits.
fn decimal(number: i64, digits: &mut [u8; 20]) -> &[u8] {
    let (mut rest, mut at) = (number.unsigned_abs(), digits.len());
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        at = index;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at = at.saturating_sub(1);
        digits.iter_mut().skip(at).take(1).for_each(|sign| *sign = b'-');
    }
    digits.get(at..).unwrap_or_default()
}
