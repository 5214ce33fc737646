//! The KV store `hemstitch`, read within a time.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use fastly::KVStore;
use fastly::cache::core::CacheBusyHandle;
use fastly::kv_store::PendingLookupHandle;

const STORE: &str = "hemstitch";
/// Largest value that the platform stores, in bytes.
const MAX_VALUE: u64 = 25 * 1024 * 1024;
/// Most values come sooner than the shortest sleep is over, so it is asked without a pause at first.
const EAGER: Duration = Duration::from_micros(300);
const TICK: Duration = Duration::from_millis(1);

/// A look-up on its way.
pub struct KvLookup {
    store: KVStore,
    pending: PendingLookupHandle,
}

/// How a look-up ended within its time.
pub enum KvOutcome {
    Value(Vec<u8>),
    /// Nothing is stored there, or the store does not answer.
    Nothing,
    /// Not yet: it may be waited for again.
    Late(KvLookup),
}

/// Starts a look-up; `None` where there is no such store.
pub fn look_up(key: &str) -> Option<KvLookup> {
    let store = KVStore::open(STORE).ok().flatten()?;
    let pending = store.build_lookup().execute_async(key).ok()?;
    Some(KvLookup { store, pending })
}

impl KvLookup {
    /// Waits for the value until `deadline`.
    pub fn wait_until(self, deadline: Instant) -> KvOutcome {
        let begun = Instant::now();
        while !self.is_ready() {
            if Instant::now() >= deadline {
                return KvOutcome::Late(self);
            }
            if begun.elapsed() >= EAGER {
                thread::sleep(TICK);
            }
        }
        let Ok(mut found) = self.store.pending_lookup_wait(self.pending) else { return KvOutcome::Nothing };
        let mut value = Vec::new();
        match found.take_body().into_handle().take(MAX_VALUE + 1).read_to_end(&mut value) {
            Ok(length) if length as u64 <= MAX_VALUE => KvOutcome::Value(value),
            _ => KvOutcome::Nothing,
        }
    }

    /// The library has no bounded wait for a look-up. To the host all that can be waited for is one kind of thing, and
    /// this is the library's only way to ask for its state without waiting; an error means that waiting will not block.
    fn is_ready(&self) -> bool {
        let item = CacheBusyHandle::from_abi(self.pending.as_u32());
        let ready = item.is_ready().unwrap_or(true);
        item.into_abi();
        ready
    }
}
