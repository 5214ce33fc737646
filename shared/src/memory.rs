//! What an instance holds for a moment, in front of a cache that it shares with others: bounded in bytes, and in how
//! long it is believed.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// What an entry takes besides its key and its object, roughly, in bytes.
const ENTRY_BYTES: usize = 200;

/// Values by key. What was not asked for since its last turn goes first when room is needed (second chance).
///
/// Instants are numbers of a clock of the caller's, all of the same one.
pub struct Memory<T> {
    most_bytes: usize,
    bytes: usize,
    entries: HashMap<Rc<str>, Entry<T>>,
    turns: VecDeque<Rc<str>>,
}

struct Entry<T> {
    value: T,
    bytes: usize,
    believed_until: u64,
    asked_for: bool,
}

impl<T> Memory<T> {
    /// A memory of at most so many bytes.
    pub fn new(most_bytes: usize) -> Memory<T> {
        Memory { most_bytes, bytes: 0, entries: HashMap::new(), turns: VecDeque::new() }
    }

    /// What is held for a key, and is to be believed.
    pub fn find(&mut self, key: &str, now: u64) -> Option<&T> {
        let entry = self.entries.get_mut(key)?;
        entry.asked_for = true;
        (now < entry.believed_until).then_some(&entry.value)
    }

    /// Holds a value of so many bytes in place of whatever the key had. One that would take a quarter of the memory is
    /// not held.
    pub fn hold(&mut self, key: &str, value: T, bytes: usize, believed_until: u64) {
        self.forget(key);
        let bytes = ENTRY_BYTES + 2 * key.len() + bytes;
        if bytes > self.most_bytes / 4 {
            return;
        }
        self.make_room(self.most_bytes - bytes);
        let key: Rc<str> = key.into();
        self.bytes += bytes;
        self.turns.push_back(Rc::clone(&key));
        self.entries.insert(key, Entry { value, bytes, believed_until, asked_for: false });
    }

    /// Changes a value, if there is one, and has it believed at least until then.
    pub fn change(&mut self, key: &str, believed_until: u64, change: impl FnOnce(&mut T)) {
        if let Some(entry) = self.entries.get_mut(key) {
            change(&mut entry.value);
            entry.believed_until = entry.believed_until.max(believed_until);
        }
    }

    /// Drops what a key has.
    pub fn forget(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
            self.turns.retain(|held| **held != *key);
        }
    }

    fn make_room(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes {
            let Some(key) = self.turns.pop_front() else { return };
            match self.entries.get_mut(&key) {
                Some(entry) if entry.asked_for => {
                    entry.asked_for = false;
                    self.turns.push_back(key);
                }
                Some(entry) => {
                    self.bytes = self.bytes.saturating_sub(entry.bytes);
                    self.entries.remove(&key);
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use proptest::prelude::*;

    #[test]
    fn a_value_is_believed_for_its_time() {
        let mut memory = Memory::new(10_000);
        memory.hold("a", 1, 100, 5);
        assert_eq!(memory.find("a", 4), Some(&1));
        assert_eq!(memory.find("a", 5), None);
        memory.change("a", 7, |value| *value = 2);
        assert_eq!(memory.find("a", 6), Some(&2));
        memory.change("a", 3, |_| {});
        assert_eq!(memory.find("a", 6), Some(&2), "and not for less than it was");
        memory.forget("a");
        assert_eq!(memory.find("a", 0), None);
    }

    #[test]
    fn what_is_asked_for_stays() {
        let mut memory = Memory::new(4 * 1_000);
        for key in ["a", "b", "c"] {
            memory.hold(key, key, 700, u64::MAX);
        }
        memory.find("a", 0);
        memory.hold("d", "d", 700, u64::MAX);
        memory.hold("e", "e", 700, u64::MAX);
        assert_eq!(memory.find("a", 0), Some(&"a"));
        assert_eq!(memory.find("b", 0), None);
    }

    proptest! {
        #[test]
        fn it_keeps_to_its_bytes(holds in prop::collection::vec((0u8..20, 0usize..4_000, any::<bool>()), 0..200)) {
            let mut memory = Memory::new(10_000);
            for (key, bytes, asks) in holds {
                let key = key.to_string();
                memory.hold(&key, (), bytes, 1);
                prop_assert_eq!(memory.find(&key, 0).is_some(), memory.entries.contains_key(key.as_str()));
                if asks {
                    memory.forget(&key);
                }
                prop_assert!(memory.bytes <= 10_000);
                prop_assert_eq!(memory.bytes, memory.entries.values().map(|entry| entry.bytes).sum::<usize>());
                prop_assert_eq!(memory.turns.len(), memory.entries.len());
            }
        }
    }
}
