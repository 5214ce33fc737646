//! The memory of an isolate, in front of the data centre's cache: bounded in bytes, and in how long it is believed.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use hemstitch::page::Life;
use hemstitch::time::UnixTime;

/// What an entry takes besides its key and its object, roughly, in bytes.
const ENTRY_BYTES: usize = 200;
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
    believed_until: UnixTime,
}

/// Objects by key. What was not asked for since its last turn goes first when room is needed (second chance).
pub struct Memory {
    most_bytes: usize,
    shelf: RefCell<Shelf>,
}

#[derive(Default)]
struct Shelf {
    bytes: usize,
    entries: HashMap<Rc<str>, (Entry, bool)>,
    turns: VecDeque<Rc<str>>,
}

impl Memory {
    /// A memory of at most so many bytes.
    pub fn new(most_bytes: usize) -> Memory {
        Memory { most_bytes, shelf: RefCell::default() }
    }

    /// What is held for a key, and is to be believed.
    pub fn find(&self, key: &str, now: UnixTime) -> Option<Entry> {
        let mut shelf = self.shelf.try_borrow_mut().ok()?;
        let (entry, asked_for) = shelf.entries.get_mut(key)?;
        *asked_for = true;
        (now < entry.believed_until).then(|| entry.clone())
    }

    /// Holds an object in place of whatever the key had. One that would take a quarter of the memory is not held.
    pub fn hold(&self, key: &str, object: Bytes, life: Life, now: UnixTime) {
        let Ok(mut shelf) = self.shelf.try_borrow_mut() else { return };
        shelf.forget(key);
        let size = size(key, &object);
        if size > self.most_bytes / 4 {
            return;
        }
        shelf.make_room(self.most_bytes - size);
        let believed_until = now.plus_seconds(BELIEVED_S);
        let entry = Entry { object, life, paused_until: UnixTime(0), believed_until };
        let key: Rc<str> = key.into();
        shelf.bytes += size;
        shelf.turns.push_back(Rc::clone(&key));
        shelf.entries.insert(key, (entry, false));
    }

    /// Leaves the origin of a key alone for a moment.
    pub fn pause(&self, key: &str, now: UnixTime) {
        if let Ok(mut shelf) = self.shelf.try_borrow_mut()
            && let Some((entry, _)) = shelf.entries.get_mut(key)
        {
            entry.paused_until = now.plus_seconds(PAUSE_S);
            entry.believed_until = entry.believed_until.max(entry.paused_until);
        }
    }
}

impl Shelf {
    fn forget(&mut self, key: &str) {
        if let Some((entry, _)) = self.entries.remove(key) {
            self.bytes = self.bytes.saturating_sub(size(key, &entry.object));
            self.turns.retain(|held| **held != *key);
        }
    }

    fn make_room(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes {
            let Some(key) = self.turns.pop_front() else { return };
            match self.entries.get_mut(&key) {
                Some((_, asked_for)) if *asked_for => {
                    *asked_for = false;
                    self.turns.push_back(key);
                }
                Some((entry, _)) => {
                    self.bytes = self.bytes.saturating_sub(size(&key, &entry.object));
                    self.entries.remove(&key);
                }
                None => {}
            }
        }
    }
}

fn size(key: &str, object: &Bytes) -> usize {
    ENTRY_BYTES + 2 * key.len() + object.len()
}
