//! The origin without an edge in front: same decisions, same bytes.

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

fn the_origin_alone_gives_the_pages_that_the_edge_gives(kind: EdgeKind) {
    let child = Child::start("the demo", &mut demo::command(kind, 0));
    let curls = demo::commands_of(&child);
    let lines = child.lines();
    let address = |marker: &str| {
        let line = lines.iter().find(|line| line.contains("http://127.0.0.1:") && line.contains(marker));
        let url =
            line.unwrap_or_else(|| panic!("no line with {marker}")).split("http://").nth(1).expect("a URL");
        url.split('/').next().expect("a host and port").to_string()
    };
    let (edge, origin) = (address("campaign"), address("origin"));
    assert_ne!(edge, origin);
    for header in std::iter::once(None).chain(curls[1..].iter().map(|curl| curl.split('\'').nth(1))) {
        for path in PAGES {
            for turn in ["cold", "warm"] {
                let ask = |address: &str| {
                    let socket = address.parse().expect("an address and a port");
                    let ask = Ask::get(socket, address, path);
                    let ask = match header.and_then(|header| header.split_once(": ")) {
                        Some((name, value)) => ask.header(name, value),
                        None => ask,
                    };
                    let reply = ask.send();
                    (reply.status, reply.text())
                };
                assert_eq!(ask(&edge), ask(&origin), "{path} {turn} with {header:?}");
            }
        }
    }
}
