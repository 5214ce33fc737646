//! Time as the core sees it: handed in by the driver, never read from a clock.

use std::fmt;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

const DAY_S: u64 = 86_400;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX; NumericDate of RFC 7519 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// Seconds that have passed since `earlier`; 0 when `earlier` is in fact later.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time `seconds` later; stops at the end of the range instead of wrapping.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl UnixTime {
    /// Reads an instant of RFC 3339 from 1970 on; also how far the clock that wrote it is ahead of UTC, in seconds.
    pub fn parse(text: &str) -> Option<(UnixTime, i32)> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let seconds = u64::try_from(instant.unix_timestamp()).ok()?;
        Some((UnixTime(seconds), instant.offset().whole_seconds()))
    }
}

impl fmt::Display for UnixTime {
    /// As RFC 3339 writes it, in UTC.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / DAY_S, self.0 % DAY_S);
        let (hours, minutes, seconds) = (second / 3_600, second / 60 % 60, second % 60);
        // Years begin in March, so that the day that comes and goes is their last.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = era * 400 + year + later;
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
    }
}

/// Seconds since Monday, 00:00, as day and time.
pub(crate) fn time_of_week(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = usize::try_from(seconds / DAY_S).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"the end");
    format!("{day} {:02}:{:02}", seconds / 3_600 % 24, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::{UnixTime, time_of_week};

    #[test]
    fn an_instant_is_written_in_utc() {
        for (seconds, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_822_200, "2026-11-27T23:30:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(UnixTime(seconds).to_string(), expect);
        }
        let _ = UnixTime(u64::MAX).to_string();
        let (instant, ahead) = UnixTime::parse("2026-11-28T00:30:00+01:00").unwrap();
        assert_eq!((instant.0, ahead), (1_795_822_200, 3_600));
        assert_eq!(UnixTime::parse("1969-12-31T00:00:00Z"), None);
        assert_eq!(time_of_week(4 * 86_400 + 84_600), "fri 23:30");
        assert_eq!(time_of_week(7 * 86_400), "the end 00:00");
    }

    #[test]
    fn a_difference_is_never_negative() {
        for (later, earlier, seconds) in [(10, 4, 6), (4, 10, 0), (u64::MAX, 0, u64::MAX)] {
            assert_eq!(UnixTime(later).seconds_since(UnixTime(earlier)), seconds);
        }
    }

    #[test]
    fn a_sum_stops_at_the_end_of_the_range() {
        assert_eq!(UnixTime(10).plus_seconds(5), UnixTime(15));
        assert_eq!(UnixTime(10).plus_seconds(u64::MAX), UnixTime(u64::MAX));
    }
}
