//! Stitching along a plan, and what others do instead.

use anyhow::Result;
use bench_job::{BLOCK_BYTES, Job, Samples, Task, stored};

use crate::figures::of;
use crate::setting::{SLOTS, Setting, pack_of, progress};
use crate::table::{Goal, Row};

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    progress("natively");
    // Natively there is no host that holds fragments for esi: it reads the page without any.
    match setting.native(&job(setting, &setting.page, 120)?) {
        Some(samples) => rows.extend(ratios(&samples?, "native", "esi reading the page alone")?),
        None => rows.push(Row::absent("stitching natively", "x", "the contenders were not built")),
    }
    let job = job(setting, &setting.includes(), 40)?;
    progress("in wasm under Viceroy");
    match setting.guest() {
        Ok(guest) => {
            rows.extend(ratios(&guest.run(&job, 5)?, "Viceroy", "esi with its fragments at hand")?);
        }
        Err(why) => rows.push(Row::absent("stitching in wasm, timed", "x", why)),
    }
    progress("in wasm, counting instructions");
    match setting.count(&job) {
        Some(samples) => rows.extend(counts(&samples?)?),
        None => rows.push(Row::absent("stitching in wasm, counted", "x", "built without `fuel`")),
    }
    Ok(rows)
}

fn job(setting: &Setting, esi_page: &[u8], rounds: u32) -> Result<Job> {
    Ok(Job::of_rounds(rounds)
        .input("sent", vec![b'x'; setting.page.len() + SLOTS * BLOCK_BYTES])
        .input("object", stored(setting.blocks()))
        .input("slots", setting.slots())
        .input("esi", esi_page.to_vec())
        .input("pack", pack_of(1_000)?)
        .task(Task::Nothing)
        .task(copy())
        .task(stitch())
        .task(lol())
        .task(esi()))
}

fn copy() -> Task {
    Task::Copy { page: "sent".to_owned() }
}

fn stitch() -> Task {
    Task::Stitch { object: "object".to_owned(), pack: "pack".to_owned() }
}

fn lol() -> Task {
    Task::LolRewrite { page: "slots".to_owned() }
}

fn esi() -> Task {
    Task::Esi { page: "esi".to_owned() }
}

fn ratios(samples: &Samples, place: &str, esi_does: &str) -> Result<Vec<Row>> {
    let (stitched, copied) = (of(samples, &stitch())?, of(samples, &copy())?);
    let (lol, esi) = (of(samples, &lol())?, of(samples, &esi())?);
    let us = |ns: f64| format!("{:.2} us", ns / 1_000.0);
    Ok(vec![
        Row::new(format!("{place}: stitching / copying the same bytes"), stitched / copied, "x")
            .goal(Goal::AtMost(1.5))
            .note(format!("{} / {}", us(stitched), us(copied))),
        Row::new(format!("{place}: lol_html rewriting / stitching"), lol / stitched, "x")
            .goal(Goal::AtLeast(100.0))
            .note(us(lol)),
        Row::new(format!("{place}: {esi_does} / stitching"), esi / stitched, "x")
            .goal(Goal::AtLeast(100.0))
            .note(us(esi)),
    ])
}

/// A byte that is moved counts as much as an instruction here, so what is moved is shown beside.
fn counts(samples: &Samples) -> Result<Vec<Row>> {
    let (stitched, copied) = (of(samples, &stitch())?, of(samples, &copy())?);
    let (lol, esi) = (of(samples, &lol())?, of(samples, &esi())?);
    let beside = (stitched - copied).max(0.0);
    Ok(vec![
        Row::new("counted: stitching / copying the same bytes", stitched / copied, "x")
            .goal(Goal::AtMost(1.5))
            .note(format!("{stitched:.0} / {copied:.0}, a byte moved being one")),
        Row::new("counted: instructions of stitching beside the copying", beside, "instr"),
        Row::new("counted: lol_html rewriting / stitching", lol / stitched, "x").note(format!("{lol:.0}")),
        Row::new("counted: esi with its fragments at hand / stitching", esi / stitched, "x")
            .note(format!("{esi:.0}")),
    ])
}
