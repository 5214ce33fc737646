//! Runs a program, as a machine that is pumped: it does no IO.
//!
//! ```text
//!        ┌───────────────── advance(root, out) ─────────────────┐
//!        ▼                                                      │
//!  run every fiber as far as it goes ─► settle what is decided ─┤
//!                                                               ▼
//!              Fetch(call): start it, go on      Wait: hand back a fragment      Done, Failed
//! ```
//!
//! A document runs in a **fiber**: it runs ahead of what can be sent and leaves **pieces** behind, so that every include
//! that is reached is asked for at once. A fragment whose own ESI runs, the body of an include and the exception of an
//! attempt are fibers too. A fiber waits only where what follows depends on a fragment: `eval`, a captured include, and
//! an attempt that assigns. Pieces are sent in the order of the document, as far as they are there.

mod attempt;
mod fetch;
mod names;
mod operators;
mod output;
mod pattern;
mod plain;
mod pour;
mod run;
mod section;
mod settle;
mod statement;

pub(super) use pattern::is_pattern;

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

pub use fetch::{Call, CallId, FetchFailure, Fragment, HeaderEdit, absolute};

use super::answer::Answer;
use super::dialect::Dialect;
use super::facts::Facts;
use super::functions::{Chance, Failure};
use super::program::Program;
use super::value::{Heap, Taint, Value};
use crate::charset::Charset;
use crate::named::Named;
use fetch::Inclusion;
use names::{Names, Variables};
use output::Level;
use pattern::Patterns;
use section::Sections;
pub use section::Sent;

/// Most notices of one run.
const MAX_NOTICES: usize = 32;

/// The document that a machine runs, as far as it has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    /// The program, so far. What was there stays as it was while the document grows.
    pub program: &'a Program,
    /// The document, so far.
    pub document: &'a [u8],
    /// Whether nothing more arrives.
    pub whole: bool,
}

/// What the driver has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start this fetch and go on; fetches run side by side.
    Fetch(Box<Call>),
    /// Nothing more can be sent until something arrives.
    Wait,
    /// The document is complete.
    Done,
    /// The dialect ends the document here.
    Truncated,
    /// The dialect fails the document.
    Failed,
}

/// Something for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// Includes are nested deeper than the budget.
    #[error("esi: an include is nested too deep; it shows nothing")]
    Depth,
    /// No more fragments are asked for.
    #[error("esi: the page asks for too many fragments; those beyond have failed")]
    Requests,
    /// No more bytes are added to the page.
    #[error("esi: values and fragments add too many bytes; the rest shows nothing")]
    Bytes,
    /// No more instructions are run.
    #[error("esi: the page runs too many instructions; its constructs show nothing from here on")]
    Steps,
    /// An include failed for good.
    #[error("esi: an include failed, and nothing stands in its place")]
    Include,
    /// A fragment's own ESI wanted to change the answer.
    #[error("esi: functions on the answer in a fragment change nothing; `fragment_functions` says so")]
    Answer,
    /// An expression has no value.
    #[error("esi: an expression has no value: {0}")]
    Expression(Failure),
}

/// One run of a document for one request.
pub struct Machine {
    dialect: Arc<Dialect>,
    facts: Facts,
    heap: Heap,
    answer: Answer,
    chance: Chance,
    patterns: Patterns,
    names: Names,
    /// What values are written as, one after the other, as far as they are short.
    made: Vec<u8>,
    units: Vec<Unit>,
    fibers: Vec<Fiber>,
    inclusions: Vec<Inclusion>,
    trials: Vec<Trial>,
    to_start: VecDeque<Call>,
    inlined: HashMap<String, Bytes>,
    steps: u32,
    added: usize,
    requests: u32,
    notices: Vec<Notice>,
    levels: Vec<(Level, usize)>,
    end: Option<Step>,
    /// The constructs of a page; `None` where a document runs as a whole.
    sections: Option<Sections>,
    /// The construct that is being sent.
    sending: Option<usize>,
    charset: Charset,
}

/// A document that runs: the root, or a fragment.
struct Unit {
    /// `None` for the root, which the driver holds.
    code: Option<(Arc<Program>, Bytes)>,
    url: Arc<str>,
    depth: u32,
    /// Whether this was included with `dca="esi"`.
    processed: bool,
    /// Whether this changes nothing of the answer.
    apart: bool,
    /// The numbers of names that are strings of its program.
    numbers: Vec<Option<u32>>,
}

/// Variables and functions.
#[derive(Clone, Debug, Default)]
struct Space {
    variables: Variables,
    functions: Named<(usize, usize)>,
}

/// Something that runs by itself.
struct Fiber {
    unit: usize,
    at: usize,
    stack: Vec<Value>,
    frames: Vec<Frame>,
    space: Arc<Space>,
    /// What was written; the first is the fiber's, the others are being collected.
    outs: Vec<Vec<Piece>>,
    arguments: Vec<Value>,
    /// The number of the variable that a pattern's groups go to, where that is not `MATCHES`.
    match_name: Option<usize>,
    /// The `eval` that is being waited for.
    eval: Option<usize>,
    state: State,
    verdict: Option<Verdict>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Blocked,
    Done,
    /// An expression, or the document's structure, failed it.
    Failed,
}

/// How something ended that may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// With the status of the fragment that failed, or 0.
    Bad(u16),
}

/// What a fiber is in the middle of.
enum Frame {
    Loop { items: Vec<Value>, next: usize, item: usize },
    Capture,
    Call { unit: usize, at: usize, arguments: Vec<Value>, stack: usize },
    Attempt { except: usize, waits: bool, space: Arc<Space>, stack: usize, trial: Option<usize> },
    Unit { unit: usize, at: usize },
}

/// Something to send, in its place.
#[derive(Clone, Debug)]
enum Piece {
    Page(usize, Range<usize>),
    Owned(Bytes, Taint),
    /// A range of what was made.
    Made(Range<usize>, Taint),
    Include(usize),
    Trial(usize),
}

impl Piece {
    fn append_to(self, out: &mut Vec<Piece>) {
        match (out.last_mut(), &self) {
            (Some(Piece::Page(unit, range)), Piece::Page(next, more))
                if unit == next && range.end == more.start =>
            {
                range.end = more.end;
            }
            (Some(Piece::Made(range, taint)), Piece::Made(more, of)) if range.end == more.start => {
                range.end = more.end;
                *taint = taint.and(*of);
            }
            _ => out.push(self),
        }
    }
}

/// An attempt whose includes are outstanding.
struct Trial {
    pieces: Vec<Piece>,
    unit: usize,
    except: usize,
    space: Arc<Space>,
    arguments: Vec<Value>,
    state: Trying,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trying {
    Pending,
    Good,
    /// This fiber runs in its place.
    Except(usize),
}

impl Machine {
    /// A run over a document at `url`, for a request.
    pub fn new(dialect: Arc<Dialect>, facts: Facts, url: &str) -> Machine {
        let steps = dialect.budgets.steps;
        let chance = Chance::new(facts.seed);
        let numbers = Vec::new();
        let root = Unit { code: None, url: url.into(), depth: 0, processed: false, apart: false, numbers };
        let heap = Heap::new(dialect.compounds);
        let mut machine = Machine {
            dialect,
            facts,
            heap,
            answer: Answer::default(),
            chance,
            patterns: Patterns::default(),
            names: Names::default(),
            made: Vec::new(),
            units: vec![root],
            fibers: Vec::new(),
            inclusions: Vec::new(),
            trials: Vec::new(),
            to_start: VecDeque::new(),
            inlined: HashMap::new(),
            steps,
            added: 0,
            requests: 0,
            notices: Vec::new(),
            levels: vec![(Level::Fiber(0), 0)],
            end: None,
            sections: None,
            sending: None,
            charset: Charset::UTF_8,
        };
        machine.spawn(0, 0, Arc::new(Space::default()), Vec::new());
        machine
    }

    /// What the document's functions make of the answer, so far.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Whether the own ESI of a fragment reads what is not in the page's cache key, or may change the answer: nothing that is
    /// known of the page itself says so.
    pub fn has_personal_fragment(&self) -> bool {
        let own = self.units.iter().filter_map(|unit| unit.code.as_ref());
        own.map(|(program, _)| program.traits()).any(|traits| traits.personal || traits.answers)
    }

    /// What the log should say.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Goes on as far as is possible and appends to `out` what can be sent.
    pub fn advance(&mut self, root: Root<'_>, out: &mut Vec<u8>) -> Step {
        self.run_all(root);
        if let Some(call) = self.to_start.pop_front() {
            return Step::Fetch(Box::new(call));
        }
        self.send(root, out)
    }

    /// Writes values in this charset; so are the documents.
    pub fn in_charset(mut self, charset: Charset) -> Machine {
        self.charset = charset;
        self
    }

    fn run_all(&mut self, root: Root<'_>) {
        loop {
            let mut moved = false;
            let mut index = 0;
            while index < self.fibers.len() {
                moved |= self.run(index, root);
                index += 1;
            }
            moved |= self.settle();
            if !moved {
                return;
            }
        }
    }

    fn spawn(&mut self, unit: usize, at: usize, space: Arc<Space>, arguments: Vec<Value>) -> usize {
        self.fibers.push(Fiber {
            unit,
            at,
            stack: Vec::new(),
            frames: Vec::new(),
            space,
            outs: vec![Vec::new()],
            arguments,
            match_name: None,
            eval: None,
            state: State::Ready,
            verdict: None,
        });
        self.fibers.len() - 1
    }

    fn notice(&mut self, notice: Notice) {
        if self.notices.len() < MAX_NOTICES && !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    /// Counts bytes that the page grows by; false where it may not.
    fn may_add(&mut self, bytes: usize) -> bool {
        let added = self.added.saturating_add(bytes);
        if added > self.dialect.budgets.bytes {
            self.notice(Notice::Bytes);
            return false;
        }
        self.added = added;
        true
    }
}

impl Fiber {
    fn placeholder() -> Fiber {
        Fiber {
            unit: 0,
            at: 0,
            stack: Vec::new(),
            frames: Vec::new(),
            space: Arc::new(Space::default()),
            outs: Vec::new(),
            arguments: Vec::new(),
            match_name: None,
            eval: None,
            state: State::Done,
            verdict: None,
        }
    }

    fn push(&mut self, value: Value) -> run::Next {
        self.stack.push(value);
        run::Next::On
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or_default()
    }

    fn pop_many(&mut self, count: usize) -> Vec<Value> {
        self.stack.split_off(self.stack.len().saturating_sub(count))
    }

    fn write(&mut self, piece: Piece) {
        if let Some(out) = self.outs.last_mut() {
            piece.append_to(out);
        }
    }

    fn write_all(&mut self, pieces: Vec<Piece>) {
        if let Some(out) = self.outs.last_mut() {
            out.extend(pieces);
        }
    }
}
