//! A KV that does not answer, or answers with errors: visitors wait for it as long as the site says, and no longer.
//!
//! Viceroy's KV is in memory and can neither be slow nor fail. There it is the record that does not answer, which an edge asks in
//! the same way for what KV lacks.

use std::time::{Duration, Instant};

use e2e::harness::patience::eventually;
use e2e::harness::{
    EdgeKind, Fault, Gate, Publication, RecordOrigin, Script, Stage, TestOrigin, TestSite, scene,
};
use e2e::on_each_edge;
use serde_json::json;

on_each_edge! {
    a_kv_that_never_speaks_costs_a_visitor_the_deadline_and_no_more
    a_kv_that_falls_silent_is_not_waited_for
    a_kv_that_fails_leaves_the_rules_in_force
}

/// Longer than any answer takes, and shorter than anybody waits who waits for KV by mistake.
const DEADLINE: Duration = Duration::from_secs(5);

/// A KV, or a record, that can fall silent.
struct Kv {
    server: TestOrigin,
    gate: Gate,
}

impl Kv {
    fn start() -> Kv {
        Kv { server: TestOrigin::start().expect("a server"), gate: Gate::default() }
    }

    /// How the edge reads it.
    fn of(&self, kind: EdgeKind, site: TestSite) -> TestSite {
        let address = self.server.address().to_string();
        match kind {
            EdgeKind::Native => site.kv_at(&address),
            EdgeKind::Viceroy => site.recorded_at(&address),
            EdgeKind::Workerd => site,
        }
    }

    fn answers(&self, stage: &Stage, publication: &Publication) {
        if stage.edge.kind == EdgeKind::Workerd {
            stage.edge.set_faults(Fault::None, Fault::None);
            stage.edge.put_kv(&publication.pack_key, &publication.pack);
            return stage.edge.put_kv(&publication.pointer_key, &publication.pointer);
        }
        self.script(stage, publication, |value| Script::status(200).body(value));
    }

    fn is_silent(&self, stage: &Stage, publication: &Publication) {
        if stage.edge.kind == EdgeKind::Workerd {
            return stage.edge.set_faults(Fault::Silence, Fault::None);
        }
        self.script(stage, publication, |_| Script::never(&self.gate));
    }

    fn fails(&self, stage: &Stage, publication: &Publication) {
        if stage.edge.kind == EdgeKind::Workerd {
            return stage.edge.set_faults(Fault::Error, Fault::None);
        }
        self.script(stage, publication, |_| Script::status(500).body("no"));
    }

    fn script(&self, stage: &Stage, publication: &Publication, script: impl Fn(&[u8]) -> Script) {
        for host in [stage.site().host.clone(), self.server.address().to_string()] {
            for (key, value) in
                [(&publication.pack_key, &publication.pack), (&publication.pointer_key, &publication.pointer)]
            {
                self.server.answer(&host, &format!("/_hs/kv/{key}"), script(value));
            }
        }
    }
}

impl Drop for Kv {
    fn drop(&mut self) {
        self.gate.open();
    }
}

fn rules(site: &str) -> Publication {
    Publication::of(site, 1, &scene::rules().to_string())
}

fn shown(stage: &Stage) -> String {
    let reply = stage.get_as(&scene::finance_visitor("ada"), "/").send();
    assert_eq!(reply.status, 200);
    reply.text()
}

fn a_kv_that_never_speaks_costs_a_visitor_the_deadline_and_no_more(kind: EdgeKind) {
    let kv = Kv::start();
    let site = TestSite::new("silent").expecting_publications().setting("pack_deadline_ms", json!(200));
    let stage = Stage::new(kind, kv.of(kind, site));
    stage.serve("/", Script::page(scene::PAGE));
    let publication = rules("silent");
    kv.is_silent(&stage, &publication);
    for turn in 1..=5 {
        let began = Instant::now();
        assert_eq!(shown(&stage), scene::PAGE, "the default stands, and no blank");
        assert!(began.elapsed() < DEADLINE, "{turn}: {:?}", began.elapsed());
    }
    kv.answers(&stage, &publication);
    eventually("the rules, once KV speaks again", || {
        (shown(&stage) == scene::page_showing(scene::FINANCE)).then_some(())
    });
}

fn a_kv_that_falls_silent_is_not_waited_for(kind: EdgeKind) {
    let kv = Kv::start();
    let site = TestSite::new("silenced").expecting_publications();
    let stage = Stage::new(kind, kv.of(kind, site.setting("pack_deadline_ms", json!(1_000))));
    stage.serve("/", Script::page(scene::PAGE));
    let publication = rules("silenced");
    kv.answers(&stage, &publication);
    eventually("the rules", || (shown(&stage) == scene::page_showing(scene::FINANCE)).then_some(()));
    kv.is_silent(&stage, &publication);
    let until = Instant::now() + DEADLINE;
    let mut asked = 0;
    // Longer than the interval in which the pointer is looked up.
    while Instant::now() < until {
        let began = Instant::now();
        assert_eq!(shown(&stage), scene::page_showing(scene::FINANCE));
        assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
        asked += 1;
    }
    println!("{kind:?}: {asked} pages while KV is silent");
}

fn a_kv_that_fails_leaves_the_rules_in_force(kind: EdgeKind) {
    let kv = Kv::start();
    let stage = Stage::new(kind, kv.of(kind, TestSite::new("failing").expecting_publications()));
    stage.serve("/", Script::page(scene::PAGE));
    let publication = rules("failing");
    kv.fails(&stage, &publication);
    assert_eq!(shown(&stage), scene::PAGE, "the default stands, and no blank");
    kv.answers(&stage, &publication);
    eventually("the rules", || (shown(&stage) == scene::page_showing(scene::FINANCE)).then_some(()));
    kv.fails(&stage, &publication);
    let until = Instant::now() + DEADLINE;
    // Longer than the interval in which the pointer is looked up.
    while Instant::now() < until {
        assert_eq!(shown(&stage), scene::page_showing(scene::FINANCE));
    }
}

/// What KV does not say is asked from the record, so publications arrive all the same.
#[test]
fn publications_arrive_though_kv_is_silent() {
    for kind in [EdgeKind::Native, EdgeKind::Workerd] {
        let (kv, site) = (Kv::start(), TestSite::new("acme"));
        let record = RecordOrigin::start(&site);
        let stage = Stage::new(kind, kv.of(kind, site.recorded_at(record.address())));
        stage.serve("/", Script::page(scene::PAGE));
        kv.is_silent(&stage, &rules("acme"));
        record.publish(&scene::rules());
        let began = Instant::now();
        eventually("the rules", || (shown(&stage) == scene::page_showing(scene::FINANCE)).then_some(()));
        println!("{kind:?}: from the end of `publish` to the page, with a silent KV: {:?}", began.elapsed());
    }
}
