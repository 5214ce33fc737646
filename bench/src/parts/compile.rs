//! Compiling a page, against lol_html looking for the same elements and doing nothing about them.

use anyhow::Result;
use bench_job::{Job, Samples, Task};

use crate::figures::of;
use crate::setting::{Setting, progress};
use crate::table::{Goal, Row};

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let job = Job::of_rounds(40)
        .input("slots", setting.slots())
        .input("blocks", setting.blocks())
        .input("plain", setting.page.clone())
        .task(Task::Nothing)
        .task(compile("slots"))
        .task(Task::LolScan { page: "slots".to_owned() })
        .task(Task::LolSelect { page: "slots".to_owned() })
        .task(compile("blocks"))
        .task(compile("plain"));
    progress("natively");
    let mut rows = match setting.native(&job) {
        Some(samples) => ratios(&samples?, "native")?,
        None => vec![Row::absent("compiling natively", "x", "the contenders were not built")],
    };
    progress("in wasm under Viceroy");
    match setting.guest() {
        Ok(guest) => rows.extend(ratios(&guest.run(&job, 5)?, "Viceroy")?),
        Err(why) => rows.push(Row::absent("compiling in wasm", "x", why).goal(Goal::AtMost(1.5))),
    }
    Ok(rows)
}

fn compile(page: &str) -> Task {
    Task::Compile { page: page.to_owned() }
}

fn ratios(samples: &Samples, place: &str) -> Result<Vec<Row>> {
    let scanned = of(samples, &Task::LolSelect { page: "slots".to_owned() })?;
    let read = of(samples, &Task::LolScan { page: "slots".to_owned() })?;
    let us = |ns: f64| format!("{:.0} us", ns / 1_000.0);
    let ratio = |what: &str, task: &Task| -> Result<Row> {
        let took = of(samples, task)?;
        let name = format!("{place}: {what} / lol_html merely scanning");
        let note = format!("{} / {}", us(took), us(scanned));
        Ok(Row::new(name, took / scanned, "x").goal(Goal::AtMost(1.5)).note(note))
    };
    Ok(vec![
        ratio("compiling slots as elements", &compile("slots"))?,
        ratio("compiling slots as ESI", &compile("blocks"))?,
        ratio("compiling no slots", &compile("plain"))?,
        Row::new(format!("{place}: lol_html scanning for nothing / for one selector"), read / scanned, "x")
            .note(format!("{} / {}", us(read), us(scanned))),
    ])
}
