//! Pages that are no longer fresh: who waits for a new one, and what stands where there is none.

use e2e::harness::patience::eventually;
use e2e::harness::{EdgeKind, Gate, Script, Stage, scene};
use e2e::on_each_edge;

on_each_edge! {
    a_stale_page_is_served_while_a_fresh_one_is_fetched
    a_stale_page_stands_in_for_an_origin_that_fails
    without_leave_nothing_stale_is_served
}

/// A page with a word of its own, fresh for a second.
fn page(word: &str, leave: &str) -> Script {
    let body = scene::PAGE.replace("<p>End</p>", &format!("<p>{word}</p>"));
    Script::silent_page(body).header("cache-control", &format!("max-age=1{leave}"))
}

fn a_stale_page_is_served_while_a_fresh_one_is_fetched(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("revalidated"));
    stage.serve("/", page("old", ", stale-while-revalidate=600"));
    stage.fill("/");
    let gate = Gate::default();
    stage.serve("/", page("young", ", stale-while-revalidate=600").first_wait(&gate));
    let before = stage.fetches("/");
    eventually("a fetch behind a stale answer", || {
        let text = stage.get_as(&scene::finance_visitor("ada"), "/").send().text();
        assert!(text.contains("old") && text.contains(scene::FINANCE), "{text}");
        (stage.fetches("/") > before).then_some(())
    });
    // The fetch is withheld, and everybody is answered all the same, by the one that is on its way.
    let text = stage.get("/").send().text();
    assert!(text.contains("old") && text.contains(scene::DEFAULT), "{text}");
    assert_eq!(stage.fetches("/"), before + 1);
    gate.open();
    eventually("the young page", || stage.get("/").send().text().contains("young").then_some(()));
}

fn a_stale_page_stands_in_for_an_origin_that_fails(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("standsin"));
    for (path, failure) in
        [("/error", Script::status(503).body("error of the origin")), ("/gone", Script::hang_up())]
    {
        stage.serve(path, page("old", ", stale-if-error=600"));
        stage.fill(path);
        stage.serve(path, failure);
        let before = stage.fetches(path);
        for _ in 0..3 {
            eventually(&format!("a failed fetch of {path}"), || {
                let reply = stage.get_as(&scene::finance_visitor("ada"), path).send();
                assert_eq!(reply.status, 200, "{path}");
                let text = reply.text();
                assert!(text.contains("old") && text.contains(scene::FINANCE), "{text}");
                (stage.fetches(path) > before).then_some(())
            });
        }
        stage.serve(path, page("young", ""));
        eventually("the young page", || stage.get(path).send().text().contains("young").then_some(()));
    }
}

fn without_leave_nothing_stale_is_served(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("noleave"));
    for leave in ["", ", must-revalidate, stale-if-error=600, stale-while-revalidate=600"] {
        let path = if leave.is_empty() { "/silent" } else { "/forbidden" };
        stage.serve(path, page("old", leave));
        stage.fill(path);
        stage.serve(path, Script::status(503).body("error of the origin"));
        let reply = eventually("the origin's own answer", || {
            let reply = stage.get(path).send();
            (reply.status != 200).then_some(reply)
        });
        assert_eq!(reply.status, 503);
        assert_eq!(reply.text(), "error of the origin");
    }
}
