//! JavaScript patterns of rules: read and compiled into an automaton when a ruleset is published, run over a text in
//! one pass on a request.
//!
//! ```text
//! pattern ─ parse (escape, set) ─▶ expression over bytes (utf8) ─ automaton, minimize ─▶ bytes ─▶ Matcher
//!                └────────────────▶ Refusal
//! ```
//!
//! The library that makes automata has a form of its own for them. Ours is a quarter of that in size, and what reads
//! it is forty lines instead of a dependency of every edge.
//!
//! A pattern means what `new RegExp(pattern)` or `new RegExp(pattern, "i")` and its `test` mean to JavaScript, except
//! that there is no looking around and no reference back, and that it sees characters where JavaScript sees 16-bit
//! units. This shows beyond U+FFFF only, in emoji and rare scripts:
//! - `.`, a negated class and `\W`, `\D`, `\S` take such a character whole, not one half: `^.$` matches `😀`, and
//!   `^..$` does not;
//! - in a pattern it is one character, be it written `😀` or `\uD83D\uDE00`: `😀+` repeats all of it, `[😀]` and
//!   `[😀-😂]` are classes of whole characters, and there is no match that begins or ends inside of it;
//! - half of one, as `\uD83D`, is refused, but a range over all halves, as in `[\u0080-\uFFFF]` or
//!   `[\uD800-\uDFFF]`, has all these characters;
//! - as in JavaScript, they have no capitals: `𐐨` and `𐐀` stay different without case.

mod automaton;
mod escape;
mod matcher;
mod minimize;
mod parse;
mod refusal;
mod set;
mod utf8;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;

use automaton::Automaton;

pub use matcher::Matcher;
pub(crate) use refusal::{Refusal, RefusalKind};

/// The longest pattern, in bytes.
pub(crate) const MAX_BYTES: usize = 1_000;
/// The most groups inside each other.
pub(crate) const MAX_DEPTH: usize = 64;
/// The largest count in `{n,m}`.
pub(crate) const MAX_COUNT: u32 = 1_000;
/// The largest compiled pattern, in bytes.
pub(crate) const MAX_COMPILED_BYTES: usize = 65_534;

/// Whether capitals matter to a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// `new RegExp(pattern)`.
    Sensitive,
    /// `new RegExp(pattern, "i")`.
    Insensitive,
}

/// Compiles a pattern into what [`Matcher::open`] takes, at most [`MAX_COMPILED_BYTES`]. The same pattern gives the
/// same bytes.
pub(crate) fn compile(pattern: &str, case: Case) -> Result<Vec<u8>, Refusal> {
    let expression = parse::parse(pattern, case)?;
    let compiled = Automaton::new(expression).and_then(Automaton::into_bytes);
    compiled.ok_or(Refusal { at: 0, kind: RefusalKind::TooLarge })
}
