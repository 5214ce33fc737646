//! Blocks of a pack.

use super::format::{NONE, Section, kind};
use super::{BlockIndex, Pack};

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

impl Pack {
    /// The block; an empty one where the index is of another pack.
    pub fn block(&self, block: BlockIndex) -> Block<'_> {
        const EMPTY: Block<'_> = Block { id: "", content: Content::Inline(""), fallback: None };
        self.read_block(block).unwrap_or(EMPTY)
    }

    fn read_block(&self, BlockIndex(index): BlockIndex) -> Option<Block<'_>> {
        let word = |field| self.word(Section::Blocks, index, field);
        let text = |field| self.text(word(field)?);
        let optional = |field| word(field).filter(|word| *word != NONE);
        let content = match word(1)? {
            kind::INLINE => Content::Inline(text(2)?),
            _ => Content::Fragment(Fragment { url: text(2)?, timeout_ms: word(3)?, ttl_s: optional(4) }),
        };
        Some(Block { id: text(0)?, content, fallback: optional(5).map(BlockIndex) })
    }
}
