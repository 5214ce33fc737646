//! The demo's panel on every edge: one becomes somebody else, and is told what was decided and how long that took.

use e2e::harness::patience::eventually;
use e2e::harness::{Browser, Child, EdgeKind, View};
use e2e::on_each_edge;

use crate::demo;

on_each_edge! {
    in_the_panel_one_becomes_somebody_else_and_sees_why
}

const TOTAL: &str = "return document.querySelector('.hs-panel-total')?.textContent ?? ''";

fn in_the_panel_one_becomes_somebody_else_and_sees_why(kind: EdgeKind) {
    let Some(browser) = Browser::start() else { return };
    let child = Child::start("the demo", &mut demo::command(kind, 0));
    let site = demo::site_of(&child);
    browser.look(View::DESKTOP);
    browser.open(&format!("{site}/"));
    assert_eq!(heading(&browser), "What it really costs, worked out in the open.");
    wait_for(&browser);
    browser.click(".hs-panel-button");

    browser.follow(".hs-panel a[href='/demo/become/munich/']");
    assert_eq!(browser.url(), format!("{site}/"), "one stays where one is");
    assert_eq!(heading(&browser), "Was es wirklich kostet, offen vorgerechnet.");
    wait_for(&browser);
    assert_eq!(text(&browser, ".hs-panel-who"), "In Munich");
    let decided = text(&browser, ".hs-panel-decided");
    for part in ["hero-german", "in the audience `german`: place.country is", "as authored", "passed over"] {
        assert!(decided.contains(part), "{part} is not among what was decided: {decided}");
    }
    let total = text(&browser, ".hs-panel-total");
    assert!(total.ends_with("µs") || total.ends_with(" ms"), "how long it took: {total}");
    let times = text(&browser, ".hs-panel-times");
    let edge = ["native", "Viceroy", "workerd"][kind as usize];
    assert!(times.contains(edge), "{times}");

    browser.follow(".hs-panel a[href='/demo/become/money/']");
    assert_eq!(heading(&browser), "Welcome back. Your line is Money.");
    browser.open(&format!("{site}/demo/become/sydney"));
    assert_eq!(browser.url(), format!("{site}/elsewhere"), "a gate leads elsewhere");
    wait_for(&browser);
    browser.follow(".hs-panel a[href='/demo/become/stranger/elsewhere']");
    browser.open(&format!("{site}/join"));
    assert_eq!(browser.url(), format!("{site}/join"), "a stranger may join");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Waits until the panel is there, with what was decided in it.
pub fn wait_for(browser: &Browser) {
    eventually("the panel", || {
        browser.run(TOTAL, &[]).as_str().filter(|total| !total.is_empty()).map(|_| ())
    });
}

fn heading(browser: &Browser) -> String {
    text(browser, "h1")
}

fn text(browser: &Browser, selector: &str) -> String {
    let text = browser.run("return document.querySelector(arguments[0]).innerText", &[selector.into()]);
    text.as_str().unwrap_or_default().to_owned()
}
