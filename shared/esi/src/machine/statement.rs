//! Instructions that take more than a line: variables, calls, assignments, loops.

use std::sync::Arc;

use bytes::Bytes;

use super::names::ARGUMENTS;
use super::run::Next;
use super::{Fiber, Frame, Machine, Notice};
use crate::dialect::{ExpressionFailure, LanguageMiss};
use crate::escape;
use crate::functions::{Context, Failure, Function};
use crate::program::{Op, Place, Program};
use crate::value::{Taint, Text, Value};
use crate::variables;

impl Machine {
    /// Writes a value where the fiber is.
    pub(super) fn emit(&mut self, fiber: &mut Fiber, value: Value, place: Place) {
        let text = self.text(value);
        let Fiber { frames, outs, .. } = fiber;
        if let Some(out) = outs.last_mut() {
            self.write_text(out, &text, place, frames);
        }
    }

    pub(super) fn variable(&mut self, fiber: &mut Fiber, program: &Program, name: u32, keys: u32) -> Value {
        let keys: Vec<Bytes> =
            fiber.pop_many(keys as usize).iter().map(|key| self.print(key).bytes).collect();
        let own = |machine: &Machine, base: &Value| {
            keys.iter().fold(base.clone(), |value, key| machine.heap.element(&value, key))
        };
        let number = self.any_number(fiber.unit, program, name);
        if number == ARGUMENTS {
            return match (keys.first(), keys.len()) {
                (Some(key), 1) => {
                    let index = std::str::from_utf8(key).ok().and_then(|key| key.parse::<usize>().ok());
                    index.and_then(|index| fiber.arguments.get(index)).cloned().unwrap_or_default()
                }
                _ => {
                    let list = self.heap.new_list(fiber.arguments.clone(), &self.dialect.budgets);
                    own(self, &list.unwrap_or_default())
                }
            };
        }
        if let Some(value) = fiber.space.variables.get(number) {
            return own(self, value);
        }
        variables::read(program.string(name), &keys, &self.facts, &self.dialect, &mut self.heap)
            .unwrap_or_default()
    }

    pub(super) fn default(&mut self, fiber: &mut Fiber, to: usize) -> Next {
        let missing = match fiber.stack.last() {
            None | Some(Value::None) => true,
            Some(Value::Bool(false)) => self.dialect.language_miss == LanguageMiss::Empty,
            Some(value) => self.dialect.default_for_empty && value.is_blank(),
        };
        if !missing {
            return Next::To(to);
        }
        fiber.pop();
        Next::On
    }

    pub(super) fn dictionary(&mut self, fiber: &mut Fiber, pairs: usize) -> Result<Value, Failure> {
        let values = fiber.pop_many(pairs.saturating_mul(2));
        // A damaged program may ask for more pairs than there are values.
        let mut entries: Vec<(Bytes, Value)> = Vec::with_capacity(values.len() / 2);
        for pair in values.chunks_exact(2) {
            let [key, value] = pair else { continue };
            let key = self.print(key).bytes;
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = value.clone(),
                None => entries.push((key, value.clone())),
            }
        }
        Ok(self.heap.new_dict(entries, None, &self.dialect.budgets)?)
    }

    pub(super) fn concat(&mut self, values: &[Value], url: bool) -> Result<Value, Failure> {
        let mut parts: Vec<Text> = values.iter().map(|value| self.print(value)).collect();
        if url {
            for part in parts.iter_mut().filter(|part| part.taint.has(Taint::SENT)) {
                let mut written = Vec::new();
                escape::write(part, Place::Url, self.dialect.escape, &mut written);
                part.bytes = written.into();
            }
        }
        self.joined(&parts)
    }

    pub(super) fn call(&mut self, fiber: &mut Fiber, name: &str, count: usize) -> Next {
        if let Some((unit, at)) = fiber.space.functions.get(name).copied() {
            let arguments = fiber.pop_many(count);
            let depth = fiber.frames.iter().filter(|frame| matches!(frame, Frame::Call { .. })).count();
            if depth >= self.dialect.budgets.calls as usize {
                return self.failed(fiber, Failure::Budget);
            }
            let arguments = std::mem::replace(&mut fiber.arguments, arguments);
            let stack = fiber.stack.len();
            fiber.frames.push(Frame::Call { unit: fiber.unit, at: fiber.at + 1, arguments, stack });
            fiber.outs.push(Vec::new());
            return Next::Into(unit, at);
        }
        let first = fiber.stack.len().saturating_sub(count);
        let Some(function) = Function::named(name) else {
            fiber.stack.truncate(first);
            return self.failed(fiber, Failure::UnknownFunction);
        };
        let is_apart = fiber.unit != 0 && self.units.get(fiber.unit).is_some_and(|unit| unit.apart);
        if is_apart && Function::answers(name) {
            fiber.stack.truncate(first);
            self.notice(Notice::Answer);
            fiber.stack.push(Value::None);
            return Next::On;
        }
        let arguments = fiber.stack.get(first..).unwrap_or_default();
        let size = |value: &Value| match value {
            Value::Text(text) => text.bytes.len(),
            other => self.print(other).bytes.len(),
        };
        let size: usize = arguments.iter().map(size).sum();
        self.spend(size / 64);
        let mut context = Context {
            heap: &mut self.heap,
            answer: &mut self.answer,
            dialect: &self.dialect,
            now: self.facts.now,
            chance: &mut self.chance,
        };
        let result = function.call(arguments, &mut context);
        fiber.stack.truncate(first);
        self.push(fiber, result)
    }

    pub(super) fn leave_call(&mut self, fiber: &mut Fiber, value: Value) -> Next {
        let is_call = |frame: &Frame| matches!(frame, Frame::Call { .. });
        if !fiber.frames.iter().any(is_call) {
            return Next::On;
        }
        while let Some(frame) = fiber.frames.pop() {
            match frame {
                Frame::Call { unit, at, arguments, stack } => {
                    fiber.outs.pop();
                    fiber.arguments = arguments;
                    fiber.stack.truncate(stack);
                    fiber.stack.push(value);
                    return Next::Into(unit, at);
                }
                Frame::Capture | Frame::Attempt { .. } => {
                    fiber.outs.pop();
                }
                Frame::Loop { .. } | Frame::Unit { .. } => {}
            }
        }
        Next::Fail
    }

    pub(super) fn assign(&mut self, fiber: &mut Fiber, program: &Program, name: u32, keys: usize) -> Next {
        let name = self.any_number(fiber.unit, program, name);
        let value = fiber.pop();
        let keys: Vec<Bytes> = fiber.pop_many(keys).iter().map(|key| self.print(key).bytes).collect();
        let Some((last, path)) = keys.split_last() else {
            let most = self.dialect.budgets.items;
            Arc::make_mut(&mut fiber.space).variables.assign(name, value, most);
            return Next::On;
        };
        let mut target = fiber.space.variables.get(name).cloned().unwrap_or_default();
        for key in path {
            target = self.heap.element(&target, key);
        }
        if path.is_empty() && !matches!(target, Value::List(_) | Value::Dict(_)) {
            match self.heap.new_dict(Vec::new(), None, &self.dialect.budgets) {
                Ok(new) => {
                    Arc::make_mut(&mut fiber.space).variables.set(name, new.clone());
                    target = new;
                }
                Err(refused) => return self.refuse(refused.into()),
            }
        }
        match self.heap.set(&target, last, value, &self.dialect.budgets) {
            Ok(()) => Next::On,
            Err(refused) => self.refuse(refused.into()),
        }
    }

    pub(super) fn refuse(&mut self, failure: Failure) -> Next {
        self.notice(Notice::Expression(failure));
        let fails = self.dialect.expression_failure == ExpressionFailure::Fail && failure != Failure::Budget;
        if fails { Next::Fail } else { Next::On }
    }

    pub(super) fn foreach(&mut self, fiber: &mut Fiber, item: usize, end: usize) -> Next {
        let items = match fiber.pop() {
            Value::None => Vec::new(),
            Value::List(list) => self.heap.list(list).to_vec(),
            Value::Dict(dict) => {
                let pairs: Vec<(Bytes, Value)> = self.heap.dict(dict).to_vec();
                let pair = |(key, value): (Bytes, Value)| {
                    let pair = vec![Value::text(key, Taint::NONE), value];
                    self.heap.new_list(pair, &self.dialect.budgets).unwrap_or_default()
                };
                pairs.into_iter().map(pair).collect()
            }
            one if one.is_blank() => Vec::new(),
            one => vec![one],
        };
        self.spend(items.len());
        fiber.frames.push(Frame::Loop { items, next: 0, item });
        if self.next_round(fiber) { Next::On } else { Next::To(end) }
    }

    /// Begins the next round, or leaves the loop.
    pub(super) fn next_round(&mut self, fiber: &mut Fiber) -> bool {
        let Some(Frame::Loop { items, next, item }) = fiber.frames.last_mut() else { return false };
        match items.get(*next) {
            Some(value) => {
                *next += 1;
                Arc::make_mut(&mut fiber.space).variables.set(*item, value.clone());
                true
            }
            None => {
                fiber.frames.pop();
                false
            }
        }
    }

    /// `break`: behind the loop that this is in, if it is in one.
    pub(super) fn leave_loop(&mut self, fiber: &mut Fiber, program: &Program) -> Next {
        let crosses =
            |frame: &&Frame| !matches!(frame, Frame::Loop { .. } | Frame::Capture | Frame::Attempt { .. });
        let inside = fiber.frames.iter().rev().take_while(|frame| !crosses(frame));
        if !inside.into_iter().any(|frame| matches!(frame, Frame::Loop { .. })) {
            return Next::On;
        }
        while let Some(frame) = fiber.frames.pop() {
            match frame {
                Frame::Loop { .. } => break,
                Frame::Attempt { .. } => {
                    let written = fiber.outs.pop().unwrap_or_default();
                    fiber.write_all(written);
                }
                _ => {
                    fiber.outs.pop();
                }
            }
        }
        // The innermost loop around here is the one whose last instruction jumps furthest back over this one.
        let here = fiber.at;
        let ends = program.ops.iter().enumerate().skip(here).find_map(|(at, op)| match op {
            Op::Next { body, end } if (*body as usize) <= here && at > here => Some(*end as usize),
            _ => None,
        });
        ends.map_or(Next::Done, Next::To)
    }
}
