//! Every page case without any process: whole, split at every byte, and from the stored plan.

use e2e::harness::{Arrival, Case, InProcess, Run, split};

/// Pages up to this size are split in two at every byte; a longer one at random points.
const SPLIT_EVERYWHERE: usize = 20 * 1024;
/// Larger objects are not changed byte by byte: each change costs a run over all of it.
const LARGEST_CHANGED: usize = 100 * 1024;
/// So many random ways to split a longer one.
const RANDOM_SPLITS: u64 = 12;

fn for_every_case(check: impl Fn(&Case, &InProcess<'_>) -> Result<(), String>) {
    let mut findings = Vec::new();
    for case in Case::all() {
        let checked = case.site().and_then(|site| check(&case, &InProcess::of(&case, &site)));
        if let Err(finding) = checked {
            findings.push(format!("- {} ({}): {finding}", case.name, case.about));
        }
    }
    assert!(findings.is_empty(), "{} cases:\n{}", findings.len(), findings.join("\n"));
}

fn same(run: &Run, expected: &[u8], how: &str) -> Result<(), String> {
    if run.body == expected {
        return Ok(());
    }
    let same = run.body.iter().zip(expected).take_while(|(one, other)| one == other).count();
    let around =
        |bytes: &[u8]| bytes[same.saturating_sub(20)..bytes.len().min(same + 60)].escape_ascii().to_string();
    Err(format!("{how}: at byte {same} …{}… where …{}… should be", around(&run.body), around(expected)))
}

#[test]
fn every_case_gives_its_page_whole() {
    for_every_case(|case, core| {
        for arrival in [Arrival::AtOnce, Arrival::InPieces, Arrival::LastFirst] {
            let run = core.stream([case.page.as_slice()], arrival);
            same(&run, &case.expected, &format!("{arrival:?}"))?;
            if case.personal == Some(true) {
                let private =
                    run.head.headers.get("cache-control").is_some_and(|value| value == "private, no-cache");
                private.then_some(()).ok_or("not private")?;
            }
        }
        Ok(())
    });
}

#[test]
fn every_case_gives_its_page_byte_by_byte() {
    for_every_case(|case, core| {
        same(&core.stream(case.page.chunks(1), Arrival::AtOnce), &case.expected, "bytes")
    });
}

#[test]
fn every_case_gives_its_page_and_its_plan_split_anywhere() {
    for_every_case(|case, core| {
        let whole = core.stream([case.page.as_slice()], Arrival::AtOnce);
        let check = |pieces: Vec<&[u8]>, how: String| {
            let run = core.stream(pieces, Arrival::LastFirst);
            same(&run, &case.expected, &how)?;
            (run.object == whole.object).then_some(()).ok_or(format!("{how}: another plan"))
        };
        if case.page.len() <= SPLIT_EVERYWHERE {
            for at in 0..=case.page.len() {
                let (one, other) = case.page.split_at(at);
                check(vec![one, other], format!("split at {at}"))?;
            }
            return Ok(());
        }
        (1..=RANDOM_SPLITS)
            .try_for_each(|seed| check(split(&case.page, seed), format!("split by seed {seed}")))
    });
}

#[test]
fn every_case_gives_its_page_from_the_stored_plan() {
    for_every_case(|case, core| {
        let Some(object) = core.stream([case.page.as_slice()], Arrival::AtOnce).object else { return Ok(()) };
        for arrival in [Arrival::AtOnce, Arrival::InPieces, Arrival::LastFirst] {
            let run = core.from_object(object.clone(), arrival).ok_or("its own object is unusable")?;
            same(&run, &case.expected, &format!("{arrival:?}"))?;
            let private =
                run.head.headers.get("cache-control").is_some_and(|value| value == "private, no-cache");
            if case.personal.is_some_and(|personal| personal != private) {
                return Err(format!("private: {private}"));
            }
            if run.object.is_some() {
                return Err("its own plan was compiled again".to_string());
            }
        }
        Ok(())
    });
}

#[test]
fn a_stored_page_that_was_cut_is_never_served_wrong() {
    for_every_case(|case, core| {
        let Some(object) = core.stream([case.page.as_slice()], Arrival::AtOnce).object else { return Ok(()) };
        let step = (object.len() / 200).max(1);
        for length in (0..object.len()).step_by(step) {
            if let Some(run) = core.from_object(object[..length].to_vec(), Arrival::AtOnce) {
                same(&run, &case.expected, &format!("cut at {length} of {}", object.len()))?;
            }
        }
        Ok(())
    });
}

#[test]
fn a_stored_page_with_a_changed_byte_never_panics() {
    for_every_case(|case, core| {
        let Some(object) = core.stream([case.page.as_slice()], Arrival::AtOnce).object else { return Ok(()) };
        if object.len() > LARGEST_CHANGED {
            return Ok(());
        }
        // Of a long object every so many bytes, since each run reads all of it.
        let step = 1 + object.len() / 1_000;
        for at in (0..object.len()).step_by(step) {
            let mut changed = object.clone();
            changed[at] ^= 0x81;
            core.from_object(changed, Arrival::AtOnce);
        }
        Ok(())
    });
}
