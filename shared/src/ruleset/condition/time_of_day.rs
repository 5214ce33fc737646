//! Times of the day: `HH:MM` or `HH:MM:SS`, on a clock of 24 hours.

/// Seconds since midnight. `24:00` is the end of the day.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let mut parts = text.split(':');
    let mut part = |limit: u32| {
        let part = parts.next()?;
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|number| digits && *number < limit)
    };
    let (hours, minutes) = (part(25)?, part(60)?);
    let seconds = if text.len() > 5 { part(60)? } else { 0 };
    let total = hours * 3_600 + minutes * 60 + seconds;
    (parts.next().is_none() && total <= 86_400).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_time_is_read_strictly() {
        for (text, expect) in [
            ("00:00", Some(0)),
            ("09:30", Some(34_200)),
            ("23:59:59", Some(86_399)),
            ("24:00", Some(86_400)),
            ("24:01", None),
            ("25:00", None),
            ("9:30", None),
            ("09:60", None),
            ("09:30:", None),
            ("09:30:00:00", None),
            ("+9:30", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expect, "{text}");
        }
    }
}
