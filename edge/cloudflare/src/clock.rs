//! Time, as the core wants it handed in. The platform's clock stands still but for input and output.

use hemstitch::time::UnixTime;

use worker::Date;

/// Milliseconds since 1970.
pub fn ms() -> u64 {
    Date::now().as_millis()
}

/// The time of day.
pub fn now() -> UnixTime {
    UnixTime(ms() / 1000)
}
