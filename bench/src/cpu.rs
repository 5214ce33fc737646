//! What a process has cost so far, on Linux.

use std::fs;

use anyhow::{Context, Result};

/// Ticks of a second: `USER_HZ`, which the kernel keeps at this for programs.
const TICKS: f64 = 100.0;

/// CPU time of a process and its children, in seconds.
pub fn seconds_of(process: u32) -> Result<f64> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc").context("reading /proc")? {
        let file = entry?.path().join("stat");
        // A process that ends while it is looked at costs nothing any more.
        let Ok(text) = fs::read_to_string(file) else { continue };
        let Some((id, parent, spent)) = stat(&text) else { continue };
        if id == process || parent == process {
            ticks += spent;
        }
    }
    Ok(ticks as f64 / TICKS)
}

/// Id, parent and ticks of user and system time (proc_pid_stat(5)). The name in brackets may hold anything.
fn stat(text: &str) -> Option<(u32, u32, u64)> {
    let (id, rest) = text.split_once(' ')?;
    let fields: Vec<&str> = rest.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((id.parse().ok()?, fields.get(1)?.parse().ok()?, ticks(11)? + ticks(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read_whatever_the_process_is_called() {
        let line = "42 (a ) b) S 7 42 42 0 -1 4194560 10 0 0 0 130 25 3 4 20 0 1 0";
        assert_eq!(stat(line), Some((42, 7, 155)));
    }
}
