//! ESI on each edge: what pages ask for, and that the bytes are those of the core.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::esi_sample::{Sample, sample};
use e2e::harness::patience::eventually;
use e2e::harness::{Ask, EdgeKind, Gate, Script, Stage, TestSite, conformance};
use e2e::on_each_edge;
use serde_json::json;

on_each_edge! {
    an_include_posts_what_the_page_says
    a_fragment_with_a_cookie_in_its_url_is_for_its_visitor_alone
    a_page_changes_its_answer_stored_or_not_and_head_tells_the_same
    an_arriving_page_is_not_held_for_long_for_functions_that_may_come
    a_page_that_takes_too_long_arrives_without_its_fragments
    a_page_of_parts_for_everybody_may_live_as_long_as_the_shortest
    cookies_and_places_of_fragments_are_followed_where_the_site_says_so
    a_budget_that_is_used_up_leaves_the_page_and_a_line_in_the_log
    a_hundred_cases_give_the_bytes_of_the_core
}

const ESI: (&str, &str) = ("surrogate-control", "content=\"ESI/1.0\"");

fn html(body: &str) -> Script {
    Script::status(200).header("content-type", "text/html").body(body)
}

fn an_include_posts_what_the_page_says(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("posts"));
    let page = "<p><esi:include src=\"/f/post\" method=\"POST\" entity=\"a=b&c=$(QUERY_STRING{q})\" \
                setheader=\"X-Mine: 1\" removeheader=\"Accept\"/></p>";
    stage.serve("/?q=1", Script::page(page).header(ESI.0, ESI.1));
    stage.origin.answer_by(&stage.site().host, "/f/post", |asked| {
        let form = asked.header("content-type").unwrap_or_default();
        html(&format!(
            "{} {} {form} {}",
            asked.method,
            String::from_utf8_lossy(&asked.body),
            asked.header("x-mine").unwrap_or_default()
        ))
    });
    for turn in ["streamed", "again"] {
        let expected = "<p>POST a=b&c=1 application/x-www-form-urlencoded 1</p>";
        assert_eq!(stage.get("/?q=1").send().text(), expected, "{turn}");
    }
    assert_eq!(stage.fetches("/f/post"), 2, "what was posted is kept by nobody");
}

fn a_fragment_with_a_cookie_in_its_url_is_for_its_visitor_alone(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("carts"));
    let page = "<p><esi:include src=\"/f/cart?of=$(HTTP_COOKIE{cart})\"/><esi:include src=\"/f/all\" ttl=\"60\"/></p>";
    stage.serve("/", Script::page(page).header(ESI.0, ESI.1));
    let kept = |body: &str| html(body).header("cache-control", "public, max-age=600");
    stage.origin.answer(&stage.site().host, "/f/all", kept("all"));
    for cart in ["7", "8"] {
        let path = format!("/f/cart?of={cart}");
        stage.origin.answer(&stage.site().host, &path, kept(&format!("cart {cart}, ")));
        for turn in ["once", "again"] {
            let reply = stage.get("/").cookie(&format!("cart={cart}")).send();
            assert!(reply.is_private(), "{turn}");
            assert_eq!(reply.text(), format!("<p>cart {cart}, all</p>"), "{turn}");
        }
        assert_eq!(stage.fetches(&path), 2, "it is kept by nobody");
    }
    assert_eq!(stage.fetches("/f/all"), 1, "the other fragment of the page is for everybody");
}

fn a_page_changes_its_answer_stored_or_not_and_head_tells_the_same(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("answers"));
    let page = "<p>all</p><esi:include src=\"/f/part\"/><esi:choose><esi:when test=\"$(HTTP_COOKIE{old})\">\
                $set_redirect('/new?a=' + $(HTTP_COOKIE{old}))</esi:when><esi:otherwise>\
                $set_response_code(404)$add_header('X-Seen', 'no')$add_header('Cache-Control', 'public, max-age=9')\
                </esi:otherwise></esi:choose>";
    let (first, second) = page.split_at(page.find("$set_response").expect("a function"));
    stage.origin.answer(&stage.site().host, "/f/part", html("<p>part</p>"));
    let cookie = "old=1%0d%0aX-Evil: 1";
    for path in ["/get", "/head", "/moved", "/moved-head"] {
        let page = Script::streamed_page().header(ESI.0, ESI.1);
        stage.serve(path, page.send(first).pause(Duration::from_millis(20)).send(second));
    }
    // The first look finds nothing stored, and later ones what that left.
    for turn in 0..3 {
        for (method, path) in [("GET", "/get"), ("HEAD", "/head")] {
            let seen = stage.get(path).method(method).send();
            assert_eq!(seen.status, 404, "{method} {turn}");
            assert!(seen.is_private(), "no page makes itself public");
            assert_eq!(seen.header("x-seen"), Some("no"), "{method} {turn}");
            if method == "GET" {
                assert_eq!(seen.text(), "<p>all</p><p>part</p>");
            }
        }
        for (method, path) in [("GET", "/moved"), ("HEAD", "/moved-head")] {
            let moved = stage.get(path).method(method).cookie(cookie).send();
            assert_eq!(moved.status, 302, "{method} {turn}");
            assert_eq!(moved.header("location"), Some("/new?a=1%0d%0aX-Evil: 1"));
            assert_eq!(moved.header("x-evil"), None);
            if method == "GET" {
                assert_eq!(moved.text(), "");
            }
        }
    }
}

/// Viceroy's guest learns that nothing comes only from the next piece that does.
fn an_arriving_page_is_not_held_for_long_for_functions_that_may_come(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("slow"));
    let gate = Gate::default();
    let page = Script::streamed_page().header(ESI.0, ESI.1).send("<p>first</p>");
    let page = match kind {
        EdgeKind::Viceroy => page.pause(Duration::from_millis(150)).send("<p>second</p>"),
        EdgeKind::Native | EdgeKind::Workerd => page,
    };
    stage.serve("/", page.wait(&gate).send("<esi:vars>$add_header('X-Late', '1')</esi:vars><p>last</p>"));
    let mut reply = stage.get("/").send();
    reply.read_until("first");
    gate.open();
    assert_eq!((reply.status, reply.header("x-late")), (200, None));
    assert!(reply.text().ends_with("<p>last</p>"));
    let said =
        "http://slow.test/: esi: the page changes its answer, whose head had gone out before that arrived";
    eventually("the log says so", || stage.edge.lines().iter().any(|line| line.contains(said)).then_some(()));
}

fn a_page_that_takes_too_long_arrives_without_its_fragments(kind: EdgeKind) {
    let budgets = json!({ "budgets": { "page_ms": 300, "wait_ms": 60_000 } });
    let stage = Stage::new(kind, TestSite::new("patient").setting("esi", budgets));
    let gate = Gate::default();
    let page = "<p>before</p><esi:include src=\"/f/never\" alt=\"/f/other\"/><p>behind</p>\
                <esi:eval src=\"/f/never\" onerror=\"continue\"/><p>end</p>";
    stage.serve("/", Script::page(page).header(ESI.0, ESI.1));
    stage.origin.answer(&stage.site().host, "/f/never", Script::never(&gate));
    stage.origin.answer(&stage.site().host, "/f/other", html("other"));
    for turn in ["streamed", "again"] {
        assert_eq!(stage.get("/").send().text(), "<p>before</p><p>behind</p><p>end</p>", "{turn}");
    }
    let said = "http://patient.test/: esi: the page took too long";
    eventually("the log says so", || stage.edge.lines().iter().any(|line| line.contains(said)).then_some(()));
    gate.open();
}

fn a_page_of_parts_for_everybody_may_live_as_long_as_the_shortest(kind: EdgeKind) {
    let dated = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (caching, control) in [("merge", "max-age=40"), ("private", "private, no-cache")] {
        let settings = json!({ "caching": caching, "fragment_dates": "latest" });
        let stage = Stage::new(kind, TestSite::new(&format!("parts-{caching}")).setting("esi", settings));
        let page = |body: &str| {
            Script::page(body).header(ESI.0, ESI.1).header("last-modified", dated).header("etag", "\"a\"")
        };
        let part = |control: &str| html("part").header("cache-control", control);
        let later = "Sun, 06 Nov 1994 08:49:38 GMT";
        stage.serve("/", page("<esi:include src=\"/f/long\"/><esi:include src=\"/f/short\"/>"));
        stage.serve("/own", page("<esi:include src=\"/f/long\"/><esi:include src=\"/f/own\"/>"));
        stage
            .serve("/personal", page("<esi:include src=\"/f/long\"/><esi:vars>$(HTTP_COOKIE{a})</esi:vars>"));
        stage.serve("/gone", page("<esi:include src=\"/f/long\"/><esi:include src=\"/f/gone\"/>"));
        stage.serve("/nested", page("<esi:include src=\"/f/nested\" dca=\"esi\"/>"));
        let nested = html("<esi:vars>$(HTTP_COOKIE{a})</esi:vars>").header("cache-control", "max-age=900");
        stage.serve("/f/nested", nested);
        stage.serve("/f/long", part("max-age=900").header("last-modified", later));
        stage.serve("/f/short", part("max-age=40").header("last-modified", dated));
        stage.serve("/f/own", part("private"));
        stage.serve("/f/gone", Script::status(404).body(""));
        for turn in 0..3 {
            for method in ["GET", "HEAD"] {
                let reply = stage.get("/").method(method).send();
                let said = reply.header("cache-control").expect("a word on caching").to_owned();
                let left: Option<u32> = said.strip_prefix("max-age=").and_then(|left| left.parse().ok());
                assert!(
                    left.map_or(said == control, |left| caching == "merge" && (30..=40).contains(&left)),
                    "{turn} {method} {said}"
                );
                assert_eq!(reply.header("etag"), None);
                assert_eq!(
                    reply.header("last-modified"),
                    (caching == "merge").then_some(later),
                    "{turn} {method}"
                );
                assert_eq!(
                    reply.header("set-cookie").is_some(),
                    caching == "private",
                    "what is for everybody sets no cookie"
                );
                if method == "GET" {
                    assert_eq!(reply.text(), "partpart");
                }
            }
            for path in ["/own", "/personal", "/gone", "/nested"] {
                let reply = stage.get(path).send();
                assert_eq!(reply.header("cache-control"), Some("private, no-cache"), "{turn} {path}");
            }
        }
    }
}

fn cookies_and_places_of_fragments_are_followed_where_the_site_says_so(kind: EdgeKind) {
    for (policy, body) in [("pass", "<p>here</p>"), ("drop", "<p></p>")] {
        let redirects = if policy == "pass" { "follow" } else { "fail" };
        let settings = json!({ "fragment_cookies": policy, "fragment_redirects": redirects });
        let stage = Stage::new(kind, TestSite::new(&format!("cookies-{policy}")).setting("esi", settings));
        let page = "<p><esi:include src=\"/f/moved\"/><esi:include src=\"/f/away\"/><esi:include src=\"/f/round\"/></p>";
        stage.serve("/", Script::page(page).header(ESI.0, ESI.1));
        let to = |place: &str| Script::status(302).header("location", place).body("");
        stage.serve("/f/moved", to("again?x=1"));
        stage.serve("/f/again?x=1", to("/f/here"));
        stage.serve("/f/away", to("http://169.254.169.254/secret"));
        stage.serve("/f/round", to("/f/round"));
        let cookies =
            html("here").header("set-cookie", "a=1; Path=/").header("set-cookie", "__Host-hs=forged; Path=/");
        stage.serve("/f/here", cookies);
        for turn in 0..2 {
            let reply = stage.get("/").send();
            let set: Vec<&str> = reply
                .all_headers()
                .iter()
                .filter(|(name, _)| name == "set-cookie")
                .map(|(_, value)| value.as_str())
                .collect();
            assert_eq!(set.contains(&"a=1; Path=/"), policy == "pass", "{turn} {set:?}");
            assert!(!set.iter().any(|cookie| cookie.contains("forged")), "{set:?}");
            assert!(reply.is_private());
            assert_eq!(reply.text(), body, "{turn}");
        }
    }
}

fn a_budget_that_is_used_up_leaves_the_page_and_a_line_in_the_log(kind: EdgeKind) {
    let budgets = json!({ "budgets": { "steps": 300 } });
    let stage = Stage::new(kind, TestSite::new("endless").setting("esi", budgets));
    let page = "<p>before</p><esi:foreach collection=\"[1..900]\">x</esi:foreach><p>behind</p>";
    stage.serve("/", Script::page(page).header(ESI.0, ESI.1));
    assert_eq!(stage.get("/").send().text(), "<p>before</p><p>behind</p>");
    let said = "http://endless.test/: esi: the page runs too many instructions";
    eventually("the log says why", || {
        stage.edge.lines().iter().any(|line| line.contains(said)).then_some(())
    });
}

fn a_hundred_cases_give_the_bytes_of_the_core(kind: EdgeKind) {
    let Some(path) = conformance("esi-cases.jsonl") else {
        println!("skipped: there are no cases of ESI here");
        return;
    };
    let lines = std::fs::read_to_string(path).expect("the cases can be read");
    let cases = sample(&lines, 100);
    assert_eq!(cases.len(), 100);
    let mut wrong = Vec::new();
    for dialect in ["w3c", "akamai"] {
        let cases: Vec<&Sample> = cases.iter().filter(|case| case.dialect == dialect).collect();
        let stage = Stage::with_sites(kind, sites(dialect, &cases));
        for case in cases {
            let page = Script::status(200)
                .header("content-type", "text/html; charset=utf-8")
                .header("cache-control", "private, no-store")
                .header(ESI.0, ESI.1)
                .body(case.document.clone());
            stage.origin.answer(&case.host, &case.target, page);
            for fragment in &case.fragments {
                let script =
                    Script::status(fragment.status).header("content-type", "text/html; charset=utf-8");
                let headers = fragment.headers.iter();
                let script = headers.fold(script, |script, (name, value)| script.header(name, value));
                stage.origin.answer(&fragment.host, &fragment.target, script.body(fragment.body.clone()));
            }
            let ask = Ask::get(stage.edge.address(), &case.host, &case.target);
            let ask = case.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
            let sent = ask.send().whole();
            if sent != case.expected {
                let [sent, expected] = [&sent, &case.expected].map(|bytes| String::from_utf8_lossy(bytes));
                wrong.push(format!("{}: {sent:?} where {expected:?} should be", case.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// A site for each host that is asked, which may include from all others.
fn sites(dialect: &str, cases: &[&Sample]) -> Vec<TestSite> {
    let hosts: BTreeSet<&str> = cases.iter().map(|case| case.host.as_str()).collect();
    let included = cases.iter().flat_map(|case| &case.fragments).map(|fragment| fragment.host.as_str());
    let included: BTreeSet<&str> = included.collect();
    let site = |(index, host): (usize, &&str)| {
        let mut site = TestSite::new(&format!("{dialect}-{index}")).setting("esi", json!(dialect));
        site.host = (*host).to_owned();
        included.iter().filter(|other| *other != host).fold(site, |site, other| site.fragment_host(other))
    };
    hosts.iter().enumerate().map(site).collect()
}
