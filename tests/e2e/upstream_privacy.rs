//! What of a visitor may reach the origin: nothing in a fill that others share.

use e2e::harness::{Asked, EdgeKind, Script, Stage, facts_token, scene};
use e2e::on_each_edge;
use serde_json::json;

on_each_edge! {
    a_shared_fill_carries_nothing_of_the_visitor
    a_session_cookie_bypasses_the_cache_and_is_not_stored
    authorization_bypasses_the_cache_and_is_not_stored
    the_origin_is_told_that_an_edge_speaks
}

/// Headers by which a visitor could shape a page that others get.
const SHAPING: [(&str, &str); 13] = [
    ("cookie", "theme=MARK-A"),
    ("accept-language", "de-MARK-A"),
    ("user-agent", "MARK-A/1.0"),
    ("referer", "http://MARK-A.test/"),
    ("x-forwarded-host", "MARK-A.test"),
    ("x-forwarded-for", "203.0.113.7, MARK-A"),
    ("x-original-url", "/MARK-A"),
    ("forwarded", "for=MARK-A"),
    ("accept", "text/html, text/MARK-A"),
    ("if-none-match", "\"MARK-A\""),
    ("x-http-method-override", "MARK-A"),
    ("surrogate-capability", "MARK-A=\"ESI/1.0\""),
    ("save-data", "MARK-A"),
];

fn a_shared_fill_carries_nothing_of_the_visitor(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("sharedfill").setting("profile", json!("write")));
    // Whatever the origin hears, it writes into the page, as a careless one would.
    stage.origin.answer_by(&stage.site().host, "/", |asked: &Asked| {
        let heard = asked.to_string().replace('<', "&lt;");
        Script::page(format!("{}<!-- {heard} -->", scene::PAGE))
    });
    let visitor = scene::finance_visitor("id-of-MARK-A");
    let mut ask =
        stage.get_as(&visitor, "/").header("hs-facts", &facts_token(stage.site(), &json!({ "trait.x": 1 })));
    for (name, value) in SHAPING {
        ask = ask.header(name, value);
    }
    let first = ask.send().text();
    assert!(first.contains(scene::FINANCE), "{first}");
    assert!(!first.contains("MARK-A"), "{first}");
    stage.origin.assert_never_heard("MARK-A");
    stage.origin.assert_never_heard("__Host-hs");
    for asked in stage.origin.asked(&stage.site().host) {
        assert_eq!(asked.header("hs-facts"), None);
        assert_eq!(asked.header("cookie"), None);
    }

    let second = stage.get("/").send().text();
    assert!(second.contains(scene::DEFAULT), "{second}");
    assert!(!second.contains(scene::FINANCE), "{second}");
}

fn a_session_cookie_bypasses_the_cache_and_is_not_stored(kind: EdgeKind) {
    let cookies = json!(["PHPSESSID", "wordpress_logged_in_*"]);
    let stage = Stage::new(kind, scene::site("session").setting("session_cookies", cookies));
    greet_by(&stage, "cookie");
    for cookie in ["PHPSESSID=MARK-A", "a=1; wordpress_logged_in_7f=MARK-A", "PHPSESSID=\"MARK-A\""] {
        let before = stage.fetches("/");
        let visitor = scene::finance_visitor("ada").cookie(stage.site());
        let own = stage.get("/").cookie(&format!("{cookie}; {visitor}")).send();
        assert!(own.is_private(), "{cookie}");
        let own = own.text();
        assert!(own.contains("MARK-A"), "{cookie}: the origin did not get it: {own}");
        assert!(own.contains(scene::FINANCE), "{cookie}: not stitched: {own}");
        assert_eq!(stage.fetches("/"), before + 1, "{cookie}");
        let other = stage.get("/").send().text();
        assert!(!other.contains("MARK-A"), "{cookie} reached another: {other}");
    }
    stage.fill("/");
    let after_fill = stage.get("/").cookie("PHPSESSID=MARK-B").send().text();
    assert!(after_fill.contains("MARK-B"), "the cache answered one with a session: {after_fill}");
    assert!(!stage.get("/").send().text().contains("MARK-"));
}

fn authorization_bypasses_the_cache_and_is_not_stored(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("basic"));
    greet_by(&stage, "authorization");
    let own = stage.get("/").header("authorization", "Basic MARK-A").send();
    assert!(own.is_private());
    assert!(own.text().contains("MARK-A"));
    let other = stage.get("/").send().text();
    assert!(!other.contains("MARK-A"), "{other}");
    stage.fill("/");
    assert!(stage.get("/").header("authorization", "Basic MARK-B").send().text().contains("MARK-B"));
    assert!(!stage.get("/").send().text().contains("MARK-"));
}

/// The page repeats a header of the request and says, wrongly, that everybody may have it.
fn greet_by(stage: &Stage, header: &'static str) {
    stage.origin.answer_by(&stage.site().host, "/", move |asked| {
        let heard = asked.header(header).unwrap_or("nobody").to_string();
        Script::page(format!("{}<p>Hello {heard}</p>", scene::PAGE))
    });
}

fn the_origin_is_told_that_an_edge_speaks(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("capable"));
    stage.serve("/", Script::page(scene::PAGE));
    stage.get("/").send().text();
    let asked = stage.origin.asked(&stage.site().host);
    let capability = asked.first().and_then(|asked| asked.header("surrogate-capability"));
    assert!(capability.is_some_and(|value| value == "hs=\"Hemstitch/1.0 ESI/1.0\""), "{capability:?}");
}
