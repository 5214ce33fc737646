//! JavaScript's grammar of patterns without flags, as ECMA-262 §22.2.1 has it with Annex B.1.2, read into the
//! expressions that are compiled.
//!
//! Every repetition is read as a lazy one. What a rule asks is whether there is a match, which is the same, and the
//! automaton that stops at the shortest match is the smallest.

use regex_syntax::hir::{Hir, Look, Repetition};

use super::escape::{Escape, Groups, Place};
use super::refusal::{Refusal, RefusalKind};
use super::set::{Set, character};
use super::{Case, MAX_BYTES, MAX_COUNT, MAX_DEPTH};

/// Reads a pattern.
pub(super) fn parse(pattern: &str, case: Case) -> Result<Hir, Refusal> {
    if pattern.len() > MAX_BYTES {
        return Err(Refusal { at: 0, kind: RefusalKind::TooLong });
    }
    let groups = Groups::count(pattern);
    let mut parser = Parser { pattern, at: 0, case, groups, names: Vec::new(), depth: 0 };
    let expression = parser.disjunction()?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => parser.refuse(parser.at, RefusalKind::UnopenedGroup),
    }
}

pub(super) struct Parser<'p> {
    pattern: &'p str,
    at: usize,
    case: Case,
    groups: Groups,
    names: Vec<&'p str>,
    depth: usize,
}

/// What a term is: only an atom can be repeated.
enum Term {
    Assertion(Hir),
    Atom(Hir),
}

impl<'p> Parser<'p> {
    /// Alternatives up to the end or to a `)`, which stays.
    fn disjunction(&mut self) -> Result<Hir, Refusal> {
        let mut alternatives = Vec::new();
        loop {
            let mut terms = Vec::new();
            while !matches!(self.peek(), None | Some('|' | ')')) {
                terms.push(self.repeated_term()?);
            }
            alternatives.push(Hir::concat(terms));
            if !self.eat("|") {
                return Ok(Hir::alternation(alternatives));
            }
        }
    }

    fn repeated_term(&mut self) -> Result<Hir, Refusal> {
        let atom = match self.term()? {
            Term::Assertion(assertion) => return Ok(assertion),
            Term::Atom(atom) => atom,
        };
        let at = self.at;
        let Some((min, max)) = self.quantifier() else { return Ok(atom) };
        self.eat("?");
        if max.is_some_and(|max| max < min) {
            return self.refuse(at, RefusalKind::RepetitionOrder);
        }
        if min.max(max.unwrap_or(0)) > MAX_COUNT {
            return self.refuse(at, RefusalKind::CountTooLarge);
        }
        Ok(Hir::repetition(Repetition { min, max, greedy: false, sub: Box::new(atom) }))
    }

    fn term(&mut self) -> Result<Term, Refusal> {
        let at = self.at;
        let Some(first) = self.take() else { return Ok(Term::Atom(Hir::empty())) };
        let atom = match first {
            '^' => return Ok(Term::Assertion(Hir::look(Look::Start))),
            '$' => return Ok(Term::Assertion(Hir::look(Look::End))),
            '\\' if self.eat("b") => return Ok(Term::Assertion(Hir::look(Look::WordAscii))),
            '\\' if self.eat("B") => return Ok(Term::Assertion(Hir::look(Look::WordAsciiNegate))),
            '\\' => match self.escape(at, Place::Atom)? {
                Escape::Set(set) => set.into_hir(self.case, false),
                Escape::Character(code) => match char::from_u32(code) {
                    Some(wanted) => character(wanted, self.case),
                    None => return self.refuse(at, RefusalKind::LoneSurrogate),
                },
            },
            '(' => self.group(at)?,
            '[' => self.class(at)?,
            '.' => Set::dot().into_hir(self.case, false),
            '*' | '+' | '?' => return self.refuse(at, RefusalKind::NothingToRepeat),
            '{' => {
                self.at = at;
                if self.quantifier().is_some() {
                    return self.refuse(at, RefusalKind::NothingToRepeat);
                }
                self.take();
                character('{', self.case)
            }
            other => character(other, self.case),
        };
        Ok(Term::Atom(atom))
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}` or `{n,m}`; a `{` that begins none of these is a character and stays.
    fn quantifier(&mut self) -> Option<(u32, Option<u32>)> {
        let simple = match self.peek()? {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            '{' => {
                let body = self.rest().strip_prefix('{')?;
                let (body, _) = body.split_once('}')?;
                let (min, max) = match body.split_once(',') {
                    None => (count(body)?, Some(count(body)?)),
                    Some((min, "")) => (count(min)?, None),
                    Some((min, max)) => (count(min)?, Some(count(max)?)),
                };
                self.at += body.len() + 2;
                return Some((min, max));
            }
            _ => return None,
        };
        self.take();
        Some(simple)
    }

    /// A group whose `(` is at `at` and read.
    fn group(&mut self, at: usize) -> Result<Hir, Refusal> {
        if self.depth == MAX_DEPTH {
            return self.refuse(at, RefusalKind::TooDeep);
        }
        if self.eat("?") && !self.eat(":") {
            if ["=", "!", "<=", "<!"].iter().any(|look| self.rest().starts_with(look)) {
                return self.refuse(at, RefusalKind::LookAround);
            }
            if self.peek().is_some_and(|next| matches!(next, 'i' | 'm' | 's' | '-')) {
                return self.refuse(at, RefusalKind::Modifiers);
            }
            if !self.eat("<") {
                return self.refuse(at, RefusalKind::UnknownGroup);
            }
            let start = self.at;
            let name = self.rest().split_once('>').map(|(name, _)| name).filter(|name| is_name(name));
            let Some(name) = name else { return self.refuse(start, RefusalKind::GroupName) };
            if self.names.contains(&name) {
                return self.refuse(start, RefusalKind::DuplicateName);
            }
            self.names.push(name);
            self.at += name.len() + 1;
        }
        self.depth += 1;
        let body = self.disjunction()?;
        self.depth -= 1;
        if self.eat(")") { Ok(body) } else { self.refuse(at, RefusalKind::UnclosedGroup) }
    }

    /// A class whose `[` is at `at` and read.
    fn class(&mut self, at: usize) -> Result<Hir, Refusal> {
        let negated = self.eat("^");
        let mut set = Set::default();
        while !self.eat("]") {
            let start = self.at;
            let low = self.class_atom(at)?;
            let is_range = self.rest().starts_with('-') && !self.rest().starts_with("-]");
            if !is_range {
                self.add(&mut set, start, low)?;
                continue;
            }
            self.take();
            let high_start = self.at;
            match (low, self.class_atom(at)?) {
                (Escape::Character(low), Escape::Character(high)) if low > high => {
                    return self.refuse(start, RefusalKind::RangeOrder);
                }
                (Escape::Character(low), Escape::Character(high)) => {
                    if !set.add(low, high) {
                        return self.refuse(start, RefusalKind::LoneSurrogate);
                    }
                }
                (low, high) => {
                    self.add(&mut set, start, low)?;
                    self.add(&mut set, start, Escape::Character(u32::from('-')))?;
                    self.add(&mut set, high_start, high)?;
                }
            }
        }
        Ok(set.into_hir(self.case, negated))
    }

    /// One member of the class that is open since `at`.
    fn class_atom(&mut self, at: usize) -> Result<Escape, Refusal> {
        let start = self.at;
        match self.take() {
            None => self.refuse(at, RefusalKind::UnclosedClass),
            Some('\\') => self.escape(start, Place::Class),
            Some(other) => Ok(Escape::Character(u32::from(other))),
        }
    }

    fn add(&self, set: &mut Set, at: usize, member: Escape) -> Result<(), Refusal> {
        match member {
            Escape::Set(members) => set.add_all(members),
            Escape::Character(code) if set.add(code, code) => {}
            Escape::Character(_) => return self.refuse(at, RefusalKind::LoneSurrogate),
        }
        Ok(())
    }

    /// What follows the backslash at `at`.
    fn escape(&mut self, at: usize, place: Place) -> Result<Escape, Refusal> {
        let (escape, length) =
            Escape::read(self.rest(), place, self.groups).map_err(|kind| Refusal { at, kind })?;
        self.at += length;
        Ok(escape)
    }

    fn rest(&self) -> &'p str {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn refuse<T>(&self, at: usize, kind: RefusalKind) -> Result<T, Refusal> {
        Err(Refusal { at, kind })
    }
}

/// A number in decimal digits, the largest there is where it is larger than that.
fn count(digits: &str) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u32::MAX))
}

fn is_name(name: &str) -> bool {
    let is_part = |part: char| part.is_alphanumeric() || matches!(part, '$' | '_' | '\u{200C}' | '\u{200D}');
    let starts = |start: char| start.is_alphabetic() || matches!(start, '$' | '_');
    name.chars().next().is_some_and(starts) && name.chars().all(is_part)
}
