//! Stitching along a plan, and what others do instead.

use anyhow::Result;
use bench_job::{BLOCK_BYTES, Job, Samples, Task, stored};

use crate::figures::of;
use crate::setting::{SLOTS, Setting, pack_of, progress};
use crate::table::{Goal, Row};

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    progress("natively");
    match setting.native(&job(setting, 120)?) {
        Some(samples) => rows.extend(ratios(&samples?, "native")?),
        None => rows.push(Row::absent("stitching natively", "x", "the contenders were not built")),
    }
    let name = "native: esi with its fragments at hand / stitching";
    let why = "esi links where Fastly's host is, in wasm";
    rows.push(Row::absent(name, "x", why).goal(Goal::AtLeast(100.0)));
    let job = job(setting, 40)?.input("esi", setting.includes()).task(esi());
    progress("in wasm under Viceroy");
    match setting.guest() {
        Ok(guest) => {
            let samples = guest.run(&job, 5)?;
            rows.extend(ratios(&samples, "Viceroy")?);
            rows.push(esi_ratio(&samples)?);
        }
        Err(why) => rows.push(Row::absent("stitching in wasm, timed", "x", why)),
    }
    progress("in wasm, counting instructions");
    match setting.count(&job) {
        Ok(samples) => rows.extend(counts(&samples)?),
        Err(why) => rows.push(Row::absent("stitching in wasm, counted", "x", why)),
    }
    Ok(rows)
}

fn job(setting: &Setting, rounds: u32) -> Result<Job> {
    Ok(Job::of_rounds(rounds)
        .input("sent", vec![b'x'; setting.page.len() + SLOTS * BLOCK_BYTES])
        .input("object", stored(setting.blocks()))
        .input("slots", setting.slots())
        .input("pack", pack_of(1_000)?)
        .task(Task::Nothing)
        .task(copy())
        .task(stitch())
        .task(lol()))
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

fn ratios(samples: &Samples, place: &str) -> Result<Vec<Row>> {
    let (stitched, copied, lol) = (of(samples, &stitch())?, of(samples, &copy())?, of(samples, &lol())?);
    Ok(vec![
        Row::new(format!("{place}: stitching / copying the same bytes"), stitched / copied, "x")
            .goal(Goal::AtMost(1.5))
            .note(format!("{} / {}", us(stitched), us(copied))),
        Row::new(format!("{place}: lol_html rewriting / stitching"), lol / stitched, "x")
            .goal(Goal::AtLeast(100.0))
            .note(us(lol)),
    ])
}

fn esi_ratio(samples: &Samples) -> Result<Row> {
    let (stitched, esi) = (of(samples, &stitch())?, of(samples, &esi())?);
    let row = Row::new("Viceroy: esi with its fragments at hand / stitching", esi / stitched, "x");
    Ok(row.goal(Goal::AtLeast(100.0)).note(us(esi)))
}

fn us(ns: f64) -> String {
    format!("{:.2} us", ns / 1_000.0)
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
