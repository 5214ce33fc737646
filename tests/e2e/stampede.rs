//! A cold page and many first visitors at once.

use std::sync::Barrier;
use std::thread;

use e2e::harness::{EdgeKind, Gate, Script, Stage, scene};
use e2e::on_each_edge;

on_each_edge! {
    a_hundred_first_visitors_cause_one_fetch_and_get_their_own_pages
}

const VISITORS: usize = 100;

fn a_hundred_first_visitors_cause_one_fetch_and_get_their_own_pages(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("stampede"));
    let gate = Gate::default();
    let (first, second) = scene::PAGE.split_at(scene::PAGE.find("<p>").expect("the page has a paragraph"));
    stage.serve("/", Script::streamed_page().wait(&gate).send(first).send(second));
    let ready = Barrier::new(VISITORS + 1);
    thread::scope(|scope| {
        for number in 0..VISITORS {
            let (stage, ready) = (&stage, &ready);
            scope.spawn(move || {
                let id = format!("visitor-{number}");
                let (ask, block) = match number % 3 {
                    0 => (stage.get("/"), scene::DEFAULT),
                    1 => (stage.get_as(&scene::finance_visitor(&id), "/"), scene::FINANCE),
                    _ => (stage.get_as(&scene::returning_visitor(&id), "/"), scene::RETURNING),
                };
                ready.wait();
                assert_eq!(ask.send().text(), scene::page_showing(block), "{id}");
            });
        }
        ready.wait();
        stage.origin.wait_until_asked(&stage.site().host, "/", 1);
        gate.open();
    });
    assert_eq!(stage.fetches("/"), 1);
}
