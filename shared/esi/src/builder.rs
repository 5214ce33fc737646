//! Builds a program: appends instructions, interns strings, aims jumps.

use std::collections::HashMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, MAX_DIAGNOSTICS, Mistake};
use super::dialect::Dialect;
use super::functions::Function;
use super::program::{Binary, Op, Program};

pub(super) struct Builder {
    pub(super) dialect: Arc<Dialect>,
    pub(super) program: Program,
    strings: HashMap<String, u32>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Offset of what is being compiled, for diagnostics.
    pub(super) at: usize,
    /// Functions that are called, to be looked up when all definitions are known.
    calls: Vec<(u32, usize)>,
    /// Where a jump was last aimed at.
    landing: usize,
}

impl Builder {
    pub(super) fn new(dialect: Arc<Dialect>) -> Builder {
        Builder {
            dialect,
            program: Program::default(),
            strings: HashMap::new(),
            diagnostics: Vec::new(),
            at: 0,
            calls: Vec::new(),
            landing: 0,
        }
    }

    pub(super) fn here(&self) -> u32 {
        self.program.ops.len() as u32
    }

    pub(super) fn emit(&mut self, op: Op) -> usize {
        if let Op::Call { name, .. } = op {
            self.calls.push((name, self.at));
        }
        self.program.ops.push(op);
        self.program.ops.len() - 1
    }

    /// Points the jump at `index` here.
    pub(super) fn land(&mut self, index: usize) {
        let here = self.here();
        self.landing = here as usize;
        if let Some(op) = self.program.ops.get_mut(index) {
            op.aim(here);
        }
    }

    pub(super) fn string(&mut self, text: &str) -> u32 {
        if let Some(index) = self.strings.get(text) {
            return *index;
        }
        let index = self.program.strings.len() as u32;
        self.program.strings.push(text.into());
        self.strings.insert(text.to_owned(), index);
        index
    }

    pub(super) fn push_str(&mut self, text: &str) {
        let index = self.string(text);
        self.emit(Op::Str(index));
    }

    /// Emits an operator, or its result where that is known.
    pub(super) fn binary(&mut self, operator: Binary) {
        let result = match self.program.ops.as_slice() {
            [before @ .., Op::Int(left), Op::Int(right)] if self.landing <= before.len() => match operator {
                Binary::Add => left.checked_add(*right),
                Binary::Subtract => left.checked_sub(*right),
                Binary::Multiply => left.checked_mul(*right),
                _ => None,
            },
            _ => None,
        };
        let Some(result) = result else {
            self.emit(Op::Binary(operator));
            return;
        };
        self.program.ops.truncate(self.program.ops.len() - 2);
        self.emit(Op::Int(result));
    }

    /// Whether what the last instruction pushes is true or false already.
    pub(super) fn is_truth(&self) -> bool {
        let is_landing = self.landing == self.program.ops.len();
        matches!(self.program.ops.last(), Some(Op::Binary(operator)) if !is_landing && operator.compares())
    }

    /// Takes out what was emitted from `from` on. It must hold no jumps but within itself.
    pub(super) fn take(&mut self, from: usize) -> (usize, Vec<Op>) {
        (from, self.program.ops.split_off(from))
    }

    /// Puts back what was taken out, a little further on.
    pub(super) fn give(&mut self, (from, ops): (usize, Vec<Op>)) {
        let moved = (self.program.ops.len() - from) as u32;
        self.program.ops.extend(ops.into_iter().map(|op| op.moved(moved)));
    }

    /// Takes back what was emitted from `to` on.
    pub(super) fn truncate(&mut self, to: usize) {
        self.program.ops.truncate(to);
    }

    pub(super) fn report(&mut self, mistake: Mistake) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic { mistake, at: self.at });
        }
    }

    /// Says which calls lead nowhere.
    pub(super) fn check_calls(&mut self) {
        let defined: Vec<u32> = self
            .program
            .ops
            .iter()
            .filter_map(|op| if let Op::Define { name, .. } = op { Some(*name) } else { None })
            .collect();
        for (name, at) in std::mem::take(&mut self.calls) {
            if !defined.contains(&name) && Function::named(self.program.string(name)).is_none() {
                self.at = at;
                self.report(Mistake::UnknownFunction);
            }
        }
    }
}
