//! The instructions.

use std::sync::Arc;

use bytes::Bytes;

use super::{Fiber, Frame, Machine, Notice, Piece, Root, State};
use crate::dialect::ExpressionFailure;
use crate::functions::Failure;
use crate::program::{Op, Program};
use crate::value::Value;

/// The program that a fiber is in, and what it runs over.
pub(super) enum Code<'a> {
    Root(&'a Program, &'a [u8]),
    Own(Arc<Program>, Bytes),
}

impl Code<'_> {
    pub(super) fn program(&self) -> &Program {
        match self {
            Code::Root(program, _) => program,
            Code::Own(program, _) => program,
        }
    }

    pub(super) fn document(&self) -> &[u8] {
        match self {
            Code::Root(_, document) => document,
            Code::Own(_, document) => document,
        }
    }
}

/// Where to go on after an instruction.
pub(super) enum Next {
    On,
    To(usize),
    /// Into another unit.
    Into(usize, usize),
    /// Not yet: this instruction is run again.
    Wait,
    Done,
    Fail,
}

impl Machine {
    fn code<'a>(&self, unit: usize, root: Root<'a>) -> Code<'a> {
        match self.units.get(unit).and_then(|unit| unit.code.as_ref()) {
            Some((program, document)) => Code::Own(program.clone(), document.clone()),
            None => Code::Root(root.program, root.document),
        }
    }

    /// Counts instructions. What is done at once for many bytes counts for several.
    pub(super) fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    /// Runs a fiber as far as it goes. True: it got anywhere.
    pub(super) fn run(&mut self, index: usize, root: Root<'_>) -> bool {
        let Some(slot) = self.fibers.get_mut(index) else { return false };
        if matches!(slot.state, State::Done | State::Failed) {
            return false;
        }
        let mut fiber = std::mem::replace(slot, Fiber::placeholder());
        fiber.state = State::Ready;
        let mut moved = false;
        let (mut code, mut unit) = (self.code(fiber.unit, root), fiber.unit);
        while fiber.state == State::Ready {
            if index == 0 && self.is_at_turn(fiber.at) {
                if self.turn_section(&mut fiber) {
                    moved = true;
                    continue;
                }
                if fiber.state != State::Ready {
                    break;
                }
            }
            if fiber.unit != unit {
                (code, unit) = (self.code(fiber.unit, root), fiber.unit);
            }
            let until = if index == 0 { self.section_end(&fiber) } else { usize::MAX };
            if self.run_plain(&mut fiber, &code, until) {
                moved = true;
                continue;
            }
            let Some(op) = code.program().ops.get(fiber.at).copied() else {
                if fiber.unit == 0 && !root.whole {
                    fiber.state = State::Blocked;
                } else if let Some(Frame::Unit { unit, at }) = fiber.frames.pop() {
                    (fiber.unit, fiber.at) = (unit, at);
                } else {
                    fiber.state = State::Done;
                    moved = true;
                }
                continue;
            };
            if self.steps == 0 && !self.is_free(&fiber, code.program(), op) {
                self.notice(Notice::Steps);
                self.unwind(&mut fiber, root);
                moved = true;
                continue;
            }
            self.steps = self.steps.saturating_sub(1);
            match self.step(&mut fiber, code.program(), op, root) {
                Next::On => fiber.at += 1,
                Next::To(at) => fiber.at = at,
                Next::Into(unit, at) => (fiber.unit, fiber.at) = (unit, at),
                Next::Wait => {
                    fiber.state = State::Blocked;
                    break;
                }
                Next::Done => fiber.state = State::Done,
                Next::Fail => self.fail_fiber(&mut fiber),
            }
            if index == 0 && fiber.state != State::Ready {
                self.skip_section(&mut fiber);
            }
            moved = true;
        }
        if let Some(slot) = self.fibers.get_mut(index) {
            *slot = fiber;
        }
        moved
    }

    /// Whether this still runs when there are no instructions left: text at the top.
    fn is_free(&self, fiber: &Fiber, program: &Program, op: Op) -> bool {
        matches!(op, Op::Text { .. }) && fiber.frames.is_empty() && program.span_end(fiber.at).is_none()
    }

    /// Leaves everything that is open, and goes on behind the construct at the top.
    fn unwind(&mut self, fiber: &mut Fiber, root: Root<'_>) {
        for frame in std::mem::take(&mut fiber.frames).into_iter().rev() {
            if let Frame::Unit { unit, at } | Frame::Call { unit, at, .. } = frame {
                (fiber.unit, fiber.at) = (unit, at);
            }
        }
        fiber.stack.clear();
        fiber.eval = None;
        let own = fiber.outs.len().min(1);
        let written = fiber.outs.drain(own..).flatten().collect();
        fiber.write_all(written);
        let code = self.code(fiber.unit, root);
        fiber.at = match code.program().span_end(fiber.at) {
            Some(end) => end,
            None => fiber.at + 1,
        };
    }

    /// What a failing expression does: it has no value, or the document fails.
    pub(super) fn failed(&mut self, fiber: &mut Fiber, failure: Failure) -> Next {
        self.notice(Notice::Expression(failure));
        if self.dialect.expression_failure == ExpressionFailure::Fail && failure != Failure::Budget {
            return Next::Fail;
        }
        fiber.stack.push(Value::None);
        Next::On
    }

    pub(super) fn push(&mut self, fiber: &mut Fiber, result: Result<Value, Failure>) -> Next {
        match result {
            Ok(value) => {
                fiber.stack.push(value);
                Next::On
            }
            Err(failure) => self.failed(fiber, failure),
        }
    }

    pub(super) fn holds(&self, value: &Value) -> bool {
        value.is_true(self.dialect.truth, &self.heap)
    }

    /// The instructions that are not [plain](Self::run_plain), or not always.
    fn step(&mut self, fiber: &mut Fiber, program: &Program, op: Op, root: Root<'_>) -> Next {
        match op {
            Op::Text { start, len } => {
                fiber.write(Piece::Page(fiber.unit, start as usize..start as usize + len as usize));
                Next::On
            }
            Op::WriteVar { name, place } => {
                let value = self.variable(fiber, program, name, 0);
                self.emit(fiber, value, place);
                Next::On
            }
            Op::Var { name, keys } => {
                let value = self.variable(fiber, program, name, keys);
                fiber.push(value)
            }
            Op::TestText { operator, name, text, to } => {
                let value = self.variable(fiber, program, name, 0);
                let text = program.string(text).as_bytes();
                if self.compare_text(operator, &value, text) { Next::On } else { Next::To(to as usize) }
            }
            Op::TestNumber { operator, name, number, to } => {
                let value = self.variable(fiber, program, name, 0);
                let holds = self.compare(operator, &value, &Value::Int(number.into()));
                if holds { Next::On } else { Next::To(to as usize) }
            }
            Op::Default { to } => self.default(fiber, to as usize),
            Op::Binary(operator) => {
                let (right, left) = (fiber.pop(), fiber.pop());
                let result = self.binary(fiber, operator, left, right);
                self.push(fiber, result)
            }
            Op::Call { name, args } => self.call(fiber, program.string(name), args as usize),
            Op::Assign { name, keys } => self.assign(fiber, program, name, keys as usize),
            Op::MatchName(name) => {
                fiber.match_name = Some(self.any_number(fiber.unit, program, name));
                Next::On
            }
            Op::Float(bits) => fiber.push(Value::Float(f64::from_bits(bits))),
            Op::Not => {
                let value = fiber.pop();
                let not = !self.holds(&value);
                fiber.push(Value::Bool(not))
            }
            Op::Negate => {
                let result = match fiber.pop() {
                    Value::Int(number) => number.checked_neg().map(Value::Int).ok_or(Failure::Arithmetic),
                    Value::Float(number) => Ok(Value::Float(-number)),
                    other => other.as_number().map(|number| Value::Float(-number)).ok_or(Failure::Operands),
                };
                self.push(fiber, result)
            }
            Op::List(count) => {
                let items = fiber.pop_many(count as usize);
                let result = self.heap.new_list(items, &self.dialect.budgets).map_err(Failure::from);
                self.push(fiber, result)
            }
            Op::Dict(count) => {
                let result = self.dictionary(fiber, count as usize);
                self.push(fiber, result)
            }
            Op::Concat(count) | Op::ConcatUrl(count) => {
                let values = fiber.pop_many(count as usize);
                let url = matches!(op, Op::ConcatUrl(_));
                let result = self.concat(&values, url);
                self.push(fiber, result)
            }
            Op::Capture => {
                fiber.frames.push(Frame::Capture);
                fiber.outs.push(Vec::new());
                Next::On
            }
            Op::EndCapture => match self.collected(fiber, root) {
                Some(text) => {
                    fiber.frames.pop();
                    fiber.outs.pop();
                    self.push(fiber, Ok(Value::Text(text)))
                }
                None => Next::Wait,
            },
            Op::Foreach { item, end } => {
                let item = self.any_number(fiber.unit, program, item);
                self.foreach(fiber, item, end as usize)
            }
            Op::Next { body, end } => match self.next_round(fiber) {
                true => Next::To(body as usize),
                false => Next::To(end as usize),
            },
            Op::Break => self.leave_loop(fiber, program),
            Op::Define { name, end } => {
                let place = (fiber.unit, fiber.at + 1);
                Arc::make_mut(&mut fiber.space).functions.set(program.string(name), place);
                Next::To(end as usize)
            }
            Op::EndFunction => match self.collected(fiber, root) {
                Some(text) => self.leave_call(fiber, Value::Text(text)),
                None => Next::Wait,
            },
            Op::Return => {
                let value = fiber.pop();
                self.leave_call(fiber, value)
            }
            Op::Include { spec, end } => {
                let Some(spec) = program.includes.get(spec as usize) else { return Next::Fail };
                self.include_or_eval(fiber, spec, end as usize, root)
            }
            Op::End => Next::Done,
            Op::Attempt { except, waits } => {
                fiber.frames.push(Frame::Attempt {
                    except: except as usize,
                    waits,
                    space: fiber.space.clone(),
                    stack: fiber.stack.len(),
                    trial: None,
                });
                fiber.outs.push(Vec::new());
                Next::On
            }
            Op::EndAttempt { end } => self.end_attempt(fiber, end as usize),
            Op::Except { code, next } => {
                let wanted = matches!(fiber.stack.last(), Some(Value::Int(failed)) if code == 0 || *failed == i64::from(code));
                if wanted { Next::On } else { Next::To(next as usize) }
            }
            Op::Inline { name, start, len } => {
                let text = self.document(fiber.unit, root).get(start as usize..start as usize + len as usize);
                let text = Bytes::copy_from_slice(text.unwrap_or_default());
                if self.inlined.len() < self.dialect.budgets.requests as usize && self.may_add(text.len()) {
                    self.inlined.insert(program.string(name).to_owned(), text);
                }
                Next::On
            }
            Op::Fail => Next::Fail,
            _ => Next::On,
        }
    }
}
