//! The clock, which the core is told and never asks.

use std::time::SystemTime;

use hemstitch::time::UnixTime;

/// The time now; 1970 where the machine's clock is before it.
pub fn unix_now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
