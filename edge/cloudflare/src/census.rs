//! What an instance holds, for the test of what is left of visitors who went away.

use wasm_bindgen::prelude::*;

use crate::task;

#[wasm_bindgen(raw_module = "./tasks.js")]
extern "C" {
    fn census() -> u32;
}

/// Tasks here, tasks of `tasks.js` (this one is among them), values of the platform that are held, pages of memory.
pub fn taken() -> String {
    let pages = core::arch::wasm32::memory_size(0);
    format!("{} {} {} {pages}", task::count(), census(), wasm_bindgen::externref_heap_live_count())
}
