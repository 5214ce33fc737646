//! Pages of ESI, beside the crate `esi`: from the cache, and compiled for the first time.

use anyhow::Result;
use bench_job::{Job, Samples, Task, esi_bytes, esi_pages, stored};

use crate::figures::of;
use crate::setting::{Setting, progress};
use crate::table::{Goal, Row};

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    progress("pages of ESI, in wasm under Viceroy");
    let guest = match setting.guest() {
        Ok(guest) => guest,
        Err(why) => {
            let row = Row::absent("esi / running the ESI of a stored page", "x", why);
            return Ok(vec![row.goal(Goal::AtLeast(20.0))]);
        }
    };
    let mut rows = Vec::new();
    for (name, page) in esi_pages(&setting.page) {
        let sent = esi_bytes(&page);
        let job = Job::of_rounds(20)
            .input("object", stored(page.clone()))
            .input("page", page)
            .task(Task::Nothing)
            .task(ours(sent))
            .task(theirs(sent))
            .task(compile());
        rows.extend(ratios(name, sent, &guest.run(&job, 3)?)?);
    }
    Ok(rows)
}

fn ours(sent: usize) -> Task {
    Task::RunEsi { object: "object".to_owned(), sent }
}

fn theirs(sent: usize) -> Task {
    Task::RunEsiCrate { page: "page".to_owned(), sent }
}

fn compile() -> Task {
    Task::Compile { page: "page".to_owned() }
}

fn ratios(name: &str, sent: usize, samples: &Samples) -> Result<[Row; 2]> {
    let (run, compiled, esi) =
        (of(samples, &ours(sent))?, of(samples, &compile())?, of(samples, &theirs(sent))?);
    let us = |ns: f64| format!("{:.1} us", ns / 1_000.0);
    Ok([
        Row::new(format!("{name}: esi / running the stored page"), esi / run, "x")
            .goal(Goal::AtLeast(20.0))
            .note(format!("{} / {}", us(esi), us(run))),
        Row::new(format!("{name}: esi / compiling and running"), esi / (compiled + run), "x")
            .goal(Goal::AtLeast(2.0))
            .note(us(compiled)),
    ])
}
