//! What is there is sent: nothing waits for what does not concern it, and a cut page never ends cleanly.

use e2e::harness::{EdgeKind, End, Gate, Script, Stage, TestSite, scene};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    the_head_of_the_page_goes_out_while_an_include_is_withheld
    the_head_of_the_page_goes_out_while_a_fragment_block_is_withheld
    a_stored_page_is_not_held_back_by_its_fragment
    the_first_half_goes_out_while_the_second_is_withheld
    fragments_are_fetched_at_once_and_sent_in_order
    a_page_that_the_origin_cuts_is_cut_and_not_stored
    a_personal_page_that_the_origin_cuts_is_cut_and_not_stored
}

const INCLUDES: &str = "<!doctype html><p>BEFORE</p><esi:include src=\"/f/one\"/><p>BETWEEN</p><esi:include src=\"/f/two\"/><p>AFTER</p>";
const INCLUDED: &str = "<!doctype html><p>BEFORE</p>ONE<p>BETWEEN</p>TWO<p>AFTER</p>";

fn esi(page: Script) -> Script {
    page.header("surrogate-control", "max-age=600, content=\"ESI/1.0\"")
}

fn fragment(text: &str) -> Script {
    Script::status(200).header("content-type", "text/html; charset=utf-8").body(text)
}

fn fragment_rules() -> Value {
    json!({
        "blocks": { "promo": { "fragment": "/f/promo", "timeout_ms": 10000 } },
        "slots": { "hero": { "rules": [{ "id": "r", "block": "promo" }] } },
    })
}

fn the_head_of_the_page_goes_out_while_an_include_is_withheld(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("includes"));
    let gate = Gate::default();
    stage.serve("/", esi(Script::page(INCLUDES)));
    stage.serve("/f/one", fragment("ONE").first_wait(&gate));
    stage.serve("/f/two", fragment("TWO"));
    let mut reply = stage.get("/").send();
    reply.read_until("BEFORE");
    stage.origin.wait_until_asked(&stage.site().host, "/f/one", 1);
    assert!(!reply.so_far().windows(3).any(|window| window == b"ONE"));
    gate.open();
    assert_eq!(reply.text(), INCLUDED);
}

fn the_head_of_the_page_goes_out_while_a_fragment_block_is_withheld(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("blockheld").ruleset(&fragment_rules()));
    let gate = Gate::default();
    stage.serve("/", Script::page(scene::PAGE));
    stage.serve("/f/promo", fragment("PROMO").first_wait(&gate));
    let mut reply = stage.get("/").send();
    reply.read_until("<title>Shop</title>");
    stage.origin.wait_until_asked(&stage.site().host, "/f/promo", 1);
    gate.open();
    assert_eq!(reply.text(), scene::page_showing("PROMO"));
}

fn a_stored_page_is_not_held_back_by_its_fragment(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("stored").ruleset(&fragment_rules()));
    stage.serve("/", Script::page(scene::PAGE));
    stage.serve("/f/promo", fragment("PROMO").header("cache-control", "no-store"));
    stage.fill("/");
    let gate = Gate::default();
    stage.serve("/f/promo", fragment("LATER").first_wait(&gate));
    let mut reply = stage.get("/").send();
    reply.read_until("<title>Shop</title>");
    gate.open();
    assert_eq!(reply.text(), scene::page_showing("LATER"));
}

fn the_first_half_goes_out_while_the_second_is_withheld(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("halves"));
    let gate = Gate::default();
    let (first, second) = scene::PAGE.split_at(scene::PAGE.find("<p>").expect("the page has a paragraph"));
    stage.serve("/", Script::streamed_page().send(first).wait(&gate).send(second));
    let mut reply = stage.get_as(&scene::finance_visitor("ada"), "/").send();
    reply.read_until(scene::FINANCE);
    gate.open();
    assert_eq!(reply.text(), scene::page_showing(scene::FINANCE));
}

fn fragments_are_fetched_at_once_and_sent_in_order(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("atonce"));
    let (one, two) = (Gate::default(), Gate::default());
    stage.serve("/", esi(Script::page(INCLUDES)));
    stage.serve("/f/one", fragment("ONE").first_wait(&one));
    stage.serve("/f/two", fragment("TWO").first_wait(&two));
    let reply = stage.get("/").send();
    let host = &stage.site().host;
    stage.origin.wait_until_asked(host, "/f/one", 1);
    stage.origin.wait_until_asked(host, "/f/two", 1);
    two.open();
    one.open();
    assert_eq!(reply.text(), INCLUDED);
}

fn a_page_that_the_origin_cuts_is_cut_and_not_stored(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("cut"));
    check_cut(&stage, scene::PLAIN);
}

fn a_personal_page_that_the_origin_cuts_is_cut_and_not_stored(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("cutpersonal"));
    check_cut(&stage, scene::PAGE);
}

fn check_cut(stage: &Stage, page: &str) {
    let half = &page[..page.len() - 20];
    let chunked = Script::streamed_page().send(half).cut();
    let told = Script::streamed_page().header("content-length", &page.len().to_string()).send(half).cut();
    for (path, script) in [("/chunked", chunked), ("/told", told)] {
        for turn in 1..=2 {
            stage.serve(path, script.clone());
            let mut reply = stage.get(path).send();
            assert_eq!(reply.read_to_end(), End::Cut, "{path}: a cut page ended cleanly");
            assert!(stage.fetches(path) >= turn, "{path}: a cut page was stored");
        }
        stage.serve(path, Script::page(page));
        assert_eq!(stage.get(path).send().text(), page, "{path}");
    }
}
