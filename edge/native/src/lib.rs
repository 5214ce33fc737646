//! The native edge: hyper and tokio around the core, for one's own machines behind a load balancer that ends TLS.
//!
//! ```text
//!  edge ─► connection ─► answer ─┬─► pass ───────────────────────────► origin
//!                                └─► page ─► cache ─► pump ─► compress ─► body ─► visitor
//!                                     │  fills          ▲ fragments
//!                                     └─► origin ─► origin_body (gunzip)
//!  beside all requests: store (publications ─► packs), switch (kill switch)
//! ```
//!
//! [`Config`] says what is served, [`Edge`] serves it. Everything about visitors, rules and caching is decided by
//! [`hemstitch`]; what stands here moves bytes and waits for them.

mod answer;
mod body;
mod cache;
mod clock;
mod compress;
mod config;
mod connection;
mod convert;
mod descriptors;
mod drafts;
mod edge;
mod fills;
mod fragments;
mod gunzip;
mod journal;
mod keys;
mod origin;
mod origin_body;
mod page;
mod pass;
mod pump;
mod serving;
mod store;
mod switch;

pub use config::{Config, ConfigError, Kv};
pub use edge::{BindError, Edge};
pub use keys::{KeyFiles, KeyRings, KeysError};
pub use origin::{Upstream, UpstreamError};
pub use serving::ServingError;
