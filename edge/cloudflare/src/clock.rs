//! Time, as the core wants it handed in. The platform's clock stands still but for input and output.

use hemstitch::time::UnixTime;

use crate::platform::js;

/// Milliseconds since 1970.
pub fn ms() -> u64 {
    js::now() as u64
}

/// The time of day.
pub fn now() -> UnixTime {
    UnixTime(ms() / 1000)
}
