//! The demo as its visitors see it: in the first paint, on a phone and on a desk, with scripts and without.

use e2e::harness::{Browser, Child, EdgeKind, Notes, Scheme, Scripts, View};
use serde_json::json;

use crate::{demo, demo_panel};

/// A persona, a page, and what stands there for them alone.
pub const SIGHTS: [(&str, &str, &[&str]); 19] = [
    ("stranger", "/", &["What it really costs, worked out in the open."]),
    ("money", "/", &["Welcome back. Your line is Money.", "Your line first", "Money line"]),
    ("money", "/pricing", &["Your fourteen days begin again with any plan.", "Continue as a reader"]),
    ("money", "/articles/heat-pump-sum", &["Welcome back.", "This sum is in the Ledger."]),
    ("travel", "/", &["Your line is Travel."]),
    ("travel", "/articles/flexible-fares", &["Then a ticket pays for itself"]),
    ("subscriber", "/", &["Your line is Home.", "Your desk", "You are on board."]),
    ("munich", "/", &["Was es wirklich kostet, offen vorgerechnet.", "Erst rechnen, dann unterschreiben."]),
    ("munich", "/ledger", &["Unser Beispiel. Ihre Zahlen."]),
    ("london", "/pricing", &["£5", "£8", "Prices in pounds", "Why do I see another currency than a friend?"]),
    ("new-york", "/pricing", &["$7"]),
    ("sydney", "/join", &["Not in Australia, yet."]),
    ("autumn", "/", &["Twelve months for the price of nine.", "A quarter off your first year"]),
    ("autumn", "/pricing", &["Autumn offer: a quarter off your first year."]),
    ("autumn", "/join", &["Twelve months for nine"]),
    ("saturday", "/articles/", &["All articles open until Sunday"]),
    ("test-ledger", "/", &["Put your own number in."]),
    ("test-ledger", "/join", &["Start my fourteen days"]),
    ("test-briefing", "/", &["At seven, and then it stops."]),
];

const VIEWS: [View; 4] =
    [View::PHONE, View::DESKTOP, View::PHONE.with(Scheme::Dark), View::DESKTOP.with(Scheme::Dark)];

const NEXT_FRAME: &str = "return new Promise(done => requestAnimationFrame(() => setTimeout(done)))";

#[test]
fn every_persona_sees_its_blocks_in_the_first_paint_and_nothing_moves() {
    let Some(browser) = Browser::start() else { return };
    let child = Child::start("the demo", &mut demo::command(EdgeKind::Native, 0));
    let site = demo::site_of(&child);
    browser.watch();
    for (number, (persona, page, blocks)) in SIGHTS.into_iter().enumerate() {
        for view in [VIEWS[number % 4], VIEWS[(number + 1) % 4]] {
            browser.look(view);
            browser.open(&format!("{site}/demo/become/{persona}{page}"));
            let what = format!("{page} for {persona} in {view:?}");
            assert_shown(&browser, blocks, &what);
            demo_panel::wait_for(&browser);
            browser.run(NEXT_FRAME, &[]);
            let still = Notes { shift: 0.0, changes: Vec::new() };
            assert_eq!(browser.notes(), still, "{what}");
            let overflow = browser.run("return document.documentElement.scrollWidth - innerWidth", &[]);
            assert_eq!(overflow, 0, "{what} is wider than the window");
            assert_eq!(browser.complaints(), Vec::<String>::new(), "{what}");
            for exchange in browser.traffic() {
                assert!(exchange.url.starts_with(&format!("{site}/")), "{what} asks for {exchange:?}");
                let fine = matches!(exchange.status, Some(200 | 302 | 303));
                assert!(fine, "{what} asks for {exchange:?}");
            }
        }
    }
    // So that what is noted of the others means something.
    browser.run(
        "document.querySelector('main').prepend('x'); document.querySelector('main').style.padding = '90px'",
        &[],
    );
    browser.run(NEXT_FRAME, &[]);
    let notes = browser.notes();
    assert!(notes.shift > 0.0 && !notes.changes.is_empty(), "{notes:?}");
}

#[test]
fn without_scripts_the_blocks_are_there_and_links_and_forms_work() {
    let Some(browser) = Browser::start() else { return };
    let child = Child::start("the demo", &mut demo::command(EdgeKind::Native, 0));
    let site = demo::site_of(&child);
    browser.allow(Scripts::Off);
    for (persona, page, blocks) in SIGHTS {
        browser.open(&format!("{site}/demo/become/{persona}{page}"));
        assert_shown(&browser, blocks, &format!("{page} for {persona} without scripts"));
        let panels = browser.run("return document.querySelectorAll('.hs-panel').length", &[]);
        assert_eq!(panels, 0, "a script ran on {page}");
    }

    browser.open(&format!("{site}/demo/become/stranger/"));
    browser.follow("nav[aria-label=Main] a[href='/pricing']");
    assert_eq!(browser.url(), format!("{site}/pricing"));
    browser.open(&format!("{site}/join?plan=household"));
    let chosen = browser.run("return document.querySelector('input[name=plan]:checked').value", &[]);
    assert_eq!(chosen, "household", "an edit sets the attribute");
    browser.click("label:has(input[value=travel])");
    browser.type_into("input[type=email]", "reader@example.org");
    browser.follow("main form button[type=submit]");
    assert!(browser.url().starts_with(&format!("{site}/welcome?topic=travel")), "{}", browser.url());
    assert_shown(&browser, &["Travel it is."], "the page behind the form");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// The texts are on the page, and are seen there: they are not in what is hidden.
fn assert_shown(browser: &Browser, texts: &[&str], what: &str) {
    for text in texts {
        let shown = browser.run("return document.body.innerText.includes(arguments[0])", &[json!(text)]);
        assert_eq!(shown, true, "{text:?} is not shown by {what}, at {}", browser.url());
    }
}
