//! The demo in front of a checker of accessible pages, in both of its colours.

use std::fs;

use e2e::harness::{Browser, Child, EdgeKind, Scheme, View, axe};
use serde_json::{Value, json};

use crate::demo_seen::SIGHTS;
use crate::{demo, demo_panel};

/// Pages that no persona is needed to see.
const PAGES: [&str; 7] = [
    "/welcome?topic=finance",
    "/articles/night-trains-in-stages",
    "/articles/reading-a-savings-rate",
    "/articles/three-fees-on-a-card",
    "/articles/what-standby-costs",
    "/articles",
    "/elsewhere",
];

#[test]
fn a_checker_finds_nothing_on_any_page_in_light_and_in_dark() {
    let Some(browser) = Browser::start() else { return };
    let checker = fs::read_to_string(axe()).expect("a script");
    let child = Child::start("the demo", &mut demo::command(EdgeKind::Native, 0));
    let site = demo::site_of(&child);
    let seen = SIGHTS.map(|(persona, page, _)| format!("/demo/become/{persona}{page}"));
    let pages = PAGES.map(str::to_owned).into_iter().chain(seen);
    for (number, page) in pages.enumerate() {
        let view = if number % 2 == 0 { View::PHONE } else { View::DESKTOP };
        browser.look(view);
        browser.open(&format!("{site}{page}"));
        demo_panel::wait_for(&browser);
        browser.run(&checker, &[]);
        check(&browser, view, &page);
    }
    browser.click(".hs-panel-button");
    check(&browser, View::DESKTOP, "the open panel");
}

/// The other scheme differs in its colours alone.
fn check(browser: &Browser, view: View, what: &str) {
    const CHECK: &str =
        "return axe.run({ resultTypes: ['violations'], ...arguments[0] }).then(found => found.violations)";
    browser.look(view);
    assert_fine(&browser.run(CHECK, &[json!({})]), what);
    browser.look(view.with(Scheme::Dark));
    assert_fine(
        &browser.run(CHECK, &[json!({ "runOnly": ["color-contrast"] })]),
        &format!("{what}, in dark"),
    );
}

fn assert_fine(violations: &Value, what: &str) {
    let found = violations.as_array().expect("a list of violations");
    let said = |violation: &Value| {
        let nodes = violation["nodes"].as_array().into_iter().flatten();
        let nodes: Vec<String> =
            nodes.map(|node| format!("{}\n    {}", node["html"], node["failureSummary"])).collect();
        format!("{}: {}\n  {}", violation["id"], violation["help"], nodes.join("\n  "))
    };
    assert!(found.is_empty(), "{what}\n{}", found.iter().map(said).collect::<Vec<_>>().join("\n"));
}
