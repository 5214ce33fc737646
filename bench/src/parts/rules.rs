//! How rule packs grow, load and decide.

use anyhow::Result;
use bench_job::{Job, Samples, Task, one_long_slot, ruleset, stored};

use crate::figures::of;
use crate::runner::Guest;
use crate::setting::{SLOTS, Setting, compiled, pack_of, progress};
use crate::table::{Goal, Row};

/// Sizes of packs, in rules.
pub const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let mut rows = vec![bytes_of_a_rule()?];
    let guest = match setting.guest() {
        Ok(guest) => guest,
        Err(why) => {
            rows.push(Row::absent("rules in wasm", "x", why));
            return Ok(rows);
        }
    };
    let growing = growing(setting)?;
    progress("packs of 100 to 100,000 rules");
    rows.extend(grown(&guest.run(&growing, 4)?, "")?);
    progress("the same, counting instructions");
    match setting.count(&growing) {
        Ok(samples) => rows.extend(grown(&samples, ", instructions")?),
        Err(why) => rows.push(Row::absent("growing packs, counted", "x", why)),
    }
    progress("1,000 rules in one slot");
    rows.push(long_slot(guest)?);
    progress("1,000 rules, cold");
    rows.extend(cold(guest)?);
    Ok(rows)
}

/// What ten thousand rules add to a pack, each.
fn bytes_of_a_rule() -> Result<Row> {
    let more = pack_of(20_000)?.len() - pack_of(10_000)?.len();
    Ok(Row::new("bytes of an ordinary rule in the pack", more as f64 / 10_000.0, "B")
        .goal(Goal::AtMost(120.0)))
}

fn growing(setting: &Setting) -> Result<Job> {
    let mut job = Job::of_rounds(60).input("object", stored(setting.blocks())).task(Task::Nothing);
    for rules in SIZES {
        let name = rules.to_string();
        job = job.input(&name, pack_of(rules)?).task(hit(rules)).task(decide(rules));
    }
    Ok(job)
}

fn hit(rules: usize) -> Task {
    Task::Hit { object: "object".to_owned(), pack: rules.to_string() }
}

fn decide(rules: usize) -> Task {
    Task::Decide { pack: rules.to_string(), slots: SLOTS }
}

fn grown(samples: &Samples, what: &str) -> Result<Vec<Row>> {
    let ratio = |name: &str, task: fn(usize) -> Task| -> Result<Row> {
        let (few, many) = (of(samples, &task(100))?, of(samples, &task(100_000))?);
        let note = if what.is_empty() { us(many, few) } else { format!("{many:.0} / {few:.0}") };
        Ok(Row::new(format!("{name}: 100,000 rules / 100{what}"), many / few, "x").note(note))
    };
    Ok(vec![
        ratio("a request of the core", hit)?.goal(Goal::AtMost(1.2)),
        ratio("deciding 8 slots of 10 rules", decide)?,
    ])
}

fn us(one: f64, other: f64) -> String {
    format!("{:.2} us / {:.2} us", one / 1_000.0, other / 1_000.0)
}

fn long_slot(guest: &Guest) -> Result<Row> {
    let decide = Task::Decide { pack: "pack".to_owned(), slots: 1 };
    let pack = compiled(&one_long_slot(1_000))?;
    let job = Job::of_rounds(60).input("pack", pack).task(Task::Nothing).task(decide.clone());
    let ns = of(&guest.run(&job, 4)?, &decide)?;
    Ok(Row::new("1,000 rules in one slot, none matching but the last", ns / 1_000.0, "us")
        .goal(Goal::AtMost(20.0)))
}

fn cold(guest: &Guest) -> Result<Vec<Row>> {
    let load = Task::Load { pack: "pack".to_owned(), slots: SLOTS };
    let verify = Task::Verify { pack: "pack".to_owned() };
    let parse = Task::ParseJson { ruleset: "ruleset".to_owned() };
    let json = ruleset(1_000, SLOTS);
    let alone = |task: &Task| {
        let pack = compiled(&json)?;
        let job = Job::of_rounds(1).cold().input("pack", pack).input("ruleset", json.clone().into_bytes());
        of(&guest.run(&job.task(task.clone()), 40)?, task)
    };
    let (loaded, verified, parsed) = (alone(&load)?, alone(&verify)?, alone(&parse)?);
    Ok(vec![
        Row::new("cold: opening 1,000 rules and deciding 8 slots", loaded / 1_000.0, "us")
            .goal(Goal::AtMost(100.0)),
        Row::new("cold: verifying hash and signature of that pack", verified / 1_000.0, "us"),
        Row::new("cold: parsing the same rules as JSON / opening and deciding", parsed / loaded, "x")
            .note(us(parsed, loaded)),
    ])
}
