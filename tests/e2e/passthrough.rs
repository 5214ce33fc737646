//! What is not a page passes through untouched and unharmed.

use std::io::{Read as _, Write as _};

use e2e::harness::patience::PATIENCE;
use e2e::harness::{EdgeKind, Reply, Script, Stage, scene};
use e2e::on_each_edge;
use serde_json::json;

on_each_edge! {
    answers_that_are_no_page_pass_untouched
    a_post_reaches_the_origin_with_its_body
    other_methods_pass_too
    long_and_many_headers_reach_the_origin
    a_range_is_answered_by_the_origin
    head_has_the_headers_of_get
    gzip_of_the_origin_is_decoded_and_stitched
    other_encodings_of_the_origin_are_never_stitched
    an_upgrade_is_passed_on
    what_the_client_can_decode_is_compressed
}

/// Would be changed if anybody took it for a page.
const BAIT: &[u8] = b"<main data-hs-slot=\"hero\">\x00\xff\xfe</main>\r\n";

fn answers_that_are_no_page_pass_untouched(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("nopage"));
    let typed = |status: u16, content_type: &str| {
        Script::status(status).header("content-type", content_type).header("cache-control", "max-age=600")
    };
    let answers = [
        ("/json", 200, typed(200, "application/json").body(BAIT)),
        ("/image", 200, typed(200, "image/png").body(BAIT)),
        ("/text", 200, typed(200, "text/plain").body(BAIT)),
        ("/script", 200, typed(200, "text/javascript").body(BAIT)),
        ("/untyped", 200, Script::status(200).header("cache-control", "max-age=600").body(BAIT)),
        ("/chunked", 200, typed(200, "application/octet-stream").send(&BAIT[..9]).send(&BAIT[9..])),
        ("/missing", 404, typed(404, "text/html").body(BAIT)),
        ("/gone", 410, typed(410, "text/html").body(BAIT)),
        ("/created", 201, typed(201, "text/html").body(BAIT)),
        ("/error", 500, typed(500, "text/html").body(BAIT)),
        ("/busy", 503, typed(503, "text/html").header("retry-after", "7").body(BAIT)),
        ("/moved", 301, typed(301, "text/html").header("location", "/elsewhere").body(BAIT)),
        ("/found", 302, typed(302, "text/html").header("location", "/elsewhere").body(BAIT)),
    ];
    for (path, status, script) in answers {
        stage.serve(path, script.header("x-origin", "1").header("x-origin", "2"));
        for turn in ["first", "second"] {
            let reply = stage.get_as(&scene::finance_visitor("ada"), path).send();
            assert_eq!(reply.status, status, "{path} {turn}");
            assert_eq!(reply.headers("x-origin"), ["1", "2"], "{path} {turn}");
            assert_eq!(reply.header("location").is_some(), matches!(status, 301 | 302), "{path} {turn}");
            assert_eq!(reply.header("retry-after").is_some(), status == 503, "{path} {turn}");
            assert_eq!(reply.whole(), BAIT, "{path} {turn}");
        }
    }
    stage.serve("/empty", Script::status(204));
    assert_eq!(stage.get("/empty").send().status, 204);
}

fn a_post_reaches_the_origin_with_its_body(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("posts"));
    let host = stage.site().host.clone();
    stage.origin.answer_by(&host, "/form?x=1", |asked| {
        Script::status(200)
            .header("content-type", "text/html")
            .header("cache-control", "max-age=600")
            .body([b"<p data-hs-slot=hero>".as_slice(), &asked.body, b"</p>"].concat())
    });
    let body = vec![b'q'; 100_000];
    for times in 1..=2 {
        let ask = stage.get("/form?x=1").method("POST").header("content-type", "text/x-form").cookie("a=b");
        let reply = ask.body(body.clone()).send();
        assert_eq!(reply.whole(), [b"<p data-hs-slot=hero>".as_slice(), &body, b"</p>"].concat());
        assert_eq!(stage.fetches("/form?x=1"), times, "a POST was answered by a cache");
    }
    let asked = stage.origin.asked(&host);
    assert_eq!(asked[0].method, "POST");
    assert_eq!(asked[0].header("content-type"), Some("text/x-form"));
    assert_eq!(asked[0].header("cookie"), Some("a=b"));
}

fn other_methods_pass_too(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("methods"));
    let host = stage.site().host.clone();
    stage.origin.answer_by(&host, "/thing", |asked| {
        Script::page(format!("<p data-hs-slot=\"hero\">{}</p>", asked.method))
    });
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        let reply = stage.get("/thing").method(method).send();
        assert_eq!(reply.text(), format!("<p data-hs-slot=\"hero\">{method}</p>"));
    }
}

/// More than an edge makes room for at first: in the method, in one value, in one name and in all of them.
fn long_and_many_headers_reach_the_origin(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("long"));
    let host = stage.site().host.clone();
    stage.serve("/thing", Script::status(204));
    let many = (0..60).map(|index| (format!("x-header-that-has-a-name-{index:02}"), index.to_string()));
    let long =
        [1_100, 1_200].map(|length| (format!("x-{}", "n".repeat(length)), "named at length".to_owned()));
    let sent: Vec<_> = many.chain(long).chain([("x-empty".to_owned(), String::new())]).collect();
    let lines = [150, 150, 260].map(|size| "v".repeat(size));
    let cookie = format!("a={}", "v".repeat(5_500));
    let mut ask = stage.get("/thing").method("UNSUBSCRIBE");
    for (name, value) in &sent {
        ask = ask.header(name, value);
    }
    let ask = lines.iter().fold(ask, |ask, line| ask.header("x-lines", line));
    assert_eq!(ask.cookie(&cookie).send().status, 204);
    let asked = &stage.origin.asked(&host)[0];
    assert_eq!(asked.method, "UNSUBSCRIBE");
    for (name, value) in &sent {
        assert_eq!(asked.header(name), Some(value.as_str()), "{name}");
    }
    assert_eq!(asked.header("cookie"), Some(cookie.as_str()));
    let heard = asked.headers.iter().filter(|(name, _)| name == "x-lines").map(|(_, line)| line.as_str());
    assert_eq!(heard.collect::<Vec<_>>().join(", "), lines.join(", "));
}

fn a_range_is_answered_by_the_origin(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("ranges"));
    let host = stage.site().host.clone();
    stage.origin.answer_by(&host, "/", |asked| match asked.header("range") {
        Some("bytes=5-40") => Script::status(206)
            .header("content-type", "text/html")
            .header("content-range", &format!("bytes 5-40/{}", scene::PAGE.len()))
            .header("cache-control", "max-age=600")
            .body(&scene::PAGE.as_bytes()[5..=40]),
        _ => Script::page(scene::PAGE),
    });
    for _ in 0..2 {
        let reply = stage.get("/").header("range", "bytes=5-40").send();
        assert_eq!(reply.status, 206);
        assert!(reply.header("content-range").is_some_and(|value| value.starts_with("bytes 5-40/")));
        assert_eq!(reply.whole(), scene::PAGE.as_bytes()[5..=40].to_vec());
        let whole = stage.get_as(&scene::finance_visitor("ada"), "/").send();
        assert_eq!(whole.text(), scene::page_showing(scene::FINANCE));
    }
}

fn head_has_the_headers_of_get(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("heads").setting("profile", json!("read")));
    let host = stage.site().host.clone();
    let served = [
        ("/page", scene::PAGE, Script::page(scene::PAGE)),
        ("/plain", scene::PLAIN, Script::page(scene::PLAIN).header("etag", "\"v1\"")),
        ("/json", "{}", Script::status(200).header("content-type", "application/json").body("{}")),
        ("/missing", "no", Script::status(404).header("content-type", "text/html").body("no")),
    ];
    for (path, body, script) in served {
        let script = script.header("x-own", "1");
        // Each is asked cold by itself: the one that comes second would find what the first left in the cache.
        let (for_head, for_get) = (format!("{path}/head"), format!("{path}/get"));
        for (path, script) in [(&for_head, &script), (&for_get, &script)] {
            stage.origin.answer(&host, path, script.clone());
        }
        for turn in ["cold", "warm"] {
            let head = stage.get(&for_head).method("HEAD").send();
            let get = stage.get(&for_get).send();
            assert_eq!(
                (head.status, telling_headers(&head)),
                (get.status, telling_headers(&get)),
                "{path} {turn}"
            );
            assert_eq!(head.header("x-own"), Some("1"), "{path} {turn}");
            assert!(head.whole().is_empty(), "{path} {turn}");
            assert_eq!(get.text(), body, "{path} {turn}");
            if matches!(path, "/page" | "/plain") {
                stage.fill(&for_head);
                stage.fill(&for_get);
            }
        }
    }
}

/// The headers, without what the connection and the second decide.
fn telling_headers(reply: &Reply) -> Vec<(String, String)> {
    let passing = ["date", "age", "transfer-encoding", "content-length", "connection"];
    let mut headers = reply.all_headers().to_vec();
    headers.retain(|(name, _)| !passing.contains(&name.as_str()));
    headers.sort();
    headers
}

fn gzip_of_the_origin_is_decoded_and_stitched(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("gzipped"));
    stage.serve("/", Script::streamed_page().gzip_body(scene::PAGE.as_bytes()));
    for turn in ["streamed", "from the cache"] {
        for encodings in ["", "gzip", "br", "gzip, br"] {
            let mut ask = stage.get_as(&scene::finance_visitor("ada"), "/");
            if !encodings.is_empty() {
                ask = ask.header("accept-encoding", encodings);
            }
            let reply = ask.send();
            let used = reply.header("content-encoding").unwrap_or("identity").to_string();
            assert!(used == "identity" || encodings.contains(&used), "{encodings:?} got {used}");
            assert_eq!(
                reply.decoded(),
                scene::page_showing(scene::FINANCE).into_bytes(),
                "{turn} {encodings:?}"
            );
        }
        stage.fill("/");
    }
}

fn other_encodings_of_the_origin_are_never_stitched(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("encoded"));
    for encoding in ["br", "zstd", "x-own", "gzip, br"] {
        let path = format!("/{}", encoding.replace(", ", "-"));
        stage.serve(&path, Script::streamed_page().header("content-encoding", encoding).body(BAIT));
        for turn in ["first", "second"] {
            let reply = stage.get(&path).header("accept-encoding", "gzip, br, zstd").send();
            assert_eq!(reply.header("content-encoding"), Some(encoding), "{turn}");
            assert_eq!(reply.whole(), BAIT, "{encoding} {turn}");
        }
    }
    stage.serve(
        "/file.gz",
        Script::status(200).header("content-type", "application/json").gzip_body(scene::PAGE.as_bytes()),
    );
    let reply = stage.get("/file.gz").header("accept-encoding", "gzip").send();
    assert_eq!(reply.decoded(), scene::PAGE.as_bytes());
}

fn an_upgrade_is_passed_on(kind: EdgeKind) {
    if kind == EdgeKind::Workerd {
        println!("skipped: workerd answers a handshake itself, and the origin here only echoes");
        return;
    }
    let stage = Stage::new(kind, scene::site("upgrades"));
    let script = Script::status(101).header("connection", "Upgrade").header("upgrade", "websocket").echo();
    // Viceroy hands a WebSocket over under the backend's own host.
    let url = stage.origin.url();
    let backend = url.trim_start_matches("http://").trim_end_matches('/');
    for host in [stage.site().host.as_str(), backend] {
        stage.origin.answer(host, "/socket", script.clone());
    }
    let ask = stage.get("/socket").header("connection", "Upgrade").header("upgrade", "websocket");
    let reply = ask.send();
    assert_eq!(reply.status, 101);
    assert_eq!(reply.header("upgrade"), Some("websocket"));
    let (mut connection, early) = reply.into_connection();
    assert!(early.is_empty());
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
    connection.write_all(b"there and back").expect("an open connection");
    let mut back = [0; 14];
    connection.read_exact(&mut back).expect("an echo");
    assert_eq!(&back, b"there and back");
}

fn what_the_client_can_decode_is_compressed(kind: EdgeKind) {
    if kind != EdgeKind::Native {
        println!("skipped: there the platform compresses, and neither Viceroy nor workerd plays that part");
        return;
    }
    let stage = Stage::new(kind, scene::site("compresses"));
    let page = format!("{}{}", scene::PAGE, "<p>and again</p>".repeat(500));
    stage.serve("/", Script::page(page.clone()));
    stage.fill("/");
    for (accepts, encoding) in
        [("gzip", "gzip"), ("br", "br"), ("gzip;q=0", "identity"), ("identity", "identity")]
    {
        let reply = stage.get("/").header("accept-encoding", accepts).send();
        assert_eq!(reply.header("content-encoding").unwrap_or("identity"), encoding, "{accepts}");
        let varies = reply.headers("vary").join(",").to_ascii_lowercase();
        assert!(varies.contains("accept-encoding"), "{accepts}: vary is {varies:?}");
        assert_eq!(reply.decoded(), page.as_bytes(), "{accepts}");
    }
}
