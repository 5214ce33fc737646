//! Time as the core sees it: handed in by the driver, never read from a clock.

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

#[cfg(test)]
mod tests {
    use super::UnixTime;

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
