//! The cache: pages, fragments and markers in memory, bounded in bytes.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use hemstitch::page::Life;
use hemstitch::time::UnixTime;

/// What an entry takes besides its key and its object, roughly, in bytes.
const ENTRY_BYTES: usize = 200;
/// How long an origin that failed is left alone where something stale can be served, in seconds.
const PAUSE_S: u64 = 2;

/// What the cache has for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// To be served as it is.
    Fresh(Bytes),
    /// To be served, though it is stale.
    Stale {
        /// The object.
        object: Bytes,
        /// Whether somebody should fetch it again meanwhile.
        refresh: Refresh,
    },
    /// To be served only where the origin fails.
    IfError(Bytes),
    /// Nothing.
    Nothing,
}

/// Whether a stale object is to be fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It is.
    Due,
    /// Not yet: the origin has just failed.
    Paused,
}

/// Objects by key. What was not asked for since its last turn goes first when room is needed (second chance), so that
/// a hit marks a flag under a shared lock and moves nothing.
pub struct Cache {
    most_bytes: usize,
    shelf: RwLock<Shelf>,
}

#[derive(Default)]
struct Shelf {
    bytes: usize,
    entries: HashMap<Arc<str>, Entry>,
    /// Every key once, the one whose turn it is in front.
    turns: VecDeque<Arc<str>>,
}

struct Entry {
    object: Bytes,
    life: Life,
    paused_until: UnixTime,
    asked_for: AtomicBool,
}

impl Cache {
    /// A cache that holds at most so many bytes.
    pub fn new(most_bytes: usize) -> Cache {
        Cache { most_bytes, shelf: RwLock::default() }
    }

    /// What there is for a key.
    pub fn find(&self, key: &str, now: UnixTime) -> Found {
        let shelf = self.read();
        let Some(entry) = shelf.entries.get(key) else { return Found::Nothing };
        let object = || {
            entry.asked_for.store(true, Ordering::Relaxed);
            entry.object.clone()
        };
        let refresh = if now < entry.paused_until { Refresh::Paused } else { Refresh::Due };
        if now < entry.life.fresh_until {
            Found::Fresh(object())
        } else if now < entry.life.revalidate_until {
            Found::Stale { object: object(), refresh }
        } else if now >= entry.life.stale_until {
            Found::Nothing
        } else if refresh == Refresh::Paused {
            Found::Stale { object: object(), refresh }
        } else {
            Found::IfError(object())
        }
    }

    /// Stores an object in place of whatever the key had. One that would take half of the cache is not stored.
    pub fn store(&self, key: &str, object: impl Into<Bytes>, life: Life) {
        let object = object.into();
        let size = size(key, &object);
        let mut shelf = self.write();
        if size > self.most_bytes / 2 {
            return shelf.remove(key);
        }
        let entry = Entry { object, life, paused_until: UnixTime(0), asked_for: AtomicBool::new(false) };
        // Before it is put there, since nobody can have asked for it yet.
        shelf.make_room(self.most_bytes - size);
        shelf.put(key, entry);
    }

    /// Puts another form of an object in its place, for as long as that one had left.
    pub fn refit(&self, key: &str, object: impl Into<Bytes>) {
        let life = self.read().entries.get(key).map(|entry| entry.life);
        if let Some(life) = life {
            self.store(key, object, life);
        }
    }

    /// The origin failed for this key: what is stale is served for a while without asking it again.
    pub fn pause(&self, key: &str, now: UnixTime) {
        if let Some(entry) = self.write().entries.get_mut(key) {
            entry.paused_until = now.plus_seconds(PAUSE_S);
        }
    }

    /// Drops what cannot be used.
    pub fn remove(&self, key: &str) {
        self.write().remove(key);
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn put(&mut self, key: &str, entry: Entry) {
        self.bytes += size(key, &entry.object);
        match self.entries.get_mut(key) {
            Some(present) => {
                self.bytes -= size(key, &present.object);
                *present = entry;
            }
            None => {
                let key: Arc<str> = key.into();
                self.entries.insert(Arc::clone(&key), entry);
                self.turns.push_back(key);
            }
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= size(key, &entry.object);
            self.turns.retain(|turn| **turn != *key);
        }
    }

    /// Drops objects until no more than `most` bytes are taken.
    fn make_room(&mut self, most: usize) {
        while self.bytes > most {
            let Some(key) = self.turns.pop_front() else { return };
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            if std::mem::take(entry.asked_for.get_mut()) {
                self.turns.push_back(key);
            } else {
                self.bytes -= size(&key, &entry.object);
                self.entries.remove(&key);
            }
        }
    }
}

fn size(key: &str, object: &Bytes) -> usize {
    key.len() + object.len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(fresh: u64, revalidate: u64, stale: u64) -> Life {
        Life {
            born: UnixTime(0),
            fresh_until: UnixTime(fresh),
            revalidate_until: UnixTime(revalidate),
            stale_until: UnixTime(stale),
        }
    }

    fn object(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn an_object_is_fresh_then_stale_then_gone() {
        let cache = Cache::new(10_000);
        cache.store("k", "v", life(10, 20, 30));
        for (now, expect) in [
            (0, Found::Fresh(object("v"))),
            (9, Found::Fresh(object("v"))),
            (10, Found::Stale { object: object("v"), refresh: Refresh::Due }),
            (19, Found::Stale { object: object("v"), refresh: Refresh::Due }),
            (20, Found::IfError(object("v"))),
            (29, Found::IfError(object("v"))),
            (30, Found::Nothing),
        ] {
            assert_eq!(cache.find("k", UnixTime(now)), expect, "{now}");
        }
        assert_eq!(cache.find("other", UnixTime(0)), Found::Nothing);
    }

    #[test]
    fn an_origin_that_failed_is_left_alone_for_a_while() {
        let cache = Cache::new(10_000);
        cache.store("k", "v", life(10, 20, 30));
        for failed_at in [12, 22] {
            cache.pause("k", UnixTime(failed_at));
            let paused = Found::Stale { object: object("v"), refresh: Refresh::Paused };
            assert_eq!(cache.find("k", UnixTime(failed_at)), paused);
            assert_eq!(cache.find("k", UnixTime(failed_at + PAUSE_S - 1)), paused);
        }
        assert_eq!(cache.find("k", UnixTime(22 + PAUSE_S)), Found::IfError(object("v")));
        cache.store("k", "w", life(50, 50, 50));
        assert_eq!(cache.find("k", UnixTime(23)), Found::Fresh(object("w")));
    }

    #[test]
    fn another_form_of_an_object_lives_no_longer() {
        let cache = Cache::new(10_000);
        cache.store("k", "v", life(10, 10, 10));
        cache.refit("k", "longer");
        cache.refit("gone", "x");
        assert_eq!(cache.find("k", UnixTime(9)), Found::Fresh(object("longer")));
        assert_eq!(cache.find("k", UnixTime(10)), Found::Nothing);
        assert_eq!(cache.find("gone", UnixTime(0)), Found::Nothing);
    }

    fn held(cache: &Cache, keys: &[&str]) -> Vec<bool> {
        keys.iter().map(|key| cache.read().entries.contains_key(*key)).collect()
    }

    #[test]
    fn the_bytes_are_bounded_and_what_was_asked_for_stays() {
        let cache = Cache::new(3 * (ENTRY_BYTES + 101));
        for key in ["a", "b", "c"] {
            cache.store(key, vec![0; 100], life(10, 10, 10));
        }
        assert_eq!(held(&cache, &["a", "b", "c"]), [true, true, true]);
        cache.find("a", UnixTime(0));
        cache.store("d", vec![0; 100], life(10, 10, 10));
        assert_eq!(held(&cache, &["a", "b", "c", "d"]), [true, false, true, true]);
        cache.store("e", vec![0; 100], life(10, 10, 10));
        assert_eq!(held(&cache, &["a", "c", "d", "e"]), [true, false, true, true]);
        cache.store("f", vec![0; 100], life(10, 10, 10));
        assert_eq!(held(&cache, &["a", "d", "e", "f"]), [false, true, true, true]);
    }

    #[test]
    fn a_new_object_finds_a_place_among_those_that_all_ask_for() {
        let cache = Cache::new(3 * (ENTRY_BYTES + 101));
        for key in ["a", "b", "c", "d", "e", "f"] {
            cache.store(key, vec![0; 100], life(10, 10, 10));
            assert_eq!(cache.find(key, UnixTime(0)), Found::Fresh(vec![0; 100].into()), "{key}");
        }
    }

    #[test]
    fn the_account_of_bytes_is_exact_however_objects_come_and_go() {
        let cache = Cache::new(100_000);
        for round in 0..1000u32 {
            let key = format!("k{}", round % 70);
            match round % 5 {
                4 => cache.remove(&key),
                _ => cache.store(&key, vec![0; (round as usize * 37) % 9000], life(10, 10, 10)),
            }
            let shelf = cache.read();
            let sum: usize = shelf.entries.iter().map(|(key, entry)| size(key, &entry.object)).sum();
            assert_eq!(shelf.bytes, sum);
            assert!(sum <= 100_000);
            assert_eq!(shelf.turns.len(), shelf.entries.len());
        }
    }

    #[test]
    fn an_object_too_large_is_not_stored_and_its_elder_is_dropped() {
        let cache = Cache::new(10_000);
        cache.store("k", vec![0; 100], life(10, 10, 10));
        cache.store("k", vec![0; 5_000], life(10, 10, 10));
        assert_eq!(cache.find("k", UnixTime(0)), Found::Nothing);
        assert_eq!(cache.read().bytes, 0);
    }
}
