//! `choose` and `try`.

use super::{Body, Compiler, Frame, Mode};
use crate::diagnostic::Mistake;
use crate::element::{Attributes, Kind, unescape};
use crate::expression;
use crate::functions::Function;
use crate::program::{Binary, Op};
use crate::read::Event;

impl Compiler {
    pub(super) fn branch(&mut self, kind: Kind, attributes: &Attributes, event: &Event, mode: Mode) {
        let choose = self.frames.iter_mut().rev().find(|frame| frame.kind != Kind::Wrap);
        let Some(Frame { body: Body::Choose { pending, branches, others, .. }, .. }) = choose else {
            return self.misplaced(kind, event);
        };
        *branches += 1;
        let unreachable = *others > 0;
        *others += u32::from(kind == Kind::Otherwise);
        let previous = pending.take();
        if unreachable {
            self.builder.report(Mistake::Unreachable);
        }
        if let Some(previous) = previous {
            self.builder.land_all(previous);
        }
        let mut jump = None;
        if unreachable {
            jump = Some(self.builder.emit(Op::Jump { to: 0 }));
        } else if kind == Kind::When {
            jump = Some(self.test(attributes));
        }
        let choose = self.frames.iter_mut().rev().find(|frame| frame.kind != Kind::Wrap);
        if let Some(Frame { body: Body::Choose { pending, .. }, .. }) = choose {
            *pending = jump;
        }
        self.open(kind, mode, Body::Branch);
    }

    /// Compiles a test, and the jump where it does not hold.
    fn test(&mut self, attributes: &Attributes) -> usize {
        let name = attributes.get("matchname").unwrap_or("MATCHES");
        self.builder.match_name(name);
        let start = self.builder.program.ops.len();
        let test = unescape(attributes.get("test").unwrap_or_default());
        if expression::whole(&mut self.builder, &test).is_err() {
            if !test.trim().is_empty() {
                self.builder.report(Mistake::BadExpression);
            }
            self.builder.emit(Op::Bool(false));
        }
        self.builder.unless(start)
    }

    pub(super) fn attempt(&mut self, event: &Event, mode: Mode) {
        let op = self.builder.emit(Op::Attempt { except: 0, waits: false });
        let parent = self.frames.iter_mut().rev().find(|frame| frame.kind != Kind::Wrap);
        match parent {
            Some(Frame { body: Body::Try { attempt, attempts, .. }, .. }) if attempt.is_none() => {
                *attempts += 1;
                *attempt = Some(op);
                self.open(Kind::Attempt, mode, Body::Attempt);
            }
            Some(Frame { body: Body::Try { attempts, .. }, .. }) => {
                *attempts += 1;
                self.builder.truncate(op);
                let jump = self.builder.emit(Op::Jump { to: 0 });
                self.open(Kind::Attempt, Mode::Dropped, Body::Skipped(jump));
            }
            _ => {
                self.builder.truncate(op);
                self.misplaced(Kind::Attempt, event);
            }
        }
    }

    pub(super) fn except(&mut self, attributes: &Attributes, event: &Event, mode: Mode) {
        let code = attributes.get("code").and_then(|code| code.trim().parse().ok()).unwrap_or(0);
        let here = self.builder.here();
        let parent = self.frames.iter_mut().rev().find(|frame| frame.kind != Kind::Wrap);
        let Some(Frame { body: Body::Try { attempt, pending, excepts, .. }, .. }) = parent else {
            return self.misplaced(Kind::Except, event);
        };
        *excepts += 1;
        let first = attempt.filter(|_| *excepts == 1);
        let Some(_) = attempt else {
            let jump = self.builder.emit(Op::Jump { to: 0 });
            return self.open(Kind::Except, Mode::Dropped, Body::Skipped(jump));
        };
        let previous = pending.replace(here as usize);
        if let Some(first) = first.or(previous) {
            self.builder.land(first);
        }
        self.builder.emit(Op::Except { code, next: 0 });
        self.open(Kind::Except, mode, Body::Except);
    }

    pub(super) fn misplaced(&mut self, kind: Kind, event: &Event) {
        self.builder.report(Mistake::Misplaced);
        if self.builder.dialect.strict_structure {
            self.builder.emit(Op::Fail);
        }
        let mode = self.mode();
        if mode != Mode::Dropped {
            self.literal(event.range.clone());
        }
        self.open(kind, mode, Body::Misplaced);
    }

    /// What follows a `try` has to wait for it where it leaves more than text behind.
    pub(super) fn decide_waiting(&mut self, attempt: usize) {
        let program = &self.builder.program;
        let leaves = |op: &Op| match *op {
            Op::Assign { .. }
            | Op::SetText { .. }
            | Op::SetNumber { .. }
            | Op::Define { .. }
            | Op::Foreach { .. }
            | Op::Inline { .. } => true,
            Op::Binary(Binary::Matches | Binary::MatchesI) => true,
            Op::Include { spec, .. } => program.includes.get(spec as usize).is_some_and(|spec| spec.eval),
            Op::Call { name, .. } => Function::named(program.string(name)).is_none(),
            _ => false,
        };
        let waiting = program.ops.iter().skip(attempt).any(leaves);
        if let Some(Op::Attempt { waits, .. }) = self.builder.program.ops.get_mut(attempt) {
            *waits = waiting;
        }
    }

    pub(super) fn structure(&mut self) {
        self.builder.report(Mistake::Structure);
        if self.builder.dialect.strict_structure {
            self.builder.emit(Op::Fail);
        }
    }
}
