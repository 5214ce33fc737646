//! Edge Side Includes: the language, compiled once and run for each request.
//!
//! ```text
//!  document ─► read (events) ─► compile (instructions) ─► Program ─► Machine ─► bytes, fetches
//!                                  ▲                                    ▲
//!                 Dialect: what processors disagree on       Facts: what it may know of a request
//! ```
//!
//! What text means where it stands in a document, and in which bytes, is here as well ([`interpolation`], [`Charset`]), since a
//! ruleset's blocks and a page's slots ask for it, too.
//!
//! Nothing here recurses over what a document says, and everything that it can ask for has a budget.

#![cfg_attr(test, allow(clippy::disallowed_macros, clippy::disallowed_methods))]

mod advice;
mod answer;
mod builder;
mod charset;
mod check;
mod compile;
pub mod decimal;
mod diagnostic;
mod dialect;
mod element;
mod escape;
mod excerpt;
mod expression;
mod facts;
mod functions;
mod include;
pub mod interpolation;
mod machine;
mod medium;
pub mod named;
mod presets;
mod program;
mod read;
pub mod seek;
mod settings;
mod stored;
pub mod suggest;
mod value;
mod variables;

pub use answer::Answer;
pub use charset::{Charset, Transcoded};
pub use check::check;
pub use compile::{Compiled, Compiler, compile, compile_as};
pub use diagnostic::{Diagnostic, Disagreement, Mistake};
pub use dialect::*;
pub use element::{Attributes, Kind};
pub use facts::{Facts, Given, Lookup};
pub use functions::Failure;
pub use machine::{
    Call, CallId, FetchFailure, Fragment, HeaderEdit, Machine, Notice, Root, Sent, Step, absolute,
};
pub use medium::Medium;
pub use program::{Program, Traits};
pub use read::{Event, Reader, What};
pub use settings::DialectError;
pub use stored::NotAProgram;

/// Longest construct in bytes, and longest slot and replaced element of a page: what a visitor's stream may be held up for.
pub const MAX_HELD: usize = 64 * 1024;

#[cfg(test)]
mod families;
#[cfg(test)]
mod shortcuts;
#[cfg(test)]
mod tests;
