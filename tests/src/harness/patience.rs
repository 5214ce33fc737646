//! Waiting with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test fails. Long, because a loaded machine is no bug.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until `look` finds something; panics with `what` after [`PATIENCE`].
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
