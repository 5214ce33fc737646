//! Who has a token is told why a page is as it is; to everybody else no answer says anything about rules, and to nobody
//! does any say a secret.

use std::time::Duration;

use e2e::harness::{Ask, EdgeKind, Publication, Reply, Script, Stage, explain_token, preview_token, scene};
use e2e::on_each_edge;
use hemstitch::visit::KeyPurpose;
use serde_json::{Value, json};

on_each_edge! {
    a_token_brings_reasons_instead_of_a_page_or_beside_it
    a_page_that_is_not_stored_waits_for_its_slots_where_reasons_are_asked_for
    a_token_brings_the_reasons_of_a_gate_instead_of_its_answer_or_beside_it
    without_a_token_no_answer_says_anything_about_rules
    no_answer_and_no_line_holds_a_secret
}

fn rules() -> Value {
    let mut rules = scene::rules();
    rules["experiments"] = json!({ "secret-experiment": { "variations": [
        { "key": "secret-a", "block": "german" }, { "key": "secret-b", "block": "finance" } ] } });
    rules["slots"]["tried"] =
        json!({ "rules": [{ "id": "secret-rule", "experiment": "secret-experiment" }] });
    rules["edits"] = json!([{ "id": "secret-edit", "url": "/edited", "selector": "p", "action": "after",
        "rules": [{ "id": "secret-edit-rule", "block": "german" }] }]);
    rules["gates"] = json!([
        { "id": "secret-gate", "url": "/shut", "then": { "refuse": 451 } },
        { "id": "secret-moved", "url": "/moved", "then": { "redirect": "/" } },
    ]);
    rules
}

fn stage(kind: EdgeKind, name: &str) -> Stage {
    let publication = Publication::of(name, 1, &rules().to_string());
    let draft = publication.draft_key(name);
    let site = scene::site(name).published(&publication).kv(&draft, &publication.pack);
    let stage = Stage::new(kind, site);
    for path in ["/", "/edited", "/own"] {
        stage.serve(path, Script::page(scene::PAGE));
    }
    stage.serve("/plain", Script::page(scene::PLAIN));
    stage.serve("/own", Script::page(scene::PAGE).only_header("cache-control", "private"));
    stage.serve("/data", Script::status(200).header("content-type", "application/json").body("{}"));
    stage.serve("/broken", Script::hang_up());
    stage
}

fn a_token_brings_reasons_instead_of_a_page_or_beside_it(kind: EdgeKind) {
    let stage = stage(kind, "reasons");
    stage.fill("/");
    let token = explain_token(stage.site());
    let ada = scene::finance_visitor("ada").cookie(stage.site());
    let report = stage.get(&format!("/?hs_explain={token}")).cookie(&ada).send();
    assert_eq!(report.header("content-type"), Some("application/json"));
    let notes = "\"hero\";shows=\"finance\";rule=\"hero-finance\";why=rule;steps=";
    assert!(report.header("hs-decisions").expect("notes").starts_with(notes));
    let told: Value = serde_json::from_str(&report.text()).expect("JSON");
    assert_eq!(told["slots"][0]["rule"], "hero-finance");

    let page = stage.get("/").header("hs-explain", &token).cookie(&ada).send();
    assert!(page.header("hs-decisions").expect("notes").starts_with(notes));
    let pack = Publication::of("reasons", 1, &rules().to_string()).hash().to_string();
    assert_eq!(page.header("hs-pack"), Some(pack.as_str()));
    let timing = page.header("server-timing").expect("what it cost").to_string();
    assert!(timing.starts_with("hs;dur=") && timing.contains("s0;desc=\"hero: rule, "), "{timing}");
    assert_eq!((page.header("cache-control"), page.header("set-cookie")), (Some("private, no-store"), None));
    assert_eq!(page.text(), scene::page_showing(scene::FINANCE), "the page is what it is");
    let told = stage.get(&format!("/own?hs_explain={token}")).cookie(&ada).send().text();
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["slots"][0]["rule"], "hero-finance");
    stage.origin.assert_never_heard(&token);
}

fn a_page_that_is_not_stored_waits_for_its_slots_where_reasons_are_asked_for(kind: EdgeKind) {
    let publication = Publication::of("unstored", 1, &rules().to_string());
    let stage = Stage::new(kind, scene::site("unstored").published(&publication));
    let (first, second) = scene::PAGE.split_at(scene::PAGE.find("<main").expect("the page has a slot"));
    for path in ["/", "/own", "/head"] {
        let page = Script::streamed_page().send(first).pause(Duration::from_millis(30)).send(second);
        let caching = if path == "/own" { "private" } else { "max-age=600" };
        stage.serve(path, page.only_header("cache-control", caching));
    }
    let ada = scene::finance_visitor("ada").cookie(stage.site());
    let token = explain_token(stage.site());
    for (method, path) in [("GET", "/"), ("GET", "/own"), ("HEAD", "/head")] {
        let page = stage.get(path).method(method).header("hs-explain", &token).cookie(&ada).send();
        let notes = page.header("hs-decisions").expect("notes").to_owned();
        assert!(
            notes.starts_with("\"hero\";shows=\"finance\";rule=\"hero-finance\""),
            "{method} {path}: {notes}"
        );
        let timing = page.header("server-timing").expect("of each slot");
        assert!(timing.contains("s0;desc=\"hero: rule, "), "{method} {path}: {timing}");
        assert_eq!(page.header("cache-control"), Some("private, no-store"));
        if method == "GET" {
            assert_eq!(page.text(), scene::page_showing(scene::FINANCE));
        }
    }
}

fn a_token_brings_the_reasons_of_a_gate_instead_of_its_answer_or_beside_it(kind: EdgeKind) {
    let stage = stage(kind, "gated");
    let token = explain_token(stage.site());
    let report = stage.get(&format!("/shut?hs_explain={token}")).send();
    assert_eq!((report.status, report.header("content-type")), (200, Some("application/json")));
    assert_eq!(report.header("cache-control"), Some("private, no-store"));
    let told: Value = serde_json::from_str(&report.text()).expect("JSON");
    assert_eq!((&told["gates"]["gate"], &told["gates"]["status"]), (&json!("secret-gate"), &json!(451)));
    assert_eq!(told["slots"], json!([]));
    for (path, status, gate) in [("/shut", 451, "secret-gate"), ("/moved", 302, "secret-moved")] {
        let answer = stage.get(path).header("hs-explain", &token).send();
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("hs-decisions"), Some(format!("\"{gate}\";gate").as_str()));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    }
    let passed = stage.get(&format!("/?hs_explain={token}")).send().text();
    let passed: Value = serde_json::from_str(&passed).expect("JSON");
    assert_eq!(passed["gates"], json!({ "passed": [] }));
}

/// Requests of every kind, and what is said to them.
fn asks(stage: &Stage) -> Vec<(String, Ask)> {
    let ada = scene::finance_visitor("ada").cookie(stage.site());
    let mut asks = Vec::new();
    for path in ["/", "/edited", "/own", "/plain", "/data", "/broken", "/none", "/shut", "/moved"] {
        asks.push((path.to_string(), stage.get(path)));
        asks.push((format!("{path} of ada"), stage.get(path).cookie(&ada)));
    }
    for path in ["/_hs/blocks/hero", "/_hs/blocks/tried", "/_hs/blocks/none", "/_hs/other"] {
        asks.push((path.to_string(), stage.get(path).cookie(&ada)));
    }
    asks.push(("HEAD".to_string(), stage.get("/").method("HEAD").cookie(&ada)));
    asks.push(("POST".to_string(), stage.get("/").method("POST").body("a")));
    asks.push(("Range".to_string(), stage.get("/").header("range", "bytes=0-5")));
    asks.push(("a stranger's host".to_string(), stage.get("/").host("stranger.test")));
    asks
}

fn without_a_token_no_answer_says_anything_about_rules(kind: EdgeKind) {
    let stage = stage(kind, "silent");
    stage.fill("/");
    let elsewhere = explain_token(&scene::site("elsewhere"));
    let facts = e2e::harness::facts_token(stage.site(), &json!({}));
    let hash = Publication::of("silent", 1, &rules().to_string()).hash().to_string();
    let preview = preview_token(stage.site(), &hash, &json!({}));
    for token in ["", "x", &elsewhere, &facts, &preview] {
        for (name, ask) in asks(&stage) {
            let reply = ask.header("hs-explain", token).send();
            silent(&name, reply);
        }
        silent("the parameter", stage.get(&format!("/?hs_explain={token}")).send());
    }
}

/// Neither header nor body says what a rule, an audience, a gate or an experiment is called, or what was decided.
fn silent(name: &str, mut reply: Reply) {
    let told = |name: &str| (name.starts_with("hs-") && name != "hs-defaults") || name == "server-timing";
    let headers = reply.all_headers().to_vec();
    assert!(!headers.iter().any(|(header, _)| told(header)), "{name}: {headers:?}");
    reply.read_to_end();
    let said = format!("{headers:?} {}", String::from_utf8_lossy(reply.so_far()));
    for word in ["secret-", "hero-finance", "hero-german", "returning\"", "steps=", "\"shows\""] {
        assert!(!said.contains(word), "{name} says {word}: {said}");
    }
}

fn no_answer_and_no_line_holds_a_secret(kind: EdgeKind) {
    let stage = stage(kind, "discreet");
    let secrets = stage.site().secrets();
    let hash = Publication::of("discreet", 1, &rules().to_string()).hash().to_string();
    let held = format!("__Host-hs-preview={}", preview_token(stage.site(), &hash, &json!({})));
    let explains = explain_token(stage.site());
    let mut said = Vec::new();
    for (_, ask) in asks(&stage) {
        for ask in [ask.clone(), ask.clone().cookie(&held), ask.header("hs-explain", &explains)] {
            let mut reply = ask.send();
            said.push(format!("{:?}", reply.all_headers()));
            reply.read_to_end();
            said.push(String::from_utf8_lossy(reply.so_far()).into_owned());
        }
    }
    said.extend(stage.edge.lines());
    said.extend(stage.origin.asked(&stage.site().host).iter().map(|asked| format!("{asked:?}")));
    for purpose in KeyPurpose::ALL {
        for spelling in secrets.spellings(purpose.name()) {
            assert!(!said.iter().any(|said| said.contains(&spelling)), "{}: {spelling}", purpose.name());
        }
    }
}
