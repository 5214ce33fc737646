//! The key is scheme, configured host, path and query, with an allow list; an unknown host is refused.

use e2e::harness::{Ask, EdgeKind, Script, Stage, TestSite, scene};
use e2e::on_each_edge;
use serde_json::json;

on_each_edge! {
    an_unknown_host_is_refused
    a_host_is_one_page_however_it_is_spelled
    two_hosts_have_two_pages_of_one_path
    another_path_or_query_is_another_page
    a_query_outside_of_the_allow_list_neither_splits_the_page_nor_reaches_the_origin
    parameters_of_ours_are_taken_off_before_key_and_origin
    our_paths_are_answered_at_the_edge
}

fn an_unknown_host_is_refused(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("known"));
    for host in
        ["unknown.test", "known.test.evil.test", "evil-known.test", "127.0.0.1", "", "known.test@evil.test"]
    {
        stage.origin.answer(host, "/", Script::page("FOREIGN"));
        let reply = stage.get("/").host(host).try_send();
        let Ok(reply) = reply else { continue };
        assert!((400..500).contains(&reply.status), "{host:?} got {}", reply.status);
        assert!(!reply.text().contains("FOREIGN"), "{host:?}");
        assert_eq!(stage.origin.count(host, "/"), 0, "{host:?} reached the origin");
    }
    assert_eq!(stage.get("/").host("unknown.test").send().status, 421);
}

fn a_host_is_one_page_however_it_is_spelled(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("spelled"));
    stage.serve("/", Script::page(scene::PAGE));
    stage.fill("/");
    let before = stage.fetches("/");
    for host in ["SPELLED.test", "spelled.TEST", "spelled.test:80", "spelled.test:8443"] {
        let reply = stage.get("/").host(host).send();
        assert_eq!(reply.text(), scene::PAGE, "{host}");
    }
    assert_eq!(stage.fetches("/"), before, "a spelling of the host was fetched again");
    assert!(stage.origin.asked("SPELLED.test").is_empty(), "the origin saw the visitor's spelling");
}

fn two_hosts_have_two_pages_of_one_path(kind: EdgeKind) {
    let sites = vec![TestSite::new("one"), TestSite::new("two")];
    let stage = Stage::with_sites(kind, sites);
    stage.origin.answer("one.test", "/", Script::page("page of one"));
    stage.origin.answer("two.test", "/", Script::page("page of two"));
    for _ in 0..3 {
        assert_eq!(Ask::get(stage.edge.address(), "one.test", "/").send().text(), "page of one");
        assert_eq!(Ask::get(stage.edge.address(), "two.test", "/").send().text(), "page of two");
    }
}

fn another_path_or_query_is_another_page(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("paths"));
    let paths = ["/a", "/A", "/a/", "/a?", "/a?x=1", "/a?x=2", "/a?x=1&y=2", "/a?y=2&x=1", "/a/../b", "/%61"];
    for path in paths.into_iter().chain(["/b"]) {
        stage.serve(path, Script::page(format!("page of {path}")));
    }
    for turn in ["first", "second"] {
        for path in paths {
            // An empty query may be taken for none: then the page is that of the path alone.
            let alone = path.trim_end_matches('?');
            // Fastly's own URL type resolves dot segments, as browsers do before they ask.
            let resolved = path.replace("/a/../", "/");
            let text = stage.get(path).send().text();
            let right = [path, alone, &resolved].iter().any(|path| text == format!("page of {path}"));
            assert!(right, "{path} {turn}: {text}");
        }
    }
}

fn a_query_outside_of_the_allow_list_neither_splits_the_page_nor_reaches_the_origin(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("allowed").setting("query_allow", json!(["page"])));
    stage.serve("/list?page=2", Script::page("page two"));
    stage.serve("/list?page=3", Script::page("page three"));
    stage.fill("/list?page=2");
    let before = stage.fetches("/list?page=2");
    for path in ["/list?page=2&utm_source=SPY", "/list?utm_source=SPY&page=2", "/list?Page=9&page=2"] {
        assert_eq!(stage.get(path).send().text(), "page two", "{path}");
    }
    assert_eq!(stage.get("/list?page=3&utm_source=SPY").send().text(), "page three");
    assert_eq!(stage.fetches("/list?page=2"), before);
    stage.origin.assert_never_heard("SPY");
}

fn parameters_of_ours_are_taken_off_before_key_and_origin(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("ours"));
    stage.serve("/", Script::page(scene::PAGE));
    stage.serve("/?a=1&b=2", Script::page(scene::PAGE));
    stage.serve("/form?a=1", Script::status(200).body("received"));
    stage.fill("/");
    let before = stage.fetches("/");
    assert_eq!(stage.get("/?hs_preview=SPY").send().text(), scene::PAGE);
    assert_eq!(stage.fetches("/"), before);
    assert_eq!(stage.get("/?a=1&hs_explain=SPY&b=2").send().text(), scene::PAGE);
    let posted = stage.get("/form?hs_x=SPY&a=1").method("POST").body("x").send();
    assert_eq!(posted.text(), "received");
    stage.origin.assert_never_heard("SPY");
}

fn our_paths_are_answered_at_the_edge(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("own"));
    let visitor = scene::finance_visitor("frieda");
    for _ in 0..2 {
        let block = stage.get_as(&visitor, "/_hs/blocks/hero").send();
        assert_eq!(block.status, 200);
        assert_eq!(block.header("cache-control"), Some("private, no-store"));
        assert_eq!(block.text(), scene::FINANCE);
        let unknown = stage.get("/_hs/blocks/hero").send();
        assert_eq!(unknown.header("cache-control"), Some("private, no-store"));
        assert!(!unknown.text().contains(scene::FINANCE));
    }
    for path in ["/_hs/", "/_hs/blocks", "/_hs/admin", "/_hs/../_hs/x", "/_hs/blocks/a/b"] {
        stage.serve(path, Script::page("FROM THE ORIGIN"));
        let reply = stage.get(path).send();
        assert_eq!(reply.status, 404, "{path}");
        assert!(!reply.text().contains("FROM THE ORIGIN"), "{path}");
    }
    assert!(stage.origin.asked("own.test").is_empty(), "the origin was asked for a path of ours");
}
