//! The same pack and facts give the same decisions and explanations: in-process, on each edge and in a browser.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::harness::patience::eventually;
use e2e::harness::{
    Ask, Browser, EdgeKind, RulesCase, RulesVisit, Script, Stage, TestOrigin, TestSite, browser_core,
    explain_token, facts_token,
};
use e2e::on_each_edge;
use serde_json::{Value, json};

#[test]
fn every_visit_is_explained_as_the_case_says() {
    let mut visits = 0;
    for case in RulesCase::all() {
        for visit in &case.visits {
            visits += 1;
            let explained = case.explain(visit);
            assert_eq!(explained, visit.expect, "{}: {}\n{explained:#}", case.name, visit.who);
        }
    }
    assert!(visits >= 35, "{visits} visits");
}

on_each_edge! {
    every_visit_is_explained_by_the_edge_as_the_case_says
}

fn every_visit_is_explained_by_the_edge_as_the_case_says(kind: EdgeKind) {
    let cases: Vec<(RulesCase, TestSite)> =
        RulesCase::all().into_iter().map(|case| (case.clone(), case.site())).collect();
    let stage = Stage::with_sites(kind, cases.iter().map(|(_, site)| site.clone()).collect());
    let off: Vec<String> = cases.iter().flat_map(|(case, _)| case.off.clone()).collect();
    stage.edge.set_personalization(&format!("off:{}", off.join(",")));
    let mut differences = Vec::new();
    for (case, site) in &cases {
        for visit in &case.visits {
            stage.origin.answer(&site.host, &visit.url, Script::page(case.page()));
            let found = difference(&stage, case, site, visit);
            // The kill switch takes a moment to arrive.
            let found = if found.is_some() && !case.off.is_empty() {
                eventually(&format!("{}, {}", case.name, visit.who), || {
                    difference(&stage, case, site, visit).is_none().then_some(None)
                })
            } else {
                found
            };
            differences.extend(found.map(|found| format!("{}, {}: {found}", case.name, visit.who)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What the edge says differently: of the reasons, and of a gate's own answer.
fn difference(stage: &Stage, case: &RulesCase, site: &TestSite, visit: &RulesVisit) -> Option<String> {
    let ask = |url: &str| {
        Ask::get(stage.edge.address(), &site.host, url)
            .header("hs-facts", &facts_token(site, &case.facts(visit)))
            .header("cookie", &case.cookie(visit, site))
            .send()
    };
    let joint = if visit.url.contains('?') { '&' } else { '?' };
    let text = ask(&format!("{}{joint}hs_explain={}", visit.url, explain_token(site))).text();
    let Ok(found) = serde_json::from_str::<Value>(&text) else { return Some(format!("no JSON: {text}")) };
    let found = json!({ "gates": found["gates"], "slots": found["slots"] });
    if found != visit.expect {
        return Some(format!("{found:#}"));
    }
    let gates = &visit.expect["gates"];
    if gates.get("gate").is_some() {
        let answer = ask(&visit.url);
        let found = json!([answer.status, answer.header("location")]);
        let expected = json!([gates["status"], gates["to"]]);
        return (found != expected).then(|| format!("{found} where the gate says {expected}"));
    }
    None
}

#[test]
fn every_visit_is_explained_by_a_browser_as_the_case_says() {
    let Some(browser) = Browser::start() else { return };
    let origin = TestOrigin::start().expect("the test's origin");
    let host = origin.address().to_string();
    origin.answer(&host, "/", Script::page("<!doctype html><title>Rules</title>"));
    for (name, content_type) in
        [("hemstitch_browser.js", "text/javascript"), ("hemstitch_browser_bg.wasm", "application/wasm")]
    {
        let path = browser_core().join(name);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let script = Script::page(bytes).only_header("content-type", content_type);
        origin.answer(&host, &format!("/{name}"), script);
    }
    browser.open(&origin.url());
    for case in RulesCase::all() {
        let visits =
            case.visits.iter().map(|visit| visit.arguments(&format!("{}.test", case.name), &case.switch()));
        let arguments = [json!(case.ruleset.to_string()), visits.collect()];
        let answer = browser.run(IN_THE_BROWSER, &arguments);
        let pack = STANDARD.encode(case.pack());
        assert_eq!(answer["pack"], pack, "{}: another pack", case.name);
        for (visit, explained) in case.visits.iter().zip(answer["explained"].as_array().expect("a list")) {
            // As text, since JavaScript has one kind of number.
            assert_eq!(*explained, visit.expect.to_string(), "{}: {}", case.name, visit.who);
        }
    }
}

/// Compiles a ruleset and explains visits, as a page of a marketer would.
const IN_THE_BROWSER: &str = "
    const [ruleset, visits] = arguments;
    return import('/hemstitch_browser.js').then(async (core) => {
        await core.default();
        const draft = new core.Draft(ruleset);
        const pack = btoa(Array.from(draft.pack(), (byte) => String.fromCharCode(byte)).join(''));
        const explained = visits.map((visit) => draft.explain(...visit));
        draft.free();
        return { pack, explained };
    });
";
