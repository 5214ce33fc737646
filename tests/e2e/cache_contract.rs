//! What may be stored, and what goes out with a page that is personal.

use e2e::harness::patience::eventually;
use e2e::harness::{EdgeKind, Script, Stage, TestSite, scene};
use e2e::on_each_edge;
use serde_json::json;

on_each_edge! {
    what_the_origin_does_not_give_to_all_is_not_stored
    a_page_that_varies_is_each_visitors_own
    an_answer_that_sets_a_cookie_is_each_visitors_own
    a_stored_page_is_asked_for_again_when_it_is_no_longer_fresh
    surrogate_control_decides_alone_and_goes_no_further
    nothing_of_the_first_visitor_is_in_the_seconds_answer
    a_personal_page_is_private_even_with_all_its_defaults
    a_page_with_an_edit_is_private_on_its_paths_only
    a_page_without_anything_personal_stays_shared
}

fn what_the_origin_does_not_give_to_all_is_not_stored(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("unstored"));
    let answers = [
        ("/private", "private, max-age=600"),
        ("/no-store", "no-store, max-age=600"),
        ("/no-cache", "no-cache, max-age=600"),
        ("/zero", "max-age=0"),
        ("/shared-zero", "max-age=600, s-maxage=0"),
        ("/silent", ""),
        ("/unreadable", "max-age=soon"),
    ];
    for (path, cache_control) in answers {
        let mut script = Script::silent_page(scene::PLAIN);
        if !cache_control.is_empty() {
            script = script.header("cache-control", cache_control);
        }
        stage.serve(path, script);
        for times in 1..=3 {
            assert_eq!(stage.get(path).send().text(), scene::PLAIN, "{path}");
            assert!(stage.fetches(path) >= times, "{path} came from a cache");
        }
    }
}

fn a_page_that_varies_is_each_visitors_own(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("varies"));
    stage.origin.answer_by(&stage.site().host, "/", |asked| {
        let language = asked.header("accept-language").unwrap_or("none").to_string();
        Script::page(format!("{}<p>{language}</p>", scene::PAGE)).header("vary", "Accept-Language")
    });
    for language in ["de", "fr", "de"] {
        let text = stage.get("/").header("accept-language", language).send().text();
        assert!(text.contains(&format!("<p>{language}</p>")), "{text}");
    }
    assert!(stage.get("/").send().text().contains("<p>none</p>"));
}

fn an_answer_that_sets_a_cookie_is_each_visitors_own(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("setscookie"));
    stage.origin.answer_by(&stage.site().host, "/", |asked| {
        let known = asked.header("cookie").unwrap_or("nobody").to_string();
        Script::page(format!("{}<p>{known}</p>", scene::PAGE)).header("set-cookie", "basket=MARK; Path=/")
    });
    for mark in ["cart=MARK-A", "cart=MARK-B"] {
        let reply = stage.get("/").cookie(mark).send();
        assert!(reply.is_private());
        let theirs =
            reply.headers("set-cookie").into_iter().filter(|cookie| !cookie.starts_with("__Host-hs="));
        assert_eq!(theirs.collect::<Vec<_>>(), ["basket=MARK; Path=/"]);
        assert!(reply.text().contains(mark));
    }
    let before = stage.fetches("/");
    let other = stage.get("/").send().text();
    assert!(other.contains("nobody"), "{other}");
    assert!(stage.fetches("/") > before, "an answer with Set-Cookie came from a cache");
}

fn a_stored_page_is_asked_for_again_when_it_is_no_longer_fresh(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("ages"));
    stage.serve("/", Script::silent_page("old").header("cache-control", "max-age=1"));
    assert_eq!(stage.get("/").send().text(), "old");
    stage.serve("/", Script::silent_page("young").header("cache-control", "max-age=600"));
    eventually("the younger page", || (stage.get("/").send().text() == "young").then_some(()));

    // A page that was old when it left the origin has only the rest of its time.
    stage.serve("/aged", Script::page("aged").header("age", "600"));
    stage.get("/aged").send().text();
    stage.serve("/aged", Script::page("fresh"));
    assert_eq!(stage.get("/aged").send().text(), "fresh");
}

fn surrogate_control_decides_alone_and_goes_no_further(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("surrogate"));
    stage.serve(
        "/kept",
        Script::silent_page(scene::PLAIN)
            .header("cache-control", "no-cache")
            .header("surrogate-control", "max-age=600")
            .header("surrogate-key", "SECRET-KEY"),
    );
    stage.fill("/kept");
    let reply = stage.get("/kept").send();
    assert_eq!(reply.header("surrogate-control"), None);
    assert_eq!(reply.header("surrogate-key"), None);

    stage.serve("/dropped", Script::page(scene::PLAIN).header("surrogate-control", "no-store"));
    for times in 1..=3 {
        stage.get("/dropped").send().text();
        assert!(stage.fetches("/dropped") >= times, "no-store for surrogates was stored");
    }
}

fn nothing_of_the_first_visitor_is_in_the_seconds_answer(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("two").setting("profile", json!("write")));
    stage.serve("/", Script::page(scene::PAGE));
    let first = scene::finance_visitor("id-of-MARK-A").claim("ls", json!(1)).known("note", json!("MARK-A"));
    for turn in 0..3 {
        let reply = stage.get_as(&first, "/").send();
        assert_eq!(reply.headers("set-cookie").len(), 1, "the visit that began was not noted");
        assert_eq!(reply.text(), scene::page_showing(scene::FINANCE));

        let second = stage.get_as(&scene::returning_visitor("id-of-B"), "/").send();
        let headers = format!("{:?}", second.all_headers());
        assert!(!headers.contains("MARK-A"), "{headers}");
        assert_eq!(second.text(), scene::page_showing(scene::RETURNING), "turn {turn}");

        let unknown = stage.get("/").send();
        assert_eq!(unknown.text(), scene::PAGE, "turn {turn}");
    }
    stage.origin.assert_never_heard("MARK-A");
    assert_eq!(stage.fetches("/"), 1, "one page, one fetch");
}

fn a_personal_page_is_private_even_with_all_its_defaults(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("alldefault"));
    let page = Script::page(scene::PAGE)
        .only_header("cache-control", "public, max-age=600, s-maxage=900")
        .header("etag", "\"v1\"")
        .header("last-modified", "Mon, 02 Nov 2026 08:00:00 GMT")
        .header("expires", "Tue, 01 Dec 2026 08:00:00 GMT")
        .header("accept-ranges", "bytes")
        .header("x-kept", "yes");
    stage.serve("/", page);
    for turn in ["streamed", "from the cache", "again"] {
        let conditional = stage
            .get("/")
            .header("if-none-match", "\"v1\"")
            .header("if-modified-since", "Mon, 02 Nov 2026 08:00:00 GMT");
        let reply = conditional.send();
        assert_eq!(reply.status, 200, "{turn}");
        assert_eq!(reply.header("cache-control"), Some("private, no-cache"), "{turn}");
        for gone in ["etag", "last-modified", "expires", "age", "accept-ranges", "surrogate-control"] {
            assert_eq!(reply.header(gone), None, "{turn}: {gone}");
        }
        assert_eq!(reply.header("x-kept"), Some("yes"), "{turn}");
        assert_eq!(reply.text(), scene::PAGE, "{turn}");
        stage.fill("/");
    }
}

fn a_page_with_an_edit_is_private_on_its_paths_only(kind: EdgeKind) {
    let rules = json!({
        "blocks": { "b": { "html": "X" } },
        "edits": [{
            "id": "e", "url": "/shop/*", "selector": "p", "action": "inner",
            "rules": [{ "id": "r", "when": { "place.country": "DE" }, "block": "b" }],
        }],
    });
    let stage = Stage::new(kind, TestSite::new("edited").ruleset(&rules));
    for path in ["/shop/a", "/about"] {
        stage.serve(path, Script::page(scene::PLAIN));
        stage.fill(path);
    }
    let personal = stage.get("/shop/a").send();
    assert_eq!(personal.header("cache-control"), Some("private, no-cache"));
    assert_eq!(personal.text(), scene::PLAIN);
    let german = stage.get_with_facts(&json!({ "place.country": "DE" }), "/shop/a").send();
    assert!(german.text().contains("<p>X</p>"));
    assert!(!stage.get("/about").send().is_private());
}

fn a_page_without_anything_personal_stays_shared(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("plain").setting("profile", json!("write")));
    stage.serve("/", Script::page(scene::PLAIN).header("etag", "\"v1\""));
    // As it streams through, nobody knows yet that nothing personal will come: it may go out as private.
    assert_eq!(stage.get("/").send().text(), scene::PLAIN);
    stage.fill("/");
    let before = stage.fetches("/");
    let visitor = scene::finance_visitor("frieda").claim("ls", json!(1));
    for ask in [stage.get("/"), stage.get_as(&visitor, "/")] {
        let reply = ask.send();
        assert_eq!(reply.header("cache-control"), Some("max-age=600"));
        assert_eq!(reply.header("etag"), Some("\"v1\""));
        assert_eq!(reply.header("set-cookie"), None, "a cookie in a page that anybody may store");
        assert_eq!(reply.text(), scene::PLAIN);
    }
    assert_eq!(stage.get("/").header("if-none-match", "\"v1\"").send().status, 304);
    assert_eq!(stage.get("/").header("if-none-match", "\"v0\"").send().status, 200);
    assert_eq!(stage.fetches("/"), before);
}
