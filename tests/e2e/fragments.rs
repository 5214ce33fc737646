//! A fragment that fails, in each way that it can, leaves its fallback, then the default.

use e2e::harness::{EdgeKind, Gate, Script, Stage, TestSite, scene};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    a_failing_fragment_leaves_its_fallback_then_the_default
    a_fragment_from_another_host_is_asked_there
    a_fragment_is_kept_for_its_time
    a_fragment_request_carries_nothing_of_the_visitor
}

fn rules(block: Value) -> Value {
    json!({
        "blocks": { "promo": block, "static": { "html": "FALLBACK" } },
        "slots": { "hero": { "rules": [{ "id": "r", "block": "promo" }] } },
    })
}

fn failing() -> Vec<(&'static str, Script)> {
    let html = |status: u16| Script::status(status).header("content-type", "text/html");
    vec![
        ("404", html(404).body("NO")),
        ("500", html(500).body("NO")),
        ("206", html(206).header("content-range", "bytes 0-1/9").body("NO")),
        ("redirect", html(302).header("location", "/f/other").body("NO")),
        ("hang-up", Script::hang_up()),
        ("never", Script::never(&Gate::default())),
        ("cut", html(200).header("content-length", "900").send("NO").cut()),
        ("cut-chunked", html(200).send("NO").cut()),
        ("stalled", html(200).header("content-length", "900").send("NO").wait(&Gate::default())),
    ]
}

fn a_failing_fragment_leaves_its_fallback_then_the_default(kind: EdgeKind) {
    let mut sites = Vec::new();
    for (name, _) in failing() {
        let fragment = json!({ "fragment": "/f/promo", "timeout_ms": 400 });
        sites.push(TestSite::new(&format!("{name}-default")).ruleset(&rules(fragment.clone())));
        let mut with_fallback = fragment;
        with_fallback["fallback"] = json!("static");
        sites.push(TestSite::new(&format!("{name}-fallback")).ruleset(&rules(with_fallback)));
    }
    let refused = json!({ "fragment": "https://nobody.test/f", "timeout_ms": 400, "fallback": "static" });
    sites.push(TestSite::new("refused-fallback").ruleset(&rules(refused)).refusing_host("nobody.test"));

    let stage = Stage::with_sites(kind, sites.clone());
    for site in &sites {
        let way = site.name.rsplit_once('-').map_or("", |(way, _)| way);
        if let Some((_, script)) = failing().into_iter().find(|(name, _)| *name == way) {
            stage.origin.answer(&site.host, "/f/promo", script);
        }
        stage.origin.answer(&site.host, "/", Script::page(scene::PAGE));
        let expected = if site.name.ends_with("-fallback") { "FALLBACK" } else { scene::DEFAULT };
        for turn in ["streamed", "again"] {
            let reply = e2e::harness::Ask::get(stage.edge.address(), &site.host, "/").send();
            assert_eq!(reply.status, 200, "{} {turn}", site.name);
            assert_eq!(reply.text(), scene::page_showing(expected), "{} {turn}", site.name);
        }
    }
}

fn a_fragment_from_another_host_is_asked_there(kind: EdgeKind) {
    let block = json!({ "fragment": "https://widgets.test/f/promo?x=1", "timeout_ms": 5000 });
    let stage =
        Stage::new(kind, TestSite::new("widgets").ruleset(&rules(block)).fragment_host("widgets.test"));
    stage.serve("/", Script::page(scene::PAGE));
    stage.origin.answer(
        "widgets.test",
        "/f/promo?x=1",
        Script::status(200).header("content-type", "text/html").body("WIDGET"),
    );
    assert_eq!(stage.get("/").send().text(), scene::page_showing("WIDGET"));
}

fn a_fragment_is_kept_for_its_time(kind: EdgeKind) {
    let block = json!({ "fragment": "/f/promo", "timeout_ms": 5000, "ttl_s": 600 });
    let stage = Stage::new(kind, TestSite::new("keeps").ruleset(&rules(block)));
    stage.serve("/", Script::page(scene::PAGE));
    stage.serve("/f/promo", Script::status(200).header("content-type", "text/html").body("PROMO"));
    stage.fill("/");
    e2e::harness::patience::eventually("the fragment comes from the cache", || {
        let before = stage.fetches("/f/promo");
        assert_eq!(stage.get("/").send().text(), scene::page_showing("PROMO"));
        (stage.fetches("/f/promo") == before).then_some(())
    });
}

fn a_fragment_request_carries_nothing_of_the_visitor(kind: EdgeKind) {
    let block = json!({ "fragment": "/f/promo", "timeout_ms": 5000, "ttl_s": 600 });
    let stage = Stage::new(kind, TestSite::new("quiet").ruleset(&rules(block)));
    stage.serve("/", Script::page(scene::PAGE));
    stage.origin.answer_by(&stage.site().host, "/f/promo", |asked| {
        let cookie = asked.header("cookie").unwrap_or("none").to_string();
        Script::status(200).header("content-type", "text/html").body(cookie)
    });
    let visitor = scene::finance_visitor("MARK-A");
    let ask = stage.get_as(&visitor, "/").header("accept-language", "MARK-A").header("user-agent", "MARK-A");
    assert_eq!(ask.send().text(), scene::page_showing("none"));
    stage.origin.assert_never_heard("MARK-A");
}
