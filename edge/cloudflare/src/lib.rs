//! The edge on Cloudflare Workers: converts, pumps, stores, fetches. What is decided is decided in `hemstitch`.
//!
//! ```text
//! worker.js ─► task ─► config (site, keys, kill switch) ─► answer ─► page ─► store (memory, Cache API) ─► pump ─► visitor
//!                          packs ─► kv (the pack in force)   └────► origin ──────────────────────────┘ └─► fragments
//! ```
//! One instance answers many requests side by side. A panic in one would trap, and `tasks.js` sees to it that it is
//! that visitor's alone: before its first byte the origin answers, later the connection breaks off.
//!
//! Of the crate `worker` only what answers at once is used: its futures share one queue, which a trap stops for everybody.

mod answer;
#[cfg(feature = "forced-panic")]
mod census;
mod clock;
mod config;
mod convert;
mod fills;
mod fragments;
mod instance;
mod kv;
mod memory;
mod origin;
mod packs;
mod page;
mod platform;
mod pump;
mod setting;
mod store;
mod task;
mod visitor;

use wasm_bindgen::prelude::*;
use worker::Env;

/// Begins to answer a request, as the task of that number.
#[wasm_bindgen]
pub fn answer(task: u32, request: JsValue, env: Env) {
    task::spawn(task, answer::answer(visitor::Visitor::new(task), request, env));
}
