//! From `hemstitch publish` to the page on every edge, and what looking after the rules costs a request.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bench_job::{Job, Samples, Task, stored};
use e2e::harness::{Ask, EVERY_KIND, EdgeKind, RecordOrigin, Script, Stage, TestSite, now};
use serde_json::json;

use crate::figures::{of, percentile};
use crate::setting::{Setting, given, pack_of, progress};
use crate::table::{Goal, Row};

/// Publications.
const TURNS: usize = 10;
/// How often an edge is asked for the page. Between requests a visitor would leave it alone for longer.
const LOOK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(30);
const PAGE: &str = "<!doctype html><main data-hs-slot=hero>nothing yet</main>";
/// Rules of the pack of ordinary size.
const RULES: usize = 1_000;

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let mut rows = published()?;
    progress("what a request pays for looking after the rules");
    rows.extend(kept(setting)?);
    Ok(rows)
}

/// Three edges of one site, whose KVs are written as the record says.
fn published() -> Result<Vec<Row>> {
    let name = "publish until the last of native, Viceroy and workerd shows it, median";
    let goal = Goal::AtMost(5.0);
    for program in ["HEMSTITCH_BIN", "HEMSTITCH_FASTLY_WASM", "HEMSTITCH_CLOUDFLARE"] {
        if given(program).is_none() {
            return Ok(vec![Row::absent(name, "s", format!("{program} names nothing")).goal(goal)]);
        }
    }
    let site = TestSite::new("bench").setting("hosts", json!(["bench.test", "127.0.0.1"]));
    let record = RecordOrigin::start(&site);
    let stages = EVERY_KIND.map(|kind| {
        let stage = Stage::new(kind, site.clone().recorded_at(record.address()));
        stage.serve("/", Script::page(PAGE));
        stage
    });
    let (mut commands, mut last) = (Vec::new(), Vec::new());
    let mut each: [Vec<f64>; 3] = Default::default();
    for turn in 0..=TURNS {
        progress(&format!("publication {turn} of {TURNS}"));
        let text = format!("publication {turn} at {}", now());
        let begun = Instant::now();
        record.publish(&rules(&text));
        let command = begun.elapsed().as_secs_f64();
        mirror(&record, &stages);
        let shown = shown_after(&stages, &text, begun)?;
        // The first one finds edges that hold nothing, and is none of theirs.
        if turn > 0 {
            commands.push(command);
            last.push(shown.iter().copied().fold(0.0, f64::max));
            each.iter_mut().zip(shown).for_each(|(all, one)| all.push(one));
        }
    }
    let mut rows = vec![
        Row::new(name, percentile(&last, 50), "s").goal(goal),
        Row::new("the same, the slowest of ten", percentile(&last, 100), "s").goal(goal),
    ];
    for (kind, times) in EVERY_KIND.iter().zip(&each) {
        rows.push(Row::new(format!("publish until {kind:?} shows it, median"), percentile(times, 50), "s"));
    }
    rows.push(Row::new("the command itself, median", percentile(&commands, 50), "s"));
    Ok(rows)
}

fn rules(text: &str) -> serde_json::Value {
    json!({
        "blocks": { "b": { "html": text } },
        "slots": { "hero": { "rules": [{ "id": "everybody", "block": "b" }] } },
    })
}

/// Viceroy's KV cannot be written from outside: there it comes from the record.
fn mirror(record: &RecordOrigin, stages: &[Stage]) {
    let written = record.mirrored();
    for stage in stages.iter().filter(|stage| stage.edge.kind != EdgeKind::Viceroy) {
        written.iter().for_each(|(key, value)| stage.edge.put_kv(key, value));
    }
}

/// In how many seconds each edge shows it.
fn shown_after(stages: &[Stage; 3], text: &str, begun: Instant) -> Result<[f64; 3]> {
    let mut shown = [None; 3];
    while shown.iter().any(Option::is_none) {
        for (stage, shown) in stages.iter().zip(&mut shown).filter(|(_, shown)| shown.is_none()) {
            let reply = Ask::get(stage.edge.address(), &stage.site().host, "/").send();
            if reply.text().contains(text) {
                *shown = Some(begun.elapsed().as_secs_f64());
            }
        }
        ensure!(begun.elapsed() < PATIENCE, "an edge does not show what was published");
        thread::sleep(LOOK);
    }
    Ok(shown.map(Option::unwrap_or_default))
}

/// What an instance does for each request, besides deciding: is another pack due, is something to be looked up?
fn kept(setting: &Setting) -> Result<Vec<Row>> {
    let name = "looking after the rules / a request of the core, 1,000 rules";
    let goal = Goal::AtMost(0.01);
    let keep = Task::Keep { pack: "pack".to_owned() };
    let hit = Task::Hit { object: "object".to_owned(), pack: "pack".to_owned() };
    let job = Job::of_rounds(60)
        .input("pack", pack_of(RULES)?)
        .input("object", stored(setting.blocks()))
        .task(Task::Nothing)
        .task(keep.clone())
        .task(hit.clone());
    let ratio = |samples: &Samples, name: &str, unit: &str| -> Result<Row> {
        let (keep, hit) = (of(samples, &keep)?, of(samples, &hit)?);
        Ok(Row::new(name, keep / hit, "x").goal(goal).note(format!("{keep:.0} {unit} / {hit:.0} {unit}")))
    };
    let mut rows = Vec::new();
    rows.push(match setting.guest() {
        Ok(guest) => ratio(&guest.run(&job, 4)?, name, "ns")?,
        Err(why) => Row::absent(name, "x", why).goal(goal),
    });
    let counted = format!("{name}, instructions");
    rows.push(match setting.count(&job) {
        Ok(samples) => ratio(&samples, &counted, "instructions")?,
        Err(why) => Row::absent(counted, "x", why).goal(goal),
    });
    Ok(rows)
}
