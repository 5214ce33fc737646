//! Operands: numbers, words, quoted strings, variables, calls, and what opens a bracket.

use super::{Bad, Open, Parser, template};
use crate::decimal;
use crate::dialect::{Barewords, StringEscapes};
use crate::program::Op;

impl Parser<'_, '_> {
    /// Reads what an operand begins with. True: an operand is still to come.
    pub(super) fn operand(&mut self) -> Result<bool, Bad> {
        let Some(first) = self.peek() else { return Err(Bad) };
        match first {
            b'(' => {
                self.at += 1;
                self.open.push(Open::Paren);
                Ok(true)
            }
            b'!' => {
                self.at += 1;
                self.open.push(Open::Not);
                Ok(true)
            }
            b'[' => {
                self.at += 1;
                self.open.push(Open::List { items: 0, range: false });
                self.skip_space();
                if self.peek() == Some(b']') { self.operator() } else { Ok(true) }
            }
            b'{' => {
                self.at += 1;
                self.open.push(Open::Dict { pairs: 0, value: false });
                self.skip_space();
                if self.peek() == Some(b'}') { self.operator() } else { Ok(true) }
            }
            b'\'' | b'"' => self.quoted().map(|()| false),
            b'$' => self.dollar(),
            b'0'..=b'9' => self.number(false).map(|()| false),
            b'-' | b'+' => {
                self.at += 1;
                if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                    return self.number(first == b'-').map(|()| false);
                }
                if first == b'+' {
                    return Err(Bad);
                }
                self.open.push(Open::Negate);
                Ok(true)
            }
            _ if first.is_ascii_alphabetic() || first == b'_' || first >= 0x80 => {
                self.bareword().map(|()| false)
            }
            _ => Err(Bad),
        }
    }

    pub(super) fn number(&mut self, negative: bool) -> Result<(), Bad> {
        let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = digits(self.rest());
        let fraction = match self.rest().get(whole..) {
            Some([b'.', next, ..]) if next.is_ascii_digit() => 1 + digits(&self.rest()[whole + 1..]),
            _ => 0,
        };
        let text = std::str::from_utf8(&self.rest()[..whole + fraction]).map_err(|_| Bad)?;
        let op = if fraction == 0 {
            let number: i64 = text.parse().map_err(|_| Bad)?;
            Op::Int(if negative { -number } else { number })
        } else {
            let number = decimal::parse(text).ok_or(Bad)?;
            Op::Float(if negative { -number } else { number }.to_bits())
        };
        let follows = self.rest().get(whole + fraction);
        if follows.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            // `100a` is a word.
            return if negative { Err(Bad) } else { self.bareword() };
        }
        self.at += whole + fraction;
        self.builder.emit(op);
        Ok(())
    }

    pub(super) fn bareword(&mut self) -> Result<(), Bad> {
        let is_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') || *byte >= 0x80;
        let length = self.rest().iter().take_while(|byte| is_word(byte)).count();
        let word = String::from_utf8_lossy(&self.rest()[..length]).into_owned();
        self.at += length;
        if self.builder.dialect.barewords == Barewords::Invalid || self.peek() == Some(b'(') {
            return Err(Bad);
        }
        match word.as_str() {
            "true" => self.builder.emit(Op::Bool(true)),
            "false" => self.builder.emit(Op::Bool(false)),
            _ if self.builder.dialect.barewords == Barewords::Names
                && matches!(self.open.last(), Some(Open::Call { .. })) =>
            {
                let name = self.builder.string(&word);
                self.builder.emit(Op::Var { name, keys: 0 })
            }
            _ => {
                self.builder.push_str(&word);
                0
            }
        };
        Ok(())
    }

    pub(super) fn quoted(&mut self) -> Result<(), Bad> {
        let text = self.text;
        let raw = self.eat(b"'''");
        let (from, end) = if raw {
            let end = memchr::memmem::find(self.rest(), b"'''").ok_or(Bad)?;
            (self.at, self.at + end)
        } else {
            let quote = text[self.at];
            self.at += 1;
            let mut end = self.at;
            loop {
                match memchr::memchr2(quote, b'\\', text.get(end..).unwrap_or_default()) {
                    None => return Err(Bad),
                    Some(found) if text[end + found] == b'\\' => end += found + 2,
                    Some(found) => break (self.at, end + found),
                }
            }
        };
        self.at = end + if raw { 3 } else { 1 };
        let content = String::from_utf8_lossy(&text[from..end]);
        let keeps = self.builder.dialect.string_escapes == StringEscapes::Keep;
        let content =
            if raw || !content.contains('\\') { content } else { unescaped(&content, keeps).into() };
        if self.builder.dialect.interpolated_strings && content.contains("$(") {
            template(self.builder, &content, false);
            return Ok(());
        }
        self.builder.push_str(&content);
        Ok(())
    }

    /// A variable or a call.
    pub(super) fn dollar(&mut self) -> Result<bool, Bad> {
        self.at += 1;
        if !self.eat(b"(") {
            let name = self.name();
            if name.is_empty() || !self.eat(b"(") {
                return Err(Bad);
            }
            let name = self.builder.string(name);
            self.open.push(Open::Call { name, args: 0 });
            self.skip_space();
            return if self.peek() == Some(b')') { self.operator() } else { Ok(true) };
        }
        self.skip_space();
        let name = self.name();
        if name.is_empty() {
            return Err(Bad);
        }
        let name = self.builder.string(name);
        self.variable(name, 0)
    }

    /// What follows a variable's name, or one of its keys.
    pub(super) fn variable(&mut self, name: u32, keys: u32) -> Result<bool, Bad> {
        self.skip_space();
        match self.peek() {
            Some(b'{') if keys < 8 => {
                self.at += 1;
                self.skip_space();
                if matches!(self.peek(), Some(b'\'' | b'"' | b'$')) {
                    self.open.push(Open::Key { name, keys });
                    return Ok(true);
                }
                let end = memchr::memchr(b'}', self.rest()).ok_or(Bad)?;
                let key = String::from_utf8_lossy(self.rest()[..end].trim_ascii()).into_owned();
                self.at += end + 1;
                self.builder.push_str(&key);
                self.variable(name, keys + 1)
            }
            Some(b'|') => {
                self.at += 1;
                self.builder.emit(Op::Var { name, keys });
                let jump = self.builder.emit(Op::Default { to: 0 });
                self.skip_space();
                if matches!(self.peek(), Some(b'\'' | b'"' | b'$' | b'[' | b'{')) {
                    self.open.push(Open::Default(jump));
                    return Ok(true);
                }
                let end = memchr::memchr(b')', self.rest()).ok_or(Bad)?;
                let word = String::from_utf8_lossy(self.rest()[..end].trim_ascii()).into_owned();
                if word.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '$' | '<')) {
                    return Err(Bad);
                }
                self.at += end + 1;
                match word.parse() {
                    Ok(number) => {
                        self.builder.emit(Op::Int(number));
                    }
                    Err(_) => self.builder.push_str(&word),
                }
                self.builder.land(jump);
                Ok(false)
            }
            Some(b')') => {
                self.at += 1;
                self.builder.emit(Op::Var { name, keys });
                Ok(false)
            }
            _ => Err(Bad),
        }
    }
}

/// A backslash takes the meaning off quotes, dollars and backslashes; before anything else it may be itself, as in patterns.
fn unescaped(text: &str, keeps: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(next)) if !keeps || matches!(next, '\'' | '"' | '\\' | '$') => {
                out.push(*next);
                characters.next();
            }
            _ => out.push(character),
        }
    }
    out
}
