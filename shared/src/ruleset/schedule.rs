//! When a rule applies: instants, and hours of the week.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::code;
use super::condition::{Condition, Operand, Test, time_of_day};
use super::diagnostic::Findings;
use super::fields::{Fields, expect_list, expect_text};
use super::form::objects::HOURS;
use super::names::Scope;
use super::source::Node;

/// The fact that holds the present instant, in seconds since 1970.
pub(crate) const NOW: &str = "time.now";
/// The fact that holds the seconds since Monday, 00:00, where the visitor is.
pub(crate) const OF_WEEK: &str = "time.of_week";

const DAY_S: u32 = 86_400;
const WEEK_S: u32 = 7 * DAY_S;
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Adds what the schedule of an object asks for to the parts of its condition.
pub(super) fn read<'n>(fields: &Fields<'n>, parts: &mut Vec<Condition>, scope: &mut Scope<'n, '_>) {
    let starts = instant(fields, "starts_at", scope.findings);
    let ends = instant(fields, "ends_at", scope.findings);
    let at = |second: i64| Operand::Number(second as f64);
    parts.extend(starts.map(|(start, _)| Condition::Fact(NOW.to_owned(), Test::GreaterOrEqual(at(start)))));
    parts.extend(ends.map(|(end, _)| Condition::Fact(NOW.to_owned(), Test::Less(at(end)))));
    if let (Some((start, _)), Some((end, place))) = (starts, ends)
        && end <= start
    {
        let message = "it ends before it starts".to_owned();
        let help = "put the later instant into `ends_at`";
        scope.findings.report_with_help(code::EMPTY_SCHEDULE, place, message, help);
    }
    if let Some((end, place)) = ends {
        scope.check_end(end, place);
    }
    if let Some(hours) = fields.get("hours").and_then(|node| expect_list(node, "hours", scope.findings)) {
        let spans: Vec<Condition> = hours.iter().flat_map(|node| read_hours(node, scope)).collect();
        if spans.is_empty() {
            let message = "`hours` without a span is never".to_owned();
            let help = "write `{\"days\": [\"mon\"], \"from\": \"09:00\", \"to\": \"17:00\"}`";
            scope.findings.report_with_help(code::BAD_HOURS, fields.at(), message, help);
        }
        parts.push(Condition::Any(spans));
    }
}

/// An instant of RFC 3339 in seconds since 1970, and where it is written.
pub(super) fn instant(fields: &Fields, name: &str, findings: &mut Findings) -> Option<(i64, usize)> {
    let (text, at) = fields.text(name, findings)?;
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(instant) => Some((instant.unix_timestamp(), at)),
        Err(_) => {
            let message = format!("`{}` is no instant", text.escape_debug());
            let help = "write date, time and offset, such as `2026-11-27T00:00:00+01:00`";
            findings.report_with_help(code::BAD_INSTANT, at, message, help);
            None
        }
    }
}

/// The spans of one entry: `{"days": ["mon", …], "from": "09:00", "to": "17:00"}`; every day where none is named.
fn read_hours<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Vec<Condition> {
    let Some(fields) = Fields::of(node, &HOURS, scope.findings) else { return Vec::new() };
    let time = |name: &str, scope: &mut Scope<'n, '_>| {
        let (text, at) = fields.required_text(name, scope.findings)?;
        let seconds = time_of_day::seconds(text);
        if seconds.is_none() {
            let message = format!("`{}` is no time of the day", text.escape_debug());
            let help = "write hours and minutes, such as `09:30`; the day ends at `24:00`";
            scope.findings.report_with_help(code::BAD_TIME, at, message, help);
        }
        seconds
    };
    let (from, to) = (time("from", scope), time("to", scope));
    let days: Vec<u32> = match fields.get("days") {
        None => (0..7).collect(),
        Some(node) => {
            let items = expect_list(node, "days", scope.findings).unwrap_or_default();
            items.iter().filter_map(|item| read_day(item, scope)).collect()
        }
    };
    let (Some(from), Some(to)) = (from, to) else { return Vec::new() };
    let length = if to > from { to - from } else { DAY_S - from + to };
    days.into_iter().flat_map(|day| spans((day * DAY_S + from) % WEEK_S, length)).collect()
}

fn read_day(node: &Node, scope: &mut Scope) -> Option<u32> {
    let name = expect_text(node, "a day", scope.findings)?;
    let day = DAYS.iter().zip(0..).find(|(known, _)| **known == name).map(|(_, day)| day);
    if day.is_none() {
        let message = format!("there is no day `{}`", name.escape_debug());
        scope.findings.report_unknown(code::BAD_HOURS, node.at, message, name, DAYS);
    }
    day
}

/// A span of the week, in two where the week ends within it.
fn spans(start: u32, length: u32) -> Vec<Condition> {
    let span = |from: u32, to: u32| {
        let at = |second: u32| Operand::Number(second.into());
        Condition::All(vec![
            Condition::Fact(OF_WEEK.to_owned(), Test::GreaterOrEqual(at(from))),
            Condition::Fact(OF_WEEK.to_owned(), Test::Less(at(to))),
        ])
    };
    let end = start + length;
    if end <= WEEK_S { vec![span(start, end)] } else { vec![span(start, WEEK_S), span(0, end - WEEK_S)] }
}
