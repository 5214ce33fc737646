//! How far an upload is, for somebody at a terminal.

use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hemstitch_origin::targets::{Progress, Targets};

use crate::output;

/// What is shorter is there before anybody has read how far it is, in bytes.
const WORTH_TELLING: usize = 64 * 1024;

/// Tells how much has gone out to servers, in one line that is written over; nothing where nobody sees it happen.
pub fn show(targets: &mut Targets) {
    if !stderr().is_terminal() {
        return;
    }
    if let Some((name, ledger)) = &mut targets.ledger {
        ledger.watch(progress(name));
    }
    for mirror in &mut targets.mirrors {
        mirror.store.watch(progress(&mirror.name));
    }
}

fn progress(name: &str) -> Progress {
    let (name, last) = (name.to_owned(), AtomicUsize::new(usize::MAX));
    Arc::new(move |sent, of| {
        let percent = sent.saturating_mul(100) / of.max(1);
        if of >= WORTH_TELLING && last.swap(percent, Ordering::Relaxed) != percent {
            output::over(&line(&name, sent, of, percent));
        }
    })
}

/// Nothing at the end, since what comes of it is told in lines of its own.
fn line(name: &str, sent: usize, of: usize, percent: usize) -> String {
    let kilobytes = |bytes: usize| bytes.div_ceil(1_000);
    match sent < of {
        true => format!("{name}: {} of {} kB ({percent} %)", kilobytes(sent), kilobytes(of)),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_says_how_far_it_is_and_goes_when_all_is_sent() {
        assert_eq!(line("fastly", 16_384, 204_800, 8), "fastly: 17 of 205 kB (8 %)");
        assert_eq!(line("fastly", 204_800, 204_800, 100), "");
    }
}
