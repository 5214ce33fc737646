//! From `hemstitch publish` to the page: live within seconds, and back, whatever KV has or lacks.

use std::time::{Duration, Instant};

use e2e::harness::patience::eventually;
use e2e::harness::{
    Ask, Edge, EdgeKind, Fault, Publication, RecordOrigin, Script, Stage, TestSite, pointer_signed_by, scene,
};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    a_publication_shows_and_so_does_the_way_back
    what_is_wrong_in_kv_is_right_in_the_record
}

/// Rules that show a text to everybody.
fn showing(text: &str) -> Value {
    json!({
        "blocks": { "b": { "html": text } },
        "slots": { "hero": { "rules": [{ "id": "everybody", "block": "b" }] } },
    })
}

fn shown(edge: &Edge, site: &TestSite) -> String {
    let reply = Ask::get(edge.address(), &site.host, "/").send();
    assert_eq!(reply.status, 200, "visitors never see an error");
    let text = reply.text();
    let hero = text.split("data-hs-slot=\"hero\">").nth(1).expect("the page");
    let hero = hero.split("</main>").next().expect("the slot").to_string();
    assert!(!hero.is_empty(), "visitors never see a blank slot");
    hero
}

/// Asks like visitors do until the slot shows a text; in between it shows another good one.
fn wait_for(text: &str, edge: &Edge, site: &TestSite) -> Duration {
    let began = Instant::now();
    eventually(&format!("{text} shows"), || (shown(edge, site) == text).then_some(()));
    began.elapsed()
}

/// An edge in front of an origin with a page, and the record of the site.
fn staged(kind: EdgeKind, site: TestSite) -> (RecordOrigin, Stage) {
    let record = RecordOrigin::start(&site);
    let stage = Stage::new(kind, site.recorded_at(record.address()));
    stage.serve("/", Script::page(scene::PAGE));
    (record, stage)
}

/// Brings what was mirrored to the KV of the edge, as far as it can be written from outside.
fn mirror(record: &RecordOrigin, stage: &Stage) {
    if stage.edge.kind != EdgeKind::Viceroy {
        record.mirrored().iter().for_each(|(key, value)| stage.edge.put_kv(key, value));
    }
}

fn a_publication_shows_and_so_does_the_way_back(kind: EdgeKind) {
    let site = TestSite::new("acme").setting("hosts", json!(["acme.test", "127.0.0.1"]));
    let (record, stage) = staged(kind, site);
    assert_eq!(shown(&stage.edge, stage.site()), scene::DEFAULT);
    let mut took = Vec::new();
    for text in ["FIRST", "SECOND", "THIRD"] {
        record.publish(&showing(text));
        mirror(&record, &stage);
        took.push(wait_for(text, &stage.edge, stage.site()));
    }
    let published = record.run(&["rollback", "--message", "too loud"]);
    assert!(published.contains("~ block b: html \"THIRD\" → \"SECOND\""), "{published}");
    assert!(published.contains("published acme number 4"), "{published}");
    mirror(&record, &stage);
    took.push(wait_for("SECOND", &stage.edge, stage.site()));
    println!("{kind:?}: from the end of `publish` to the page: {took:?}");
    let told = record.run(&["status"]);
    assert!(told.contains("ann from 127.0.0.1") && told.contains("mirror: number 4"), "{told}");
    if kind == EdgeKind::Native {
        let url = format!("http://{}", stage.edge.address());
        let told = record.run(&["status", "--edge", &url]);
        assert_eq!(told.matches(&format!("{url}: number 4, pack ")).count(), 3, "{told}");
    }
    assert_eq!(stage.fetches("/"), 1, "no publication purges a page");
}

fn what_is_wrong_in_kv_is_right_in_the_record(kind: EdgeKind) {
    let good = Publication::of("acme", 9, &showing("NINTH").to_string());
    let stale = Publication::of("acme", 1, &showing("STALE").to_string());
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    type Damage<'d> = (&'d str, Vec<(&'d str, Vec<u8>)>);
    let damages: Vec<Damage> = vec![
        ("a corrupt pointer", vec![(&good.pointer_key, cut(&good.pointer))]),
        (
            "a corrupt pack",
            vec![(&good.pack_key, cut(&good.pack)), (&good.pointer_key, good.pointer.clone())],
        ),
        ("a missing pack", vec![(&good.pointer_key, good.pointer.clone())]),
        (
            "a pointer of another key",
            vec![(&good.pointer_key, pointer_signed_by(9, "acme", vec![1]).pointer)],
        ),
        (
            "an older publication than was seen",
            vec![(&stale.pack_key, stale.pack.clone()), (&stale.pointer_key, stale.pointer.clone())],
        ),
    ];
    for (what, values) in damages {
        let mut site = TestSite::new("acme");
        for (key, value) in &values {
            site = site.kv(key, value);
        }
        let (record, stage) = staged(kind, site);
        if what.starts_with("an older") {
            // It shows until the instance has seen a later one, which nothing but KV can tell it of.
            wait_for("STALE", &stage.edge, stage.site());
            if kind != EdgeKind::Viceroy {
                record.publish(&showing("FIRST"));
                record.publish(&showing("SECOND"));
                mirror(&record, &stage);
                wait_for("SECOND", &stage.edge, stage.site());
                // KV is eventually consistent: it may go back for a while.
                values.iter().for_each(|(key, value)| stage.edge.put_kv(key, value));
                record.publish(&showing("THIRD"));
                wait_for("THIRD", &stage.edge, stage.site());
            }
            continue;
        }
        record.publish_with(&showing("NINTH"), &["--sequence", "9"]);
        let took = wait_for("NINTH", &stage.edge, stage.site());
        println!("{kind:?}: with {what} in KV: {took:?}");
    }
}

/// A Worker whose KV fails in every way shows what is published all the same.
#[test]
fn a_platform_whose_kv_fails_is_made_up_for_by_the_record() {
    let (record, stage) = staged(EdgeKind::Workerd, TestSite::new("acme"));
    record.publish(&showing("BEFORE"));
    mirror(&record, &stage);
    wait_for("BEFORE", &stage.edge, stage.site());
    for (number, fault) in [Fault::Error, Fault::Garbage, Fault::HangUp].into_iter().enumerate() {
        stage.edge.set_faults(fault, Fault::None);
        let text = format!("WITH-FAULT-{number}");
        record.publish(&showing(&text));
        let took = wait_for(&text, &stage.edge, stage.site());
        println!("KV with {fault:?}: {took:?}");
    }
}
