//! The origin without an edge in front: same decisions, same bytes.

use std::net::SocketAddr;

use e2e::harness::{Ask, Child, EdgeKind};
use e2e::on_each_edge;

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
