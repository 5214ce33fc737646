//! The banner of a preview, as somebody sees it who opens the link.

use e2e::harness::{Browser, EdgeKind, RecordOrigin, Script, Stage, TestSite, View};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    a_link_shows_the_draft_and_a_banner_with_a_way_out
}

/// A page of some length, with what pages have that want to be on top.
const PAGE: &str = "<!doctype html><html lang=en><title>Shop</title><link rel=icon href=data:,>\
    <meta name=viewport content='width=device-width'>\
    <style>aside{display:none}body>*{position:relative;z-index:99}main{height:3000px}</style>\
    <a id=other href=/other>other</a><main data-hs-slot=hero>DEFAULT-HERO</main>";

const SEEN: &str = "const aside = document.querySelector('aside[aria-label=Preview]');
    if (!aside) return null;
    const box = aside.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return { text: aside.innerText, width: box.width, height: box.height, right: box.right, bottom: box.bottom,
        isOnTop: aside.contains(top) || top === aside };";

fn draft() -> Value {
    json!({
        "blocks": { "draft": { "html": "DRAFT-HERO" } },
        "slots": { "hero": { "rules": [{ "id": "everybody", "block": "draft" }] } },
    })
}

fn a_link_shows_the_draft_and_a_banner_with_a_way_out(kind: EdgeKind) {
    let Some(browser) = Browser::start() else { return };
    // Browsers take `__Host-` cookies on loopback, which they know as a secure place.
    let site = TestSite::new("seen").setting("hosts", json!(["localhost"])).expecting_publications();
    let record = RecordOrigin::start(&site);
    let mut site = site.recorded_at(record.address());
    site.host = "localhost".to_string();
    let stage = Stage::new(kind, site);
    for path in ["/", "/other"] {
        stage.serve(path, Script::page(PAGE));
    }
    let base = format!("http://localhost:{}", stage.edge.address().port());
    let link = record.preview(&draft(), &["--to", "origin", "--url", &format!("{base}/")]);

    for view in [View::PHONE, View::DESKTOP] {
        browser.look(view);
        browser.open(link.trim());
        assert_eq!(browser.url(), format!("{base}/"), "the token is not in the address");
        assert_eq!(text(&browser, "main"), "DRAFT-HERO");
        let seen = browser.run(SEEN, &[]);
        let (width, height) = (f64::from(view.size.0), f64::from(view.size.1));
        let number = |name: &str| seen[name].as_f64().unwrap_or_default();
        assert!(seen["text"].as_str().is_some_and(|text| text.contains("not live")), "{seen}");
        assert_eq!(seen["isOnTop"], true, "{seen}");
        assert!(number("right") <= width && number("bottom") <= height, "it is in the window: {seen}");
        assert!(number("width") * number("height") < 0.12 * width * height, "it is small: {seen}");
        assert!(number("height") > 10.0, "{seen}");
        assert_eq!(browser.run("return document.cookie", &[]), "", "no script reads the token");
    }

    browser.follow("#other");
    assert_eq!(text(&browser, "main"), "DRAFT-HERO", "every page of the site is by the draft");
    let heard: Vec<_> = stage.origin.asked("localhost");
    let followed = heard.iter().rfind(|asked| asked.path == "/other").expect("the page was fetched");
    assert_eq!(followed.header("referer"), None, "no-referrer");

    browser.follow("aside[aria-label=Preview] a");
    assert_eq!(browser.url(), format!("{base}/other"));
    assert_eq!(browser.run(SEEN, &[]), Value::Null, "the way out works");
    assert_eq!(text(&browser, "main"), "DEFAULT-HERO");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn text(browser: &Browser, selector: &str) -> String {
    let text = browser.run("return document.querySelector(arguments[0]).innerText", &[selector.into()]);
    text.as_str().unwrap_or_default().to_owned()
}
