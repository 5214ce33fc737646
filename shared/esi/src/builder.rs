//! Builds a program: appends instructions, interns strings, aims jumps.

use std::collections::HashMap;
use std::sync::Arc;

use super::answer::Answer;
use super::diagnostic::{Diagnostic, MAX_DIAGNOSTICS, Mistake};
use super::dialect::Dialect;
use super::functions::{Chance, Context, Function};
use super::program::{Binary, Op, Place, Program};
use super::value::{Heap, Taint, Value};
use super::variables::may_be_sent;

/// The longest text that is worked out before it is asked for, in bytes.
const FOLDED: usize = 1024;

pub(super) struct Builder {
    pub(super) dialect: Arc<Dialect>,
    pub(super) program: Program,
    strings: HashMap<String, u32>,
    /// Strings that were asked for lately, in places that their length and ends say.
    recent: [u32; RECENT],
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Offset of what is being compiled, for diagnostics.
    pub(super) at: usize,
    /// Functions that are called, to be looked up when all definitions are known.
    calls: Vec<(u32, usize)>,
    /// Where a jump was last aimed at.
    landing: usize,
    /// What may have run before what is compiled here.
    pub(super) before: Before,
}

/// How many strings are found without their hash.
const RECENT: usize = 64;

/// What a pattern's groups go to unless the page says otherwise.
const DEFAULT_NAME: &str = "MATCHES";

/// No previous jump that ends in the same place.
const NONE: u32 = u32::MAX;

/// What may run before an instruction, as far as it matters there: of a page that is what stands above, as long as nothing
/// is repeated and nothing from outside runs among its variables.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// Anything may: this is a fragment, or `eval` has run one.
    pub(super) anything: bool,
    /// How many loops and functions are open: what stands below may have run as well.
    pub(super) repeats: u32,
    /// Values that a visitor sent.
    pub(super) sent: bool,
    /// Functions of the page's own.
    pub(super) functions: bool,
    /// Names for the groups of patterns.
    pub(super) names: bool,
}

impl Before {
    /// Whether nothing but what stands above may have run.
    fn is_known(self) -> bool {
        !self.anything && self.repeats == 0
    }

    /// Whether no variable can have a value that a visitor sent.
    pub(super) fn is_harmless(self) -> bool {
        self.is_known() && !self.sent
    }
}

impl Builder {
    pub(super) fn new(dialect: Arc<Dialect>) -> Builder {
        Builder {
            dialect,
            program: Program::default(),
            strings: HashMap::new(),
            recent: [0; RECENT],
            diagnostics: Vec::new(),
            at: 0,
            calls: Vec::new(),
            landing: 0,
            before: Before::default(),
        }
    }

    pub(super) fn here(&self) -> u32 {
        self.program.ops.len() as u32
    }

    pub(super) fn emit(&mut self, op: Op) -> usize {
        match op {
            Op::Call { name, .. } => self.calls.push((name, self.at)),
            Op::Var { name, keys } => self.before.sent |= keys > 0 || may_be_sent(self.program.string(name)),
            Op::Define { .. } => self.before.functions = true,
            Op::Include { spec, .. } => {
                self.before.anything |=
                    self.program.includes.get(spec as usize).is_some_and(|spec| spec.eval);
            }
            _ => {}
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

    /// Points here what [`unless`](Self::unless) emitted.
    pub(super) fn land_all(&mut self, last: usize) {
        let mut index = last;
        loop {
            let previous = match self.program.ops.get(index) {
                Some(Op::TestText { to, .. } | Op::TestNumber { to, .. }) if *to != NONE => {
                    Some(*to as usize)
                }
                _ => None,
            };
            self.land(index);
            match previous.filter(|previous| *previous < index) {
                Some(previous) => index = previous,
                None => return,
            }
        }
    }

    pub(super) fn string(&mut self, text: &str) -> u32 {
        let bytes = text.as_bytes();
        let ends = bytes.first().zip(bytes.last()).map_or(0, |(first, last)| first ^ last.rotate_left(3));
        let place = usize::from(ends.wrapping_add(bytes.len() as u8)) % RECENT;
        let recent = self.recent.get(place).copied().unwrap_or_default();
        if self.program.strings.get(recent as usize).is_some_and(|known| *known.bytes() == bytes) {
            return recent;
        }
        let index = self.intern(text);
        if let Some(recent) = self.recent.get_mut(place) {
            *recent = index;
        }
        index
    }

    fn intern(&mut self, text: &str) -> u32 {
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
            [before @ .., left, right] if self.landing <= before.len() => self.fold(operator, *left, *right),
            _ => None,
        };
        let Some(result) = result else {
            self.emit(Op::Binary(operator));
            return;
        };
        self.program.ops.truncate(self.program.ops.len() - 2);
        self.emit(result);
    }

    fn fold(&mut self, operator: Binary, left: Op, right: Op) -> Option<Op> {
        if let (Op::Int(left), Op::Int(right)) = (left, right) {
            let result = match operator {
                Binary::Add => left.checked_add(right),
                Binary::Subtract => left.checked_sub(right),
                Binary::Multiply => left.checked_mul(right),
                _ => None,
            };
            return result.map(Op::Int);
        }
        let part = |op| match op {
            Op::Str(index) => Some(self.program.string(index).to_owned()),
            Op::Int(number) => Some(number.to_string()),
            _ => None,
        };
        let text = part(left)? + &part(right)?;
        let fits = operator == Binary::Add && text.len() <= FOLDED.min(self.dialect.budgets.value_bytes);
        fits.then(|| Op::Str(self.string(&text)))
    }

    /// Emits a call, or what it gives where that is known.
    pub(super) fn call(&mut self, name: u32, args: u32) {
        let first = self.program.ops.len().checked_sub(args as usize);
        if let Some(first) = first.filter(|first| self.landing <= *first)
            && let Some(result) = self.called(name, first)
        {
            self.program.ops.truncate(first);
            self.emit(result);
            return;
        }
        self.emit(Op::Call { name, args });
    }

    fn called(&mut self, name: u32, first: usize) -> Option<Op> {
        let name = self.program.string(name);
        if !self.before.is_known() || self.before.functions || !Function::is_pure(name) {
            return None;
        }
        let argument = |op: &Op| match *op {
            Op::Str(index) => {
                Some(Value::text(self.program.strings.get(index as usize)?.bytes().clone(), Taint::NONE))
            }
            Op::Int(number) => Some(Value::Int(number)),
            _ => None,
        };
        let arguments: Option<Vec<Value>> = self.program.ops.get(first..)?.iter().map(argument).collect();
        let mut context = Context {
            heap: &mut Heap::default(),
            answer: &mut Answer::default(),
            dialect: &self.dialect,
            now: 0,
            chance: &mut Chance::new(0),
        };
        match Function::named(name)?.call(&arguments?, &mut context).ok()? {
            Value::Int(number) => Some(Op::Int(number)),
            Value::Text(text) if text.taint == Taint::NONE && text.bytes.len() <= FOLDED => {
                let text = std::str::from_utf8(&text.bytes).ok()?.to_owned();
                Some(Op::Str(self.string(&text)))
            }
            _ => None,
        }
    }

    /// The instruction before this one, which it may become a part of.
    fn last(&self) -> Option<Op> {
        self.program.ops.last().copied().filter(|_| self.landing < self.program.ops.len())
    }

    /// Names what the next pattern's groups go to. It need not be said as long as there is no other name.
    pub(super) fn match_name(&mut self, name: &str) {
        self.before.names |= name != DEFAULT_NAME;
        if self.before.names || !self.before.is_known() {
            let name = self.string(name);
            self.emit(Op::MatchName(name));
        }
    }

    /// Writes what was pushed.
    pub(super) fn write(&mut self, place: Place) {
        let op = match self.last() {
            Some(Op::Str(index)) => Op::Write(index),
            Some(Op::Var { name, keys: 0 }) => Op::WriteVar { name, place },
            _ => {
                self.emit(Op::Emit(place));
                return;
            }
        };
        self.program.ops.pop();
        self.emit(op);
    }

    /// Assigns what was pushed.
    pub(super) fn assign(&mut self, name: u32, keys: u32) {
        let op = match self.last().filter(|_| keys == 0) {
            Some(Op::Str(text)) => Some(Op::SetText { name, text }),
            Some(Op::Int(number)) => number.try_into().ok().map(|number| Op::SetNumber { name, number }),
            _ => None,
        };
        if op.is_some() {
            self.program.ops.pop();
        }
        self.emit(op.unwrap_or(Op::Assign { name, keys }));
    }

    /// Goes on elsewhere unless the test holds whose instructions begin at `test`: what [`land_all`](Self::land_all) takes.
    /// Comparisons of variables that all have to hold need no stack, and stand in a row, each with the place of the one before.
    pub(super) fn unless(&mut self, test: usize) -> usize {
        let Some(tests) = self.program.ops.get(test..).and_then(tests) else {
            return self.emit(Op::Unless { to: NONE });
        };
        self.program.ops.truncate(test);
        self.landing = self.landing.min(test);
        let mut last = NONE;
        for op in tests {
            let mut op = op;
            op.aim(last);
            last = self.emit(op) as u32;
        }
        last as usize
    }

    /// Takes out the jump at `index` where it leads here and nothing else does.
    pub(super) fn drop_jump(&mut self, index: usize) -> bool {
        let is_last = index + 1 == self.program.ops.len() && self.landing <= index;
        if is_last {
            self.program.ops.pop();
        }
        is_last
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
        if self.landing >= from {
            self.landing += moved as usize;
        }
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

/// The same test as comparisons of variables that all have to hold, if it is one.
fn tests(mut ops: &[Op]) -> Option<Vec<Op>> {
    let mut tests = Vec::new();
    loop {
        let (Op::Var { name, keys: 0 }, operand, Op::Binary(operator)) =
            (*ops.first()?, *ops.get(1)?, *ops.get(2)?)
        else {
            return None;
        };
        let to = NONE;
        tests.push(match operand {
            _ if !operator.orders() => return None,
            Op::Str(text) => Op::TestText { operator, name, text, to },
            Op::Int(number) => Op::TestNumber { operator, name, number: number.try_into().ok()?, to },
            _ => return None,
        });
        // Where one does not hold, the others are passed over, and it is known that the whole does not.
        match ops.get(3) {
            None => return Some(tests),
            Some(Op::And { .. }) => ops = ops.get(4..)?,
            Some(_) => return None,
        }
    }
}
