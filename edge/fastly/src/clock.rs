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

/// When something was: each reading of a clock is a call to the platform, so a request reads them once where it arrives.
#[derive(Clone, Copy)]
pub struct Moment {
    /// Microseconds since the instance started; never runs backwards.
    pub us: u64,
    /// The time of day.
    pub now: UnixTime,
}

impl Moment {
    /// Milliseconds since the instance started.
    pub fn ms(self) -> u64 {
        self.us / 1_000
    }
}

impl Clock {
    /// Both clocks.
    pub fn moment(&self) -> Moment {
        Moment { us: self.us(), now: self.now() }
    }

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
