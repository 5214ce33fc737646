//! The memory of an isolate, in front of the data centre's cache.

use std::cell::RefCell;

use bytes::Bytes;
use hemstitch::memory;
use hemstitch::page::Life;
use hemstitch::time::UnixTime;

/// How long an origin that failed is left alone where something stale can be served, in seconds.
const PAUSE_S: u64 = 2;
/// How long an object is believed without a look into the cache of the data centre, which can be purged, in seconds.
const BELIEVED_S: u64 = 30;

/// An object, and what is known of it.
#[derive(Clone)]
pub struct Entry {
    /// The object.
    pub object: Bytes,
    /// How long it may be served.
    pub life: Life,
    /// Until when the origin is left alone.
    pub paused_until: UnixTime,
}

/// Objects by key, for the tasks of an isolate, which take turns.
pub struct Memory(RefCell<memory::Memory<Entry>>);

impl Memory {
    /// A memory of at most so many bytes.
    pub fn new(most_bytes: usize) -> Memory {
        Memory(RefCell::new(memory::Memory::new(most_bytes)))
    }

    /// What is held for a key, and is to be believed.
    pub fn find(&self, key: &str, now: UnixTime) -> Option<Entry> {
        self.0.try_borrow_mut().ok()?.find(key, now.0).cloned()
    }

    /// Holds an object in place of whatever the key had.
    pub fn hold(&self, key: &str, object: Bytes, life: Life, now: UnixTime) {
        if let Ok(mut held) = self.0.try_borrow_mut() {
            let bytes = object.len();
            let entry = Entry { object, life, paused_until: UnixTime(0) };
            held.hold(key, entry, bytes, now.plus_seconds(BELIEVED_S).0);
        }
    }

    /// Leaves the origin of a key alone for a moment.
    pub fn pause(&self, key: &str, now: UnixTime) {
        if let Ok(mut held) = self.0.try_borrow_mut() {
            let until = now.plus_seconds(PAUSE_S);
            held.change(key, until.0, |entry| entry.paused_until = until);
        }
    }
}
