//! Time and chance. Both come from outside.

use super::{Context, Failure, is_missing, text_of, whole};
use crate::value::{Taint, Value};

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) fn time(_: &[Value], context: &mut Context) -> Result<Value, Failure> {
    Ok(Value::Int(context.now))
}

pub(super) fn http_time(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let at = if is_missing(arguments, 0) { context.now } else { whole(arguments, 0, context)? };
    format(at, "%a, %d %b %Y %H:%M:%S GMT")
}

pub(super) fn strftime(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let at = if is_missing(arguments, 0) { context.now } else { whole(arguments, 0, context)? };
    if is_missing(arguments, 1) {
        return format(at, "%a, %d %b %Y %H:%M:%S");
    }
    let pattern = text_of(arguments, 1, context);
    format(at, &String::from_utf8_lossy(&pattern.bytes))
}

pub(super) fn rand(arguments: &[Value], context: &mut Context) -> Result<Value, Failure> {
    let bound = if arguments.is_empty() { 100_000_000 } else { whole(arguments, 0, context)? };
    if bound <= 0 {
        return Err(Failure::Arguments);
    }
    Ok(Value::Int(context.chance.below(bound)))
}

pub(super) fn last_rand(_: &[Value], context: &mut Context) -> Result<Value, Failure> {
    Ok(context.chance.last.map_or(Value::None, Value::Int))
}

/// A time of day on a date, in UTC.
struct Moment {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    day_of_year: i64,
    second_of_day: i64,
}

/// The proleptic Gregorian calendar, by the algorithm of Howard Hinnant ("chrono-compatible low-level date algorithms").
fn moment(at: i64) -> Moment {
    let (days, second_of_day) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 2 } else { shifted_month - 10 };
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let month = month as usize % 12;
    Moment {
        year,
        month,
        day,
        weekday: (days + 4).rem_euclid(7) as usize,
        day_of_year: BEFORE[month] + day + if month > 1 { leap } else { 0 },
        second_of_day,
    }
}

/// The conversions of C's `strftime` in the C locale and UTC. What is no conversion stays.
fn format(at: i64, pattern: &str) -> Result<Value, Failure> {
    // Beyond lies the year 9999.
    if !(-62_135_596_800..=253_402_300_799).contains(&at) || pattern.len() > 4096 {
        return Err(Failure::Arguments);
    }
    let moment = moment(at);
    let (hour, minute, second) =
        (moment.second_of_day / 3600, moment.second_of_day / 60 % 60, moment.second_of_day % 60);
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let (day_name, month_name) = (DAYS[moment.weekday], MONTHS[moment.month]);
    let number = moment.month + 1;
    let mut out = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('a') => out.push_str(&day_name[..3]),
            Some('A') => out.push_str(day_name),
            Some('b' | 'h') => out.push_str(&month_name[..3]),
            Some('B') => out.push_str(month_name),
            Some('c') => out.push_str(&format!(
                "{} {} {:2} {hour:02}:{minute:02}:{second:02} {:04}",
                &day_name[..3],
                &month_name[..3],
                moment.day,
                moment.year
            )),
            Some('C') => out.push_str(&format!("{:02}", moment.year / 100)),
            Some('d') => out.push_str(&format!("{:02}", moment.day)),
            Some('D' | 'x') => {
                out.push_str(&format!("{number:02}/{:02}/{:02}", moment.day, moment.year % 100));
            }
            Some('e') => out.push_str(&format!("{:2}", moment.day)),
            Some('F') => out.push_str(&format!("{:04}-{number:02}-{:02}", moment.year, moment.day)),
            Some('H') => out.push_str(&format!("{hour:02}")),
            Some('I') => out.push_str(&format!("{twelve:02}")),
            Some('j') => out.push_str(&format!("{:03}", moment.day_of_year)),
            Some('k') => out.push_str(&format!("{hour:2}")),
            Some('l') => out.push_str(&format!("{twelve:2}")),
            Some('m') => out.push_str(&format!("{number:02}")),
            Some('M') => out.push_str(&format!("{minute:02}")),
            Some('n') => out.push('\n'),
            Some('p') => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            Some('r') => out.push_str(&format!(
                "{twelve:02}:{minute:02}:{second:02} {}",
                if hour < 12 { "AM" } else { "PM" }
            )),
            Some('R') => out.push_str(&format!("{hour:02}:{minute:02}")),
            Some('s') => out.push_str(&at.to_string()),
            Some('S') => out.push_str(&format!("{second:02}")),
            Some('t') => out.push('\t'),
            Some('T' | 'X') => out.push_str(&format!("{hour:02}:{minute:02}:{second:02}")),
            Some('u') => out.push_str(&(if moment.weekday == 0 { 7 } else { moment.weekday }).to_string()),
            Some('w') => out.push_str(&moment.weekday.to_string()),
            Some('y') => out.push_str(&format!("{:02}", moment.year % 100)),
            Some('Y') => out.push_str(&format!("{:04}", moment.year)),
            Some('z') => out.push_str("+0000"),
            Some('Z') => out.push_str("UTC"),
            Some('%') | None => out.push('%'),
            Some(other) => {
                out.push('%');
                out.push(other);
            }
        }
    }
    Ok(Value::text(out, Taint::NONE))
}
