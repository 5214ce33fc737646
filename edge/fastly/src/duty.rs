//! The duty to fill a key of the cache, and the ways to be done with it.

use std::time::Duration;

use fastly::cache::core::{self, CacheKey as Bytes, Transaction};
use hemstitch::http::{CacheKey, Freshness, Marker};
use hemstitch::page::Life;
use hemstitch::session::Fragment;
use hemstitch::site::Site;
use hemstitch::time::UnixTime;

use crate::store;

/// How long a key is left alone after a fetch that came to nothing, so that those who waited do not queue for the next.
const FAILURE_S: u32 = 2;
/// The platform's limits on surrogate keys, in bytes: each, and all of an object.
const MAX_SURROGATE_KEY: usize = 1024;
const MAX_SURROGATE_KEYS: usize = 16 * 1024;

/// The duty to fill a key. Dropped, it goes to the next who asks.
pub struct Duty(Option<Place>);

enum Place {
    /// Others wait for it.
    Awaited(Transaction),
    /// Something is there that is to be overwritten.
    Taken(Bytes),
}

/// How long an object is kept, and what it can be purged by.
struct Terms<'k> {
    fresh_s: u64,
    stale_s: u64,
    revalidate_until: UnixTime,
    surrogate_keys: Vec<&'k str>,
}

impl Duty {
    /// The duty that a look-up brought.
    pub fn of(transaction: Transaction) -> Duty {
        Duty(Some(Place::Awaited(transaction)))
    }

    /// The duty to overwrite what is stored under a key, which nobody waits for.
    pub fn to_overwrite(key: &CacheKey) -> Option<Duty> {
        store::bytes(key.as_str()).map(|key| Duty(Some(Place::Taken(key))))
    }

    /// Stores a page for its life, with the keys that it can be purged by.
    pub fn put_page(self, object: &[u8], life: &Life, now: UnixTime, surrogate_keys: &[String]) {
        let fresh_s = life.fresh_until.seconds_since(now);
        let stale_s = life.stale_until.seconds_since(life.fresh_until);
        let revalidate_until = life.revalidate_until;
        let surrogate_keys = surrogate_keys.iter().map(String::as_str).collect();
        self.put(object, &Terms { fresh_s, stale_s, revalidate_until, surrogate_keys });
    }

    /// Stores, for so many seconds, that there is nothing to share.
    pub fn put_marker(self, marker: Marker, seconds: u32, site: &str) {
        let terms = Terms {
            fresh_s: seconds.into(),
            stale_s: 0,
            revalidate_until: UnixTime(0),
            surrogate_keys: vec![site, "marker"],
        };
        self.put(&marker.encode(), &terms);
    }

    /// Stores that what was to be stored did not come.
    pub fn put_failure(self, site: &str) {
        self.put_marker(Marker::Own, FAILURE_S, site);
    }

    /// Keeps what is stored as if it were fresh, for as long as the origin is left alone.
    pub fn keep_stale(mut self, life: &Life, now: UnixTime, surrogate_keys: &[String]) {
        let Some(Place::Awaited(transaction)) = self.0.take() else { return };
        let stale_s = life.stale_until.seconds_since(now).saturating_sub(FAILURE_S.into());
        let kept = transaction
            .update(Duration::from_secs(FAILURE_S.into()))
            .stale_while_revalidate(Duration::from_secs(stale_s))
            .user_metadata(metadata(life.revalidate_until))
            .surrogate_keys(surrogate_keys.iter().map(String::as_str))
            .execute();
        if let Err(error) = kept {
            eprintln!("cache: {error}");
        }
    }

    /// Stores a fragment; without freshness, that it is none to share, so that the next ones do not queue for it.
    pub fn put_fragment(self, fragment: &Fragment, freshness: Option<Freshness>, site: &Site) {
        let Some(Freshness { fresh_s, .. }) = freshness else {
            return self.put_marker(Marker::Own, site.marker_ttl_s, &site.name);
        };
        let surrogate_keys = vec![site.name.as_str(), "fragment"];
        let terms = Terms { fresh_s, stale_s: 0, revalidate_until: UnixTime(0), surrogate_keys };
        self.put(&fragment.encode(), &terms);
    }

    fn put(mut self, object: &[u8], terms: &Terms) {
        let (fresh, stale) = (Duration::from_secs(terms.fresh_s), Duration::from_secs(terms.stale_s));
        let metadata = metadata(terms.revalidate_until);
        let (keys, length) = (terms.surrogate_keys.iter().copied(), object.len() as u64);
        let body = match self.0.take() {
            None => return,
            Some(Place::Awaited(transaction)) => transaction
                .insert(fresh)
                .stale_while_revalidate(stale)
                .user_metadata(metadata)
                .surrogate_keys(keys)
                .known_length(length)
                .execute(),
            Some(Place::Taken(key)) => core::insert(key, fresh)
                .stale_while_revalidate(stale)
                .user_metadata(metadata)
                .surrogate_keys(keys)
                .known_length(length)
                .execute(),
        };
        store::write(body, object);
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        if let Some(Place::Awaited(transaction)) = self.0.take() {
            // Only a transaction that is over cannot be cancelled, and then there is nothing to do.
            let _ = transaction.cancel_insert_or_update();
        }
    }
}

/// What a page can be purged by: everything of the site, all pages, its URL, and what its origin names.
pub fn surrogate_keys<'n>(site: &str, key: &CacheKey, named: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut room = MAX_SURROGATE_KEYS;
    let mut keys = Vec::new();
    let mut add = |name: &str| {
        let sound = name.len() <= MAX_SURROGATE_KEY && name.bytes().all(|byte| byte.is_ascii_graphic());
        if sound && name.len() < room {
            room -= name.len() + 1;
            keys.push(name.to_owned());
        }
    };
    [site, "page", key.as_str()].into_iter().for_each(&mut add);
    named.flat_map(str::split_ascii_whitespace).for_each(&mut add);
    keys
}

/// The platform knows one time after which an object is stale; the other lies beside the object.
fn metadata(revalidate_until: UnixTime) -> Bytes {
    Bytes::copy_from_slice(&revalidate_until.0.to_le_bytes())
}
