//! Many visitors share one isolate of a Worker: what happens to one of them is not felt by the others.

use e2e::harness::patience::eventually;
use e2e::harness::{End, Gate, Reply, Script, Stage, cloudflare, panicking_cloudflare, scene};

/// More than `tasks.js` puts up with before it takes no more requests on.
const PANICS: usize = 12;
const OTHERS: usize = 10;

fn halves() -> (&'static str, &'static str) {
    scene::PAGE.split_at(scene::PAGE.find("<p>").expect("the page has a paragraph"))
}

/// Visitors who have been sent the first half of their pages.
fn others_under_way(stage: &Stage, gate: &Gate) -> Vec<Reply> {
    let (first, second) = halves();
    let begin = |number: usize| {
        let path = format!("/other-{number}");
        stage.serve(&path, Script::streamed_page().send(first).wait(gate).send(second));
        let mut reply = stage.get_as(&scene::finance_visitor("ada"), &path).send();
        reply.read_until(scene::FINANCE);
        reply
    };
    (0..OTHERS).map(begin).collect()
}

#[test]
fn a_panic_before_the_answer_gives_the_page_as_authored_and_harms_nobody_else() {
    let stage = Stage::of_worker(&panicking_cloudflare(), scene::site("panics"));
    stage.serve("/", Script::page(scene::PAGE));
    let gate = Gate::default();
    let others = others_under_way(&stage, &gate);
    for _ in 0..PANICS {
        let unlucky = stage.get_as(&scene::finance_visitor("eve"), "/").header("x-panic", "1").send();
        assert_eq!(unlucky.status, 200);
        assert_eq!(unlucky.text(), scene::PAGE);
    }
    gate.open();
    for other in others {
        assert_eq!(other.text(), scene::page_showing(scene::FINANCE));
    }
    // Worn out as it is, it lets the origin answer until those under way have gone, and then starts anew.
    eventually("a personal page after the reset", || {
        let later = stage.get_as(&scene::finance_visitor("ada"), "/").send().text();
        (later == scene::page_showing(scene::FINANCE)).then_some(())
    });
}

#[test]
fn a_panic_in_the_middle_of_a_page_breaks_that_page_off_and_no_other() {
    let stage = Stage::of_worker(&panicking_cloudflare(), scene::site("panicsamid"));
    let gate = Gate::default();
    let others = others_under_way(&stage, &gate);
    let (first, second) = halves();
    let amid = Gate::default();
    let script = Script::streamed_page().send(first).wait(&amid).send("PANIC-HERE").send(second);
    stage.serve("/", script);
    let mut unlucky = stage.get_as(&scene::finance_visitor("eve"), "/").send();
    unlucky.read_until(scene::FINANCE);
    amid.open();
    assert_eq!(unlucky.read_to_end(), End::Cut, "a page that was not sent whole ended cleanly");
    gate.open();
    for other in others {
        assert_eq!(other.text(), scene::page_showing(scene::FINANCE));
    }
    stage.serve("/", Script::page(scene::PAGE));
    let later = stage.get_as(&scene::finance_visitor("eve"), "/").send();
    assert_eq!(later.text(), scene::page_showing(scene::FINANCE), "after the reset");
}

#[test]
fn what_one_isolate_stored_another_finds_in_the_cache_of_the_data_centre() {
    let stage = Stage::of_worker(&cloudflare(), scene::site("isolates"));
    stage.serve("/", Script::page(scene::PAGE));
    stage.fill("/");
    // It gets there a moment after the answer.
    eventually("a page that a new isolate does not ask the origin for", || {
        let before = stage.fetches("/");
        stage.edge.set_personalization("on");
        let reply = stage.get_as(&scene::finance_visitor("ada"), "/").send();
        assert_eq!(reply.text(), scene::page_showing(scene::FINANCE));
        (stage.fetches("/") == before).then_some(())
    });
}
