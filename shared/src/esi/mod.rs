//! Edge Side Includes: the language, compiled once and run for each request.
//!
//! ```text
//!  document ─► read (events) ─► compile (instructions) ─► Program ─► Machine ─► bytes, fetches
//!                                  ▲                                    ▲
//!                 Dialect: what processors disagree on       Facts: what it may know of a request
//! ```
//!
//! Nothing here recurses over what a document says, and everything that it can ask for has a budget.

mod advice;
mod answer;
mod builder;
mod check;
mod compile;
mod diagnostic;
mod dialect;
mod element;
mod escape;
mod excerpt;
mod expression;
mod facts;
mod functions;
mod include;
mod machine;
mod medium;
mod presets;
mod program;
mod read;
mod settings;
mod stored;
mod value;
mod variables;

pub(crate) use compile::Compiler;
pub(crate) use element::{Attributes, Kind};
pub(crate) use machine::Sent;
pub(crate) use read::{Event, Reader, What};

pub use answer::Answer;
pub use check::check;
pub use compile::{Compiled, compile, compile_as};
pub use diagnostic::{Diagnostic, Disagreement, Mistake};
pub use dialect::*;
pub use facts::{Facts, Given, Lookup};
pub use functions::Failure;
pub use machine::{Call, CallId, FetchFailure, Fragment, HeaderEdit, Machine, Notice, Root, Step, absolute};
pub use medium::Medium;
pub use program::{Program, Traits};
pub use settings::DialectError;
pub use stored::NotAProgram;

#[cfg(test)]
mod families;
#[cfg(test)]
mod tests;
