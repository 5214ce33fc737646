//! How long a visitor waits for an answer, from the request's arrival to the last write; for a page that is sent in parts,
//! until its visit is over. For the benchmark.

use std::cell::Cell;
use std::time::Instant;

use fastly::Request;

use crate::instance::Instance;

thread_local! {
    static SENT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Answers, and notes how long that took.
pub fn answer(request: Request, instance: &mut Instance) {
    let begun = Instant::now();
    crate::answer::answer(request, instance);
    let sent = SENT.take().unwrap_or_else(Instant::now);
    println!("answered in {} ns", sent.duration_since(begun).as_nanos());
}

/// The last byte of a page is on its way. What comes after it, the visitor does not wait for.
pub fn sent() {
    SENT.set(Some(Instant::now()));
}
