//! What an instance keeps from one request to the next.

use hemstitch::memory::Memory;
use hemstitch::visit::Stored;

use crate::clock::Clock;
use crate::config::Config;
use crate::origin::FragmentBackends;

/// What the pages may take, of the memory that an instance has.
const PAGES_BYTES: usize = 8 << 20;

/// Bounded: sites and backends are as many as the operator configured, at most a few dozen, and pages take what they may.
pub struct Instance {
    pub clock: Clock,
    pub config: Config,
    pub backends: FragmentBackends,
    /// Objects out of the POP's cache, by key; instants are those of `clock`, in milliseconds.
    pub pages: Memory<Stored>,
}

impl Default for Instance {
    fn default() -> Self {
        let (clock, config, backends) = Default::default();
        Instance { clock, config, backends, pages: Memory::new(PAGES_BYTES) }
    }
}
