//! What the end-to-end tests share. The tests themselves are in `e2e/`, the page cases in `cases/`.

pub mod esi_lines;
pub mod esi_sample;
pub mod growthbook;
#[cfg(not(target_family = "wasm"))]
pub mod harness;
