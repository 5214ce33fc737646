//! A page and its plan.
//!
//! ```text
//!  bytes ─► charset ─► esi (byte scanner) ─► html (lol_html, on what ESI leaves) ─► settle ─► PagePlan
//! ```
//!
//! Both scanners speak of one thing, offsets into the page as it came, so their findings merge into one plan.
//! Everything here works on a page that is still arriving: [`PageCompiler::plan`] grows as places become certain,
//! and is the same in the end however the bytes were cut.

#![cfg_attr(test, allow(clippy::disallowed_macros, clippy::disallowed_methods))]

mod compile;
mod content;
mod edit;
mod esi;
mod html;
mod plan;
mod settle;

pub use compile::{CompileOptions, PageCompiler, PageEdit, PageWarning, Warning, compiled_digest};
pub use content::{content_charset, medium};
pub use edit::EditAction;
pub use hemstitch_esi::{Charset, MAX_HELD, Transcoded};
pub use plan::{Include, Insertion, Node, PagePlan, Place, is_slot_name, own_block_name};

/// Most slots and edited places in one page; those beyond keep what was authored.
pub const MAX_PLACES: usize = 4096;
