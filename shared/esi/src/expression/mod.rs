//! Expressions become instructions here, by one pass with a stack of what is open: no recursion over what pages say.

mod operand;

use super::builder::Builder;
use super::diagnostic::Mistake;
use super::machine::is_pattern;
use super::program::{Binary, Op};

/// Most operators, parentheses and calls that are open at one place.
const MAX_OPEN: usize = 256;

/// Longest expression in text, in bytes.
const MAX_IN_TEXT: usize = 4096;

/// The expression is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad;

/// Compiles `text`, all of it, to instructions that push one value. Nothing is left behind where it is bad.
pub(super) fn whole(builder: &mut Builder, text: &str) -> Result<(), Bad> {
    let start = builder.program.ops.len();
    let mut parser = Parser { builder, text: text.as_bytes(), at: 0, open: Vec::new() };
    let outcome = parser.run(false);
    if outcome.is_err() {
        builder.truncate(start);
    }
    outcome.map(|_| ())
}

/// Compiles the variable or call that `text` begins with, and says how long it is.
pub(super) fn operand(builder: &mut Builder, text: &[u8]) -> Result<usize, Bad> {
    match text {
        [b'$', b'(', next, ..] if next.is_ascii_alphabetic() || matches!(next, b'_' | b' ') => {}
        [b'$', next, ..] if next.is_ascii_alphabetic() || *next == b'_' => {}
        _ => return Err(Bad),
    }
    let start = builder.program.ops.len();
    let text = &text[..text.len().min(MAX_IN_TEXT)];
    let mut parser = Parser { builder, text, at: 0, open: Vec::new() };
    let outcome = parser.run(true);
    if outcome.is_err() {
        builder.truncate(start);
    }
    outcome
}

/// Compiles text with variables and calls in it to instructions that push one text.
pub(super) fn template(builder: &mut Builder, text: &str, url: bool) {
    let mut parts = 0;
    let mut literal = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        literal.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        let before = builder.program.ops.len();
        if !literal.is_empty() {
            builder.push_str(&literal);
        }
        match operand(builder, rest.as_bytes()) {
            Ok(length) => {
                parts += 1 + u32::from(!literal.is_empty());
                literal.clear();
                rest = rest.get(length..).unwrap_or_default();
            }
            Err(Bad) => {
                builder.truncate(before);
                literal.push('$');
                rest = &rest[1..];
            }
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() || parts == 0 {
        builder.push_str(&literal);
        parts += 1;
    }
    if url {
        builder.emit(Op::ConcatUrl(parts));
    } else if parts > 1 {
        builder.emit(Op::Concat(parts));
    }
}

/// A name with keys: what `assign` can assign to. Pushes the keys.
pub(super) fn target(builder: &mut Builder, text: &str) -> Result<(u32, u32), Bad> {
    let text = text.trim();
    let end = text.find('{').unwrap_or(text.len());
    let (name, keys) = text.split_at(end);
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(Bad);
    }
    let name = builder.string(name);
    if keys.is_empty() {
        return Ok((name, 0));
    }
    let start = builder.program.ops.len();
    // Read as the variable that it would be; what pushes that is taken back.
    let written = format!("$(x{keys})");
    let mut parser = Parser { builder, text: written.as_bytes(), at: 0, open: Vec::new() };
    match parser.run(true) {
        Ok(length) if length == written.len() => match builder.program.ops.pop() {
            Some(Op::Var { keys, .. }) => Ok((name, keys)),
            _ => {
                builder.truncate(start);
                Err(Bad)
            }
        },
        _ => {
            builder.truncate(start);
            Err(Bad)
        }
    }
}

enum Open {
    Binary(Binary),
    Not,
    Negate,
    And(usize),
    Or(usize),
    Paren,
    Call { name: u32, args: u32 },
    List { items: u32, range: bool },
    Dict { pairs: u32, value: bool },
    Key { name: u32, keys: u32 },
    Default(usize),
}

impl Open {
    /// How tightly it binds; `None` for what only a bracket closes. Arithmetic has one rank: it runs from left to right.
    fn rank(&self) -> Option<u8> {
        Some(match self {
            Open::Or(_) => 1,
            Open::And(_) => 2,
            Open::Not => 3,
            Open::Binary(operator) => operator.rank(),
            Open::Negate => 7,
            _ => return None,
        })
    }
}

impl Binary {
    fn rank(self) -> u8 {
        match self {
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => 6,
            Binary::Range => 5,
            _ => 4,
        }
    }
}

struct Parser<'b, 't> {
    builder: &'b mut Builder,
    text: &'t [u8],
    at: usize,
    open: Vec<Open>,
}

impl<'t> Parser<'_, 't> {
    /// Up to the end of the text, or, for `one` operand, to its end.
    fn run(&mut self, one: bool) -> Result<usize, Bad> {
        let mut wanted = true;
        loop {
            if !wanted && one && self.open.is_empty() {
                return Ok(self.at);
            }
            self.skip_space();
            if self.at >= self.text.len() {
                break;
            }
            if self.open.len() > MAX_OPEN {
                return Err(Bad);
            }
            wanted = if wanted { self.operand()? } else { self.operator()? };
        }
        if wanted || one {
            return Err(Bad);
        }
        self.reduce(0);
        if self.open.is_empty() { Ok(self.at) } else { Err(Bad) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &[u8]) -> bool {
        let eaten = self.rest().starts_with(token);
        self.at += if eaten { token.len() } else { 0 };
        eaten
    }

    fn name(&mut self) -> &'t str {
        let text = self.text.get(self.at..).unwrap_or_default();
        let length = text.iter().take_while(|byte| is_name(**byte)).count();
        self.at += length;
        text.get(..length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// Reads what follows an operand. True: another operand is to come.
    fn operator(&mut self) -> Result<bool, Bad> {
        const SYMBOLS: [(&[u8], Binary); 13] = [
            (b"==", Binary::Equal),
            (b"!=", Binary::Unequal),
            (b"=~", Binary::Like),
            (b"<=", Binary::AtMost),
            (b">=", Binary::AtLeast),
            (b"<", Binary::Less),
            (b">", Binary::Greater),
            (b"..", Binary::Range),
            (b"+", Binary::Add),
            (b"-", Binary::Subtract),
            (b"*", Binary::Multiply),
            (b"/", Binary::Divide),
            (b"%", Binary::Modulo),
        ];
        const WORDS: [(&[u8], Binary); 4] = [
            (b"has_i", Binary::HasI),
            (b"has", Binary::Has),
            (b"matches_i", Binary::MatchesI),
            (b"matches", Binary::Matches),
        ];
        if self.eat(b"&&") || self.eat(b"&") {
            self.reduce(2);
            let jump = self.builder.emit(Op::And { to: 0 });
            self.open.push(Open::And(jump));
            return Ok(true);
        }
        if self.eat(b"||") || self.eat(b"|") {
            self.reduce(1);
            let jump = self.builder.emit(Op::Or { to: 0 });
            self.open.push(Open::Or(jump));
            return Ok(true);
        }
        let word = self.peek().is_some_and(|byte| byte.is_ascii_alphabetic());
        let known = if word { &WORDS[..] } else { &SYMBOLS[..] };
        for (symbol, operator) in known {
            let follows = self.rest().get(symbol.len());
            if self.rest().starts_with(symbol) && !(word && follows.is_some_and(|byte| is_name(*byte))) {
                self.at += symbol.len();
                self.reduce(operator.rank());
                if *operator == Binary::Range {
                    match self.open.last_mut() {
                        Some(Open::List { range, items: 0 }) => *range = true,
                        _ => return Err(Bad),
                    }
                }
                self.open.push(Open::Binary(*operator));
                return Ok(true);
            }
        }
        self.close()
    }

    /// A bracket, a comma or a colon.
    fn close(&mut self) -> Result<bool, Bad> {
        let Some(byte) = self.peek() else { return Err(Bad) };
        self.at += 1;
        let empty = |before: Option<&u8>| matches!(before, Some(b'(' | b'[' | b'{'));
        let before = self.text[..self.at - 1].iter().rev().find(|byte| !byte.is_ascii_whitespace());
        let empty = empty(before);
        self.reduce(0);
        let Some(open) = self.open.pop() else { return Err(Bad) };
        match (open, byte) {
            (Open::Paren, b')') if !empty => {}
            (Open::Call { name, args }, b')') => {
                self.builder.call(name, args + u32::from(!empty));
            }
            (Open::Call { name, args }, b',') => {
                self.open.push(Open::Call { name, args: args + 1 });
                return Ok(true);
            }
            (Open::List { items: 0, range: true }, b']') => {}
            (Open::List { items, range: false }, b']') => {
                self.builder.emit(Op::List(items + u32::from(!empty)));
            }
            (Open::List { items, range: false }, b',') => {
                self.open.push(Open::List { items: items + 1, range: false });
                return Ok(true);
            }
            (Open::Dict { pairs, value: false }, b':') => {
                self.open.push(Open::Dict { pairs, value: true });
                return Ok(true);
            }
            (Open::Dict { pairs, value: true }, b',') => {
                self.open.push(Open::Dict { pairs: pairs + 1, value: false });
                return Ok(true);
            }
            (Open::Dict { pairs, value: true }, b'}') => {
                self.builder.emit(Op::Dict(pairs + 1));
            }
            (Open::Dict { pairs: 0, value: false }, b'}') if empty => {
                self.builder.emit(Op::Dict(0));
            }
            (Open::Key { name, keys }, b'}') => return self.variable(name, keys + 1),
            (Open::Default(jump), b')') => self.builder.land(jump),
            _ => return Err(Bad),
        }
        Ok(false)
    }

    /// A pattern that stands in the expression as it is can be judged here.
    fn check_pattern(&mut self, operator: Binary) {
        if let (Binary::Matches | Binary::MatchesI, Some(Op::Str(index))) =
            (operator, self.builder.program.ops.last())
            && !is_pattern(self.builder.program.string(*index))
        {
            self.builder.report(Mistake::BadPattern);
        }
    }

    /// Finishes the operators that bind at least as tightly as `rank`.
    fn reduce(&mut self, rank: u8) {
        while self.open.last().and_then(Open::rank).is_some_and(|top| top >= rank) {
            match self.open.pop() {
                Some(Open::Binary(operator)) => {
                    self.check_pattern(operator);
                    self.builder.binary(operator);
                }
                Some(Open::Not) => {
                    self.builder.emit(Op::Not);
                }
                Some(Open::Negate) => {
                    self.builder.emit(Op::Negate);
                }
                Some(Open::And(jump) | Open::Or(jump)) => {
                    if !self.builder.is_truth() {
                        self.builder.emit(Op::Truth);
                    }
                    self.builder.land(jump);
                }
                _ => {}
            }
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
