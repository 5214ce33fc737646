//! What is written to standard error: warnings for the operator, and, if they want it, a line for each request.

use std::io::Write;
use std::time::Instant;

use http::StatusCode;
use serde::Serialize;

/// Which way an answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From the cache.
    Hit,
    /// From the cache, although it was stale.
    Stale,
    /// From the origin, for everybody.
    Miss,
    /// From the origin, for this visitor alone.
    Own,
    /// Passed through untouched.
    Pass,
    /// A block of ours.
    Block,
    /// What a gate answers, without a page.
    Gate,
    /// What this process holds, for an operator.
    Status,
    /// Not answered: no such site, no such path, no request.
    Refused,
    /// Not answered: the origin could not be reached.
    Failed,
}

/// One answered request. Nothing in it says who asked.
#[derive(Serialize)]
pub struct Entry<'e> {
    status: u16,
    way: Way,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'e str>,
    /// From the request to the head of the answer.
    us: u64,
    /// First half of the pack's hash, `none` without one, `off` by the kill switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<&'e str>,
}

impl<'e> Entry<'e> {
    /// A request that arrived at `arrived` and whose answer begins now.
    pub fn new(
        status: StatusCode,
        way: Way,
        key: Option<&'e str>,
        pack: Option<&'e str>,
        arrived: Instant,
    ) -> Entry<'e> {
        Entry { status: status.as_u16(), way, key, us: arrived.elapsed().as_micros() as u64, pack }
    }

    /// Writes it down.
    pub fn write(&self) {
        if let Ok(line) = serde_json::to_string(self) {
            write_line(&line);
        }
    }
}

/// Tells the operator what needs their attention.
pub fn warn(text: &str) {
    write_line(&format!("hemstitch: {text}"));
}

fn write_line(line: &str) {
    // Nobody is left to be told that nothing can be written.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
