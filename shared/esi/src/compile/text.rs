//! Text: as it is, or with variables and calls in it.

use std::ops::Range;

use super::{Compiler, Mode};
use crate::dialect::{BrokenVariables, ExpressionFailure, StrayText, VariablesInText};
use crate::expression;
use crate::interpolation::Escape as Escaping;
use crate::program::{Op, Place};

impl Compiler {
    pub(super) fn mode(&self) -> Mode {
        let everywhere = self.builder.dialect.variables_in_text == VariablesInText::Everywhere;
        let top = if everywhere { Mode::Interpolated } else { Mode::Verbatim };
        self.frames.last().map_or(top, |frame| frame.mode)
    }

    /// How text is taken in what runs.
    pub(super) fn block_mode(&self) -> Mode {
        match (self.builder.dialect.variables_in_text, self.mode()) {
            (VariablesInText::Vars, Mode::Dropped) => self.outer_mode(),
            (VariablesInText::Vars, mode) => mode,
            _ => Mode::Interpolated,
        }
    }

    pub(super) fn outer_mode(&self) -> Mode {
        let modes = self.frames.iter().rev().map(|frame| frame.mode);
        modes.into_iter().find(|mode| *mode != Mode::Dropped).unwrap_or(Mode::Verbatim)
    }

    pub(super) fn stray_mode(&self) -> Mode {
        match self.builder.dialect.stray_text {
            StrayText::Drop => Mode::Dropped,
            StrayText::Print => self.mode(),
        }
    }

    pub(super) fn text(&mut self, document: &[u8], range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        match self.mode() {
            Mode::Dropped => {}
            Mode::Verbatim => self.literal(range),
            Mode::Interpolated => self.interpolated(document, range),
        }
    }

    pub(super) fn literal(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.builder.emit(Op::text(&range));
            if self.html.is_some() {
                self.unread.push(range);
            }
        }
    }

    pub(super) fn interpolated(&mut self, document: &[u8], range: Range<usize>) {
        let backslash = self.builder.dialect.backslash_in_text;
        let start = self.builder.program.ops.len();
        let mut from = range.start;
        let mut at = range.start;
        while let Some(found) =
            document.get(at..range.end).and_then(|rest| memchr::memchr2(b'$', b'\\', rest))
        {
            at += found;
            let rest = &document[at..range.end];
            if rest[0] == b'\\' {
                if backslash {
                    self.literal(from..at);
                    from = at + 1;
                    at += 2;
                } else {
                    at += 1;
                }
                continue;
            }
            if rest.get(1) != Some(&b'(') && !self.builder.dialect.functions_in_text {
                at += 1;
                continue;
            }
            self.builder.at = at;
            let before = self.builder.program.ops.len();
            match expression::operand(&mut self.builder, rest) {
                Ok(length) => {
                    let value = self.builder.take(before);
                    self.literal(from..at);
                    self.builder.give(value);
                    let place = self.place_of_value(document);
                    self.builder.write(place);
                    at += length;
                    from = at;
                }
                Err(expression::Bad) => {
                    let fails = self.builder.dialect.expression_failure == ExpressionFailure::Fail;
                    if rest.starts_with(b"$($(") && fails {
                        self.builder.emit(Op::Fail);
                    }
                    let broken = self.builder.dialect.broken_variables == BrokenVariables::Nothing;
                    if rest.starts_with(b"$(") && broken {
                        return self.builder.truncate(start);
                    }
                    at += 1;
                }
            }
        }
        self.literal(from.min(range.end)..range.end);
    }

    /// What a value is that is written here. Where only the author's can be, which are written as they are, it does not matter:
    /// an empty range says that there is one.
    pub(super) fn place_of_value(&mut self, document: &[u8]) -> Place {
        if self.html.is_some() && self.builder.before.is_harmless() {
            self.unread.push(0..0);
            return self.place;
        }
        self.context(document)
    }

    /// What this place is: the literals before it are read as a browser would.
    pub(super) fn context(&mut self, document: &[u8]) -> Place {
        let Some(html) = &mut self.html else { return self.place };
        for range in self.unread.drain(..) {
            match range.is_empty() {
                true => html.value(),
                false => html.read(document.get(range).unwrap_or_default()),
            }
        }
        let place = match html.escape() {
            Some(Escaping::Text | Escaping::Attribute) => Place::Markup,
            Some(Escaping::Url | Escaping::UrlSegment) => Place::Url,
            None => Place::Script,
        };
        html.value();
        place
    }
}
