//! A whole personalized hit in the Fastly edge, from the request's arrival to the last write.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bench_job::{Job, Samples, Task, block, ruleset};
use e2e::harness::{EdgeKind, Script, Stage, TestSite, Visitor, now};
use serde_json::json;

use crate::figures::{of, percentile, typical};
use crate::setting::{SLOTS, Setting, given, progress};
use crate::table::{Goal, Row};

const RULES: usize = 1_000;
const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
/// Hits of a turn, and turns. Viceroy gives an instance six requests, so five of six hits are warm.
const HITS: usize = 60;
const TURNS: usize = 30;
/// What an instance gets to go back to waiting: a request that came before would be given a fresh one.
const PAUSE: Duration = Duration::from_micros(300);
const MARK: &str = "answered in ";

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let name = "personalized hit / esi stitching that page alone";
    let goal = Goal::AtMost(0.1);
    let absent = |why: String| Ok(vec![Row::absent(name, "x", why).goal(goal)]);
    if given("HEMSTITCH_FASTLY_WASM").is_none() {
        return absent("the timed edge was not built".to_owned());
    }
    let guest = match setting.guest() {
        Ok(guest) => guest,
        Err(why) => return absent(why),
    };
    let esi = Task::Esi { page: "includes".to_owned() };
    let job = Job::of_rounds(8)
        .rested(PAUSE)
        .input("includes", setting.includes())
        .task(Task::Nothing)
        .task(esi.clone());
    let stage = Stage::new(EdgeKind::Viceroy, site()?);
    let script = Script::page(setting.blocks()).header("surrogate-control", "content=\"ESI/1.0\"");
    stage.serve("/", script);
    stage.fill("/");
    check(&stage)?;
    let visitors = [visitor(DAY), visitor(MINUTE)];
    let (mut hits, mut stitched) = ([Vec::new(), Vec::new()], Samples::new());
    for turn in 0..TURNS {
        if turn % 5 == 0 {
            progress(&format!("turn {} of {TURNS}", turn + 1));
        }
        for (visitor, hits) in visitors.iter().zip(&mut hits) {
            let before = answers(&stage).len();
            for _ in 0..HITS {
                ask(&stage, visitor).send().whole();
                let begun = Instant::now();
                while begun.elapsed() < PAUSE {
                    std::hint::spin_loop();
                }
            }
            hits.extend(answers_from(&stage, before)?);
        }
        let samples = guest.run(&job, 1)?;
        match stitched.is_empty() {
            true => stitched = samples,
            false => stitched.iter_mut().zip(samples).for_each(|((_, all), (_, more))| all.extend(more)),
        }
    }
    let [hits, within] = &hits;
    let (hit, within, esi) = (typical(hits), typical(within), of(&stitched, &esi)?);
    let us = |ns: f64| format!("{:.1} us", ns / 1_000.0);
    Ok(vec![
        Row::new(name, hit / esi, "x").goal(goal).note(format!("{} / {}", us(hit), us(esi))),
        Row::new("esi / personalized hit", esi / hit, "x"),
        Row::new("personalized hit, 10th percentile", hit / 1_000.0, "us"),
        Row::new("personalized hit, median", percentile(hits, 50) / 1_000.0, "us"),
        Row::new("personalized hit in the midst of a visit / the same", within / esi, "x").note(us(within)),
    ])
}

fn site() -> Result<TestSite> {
    Ok(TestSite::new("bench").ruleset(&serde_json::from_str(&ruleset(RULES, SLOTS))?))
}

/// Somebody who was here so many seconds ago. After a day the last visit is over, so this is a new one and the cookie is signed
/// again; after a minute nothing has to be told.
fn visitor(seconds: u64) -> Visitor {
    Visitor::new("3q2-7wAAAAAAAAAAAAAAAA")
        .visits(4)
        .interest("finance", 0.7)
        .interest("travel", 0.25)
        .known("plan", json!("gold"))
        .claim("ls", json!(now() - seconds))
}

fn ask(stage: &Stage, visitor: &Visitor) -> e2e::harness::Ask {
    stage
        .get_as(visitor, "/")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        .header("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
        .header("accept-language", "de-AT,de;q=0.8,en-US;q=0.5,en;q=0.3")
        .header("referer", "http://bench.test/pricing")
        .header("upgrade-insecure-requests", "1")
        .header("sec-fetch-dest", "document")
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-site", "same-origin")
        .header("priority", "u=0, i")
}

/// A benchmark of a page that is not personalized would be worth nothing.
fn check(stage: &Stage) -> Result<()> {
    let reply = ask(stage, &visitor(DAY)).send();
    ensure!(reply.header("set-cookie").is_some_and(|cookie| cookie.starts_with("__Host-hs=")), "no cookie");
    let page = String::from_utf8(reply.whole())?;
    (0..SLOTS).try_for_each(|slot| {
        ensure!(page.contains(&block(slot)), "block {slot} is missing");
        Ok(())
    })
}

fn answers(stage: &Stage) -> Vec<f64> {
    let lines = stage.edge.lines();
    let noted = lines.iter().filter_map(|line| line.split_once(MARK)?.1.split_once(' ')?.0.parse().ok());
    noted.collect()
}

/// What was noted of the hits of a turn.
fn answers_from(stage: &Stage, before: usize) -> Result<Vec<f64>> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let noted = answers(stage).split_off(before);
        if noted.len() >= HITS {
            return Ok(noted);
        }
        ensure!(Instant::now() < deadline, "the edge notes {} of {HITS} hits", noted.len());
        thread::sleep(Duration::from_millis(5));
    }
}
