//! One setting of the platform turns personalization off while the edge runs.

use e2e::harness::patience::eventually;
use e2e::harness::{EdgeKind, Script, Stage, scene};
use e2e::on_each_edge;

on_each_edge! {
    the_switch_works_while_the_edge_runs
    one_rule_can_be_switched_off
}

fn showing(stage: &Stage, block: &str) {
    eventually(&format!("the page with {block}"), || {
        let text = stage.get_as(&scene::finance_visitor("ada"), "/").send().text();
        (text == scene::page_showing(block)).then_some(())
    });
}

fn the_switch_works_while_the_edge_runs(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("switch"));
    stage.serve("/", Script::page(scene::PAGE));
    showing(&stage, scene::FINANCE);
    stage.edge.set_personalization("off");
    showing(&stage, scene::DEFAULT);
    let off = stage.get("/").send();
    assert_eq!(off.header("hs-defaults"), Some("off"));
    stage.edge.set_personalization("on");
    showing(&stage, scene::FINANCE);
}

fn one_rule_can_be_switched_off(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("onerule"));
    stage.serve("/", Script::page(scene::PAGE));
    showing(&stage, scene::FINANCE);
    stage.edge.set_personalization("off:hero-finance");
    showing(&stage, scene::RETURNING);
    stage.edge.set_personalization("off:hero-finance,hero-returning");
    showing(&stage, scene::DEFAULT);
    stage.edge.set_personalization("on");
    showing(&stage, scene::FINANCE);
}
