//! The time where the visitor is.

use crate::time::UnixTime;

const DAY_S: i64 = 86_400;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// 1970-01-01 was a Thursday.
const FIRST_DAY: i64 = 3;

/// A time of the week by a clock that is that many seconds ahead of UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    local: i64,
}

impl Clock {
    pub(super) fn new(now: UnixTime, utc_offset_s: i32) -> Clock {
        Clock { local: i64::try_from(now.0).unwrap_or(i64::MAX).saturating_add(utc_offset_s.into()) }
    }

    /// Seconds since Monday, 00:00.
    pub(super) fn of_week(self) -> u32 {
        (self.local.saturating_add(FIRST_DAY * DAY_S).rem_euclid(7 * DAY_S)) as u32
    }

    pub(super) fn weekday(self) -> &'static str {
        DAYS.get(self.of_week() as usize / DAY_S as usize).copied().unwrap_or_default()
    }

    /// `HH:MM:SS`.
    pub(super) fn of_day(self) -> String {
        let second = self.local.rem_euclid(DAY_S);
        format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use crate::time::UnixTime;

    #[test]
    fn the_week_begins_on_monday_where_the_visitor_is() {
        // 2026-11-27T23:30:00Z, a Friday.
        let now = UnixTime(1_795_822_200);
        for (offset, weekday, time, of_week) in [
            (0, "fri", "23:30:00", 4 * 86_400 + 84_600),
            (3_600, "sat", "00:30:00", 5 * 86_400 + 1_800),
            (-86_400, "thu", "23:30:00", 3 * 86_400 + 84_600),
            (2 * 86_400 + 1_800, "mon", "00:00:00", 0),
        ] {
            let clock = Clock::new(now, offset);
            assert_eq!((clock.weekday(), clock.of_day().as_str()), (weekday, time));
            assert_eq!(clock.of_week(), of_week);
        }
        assert_eq!(Clock::new(UnixTime(0), -1).weekday(), "wed");
        let _ = Clock::new(UnixTime(u64::MAX), i32::MAX).of_day();
    }
}
