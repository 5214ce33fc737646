//! A program as bytes, to be kept beside its document.
//!
//! ```text
//! traits u8 · strings · includes · spans · instructions
//! string: length u32, UTF-8       include: on error u8 · dca u8 · flags u8 · fields u8 · field u8 *
//! span: start u32 · end u32       instruction: what u8 · operands 3 × u32
//! ```
//! Little-endian; what repeats has a u32 count before it. Whatever the bytes are, what [`Program::from_bytes`] takes can
//! be run: no index points outside of the program or the document.

use bytes::Bytes;

use super::program::{Binary, Dca, Field, IncludeSpec, OnError, Op, Place, Program, Str, Traits};

/// The bytes are no program over a document of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a program of ESI")]
pub struct NotAProgram;

/// The first numbers of instructions that say an operator as well.
const TEST_TEXT: u8 = 64;
const TEST_NUMBER: u8 = 128;

impl Program {
    /// Appends the program's bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        let count = |out: &mut Vec<u8>, count: usize| out.extend_from_slice(&(count as u32).to_le_bytes());
        let Traits { personal, answers, includes } = self.traits;
        out.push(u8::from(personal) | u8::from(answers) << 1 | u8::from(includes) << 2);
        count(out, self.strings.len());
        for string in &self.strings {
            count(out, string.bytes().len());
            out.extend_from_slice(string.bytes());
        }
        count(out, self.includes.len());
        for spec in &self.includes {
            let flags = u8::from(spec.has_body) | u8::from(spec.eval) << 1 | u8::from(spec.constant) << 2;
            let flags = flags | (spec.place as u8) << 3;
            out.extend_from_slice(&[
                spec.on_error as u8,
                spec.dca as u8,
                flags,
                spec.fields.len().min(255) as u8,
            ]);
            out.extend(spec.fields.iter().take(255).map(|field| *field as u8));
        }
        count(out, self.spans.len());
        for (start, end) in &self.spans {
            out.extend_from_slice(&start.to_le_bytes());
            out.extend_from_slice(&end.to_le_bytes());
        }
        count(out, self.ops.len());
        for op in &self.ops {
            let (what, operands) = op.parts();
            out.push(what);
            for operand in operands {
                out.extend_from_slice(&operand.to_le_bytes());
            }
        }
    }

    /// Reads a program over a document of `document` bytes off the front of `stored`. Its strings stay where they are.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn read(stored: &mut Bytes, document: usize) -> Result<Program, NotAProgram> {
        let object = stored.clone();
        let bytes = &mut &object[..];
        let flags = take(bytes, 1)?[0];
        let traits = Traits { personal: flags & 1 != 0, answers: flags & 2 != 0, includes: flags & 4 != 0 };
        let count = word(bytes)? as usize;
        // Each has its length at least, so that a false count asks for no more memory than there are bytes.
        let mut strings = Vec::with_capacity(count.min(bytes.len() / 4));
        for _ in 0..count {
            let length = word(bytes)? as usize;
            strings.push(Str::new(object.slice_ref(take(bytes, length)?)).ok_or(NotAProgram)?);
        }
        let mut includes = Vec::new();
        for _ in 0..word(bytes)? {
            includes.push(include(bytes)?);
        }
        let count = word(bytes)? as usize;
        let (records, _) = take(bytes, count.checked_mul(8).ok_or(NotAProgram)?)?.as_chunks::<8>();
        let mut spans: Vec<(u32, u32)> = Vec::with_capacity(count);
        let mut after = 0;
        for [a0, a1, a2, a3, b0, b1, b2, b3] in records {
            let start = u32::from_le_bytes([*a0, *a1, *a2, *a3]);
            let end = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
            if start < after || end <= start {
                return Err(NotAProgram);
            }
            after = end;
            spans.push((start, end));
        }
        let count = word(bytes)? as usize;
        let (records, _) = take(bytes, count.checked_mul(13).ok_or(NotAProgram)?)?.as_chunks::<13>();
        let mut ops = Vec::with_capacity(count);
        for [what, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3] in records {
            let a = u32::from_le_bytes([*a0, *a1, *a2, *a3]);
            let b = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
            let c = u32::from_le_bytes([*c0, *c1, *c2, *c3]);
            ops.push(Op::from_parts(*what, [a, b, c]).ok_or(NotAProgram)?);
        }
        let program = Program { ops, strings, includes, spans, traits };
        *stored = object.slice_ref(bytes);
        if program.is_sound(document) { Ok(program) } else { Err(NotAProgram) }
    }

    fn is_sound(&self, document: usize) -> bool {
        let inside = |start: u32, length: u32| {
            (start as usize).checked_add(length as usize).is_some_and(|end| end <= document)
        };
        let string = |index: u32| (index as usize) < self.strings.len();
        let target = |to: u32| to as usize <= self.ops.len();
        let spans = self.spans.iter().all(|(_, end)| target(*end));
        spans
            && self.ops.iter().all(|op| match *op {
                Op::Text { start, len } => inside(start, len),
                Op::Inline { name, start, len } => string(name) && inside(start, len),
                Op::Str(index) | Op::Write(index) | Op::MatchName(index) => string(index),
                Op::Var { name, .. }
                | Op::WriteVar { name, .. }
                | Op::SetNumber { name, .. }
                | Op::Call { name, .. }
                | Op::Assign { name, .. } => string(name),
                Op::SetText { name, text } => string(name) && string(text),
                Op::TestText { operator, name, text, to } => {
                    operator.orders() && string(name) && string(text) && target(to)
                }
                Op::TestNumber { operator, name, to, .. } => operator.orders() && string(name) && target(to),
                Op::Default { to } | Op::And { to } | Op::Or { to } | Op::Jump { to } | Op::Unless { to } => {
                    target(to)
                }
                Op::Foreach { item: name, end } | Op::Define { name, end } => string(name) && target(end),
                Op::Next { body, end } => target(body) && target(end),
                Op::Include { spec, end } => (spec as usize) < self.includes.len() && target(end),
                Op::Attempt { except: to, .. } | Op::EndAttempt { end: to } | Op::Except { next: to, .. } => {
                    target(to)
                }
                _ => true,
            })
    }
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Result<&'b [u8], NotAProgram> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(NotAProgram)?;
    *bytes = rest;
    Ok(taken)
}

fn word(bytes: &mut &[u8]) -> Result<u32, NotAProgram> {
    let word: [u8; 4] = take(bytes, 4)?.try_into().map_err(|_| NotAProgram)?;
    Ok(u32::from_le_bytes(word))
}

fn include(bytes: &mut &[u8]) -> Result<IncludeSpec, NotAProgram> {
    let head = take(bytes, 4)?;
    let [on_error, dca, flags, count] = head else { return Err(NotAProgram) };
    let on_error = match on_error {
        0 => OnError::Unsaid,
        1 => OnError::Continue,
        2 => OnError::Abort,
        _ => return Err(NotAProgram),
    };
    let dca = match dca {
        0 => Dca::Unsaid,
        1 => Dca::None,
        2 => Dca::Esi,
        _ => return Err(NotAProgram),
    };
    let fields = take(bytes, usize::from(*count))?;
    let fields: Option<Vec<Field>> =
        fields.iter().map(|field| Field::ALL.get(usize::from(*field)).copied()).collect();
    Ok(IncludeSpec {
        fields: fields.ok_or(NotAProgram)?,
        on_error,
        dca,
        has_body: flags & 1 != 0,
        eval: flags & 2 != 0,
        constant: flags & 4 != 0,
        place: *Place::ALL.get(usize::from(flags >> 3)).ok_or(NotAProgram)?,
    })
}

impl Op {
    fn parts(self) -> (u8, [u32; 3]) {
        let wide = |number: u64| [number as u32, (number >> 32) as u32, 0];
        match self {
            Op::Text { start, len } => (0, [start, len, 0]),
            Op::Emit(place) => (1, [place as u32, 0, 0]),
            Op::Str(index) => (2, [index, 0, 0]),
            Op::Int(number) => (3, wide(number as u64)),
            Op::Float(bits) => (4, wide(bits)),
            Op::Bool(it) => (5, [it.into(), 0, 0]),
            Op::Var { name, keys } => (6, [name, keys, 0]),
            Op::Default { to } => (7, [to, 0, 0]),
            Op::Binary(operator) => (8, [operator as u32, 0, 0]),
            Op::Not => (9, [0; 3]),
            Op::Negate => (10, [0; 3]),
            Op::And { to } => (11, [to, 0, 0]),
            Op::Or { to } => (12, [to, 0, 0]),
            Op::Truth => (13, [0; 3]),
            Op::List(count) => (14, [count, 0, 0]),
            Op::Dict(count) => (15, [count, 0, 0]),
            Op::Call { name, args } => (16, [name, args, 0]),
            Op::Concat(count) => (17, [count, 0, 0]),
            Op::ConcatUrl(count) => (18, [count, 0, 0]),
            Op::Jump { to } => (19, [to, 0, 0]),
            Op::Unless { to } => (20, [to, 0, 0]),
            Op::Assign { name, keys } => (21, [name, keys, 0]),
            Op::Capture => (22, [0; 3]),
            Op::EndCapture => (23, [0; 3]),
            Op::Foreach { item, end } => (24, [item, end, 0]),
            Op::Next { body, end } => (25, [body, end, 0]),
            Op::Break => (26, [0; 3]),
            Op::Define { name, end } => (27, [name, end, 0]),
            Op::EndFunction => (28, [0; 3]),
            Op::Return => (29, [0; 3]),
            Op::Include { spec, end } => (30, [spec, end, 0]),
            Op::End => (31, [0; 3]),
            Op::Attempt { except, waits } => (32, [except, waits.into(), 0]),
            Op::EndAttempt { end } => (33, [end, 0, 0]),
            Op::Except { code, next } => (34, [code, next, 0]),
            Op::MatchName(name) => (35, [name, 0, 0]),
            Op::Inline { name, start, len } => (36, [name, start, len]),
            Op::Fail => (37, [0; 3]),
            Op::Write(index) => (38, [index, 0, 0]),
            Op::WriteVar { name, place } => (39, [name, place as u32, 0]),
            Op::SetText { name, text } => (40, [name, text, 0]),
            Op::SetNumber { name, number } => (41, [name, number as u32, 0]),
            Op::TestText { operator, name, text, to } => (TEST_TEXT + operator as u8, [name, text, to]),
            Op::TestNumber { operator, name, number, to } => {
                (TEST_NUMBER + operator as u8, [name, number as u32, to])
            }
        }
    }

    fn from_parts(what: u8, [a, b, c]: [u32; 3]) -> Option<Op> {
        let wide = u64::from(a) | u64::from(b) << 32;
        Some(match what {
            0 => Op::Text { start: a, len: b },
            1 => Op::Emit(*Place::ALL.get(a as usize)?),
            2 => Op::Str(a),
            3 => Op::Int(wide as i64),
            4 => Op::Float(wide),
            5 => Op::Bool(a != 0),
            6 => Op::Var { name: a, keys: b },
            7 => Op::Default { to: a },
            8 => Op::Binary(*Binary::ALL.get(a as usize)?),
            9 => Op::Not,
            10 => Op::Negate,
            11 => Op::And { to: a },
            12 => Op::Or { to: a },
            13 => Op::Truth,
            14 => Op::List(a),
            15 => Op::Dict(a),
            16 => Op::Call { name: a, args: b },
            17 => Op::Concat(a),
            18 => Op::ConcatUrl(a),
            19 => Op::Jump { to: a },
            20 => Op::Unless { to: a },
            21 => Op::Assign { name: a, keys: b },
            22 => Op::Capture,
            23 => Op::EndCapture,
            24 => Op::Foreach { item: a, end: b },
            25 => Op::Next { body: a, end: b },
            26 => Op::Break,
            27 => Op::Define { name: a, end: b },
            28 => Op::EndFunction,
            29 => Op::Return,
            30 => Op::Include { spec: a, end: b },
            31 => Op::End,
            32 => Op::Attempt { except: a, waits: b != 0 },
            33 => Op::EndAttempt { end: a },
            34 => Op::Except { code: a, next: b },
            35 => Op::MatchName(a),
            36 => Op::Inline { name: a, start: b, len: c },
            37 => Op::Fail,
            38 => Op::Write(a),
            39 => Op::WriteVar { name: a, place: *Place::ALL.get(b as usize)? },
            40 => Op::SetText { name: a, text: b },
            41 => Op::SetNumber { name: a, number: b as i32 },
            TEST_TEXT..TEST_NUMBER => {
                let operator = *Binary::ALL.get(usize::from(what - TEST_TEXT))?;
                Op::TestText { operator, name: a, text: b, to: c }
            }
            TEST_NUMBER.. => {
                let operator = *Binary::ALL.get(usize::from(what - TEST_NUMBER))?;
                Op::TestNumber { operator, name: a, number: b as i32, to: c }
            }
            _ => return None,
        })
    }
}
