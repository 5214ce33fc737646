//! Blocks of a pack.

use std::borrow::Cow;

use super::format::{NONE, Section, kind};
use super::{BlockIndex, Pack, coerce, predicate};
use crate::esi::interpolation::{Escape, escape_into};
use crate::facts::{Fact, Facts};

/// Content that can fill a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'p> {
    /// The block's name in the ruleset.
    pub id: &'p str,
    /// What to show.
    pub content: Content<'p>,
    /// What to show where the content cannot be had. Invariant: following fallbacks ends.
    pub fallback: Option<BlockIndex>,
}

/// Where a block's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'p> {
    /// From the pack: HTML, or the text of an attribute.
    Inline(&'p str),
    /// From the pack, with facts of the visitor in it.
    Template(Template<'p>),
    /// From a server.
    Fragment(Fragment<'p>),
}

/// Content that is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'p> {
    /// A path of the site that begins with one `/`, or a URL that begins with `https://`.
    pub url: &'p str,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u32,
    /// How long it may be reused, in seconds; `None` leaves that to its response.
    pub ttl_s: Option<u32>,
}

/// HTML, or the text of an attribute, with facts in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template<'p> {
    pack: &'p Pack,
    first: u32,
    count: u32,
}

/// What a block is rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendering {
    /// Markup: every fact is escaped for where it stands.
    Markup,
    /// The text of an attribute, which is yet to be escaped as a whole.
    Text,
}

impl Template<'_> {
    /// The block as it is for a visitor. A fact that is missing, or is a list or an object, is its default, and nothing
    /// without one.
    pub fn render(self, facts: &Facts, rendering: Rendering) -> String {
        let mut out = String::new();
        for part in self.first..self.first.saturating_add(self.count) {
            let _ = self.render_part(part, facts, rendering, &mut out);
        }
        out
    }

    fn render_part(self, part: u32, facts: &Facts, rendering: Rendering, out: &mut String) -> Option<()> {
        let word = |field| self.pack.word(Section::Parts, part, field);
        let escape = word(2)?;
        if escape == NONE {
            out.push_str(self.pack.text(word(0)?)?);
            return Some(());
        }
        let name = self.pack.text(self.pack.word(Section::Attributes, word(0)?, 0)?)?;
        let value = match predicate::resolve(facts, name) {
            Fact::Null | Fact::Json(_) => {
                Cow::Borrowed(self.pack.optional_text(word(1)?).unwrap_or_default())
            }
            fact => coerce::text(fact),
        };
        match rendering {
            Rendering::Text => out.push_str(&value),
            Rendering::Markup => escape_into(&value, Escape::from_code(u8::try_from(escape).ok()?)?, out),
        }
        Some(())
    }
}

impl Pack {
    /// The block; an empty one where the index is of another pack.
    pub fn block(&self, block: BlockIndex) -> Block<'_> {
        const EMPTY: Block<'_> = Block { id: "", content: Content::Inline(""), fallback: None };
        self.read_block(block).unwrap_or(EMPTY)
    }

    fn read_block(&self, BlockIndex(index): BlockIndex) -> Option<Block<'_>> {
        let [id, kind, first, second, third, fallback] = self.words(Section::Blocks, index)?;
        let optional = |word| Some(word).filter(|word| *word != NONE);
        let content = match kind {
            kind::INLINE => Content::Inline(self.text(first)?),
            kind::TEMPLATE => Content::Template(Template { pack: self, first, count: second }),
            _ => Content::Fragment(Fragment {
                url: self.text(first)?,
                timeout_ms: second,
                ttl_s: optional(third),
            }),
        };
        Some(Block { id: self.text(id)?, content, fallback: optional(fallback).map(BlockIndex) })
    }
}
