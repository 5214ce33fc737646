//! Time, as the core wants it handed in.

use std::time::{Instant, SystemTime};

use hemstitch::time::UnixTime;

/// The two clocks of an instance.
pub struct Clock {
    started: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { started: Instant::now() }
    }
}

impl Clock {
    /// Milliseconds since the instance started; never runs backwards.
    pub fn ms(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// Microseconds since then.
    pub fn us(&self) -> u64 {
        self.started.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
    }

    /// The time of day.
    pub fn now(&self) -> UnixTime {
        UnixTime(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}
