//! What the benchmark measures, as data. A [`Job`] names tasks and carries their inputs; `bench-contenders` does them,
//! natively and in wasm.
//!
//! ```text
//! pages, packs ─► Job ─► encode ─► contenders: decode, do ─► samples of each task: nanoseconds, or instructions
//! ```

mod esi_pages;
mod job;
mod reference;
mod rules;
mod stored;
mod task;

pub use esi_pages::{esi_bytes, esi_fragment, esi_pages};
pub use job::{Inputs, Job, Malformed, Samples};
pub use reference::{BLOCK_BYTES, BLOCKS, block, marked_with_includes, marked_with_slots, of_bytes};
pub use rules::{one_long_slot, ruleset};
pub use stored::{NOW, stored};
pub use task::Task;
