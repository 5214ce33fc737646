//! The POP's cache, under the core cache API: pages, markers, fragments, packs and pointers.
//!
//! Of the requests that miss one key at a time, one gets the duty to fill it and the others wait for that.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastly::cache::core::{self, CacheError, Found, PendingTransaction, Transaction};
use fastly::http::body::StreamingBody;
use hemstitch::http::CacheKey;
use hemstitch::pack::PackHash;
use hemstitch::session::Fragment;
use hemstitch::time::UnixTime;

use crate::clock::Clock;
use crate::duty::Duty;

/// How long others are waited for who fill a key, before a request fetches for itself.
const COLLAPSE: Duration = Duration::from_secs(10);
/// The same where there is an old page to fall back on, and how often is looked whether the new one is there.
const COLLAPSE_ON_STALE: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Longest key that the platform takes, in bytes.
const MAX_KEY: usize = 4096;
/// A pack is what its hash says for ever; this only bounds how long an unused one is kept.
const PACK_AGE: Duration = Duration::from_secs(7 * 86_400);

/// How long a look-up of a pointer serves a whole POP, as long as it serves one instance.
const POINTER_FRESH: Duration = Duration::from_secs(2);
/// How long a POP knows below which number nothing is published any more.
const POINTER_AGE: Duration = Duration::from_secs(7 * 86_400);

/// What the cache holds under the key of a page.
pub enum Held {
    /// An object to serve, for so many milliseconds.
    Fresh { object: Bytes, for_ms: u64 },
    /// A page past its time, and perhaps the duty to replace it: another may have that.
    Stale { object: Bytes, duty: Option<Duty>, serve: Serve },
    /// Nothing, and it is this request's duty to fill it.
    Vacant(Duty),
    /// It cannot be told in time.
    Unknown,
}

/// What a page past its time is good for.
#[derive(Clone, Copy, PartialEq)]
pub enum Serve {
    /// It is served, and replaced after that.
    Now,
    /// It is served where the origin fails, or does not answer in time.
    OnFailure,
}

/// Looks a page up; waits for another who fills it.
pub fn page(key: &CacheKey, clock: &Clock) -> Held {
    let Some(key) = bytes(key.as_str()) else { return Held::Unknown };
    if let Some(held) = fresh(&key) {
        return held;
    }
    let begun = Instant::now();
    loop {
        let lookup = Transaction::lookup(key.clone()).timeout(COLLAPSE);
        let Ok(transaction) = lookup.execute() else { return Held::Unknown };
        let found = transaction.found();
        let duty = transaction.must_insert_or_update().then(|| Duty::of(transaction));
        let stale = found.as_ref().filter(|found| found.is_stale());
        let serve = stale.map(|found| match clock.now() < revalidate_until(found) {
            true => Serve::Now,
            false => Serve::OnFailure,
        });
        if serve == Some(Serve::OnFailure) && duty.is_none() && begun.elapsed() < COLLAPSE_ON_STALE {
            thread::sleep(LOOK_AGAIN);
            continue;
        }
        return match (found.as_ref().and_then(read).map(Bytes::from), serve, duty) {
            (Some(object), Some(serve), duty) => Held::Stale { object, duty, serve },
            (Some(object), None, _) => Held::Fresh { object, for_ms: 0 },
            (None, _, Some(duty)) => Held::Vacant(duty),
            (None, _, None) => Held::Unknown,
        };
    }
}

/// What is there and fresh, as nearly always: to ask for that alone takes the platform a third of a transaction.
fn fresh(key: &Bytes) -> Option<Held> {
    let found = core::lookup(key.clone()).execute().ok()??;
    if found.is_stale() {
        return None;
    }
    let for_ms = found.remaining_ttl().as_millis().try_into().unwrap_or(u64::MAX);
    Some(Held::Fresh { object: read(&found)?.into(), for_ms })
}

/// A fragment being looked up.
pub struct FragmentLookup(PendingTransaction);

/// What the cache holds under the key of a fragment.
pub enum HeldFragment {
    /// The fragment.
    Fresh(Fragment),
    /// Nothing, and it is this request's duty to fill it.
    Vacant(Duty),
    /// Nothing that could be shared, or it cannot be told.
    Unknown,
}

/// Starts to look a fragment up.
pub fn fragment(key: &CacheKey) -> Option<FragmentLookup> {
    Transaction::lookup(bytes(key.as_str())?).execute_async().ok().map(FragmentLookup)
}

impl FragmentLookup {
    /// Whether another is still filling it.
    pub fn is_pending(&self) -> bool {
        self.0.pending().unwrap_or(false)
    }

    /// What was found; waits while it is pending.
    pub fn held(self) -> HeldFragment {
        let Ok(transaction) = self.0.wait() else { return HeldFragment::Unknown };
        let object = transaction.found().and_then(|found| read(&found));
        let duty = transaction.must_insert_or_update().then(|| Duty::of(transaction));
        match (object.and_then(|object| Fragment::decode(&object)), duty) {
            (Some(fragment), _) => HeldFragment::Fresh(fragment),
            (None, Some(duty)) => HeldFragment::Vacant(duty),
            (None, None) => HeldFragment::Unknown,
        }
    }
}

/// A pack, as it was stored.
pub fn pack(site: &str, hash: &PackHash) -> Option<Vec<u8>> {
    read(&core::lookup(pack_key(site, hash)).execute().ok()??)
}

/// Stores a pack that has been verified.
pub fn put_pack(site: &str, hash: &PackHash, pack: &[u8]) {
    let insert = core::insert(pack_key(site, hash), PACK_AGE).surrogate_keys([site, "pack"]);
    write(insert.known_length(pack.len() as u64).execute(), pack);
}

/// A pointer that an instance of this POP has followed.
pub struct Remembered {
    pub pointer: Vec<u8>,
    /// Whether it was looked up just now.
    pub is_fresh: bool,
}

/// The last pointer that this POP remembers.
pub fn pointer(site: &str) -> Option<Remembered> {
    let found = core::lookup(pointer_key(site)).execute().ok()??;
    Some(Remembered { pointer: read(&found)?, is_fresh: !found.is_stale() })
}

/// Remembers a pointer that was looked up just now, and verified.
pub fn put_pointer(site: &str, pointer: &[u8]) {
    let insert = core::insert(pointer_key(site), POINTER_FRESH)
        .stale_while_revalidate(POINTER_AGE)
        .surrogate_keys([site, "pointer"]);
    write(insert.known_length(pointer.len() as u64).execute(), pointer);
}

fn pointer_key(site: &str) -> Bytes {
    Bytes::from(format!("pointer:{site}"))
}

fn pack_key(site: &str, hash: &PackHash) -> Bytes {
    Bytes::from(format!("pack:{site}:{hash}"))
}

/// The platform's form of a key; `None` where it is too long for it.
pub fn bytes(key: &str) -> Option<Bytes> {
    (key.len() <= MAX_KEY).then(|| Bytes::copy_from_slice(key.as_bytes()))
}

fn revalidate_until(found: &Found) -> UnixTime {
    UnixTime(found.user_metadata().as_ref().try_into().map_or(0, u64::from_le_bytes))
}

/// Reads an object in one go: in pieces it costs four times as much. `None` unless all of it is there.
fn read(found: &Found) -> Option<Vec<u8>> {
    let mut stream = found.to_stream().ok()?.into_handle();
    let Some(length) = found.known_length() else {
        let mut object = Vec::new();
        return stream.read_to_end(&mut object).ok().map(|_| object);
    };
    let mut object = vec![0; length.try_into().ok()?];
    stream.read_exact(&mut object).ok()?;
    Some(object)
}

/// An object that cannot be written whole is dropped unfinished, and the cache forgets it.
pub fn write(body: Result<StreamingBody, CacheError>, object: &[u8]) {
    if let Ok(mut body) = body
        && body.write_all(object).is_ok()
    {
        let _ = body.finish();
    }
}
