//! Something that is withheld until the test releases it.

use std::sync::{Arc, Condvar, Mutex};

use super::patience::PATIENCE;

/// Closed at first; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    state: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    /// Lets everybody through, now and later.
    pub fn open(&self) {
        let (open, changed) = &*self.state;
        *open.lock().expect("no holder of the lock panics") = true;
        changed.notify_all();
    }

    /// Returns when the gate is open, or after [`PATIENCE`], so that no thread outlives a failed test for long.
    pub fn pass(&self) {
        let (open, changed) = &*self.state;
        let guard = open.lock().expect("no holder of the lock panics");
        drop(changed.wait_timeout_while(guard, PATIENCE, |open| !*open));
    }
}
