//! A page and its compiled form.
//!
//! ```text
//!  bytes ─► charset ─► esi (byte scanner) ─► html (lol_html, on what ESI leaves) ─► settle ─► PagePlan
//! ```
//!
//! Both scanners speak of one thing, offsets into the page as it came, so their findings merge into one plan.
//! Everything here works on a page that is still arriving: [`PageCompiler::plan`] grows as places become certain,
//! and is the same in the end however the bytes were cut.

mod charset;
mod compile;
mod esi;
mod html;
mod plan;
mod settle;
mod stored;

pub use charset::{Charset, Transcoded};
pub use compile::{CompileOptions, PageCompiler, PageEdit, PageWarning, Warning, compiled_digest};
pub use plan::{Include, Insertion, Node, PagePlan, Place, is_slot_name};
pub use stored::{Life, StoredPage, StoredPageError};

/// Longest slot, replaced element or ESI construct in bytes: what a visitor's stream may be held up for.
pub const MAX_HELD: usize = 64 * 1024;

/// Most slots and edited places in one page; those beyond keep what was authored.
pub const MAX_PLACES: usize = 4096;

#[cfg(test)]
mod tests;
