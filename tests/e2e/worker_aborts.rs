//! Visitors who go away, at whatever moment, leave nothing behind in the isolate that they shared.

use std::fs;
use std::net::TcpStream;
use std::time::Instant;

use e2e::harness::patience::PATIENCE;
use e2e::harness::{Gate, Reply, Script, Stage, panicking_cloudflare, scene};

/// The moments at which they go, and what they are waiting for then.
#[derive(Clone, Copy, Debug)]
enum Moment {
    AtOnce,
    OriginSilent,
    AmidStoredPage,
    AmidOwnPage,
    AmidSharedPage,
    FragmentWithheld,
}

const MOMENTS: [Moment; 6] = [
    Moment::AtOnce,
    Moment::OriginSilent,
    Moment::AmidStoredPage,
    Moment::AmidOwnPage,
    Moment::AmidSharedPage,
    Moment::FragmentWithheld,
];
/// How many go at the same time.
const WAVE: usize = 21;
const WAVES: usize = 8;
/// A round is so many waves at every moment: 1,008 visitors.
const ROUND: usize = WAVES * WAVE * MOMENTS.len();
/// Until pools, caches and compiled code have reached their size.
const WARM_UP: usize = 2;
const ROUNDS: usize = 8;
/// So many rounds in a row.
const STRETCH: usize = 4;
/// What stays behind of one visitor, in bytes, if anything, is more than this.
const NOTHING: f64 = 512.0;
/// What the Worker says when it has no task but the one that says it, which holds its request and its bindings. The
/// third value is the crate `worker`'s own, for good.
const NOBODY: &str = "0 1 3 ";
/// What it may grow by, in pages of 64 KB: ten thousand times two kilobytes are 305.
const MORE_PAGES: u32 = 32;

struct Crowd {
    stage: Stage,
    waves: usize,
}

impl Crowd {
    fn wave(&mut self, moment: Moment) {
        self.waves += 1;
        let (stage, path) = (&self.stage, format!("/{}", self.waves));
        let fragment = format!("{path}/fragment");
        let (gate, host) = (Gate::default(), &stage.site().host);
        let (first, second) =
            scene::PAGE.split_at(scene::PAGE.find("<p>").expect("the page has a paragraph"));
        let half = Script::streamed_page().send(first).wait(&gate).send(second);
        let ask = |path: &str| stage.get_as(&scene::finance_visitor("ada"), path);
        let begin = |path: &str| ask(path).unread().expect("a connection to the edge");
        let begun = |mut reply: Reply| {
            reply.read_until(scene::FINANCE);
            reply
        };
        let unread = |path: &str| -> Vec<TcpStream> { (1..WAVE).map(|_| begin(path)).collect() };
        match moment {
            Moment::AtOnce => drop((begin(&path), unread(&path))),
            Moment::OriginSilent => {
                stage.serve(&path, Script::never(&gate));
                let waiting = (begin(&path), unread(&path));
                stage.origin.wait_until_asked(host, &path, 1);
                drop(waiting);
            }
            Moment::AmidStoredPage => {
                let replies: Vec<Reply> = (0..WAVE).map(|_| begun(ask("/long").send())).collect();
                drop(replies);
            }
            Moment::AmidOwnPage => {
                stage.serve(&path, half);
                let send = |_| begun(ask(&path).header("authorization", "Basic YTpi").send());
                let replies: Vec<Reply> = (0..WAVE).map(send).collect();
                drop(replies);
            }
            Moment::AmidSharedPage => {
                stage.serve(&path, half);
                let leads = begun(ask(&path).send());
                drop((leads, unread(&path)));
            }
            Moment::FragmentWithheld => {
                let page = format!("{first}<esi:include src=\"{fragment}\"/>{second}");
                let page = Script::page(page).header("surrogate-control", "content=\"ESI/1.0\"");
                stage.serve(&path, page);
                stage.serve(&fragment, Script::never(&gate));
                let leads = begun(ask(&path).send());
                stage.origin.wait_until_asked(host, &fragment, 1);
                drop((leads, unread(&path)));
            }
        }
        gate.open();
    }

    fn round(&mut self) {
        for _ in 0..WAVES {
            MOMENTS.into_iter().for_each(|moment| self.wave(moment));
        }
    }

    /// Waits until the Worker holds nothing for anybody, and says how many pages its memory has.
    fn pages_when_all_have_gone(&self) -> u32 {
        let mut census = String::new();
        let mut look = || {
            census = self.stage.get("/").header("x-census", "1").send().text();
            census.strip_prefix(NOBODY)?.parse().ok()
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(pages) = look() {
                return pages;
            }
            assert!(Instant::now() < deadline, "tasks, those of tasks.js, values, pages: {census}");
        }
    }

    /// What the process holds that is not a file's, in bytes.
    fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.stage.edge.id()));
        let status = status.expect("workerd runs");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux says it");
        let kilobytes: f64 = line.trim_end_matches("kB").trim().parse().expect("a number");
        kilobytes * 1024.0
    }
}

/// By how much memory grew in the stretch in which it grew least. Pools and heaps grow in steps and then stay as they
/// are for a while; what leaks never stays.
fn flattest(memory: &[f64]) -> f64 {
    let growths = memory.windows(STRETCH + 1).map(|stretch| stretch[STRETCH] - stretch[0]);
    growths.fold(f64::INFINITY, f64::min)
}

#[test]
fn ten_thousand_visitors_who_went_away_left_nothing_behind() {
    let stage = Stage::of_worker(&panicking_cloudflare(), scene::site("aborts"));
    let long = scene::PAGE.to_string() + &"<p>And so on.\n".repeat(20_000);
    stage.serve("/long", Script::page(long));
    stage.fill("/long");
    let mut crowd = Crowd { stage, waves: 0 };
    for _ in 0..WARM_UP {
        crowd.round();
    }
    let pages = crowd.pages_when_all_have_gone();
    let mut memory = Vec::new();
    for _ in 0..ROUNDS {
        crowd.round();
        let more = crowd.pages_when_all_have_gone().saturating_sub(pages);
        assert!(more <= MORE_PAGES, "the Worker's own memory grew by {more} pages");
        memory.push(crowd.memory());
    }
    let left = flattest(&memory) / (STRETCH * ROUND) as f64;
    assert!(left < NOTHING, "{left:.0} bytes stayed behind of each: {memory:?}");
}
