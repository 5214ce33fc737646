//! The origin without an edge in front: same decisions, same bytes.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use e2e::harness::{Ask, Child, EdgeKind, hemstitch};
use e2e::on_each_edge;
use serde_json::json;

use crate::demo;

on_each_edge! {
    the_origin_alone_gives_the_pages_that_the_edge_gives
}

const PAGES: [&str; 7] = [
    "/",
    "/?utm_campaign=autumn",
    "/pricing",
    "/articles/",
    "/style.css",
    "/_hs/blocks/hero",
    "/no-such-page",
];
/// Pages on which nothing depends on an id, of which whoever has none gets a new one each time.
const PAGES_OF_STRANGERS: [&str; 4] = ["/welcome", "/style.css", "/_hs/blocks/hero", "/no-such-page"];
const PERSONAS: [&str; 4] = ["money", "munich", "autumn", "test-ledger"];

fn the_origin_alone_gives_the_pages_that_the_edge_gives(kind: EdgeKind) {
    let child = Child::start("the demo", &mut demo::command(kind, 0));
    let edge = address(&demo::site_of(&child));
    let lines = child.lines();
    let line = lines.iter().find(|line| line.contains("its origin")).expect("a line with the origin");
    let origin = address(line.split_whitespace().next().expect("a URL"));
    assert_ne!(edge, origin);
    for path in PAGES_OF_STRANGERS {
        assert_same(edge, origin, path, "");
    }
    for persona in PERSONAS {
        let become_them = Ask::get(edge, &edge.to_string(), &format!("/demo/become/{persona}/")).send();
        let cookies =
            become_them.headers("set-cookie").into_iter().filter_map(|cookie| cookie.split(';').next());
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        for path in PAGES {
            assert_same(edge, origin, path, &cookies);
        }
    }
}

fn assert_same(edge: SocketAddr, origin: SocketAddr, path: &str, cookies: &str) {
    for turn in ["cold", "warm"] {
        let ask = |address: SocketAddr| {
            let ask = Ask::get(address, &address.to_string(), path);
            let ask = if cookies.is_empty() { ask } else { ask.cookie(cookies) };
            let reply = ask.send();
            (reply.status, reply.text())
        };
        assert_eq!(ask(edge), ask(origin), "{path} {turn} with {cookies:?}");
    }
}

fn address(url: &str) -> SocketAddr {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    address.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

#[test]
fn a_page_of_parts_for_everybody_is_one_without_an_edge_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("pages")).expect("a folder");
    fs::write(
        path("pages/index.html"),
        "<esi:include src=\"/part.html\"/><esi:include src=\"/short.html\" ttl=\"9s\"/>",
    )
    .expect("a page");
    fs::write(path("pages/part.html"), "part").expect("a fragment");
    fs::write(path("pages/short.html"), "short").expect("a fragment");
    let site = json!({
        "site": "acme", "hosts": ["127.0.0.1"], "scheme": "http", "origin": "http://127.0.0.1",
        "esi": {"caching": "merge"},
    });
    fs::write(path("site.json"), site.to_string()).expect("a site");
    let mut command = Command::new(hemstitch());
    command
        .arg("serve")
        .arg(path("pages"))
        .args(["--listen", "127.0.0.1:0", "--config"])
        .arg(path("site.json"));
    let mut child = Child::start("the origin", &mut command);
    let origin: SocketAddr = child.wait_for_line("listening on http://").parse().expect("an address");
    let ask = || Ask::get(origin, &origin.to_string(), "/");
    let reply = ask().send();
    let tag = reply.header("etag").expect("a validator").to_owned();
    assert_eq!(reply.header("cache-control"), Some("max-age=9"));
    assert_eq!(reply.text(), "partshort");
    let again = ask().header("if-none-match", &tag).send();
    assert_eq!((again.status, again.header("etag")), (304, Some(tag.as_str())));
    assert_eq!(again.text(), "");
    fs::write(path("pages/part.html"), "other").expect("a fragment");
    let changed = ask().header("if-none-match", &tag).send();
    assert_eq!((changed.status, changed.text().as_str()), (200, "othershort"));
}
