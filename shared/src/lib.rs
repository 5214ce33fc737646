//! Hemstitch decides: which block stands in which slot of a page, and which bytes a visitor gets. It is the one crate
//! that edges, origin and browser share, and it has no IO, no clock, no randomness, no async and no platform in it.
//!
//! ```text
//!                     publish                                    cache fill
//!  ruleset.json ─► ruleset ─► pack ─► pointer ─► KV   page HTML ─► page::PageCompiler ─► page::StoredPage ─► cache
//!                               │                                                               │
//!  request ─► http::route ─► visit::Visit ── facts ─► pack::Evaluation ─► session::PageSession ─┴─► bytes
//!                  ▲                                                          │
//!            token::ProfileCookie ◄──────── profile, signed again ◄───────────┘
//! ```
//!
//! A driver (an edge, or the origin) reads [`visit`] from top to bottom and does what it says.

#![cfg_attr(test, allow(clippy::disallowed_macros, clippy::disallowed_methods))]

pub use hemstitch_esi as esi;

pub mod changes;
pub mod draft;
pub mod facts;
pub mod http;
pub mod keeper;
pub mod kill_switch;
pub mod memory;
pub mod pack;
pub mod page;
mod pattern;
pub mod pointer;
pub mod profile;
pub mod record;
pub mod ruleset;
pub mod session;
pub mod site;
mod sorted;
pub mod status;
pub mod time;
pub mod token;
pub mod visit;
