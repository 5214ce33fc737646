//! Rules in the shapes of GrowthBook's SDKs, asked of a compiled pack.
//!
//! ```text
//! a line of JSON ─► lines ─► book (condition, experiment, feature, targeting) ─► ruleset ─► pack ─► decision ─► a line
//! ```
//! Everything here is translation: whether a condition holds, where a hash lies and which variation that is comes out of
//! the pack alone. It builds for wasm as well, so that the same lines are asked there.

mod book;
mod condition;
mod experiment;
mod feature;
mod lines;
mod redirect;
mod refusal;
mod sticky;
mod targeting;
mod verdict;

pub use lines::{answer, answer_all};
pub use refusal::Refusal;
