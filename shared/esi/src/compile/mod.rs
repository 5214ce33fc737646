//! Events become instructions: one pass with a stack of what is open.

mod branch;
mod text;

use std::ops::Range;
use std::sync::Arc;

use super::builder::Builder;
use super::diagnostic::{Diagnostic, Mistake};
use super::dialect::{Dialect, Inline};
use super::element::{Attributes, Kind};
use super::expression;
use super::functions::Function;
use super::include;
use super::medium::Medium;
use super::program::{Op, Place, Program};
use super::read::{Event, Reader, What};
use super::variables::is_personal;

/// A program, and what the document's author should know.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program.
    pub program: Program,
    /// In document order, as far as they were found in one pass.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a whole document of HTML.
pub fn compile(document: &[u8], dialect: &Dialect) -> Compiled {
    compile_as(document, dialect, Medium::Html)
}

/// Compiles a whole document of that kind of text.
pub fn compile_as(document: &[u8], dialect: &Dialect, medium: Medium) -> Compiled {
    let (program, mut diagnostics) = compile_in(document, &Arc::new(dialect.clone()), medium, Origin::Page);
    diagnostics.sort_by_key(|diagnostic| diagnostic.at);
    Compiled { program, diagnostics }
}

/// The same, for whoever has the dialect at hand, and what there is to say in no order.
pub(super) fn compile_in(
    document: &[u8],
    dialect: &Arc<Dialect>,
    medium: Medium,
    origin: Origin,
) -> (Program, Vec<Diagnostic>) {
    let mut reader = Reader::new(Arc::clone(dialect));
    let mut events = Vec::new();
    reader.read(document, true, &mut events);
    let mut compiler = Compiler::new(Arc::clone(dialect), medium);
    compiler.builder.before.anything = origin == Origin::Fragment;
    compiler.push(document, &events, document.len());
    let (program, mut diagnostics) = compiler.finish();
    diagnostics.extend(reader.into_diagnostics());
    (program, diagnostics)
}

/// What a document is, and so what may have run before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Page,
    Fragment,
}

/// How text is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Verbatim,
    Interpolated,
    Dropped,
}

struct Frame {
    kind: Kind,
    mode: Mode,
    body: Body,
}

enum Body {
    /// Nothing to do at its end.
    Plain,
    /// A tag that is text, for want of the element that it belongs to.
    Misplaced,
    Choose {
        pending: Option<usize>,
        ends: Vec<usize>,
        branches: u32,
        /// How many `otherwise` there are.
        others: u32,
    },
    Branch,
    Try {
        attempt: Option<usize>,
        end: Option<usize>,
        pending: Option<usize>,
        attempts: u32,
        excepts: u32,
    },
    Attempt,
    Except,
    /// Skipped over by this jump.
    Skipped(usize),
    Assign {
        name: u32,
        keys: u32,
    },
    Foreach(usize),
    Function(usize),
    Include(usize),
}

/// Compiles a document as it is read.
pub struct Compiler {
    builder: Builder,
    frames: Vec<Frame>,
    /// Everything before is compiled.
    at: usize,
    span: Option<u32>,
    /// Literals that [`context`](Self::context) has not read yet, and how far the page has been read as HTML.
    unread: Vec<Range<usize>>,
    html: Option<crate::interpolation::Reader>,
    /// What every place is where nothing reads the page.
    place: Place,
}

impl Compiler {
    /// A compiler of the beginning of a document.
    pub fn new(dialect: Arc<Dialect>, medium: Medium) -> Compiler {
        let (html, place) = medium.places(&dialect);
        Compiler {
            builder: Builder::new(dialect),
            frames: Vec::new(),
            at: 0,
            span: None,
            unread: Vec::new(),
            html,
            place,
        }
    }

    /// Compiles up to `certain`, where `events` end.
    pub fn push(&mut self, document: &[u8], events: &[Event], certain: usize) {
        let mut index = 0;
        while let Some(event) = events.get(index) {
            self.text(document, self.at..event.range.start);
            self.builder.at = event.range.start;
            self.at = self.at.max(event.range.end);
            if self.frames.is_empty() {
                self.begin_span();
            }
            let skipped = self.event(document, event, events.get(index + 1..).unwrap_or_default());
            for passed in events.iter().skip(index + 1).take(skipped) {
                self.at = self.at.max(passed.range.end);
            }
            index += 1 + skipped;
            if self.frames.is_empty() {
                self.end_span();
            }
        }
        self.text(document, self.at..certain);
        self.at = self.at.max(certain);
    }

    /// Compiles one construct, which covers `range`, and says which instructions are its own. What lies before it is text
    /// that is not the program's business, but says where the construct stands.
    pub fn construct(&mut self, document: &[u8], events: &[Event], range: Range<usize>) -> (u32, u32) {
        if self.html.is_some() && self.at < range.start {
            self.unread.push(self.at..range.start);
        }
        self.at = self.at.max(range.start);
        let start = self.builder.here();
        self.push(document, events, range.end);
        self.note_traits(start as usize);
        (start, self.builder.here())
    }

    /// The program so far.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.builder.program
    }

    /// The program, and what is to be said of the document.
    pub fn finish(mut self) -> (Program, Vec<Diagnostic>) {
        self.builder.check_calls();
        self.note_traits(0);
        (self.builder.program, self.builder.diagnostics)
    }

    fn note_traits(&mut self, from: usize) {
        let program = &mut self.builder.program;
        let mut traits = program.traits;
        for op in program.ops.iter().skip(from) {
            match *op {
                Op::Var { name, .. }
                | Op::WriteVar { name, .. }
                | Op::TestText { name, .. }
                | Op::TestNumber { name, .. } => traits.personal |= is_personal(program.string(name)),
                Op::Call { name, .. } => traits.answers |= Function::answers(program.string(name)),
                Op::Include { spec, .. } => {
                    traits.includes = true;
                    let spec = program.includes.get(spec as usize);
                    traits.answers |= spec.is_some_and(|spec| self.builder.dialect.may_answer(spec));
                }
                _ => {}
            }
        }
        program.traits = traits;
    }

    fn begin_span(&mut self) {
        self.span = Some(self.builder.here());
    }

    fn end_span(&mut self) {
        let here = self.builder.here();
        if let Some(start) = self.span.take().filter(|start| *start < here) {
            self.builder.program.spans.push((start, here));
        }
    }

    fn open(&mut self, kind: Kind, mode: Mode, body: Body) {
        self.frames.push(Frame { kind, mode, body });
    }

    fn parent(&self) -> Option<Kind> {
        self.frames.iter().rev().map(|frame| frame.kind).find(|kind| *kind != Kind::Wrap)
    }

    /// Handles one event; says how many of `following` it took as well.
    fn event(&mut self, document: &[u8], event: &Event, following: &[Event]) -> usize {
        match &event.what {
            What::Open(kind, attributes) => {
                return self.opened(document, *kind, attributes, event, following);
            }
            What::Leaf(kind, attributes) => self.leaf(document, *kind, attributes, event),
            What::Raw(kind, attributes, content) => self.raw(*kind, attributes, content),
            What::Close(kind) => self.closed(*kind, event),
            What::Gone => {}
        }
        0
    }

    fn opened(
        &mut self,
        document: &[u8],
        kind: Kind,
        attributes: &Attributes,
        event: &Event,
        following: &[Event],
    ) -> usize {
        let block = self.block_mode();
        match kind {
            Kind::Wrap => self.open(kind, self.mode(), Body::Plain),
            Kind::Vars => self.open(kind, Mode::Interpolated, Body::Plain),
            Kind::Choose => {
                let body = Body::Choose { pending: None, ends: Vec::new(), branches: 0, others: 0 };
                self.open(kind, self.stray_mode(), body);
            }
            Kind::When | Kind::Otherwise => self.branch(kind, attributes, event, block),
            Kind::Try => {
                let body = Body::Try { attempt: None, end: None, pending: None, attempts: 0, excepts: 0 };
                self.open(kind, Mode::Dropped, body);
            }
            Kind::Attempt if self.parent() == Some(Kind::Attempt) => {
                self.open(Kind::Wrap, block, Body::Plain)
            }
            Kind::Attempt => self.attempt(event, block),
            Kind::Except => self.except(attributes, event, block),
            Kind::Assign => {
                match attributes.get("name").map(|name| expression::target(&mut self.builder, name)) {
                    Some(Ok((name, keys))) => {
                        self.builder.emit(Op::Capture);
                        self.open(kind, Mode::Interpolated, Body::Assign { name, keys });
                    }
                    other => {
                        self.builder.report(bad_or_missing(other.is_some()));
                        let jump = self.builder.emit(Op::Jump { to: 0 });
                        self.open(kind, Mode::Dropped, Body::Skipped(jump));
                    }
                }
            }
            Kind::Foreach => {
                self.value(attributes, "collection");
                let item = self.builder.string(attributes.get("item").unwrap_or("item"));
                let head = self.builder.emit(Op::Foreach { item, end: 0 });
                self.builder.before.repeats += 1;
                self.open(kind, block, Body::Foreach(head));
            }
            Kind::Function => {
                let name = self.builder.string(attributes.get("name").unwrap_or_default());
                let define = self.builder.emit(Op::Define { name, end: 0 });
                self.builder.before.repeats += 1;
                self.open(kind, Mode::Interpolated, Body::Function(define));
            }
            Kind::Include | Kind::Eval => {
                let inside = include::Inside::of(document, event.range.end, following);
                let op = self.include(document, kind, attributes, &inside);
                if !inside.has_body {
                    return inside.events;
                }
                self.open(kind, self.mode(), Body::Include(op));
            }
            _ => self.open(kind, self.mode(), Body::Plain),
        }
        0
    }

    fn include(
        &mut self,
        document: &[u8],
        kind: Kind,
        attributes: &Attributes,
        inside: &include::Inside,
    ) -> usize {
        let op = include::emit(&mut self.builder, kind, attributes, inside);
        if self.builder.program.includes.last().is_some_and(|spec| self.builder.dialect.may_run(spec)) {
            let place = self.context(document);
            if let Some(spec) = self.builder.program.includes.last_mut() {
                spec.place = place;
            }
        }
        op
    }

    fn closed(&mut self, kind: Kind, event: &Event) {
        let Some(frame) = self.frames.pop() else { return };
        match frame.body {
            Body::Plain => {}
            Body::Misplaced => {
                if self.mode() != Mode::Dropped {
                    self.literal(event.range.clone());
                }
            }
            Body::Branch => {
                let jump = self.builder.emit(Op::Jump { to: 0 });
                let choose = self.frames.iter_mut().rev().find(|frame| frame.kind != Kind::Wrap);
                if let Some(Frame { body: Body::Choose { ends, .. }, .. }) = choose {
                    ends.push(jump);
                }
            }
            Body::Choose { pending, mut ends, branches, others, .. } => {
                if ends.last().is_some_and(|last| self.builder.drop_jump(*last)) {
                    ends.pop();
                }
                ends.into_iter().for_each(|jump| self.builder.land(jump));
                if let Some(pending) = pending {
                    self.builder.land_all(pending);
                }
                if branches == others || others > 1 {
                    self.structure();
                }
            }
            Body::Attempt => {
                let op = self.builder.emit(Op::EndAttempt { end: 0 });
                let parent = self.frames.iter_mut().rev().find(|frame| frame.kind != Kind::Wrap);
                if let Some(Frame { body: Body::Try { end, .. }, .. }) = parent {
                    *end = Some(op);
                }
            }
            Body::Except => {
                self.builder.emit(Op::End);
            }
            Body::Try { attempt, end, pending, attempts, excepts } => {
                if let (Some(attempt), Some(end)) = (attempt, end) {
                    self.builder.land(pending.unwrap_or(attempt));
                    self.builder.emit(Op::End);
                    self.builder.land(end);
                    self.decide_waiting(attempt);
                }
                if attempts != 1 || excepts != 1 {
                    self.structure();
                }
            }
            Body::Skipped(jump) => self.builder.land(jump),
            Body::Assign { name, keys } => {
                self.builder.emit(Op::EndCapture);
                self.builder.emit(Op::Assign { name, keys });
            }
            Body::Foreach(head) => {
                self.builder.before.repeats -= 1;
                let next = self.builder.emit(Op::Next { body: head as u32 + 1, end: 0 });
                self.builder.land(next);
                self.builder.land(head);
            }
            Body::Function(define) => {
                self.builder.before.repeats -= 1;
                self.builder.emit(Op::EndFunction);
                self.builder.land(define);
            }
            Body::Include(op) => {
                self.builder.emit(Op::End);
                self.builder.land(op);
            }
        }
        debug_assert!(frame.kind == kind || kind == Kind::Attempt);
    }

    fn leaf(&mut self, document: &[u8], kind: Kind, attributes: &Attributes, event: &Event) {
        match kind {
            Kind::Include | Kind::Eval => {
                self.include(document, kind, attributes, &include::Inside::default());
            }
            Kind::Assign | Kind::Variable => {
                match attributes.get("name").map(|name| expression::target(&mut self.builder, name)) {
                    Some(Ok((name, keys))) => {
                        if kind == Kind::Variable {
                            expression::template(
                                &mut self.builder,
                                attributes.get("value").unwrap_or(""),
                                false,
                            );
                        } else {
                            self.value(attributes, "value");
                        }
                        self.builder.assign(name, keys);
                    }
                    other => self.builder.report(bad_or_missing(other.is_some())),
                }
            }
            Kind::Vars if attributes.get("name").is_some() => {
                self.value(attributes, "name");
                let place = self.place_of_value(document);
                self.builder.write(place);
            }
            Kind::Return => {
                self.value(attributes, "value");
                self.builder.emit(Op::Return);
            }
            Kind::Break => {
                self.builder.emit(Op::Break);
            }
            Kind::Unknown => {
                self.builder.emit(Op::Fail);
            }
            Kind::Choose | Kind::Try => self.structure(),
            Kind::When | Kind::Otherwise | Kind::Attempt | Kind::Except => {
                let block = self.block_mode();
                match kind {
                    Kind::Attempt => self.attempt(event, block),
                    Kind::Except => self.except(attributes, event, block),
                    _ => self.branch(kind, attributes, event, block),
                }
                let end = event.range.end;
                self.closed(kind, &Event { what: What::Close(kind), range: end..end });
            }
            _ => {}
        }
    }

    /// Pushes what an attribute says: an expression, or else text with variables.
    fn value(&mut self, attributes: &Attributes, name: &str) {
        let Some(text) = attributes.get(name) else {
            self.builder.report(Mistake::MissingAttribute);
            self.builder.push_str("");
            return;
        };
        if expression::whole(&mut self.builder, text).is_err() {
            expression::template(&mut self.builder, text, false);
        }
    }

    fn raw(&mut self, kind: Kind, attributes: &Attributes, content: &Range<usize>) {
        match (kind, self.builder.dialect.inline) {
            (Kind::Text, _) | (Kind::Inline, Inline::Print) if self.mode() != Mode::Dropped => {
                self.literal(content.clone());
            }
            (Kind::Inline, Inline::Define) => match attributes.get("name") {
                Some(name) => {
                    let name = self.builder.string(name);
                    let Op::Text { start, len } = Op::text(content) else { return };
                    self.builder.emit(Op::Inline { name, start, len });
                }
                None => self.builder.report(Mistake::MissingAttribute),
            },
            _ => {}
        }
    }
}

fn bad_or_missing(written: bool) -> Mistake {
    if written { Mistake::BadExpression } else { Mistake::MissingAttribute }
}
