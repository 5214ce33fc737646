//! What every test in a browser relies on: it sees pages, scripts, requests and complaints.

use e2e::harness::{Browser, Exchange, Scheme, Script, Scripts, TestOrigin, View};
use serde_json::json;

const PAGE: &str = "<!DOCTYPE html><title>page</title><link rel=icon href=data:,>\
    <meta name=viewport content=width=device-width><form><input name=q><button>Go</button></form>\
    <script>document.title = 'ran'</script>";

#[test]
fn a_browser_runs_scripts_and_says_what_it_asked_for_and_complained_of() {
    let Some(browser) = Browser::start() else { return };
    let origin = TestOrigin::start().expect("an origin");
    let host = origin.address().to_string();
    let url = format!("{}/page", origin.url());
    origin.answer(&host, "/page", Script::page(PAGE));
    origin.answer(&host, "/page?q=words", Script::page(PAGE));
    browser.open(&url);
    assert_eq!(browser.run("return document.title", &[]), "ran");
    let promised = "return new Promise(done => setTimeout(() => done(arguments[0] + 1)))";
    assert_eq!(browser.run(promised, &[json!(1)]), 2);
    assert_eq!(traffic(&browser), [(url.clone(), Some(200))]);
    assert_eq!(browser.complaints(), Vec::<String>::new());

    browser.run("console.warn('odd'); return fetch('/nothing-here').then(() => 0)", &[]);
    let complaints = browser.complaints();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert_eq!(traffic(&browser), [(format!("{}/nothing-here", origin.url()), Some(404))]);

    browser.type_into("input", "words");
    browser.follow("button");
    assert_eq!(browser.url(), format!("{url}?q=words"));
}

/// What went over HTTP.
fn traffic(browser: &Browser) -> Vec<(String, Option<u64>)> {
    let exchanges = browser.traffic().into_iter();
    let over_http = exchanges.filter(|exchange| exchange.url.starts_with("http"));
    over_http.map(|Exchange { url, status }| (url, status)).collect()
}

#[test]
fn a_view_sets_width_colours_and_scripts() {
    let Some(browser) = Browser::start() else { return };
    let origin = TestOrigin::start().expect("an origin");
    origin.answer(&origin.address().to_string(), "/", Script::page(PAGE));
    let seen = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, document.title]";
    browser.look(View::PHONE.with(Scheme::Dark));
    browser.allow(Scripts::Off);
    browser.open(&origin.url());
    assert_eq!(browser.run(seen, &[]), json!([390, true, "page"]));
    browser.look(View::DESKTOP);
    browser.allow(Scripts::On);
    browser.open(&origin.url());
    assert_eq!(browser.run(seen, &[]), json!([1280, false, "ran"]));
}
