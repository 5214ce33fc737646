//! Times as people write and read them.

use std::time::{SystemTime, UNIX_EPOCH};

use hemstitch::time::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time by the system's clock.
pub fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// A date, a time and an offset (RFC 3339), as an argument.
pub fn parse(text: &str) -> Result<UnixTime, String> {
    let wrong = || {
        let examples = "2026-12-01T09:00:00+01:00 or 2026-12-01T08:00:00Z";
        format!("write a date, a time and an offset, such as {examples}")
    };
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    u64::try_from(time.unix_timestamp()).map(UnixTime).map_err(|_| wrong())
}

/// The same, in UTC; the number itself where there is no such date.
pub fn written(UnixTime(seconds): UnixTime) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_written() {
        let at = parse("2026-12-01T09:00:00+01:00").expect("a time");
        assert_eq!((at, written(at).as_str()), (UnixTime(1_796_112_000), "2026-12-01T08:00:00Z"));
        assert_eq!(written(UnixTime(u64::MAX)), u64::MAX.to_string());
        for wrong in ["tomorrow", "2026-12-01", "2026-12-01T09:00:00", "1960-01-01T00:00:00Z"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
