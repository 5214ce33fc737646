//! The edge on Fastly Compute: converts, pumps, stores, fetches. What is decided is decided in `hemstitch`.
//!
//! ```text
//! request ─► convert ─► config (site, keys, kill switch) ─► answer ─► store (POP cache) ─► pump ─► visitor
//!                packs ─► kv, store (the pack in force)        └────► origin ─────────────┘ └─► fragments
//! ```
//! One instance answers one request at a time, many in a row; [`instance::Instance`] is what it keeps in between. A
//! panic would end it: the platform answers 500 and starts another, so nothing that a visitor sends may cause one.

#![forbid(unsafe_code)]

mod answer;
mod clock;
mod config;
mod convert;
mod duty;
mod fragments;
mod instance;
mod kv;
mod origin;
mod packs;
mod page;
mod pump;
mod store;
#[cfg(feature = "timed")]
mod timed;

use std::time::Duration;

#[cfg(not(feature = "timed"))]
use answer::answer;
use fastly::http::serve::Serve;
use instance::Instance;
#[cfg(feature = "timed")]
use timed::answer;

/// An instance retires after so many requests or so long, and with it whatever it still holds of an old configuration.
const REQUESTS: usize = 1_000;
const LIFETIME: Duration = Duration::from_secs(600);
/// How long an idle instance waits for the next request. Waiting costs memory, not CPU.
const IDLE: Duration = Duration::from_secs(10);
/// Of the 128 MB that the platform gives; a wasm heap never shrinks.
const MEMORY_MIB: u32 = 80;

fn main() {
    let mut instance = Instance::default();
    let serve = Serve::new()
        .with_max_requests(REQUESTS)
        .with_max_lifetime(LIFETIME)
        .with_max_memory(MEMORY_MIB)
        .with_timeout(IDLE);
    serve.run_with_context(answer, &mut instance);
}
