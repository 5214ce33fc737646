//! A fragment that is first in line is sent on as it arrives, unless something would stand in its place should it fail.

use std::time::Duration;

use e2e::harness::patience::eventually;
use e2e::harness::{Ask, EdgeKind, Gate, Script, Stage, TestSite};
use e2e::on_each_edge;

on_each_edge! {
    the_first_half_of_a_fragment_goes_out_while_the_second_is_withheld
    what_fails_in_its_midst_leaves_its_alternative_or_what_was_sent_and_the_page_goes_on
    one_who_waits_for_the_fragment_of_another_gets_it_whole
    one_that_is_larger_or_later_than_it_may_be_ends_where_it_is_and_the_page_goes_on
}

const ESI: (&str, &str) = ("surrogate-control", "content=\"ESI/1.0\"");

fn html() -> Script {
    Script::status(200).header("content-type", "text/html; charset=utf-8")
}

fn page(body: &str) -> Script {
    Script::page(body).header(ESI.0, ESI.1)
}

fn the_first_half_of_a_fragment_goes_out_while_the_second_is_withheld(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("halves"));
    // The first by the page's plan, the second by the page's ESI.
    stage.serve("/", page("<p>a</p><esi:include src=\"/f/one\"/><p>b</p><esi:include src=\"/f/two\" maxwait=\"9000\"/><p>c</p>"));
    for turn in ["streamed", "again"] {
        let (one, begin, two) = (Gate::default(), Gate::default(), Gate::default());
        stage.serve("/f/one", html().send("ONE").wait(&one).send("one"));
        stage.serve("/f/two", html().send("TWO").wait(&two).send("two").first_wait(&begin));
        let mut reply = stage.get("/").send();
        reply.read_until("<p>a</p>ONE");
        begin.open();
        assert!(!String::from_utf8_lossy(reply.so_far()).contains("TWO"), "{turn}: it is not first in line");
        one.open();
        reply.read_until("one<p>b</p>TWO");
        two.open();
        assert_eq!(reply.text(), "<p>a</p>ONEone<p>b</p>TWOtwo<p>c</p>", "{turn}");
    }
    stage.serve("/f/one", html().gzip_body(b"ONEone"));
    stage.serve("/f/two", html().send("TWO").pause(Duration::from_millis(20)).send("two"));
    let coded = stage.get("/").header("accept-encoding", "gzip").send();
    assert_eq!(String::from_utf8_lossy(&coded.decoded()), "<p>a</p>ONEone<p>b</p>TWOtwo<p>c</p>");
    assert_eq!(stage.get("/").method("HEAD").send().text(), "");
}

/// How it fails, and what is shown of it where nothing stands in its place.
fn failing() -> Vec<(&'static str, Script, &'static str)> {
    let never = Gate::default();
    vec![
        ("cut", html().send("half").pause(Duration::from_millis(100)).cut(), "half"),
        ("short", html().header("content-length", "900").send("half").wait(&never), "half"),
        ("empty", html().header("content-length", "900").head().cut(), ""),
        ("refused", Script::hang_up(), ""),
        ("bad", Script::status(500).header("content-type", "text/html").send("half").cut(), ""),
    ]
}

fn what_fails_in_its_midst_leaves_its_alternative_or_what_was_sent_and_the_page_goes_on(kind: EdgeKind) {
    let includes = [
        ("plain", "<esi:include src=\"/f\"/>", None),
        ("run", "<esi:include src=\"/f\" maxwait=\"700\" onerror=\"continue\"/>", None),
        ("alt", "<esi:include src=\"/f\" alt=\"/alt\"/>", Some("ALT")),
        ("alt-run", "<esi:include src=\"/f\" alt=\"/alt\" maxwait=\"700\"/>", Some("ALT")),
        ("body", "<esi:include src=\"/f\">BODY</esi:include>", Some("BODY")),
        (
            "try",
            "<esi:try><esi:attempt><esi:include src=\"/f\"/></esi:attempt><esi:except>EXCEPT</esi:except></esi:try>",
            Some("EXCEPT"),
        ),
        ("default", "<div data-hs-slot=\"none\"><esi:include src=\"/f\" alt=\"/none\"/></div>", None),
    ];
    let mut sites = Vec::new();
    for (way, ..) in failing() {
        sites.extend(includes.iter().map(|(name, ..)| TestSite::new(&format!("{name}-{way}"))));
    }
    let stage = Stage::with_sites(kind, sites);
    for (way, script, half) in failing() {
        for (name, include, instead) in &includes {
            let host = format!("{name}-{way}.test");
            stage.origin.answer(&host, "/", page(&format!("<p>a</p>{include}<p>b</p>")));
            let kept = script.clone().header("cache-control", "max-age=600");
            stage.origin.answer(&host, "/f", kept);
            stage.origin.answer(&host, "/alt", html().body("ALT"));
            let ask = || Ask::get(stage.edge.address(), &host, "/").send();
            let reply = ask();
            assert_eq!(reply.status, 200, "{host}");
            let around = |shown: &str| match *name {
                "default" => format!("<p>a</p><div data-hs-slot=\"none\">{shown}</div><p>b</p>"),
                _ => format!("<p>a</p>{shown}<p>b</p>"),
            };
            let shown = if *name == "default" { "" } else { instead.unwrap_or(half) };
            assert_eq!(reply.text(), around(shown), "{host}");
            let said = format!("http://{host}/f broke off behind 4 bytes that were sent");
            if shown == "half" {
                let lines = || stage.edge.lines().iter().any(|line| line.contains(&said)).then_some(());
                eventually("the log says so", lines);
            } else {
                assert!(!stage.edge.lines().iter().any(|line| line.contains(&said)), "{host}");
            }
            stage.origin.answer(&host, "/f", html().body("whole"));
            eventually("nothing of it was stored", || (ask().text() == around("whole")).then_some(()));
        }
    }
}

fn one_who_waits_for_the_fragment_of_another_gets_it_whole(kind: EdgeKind) {
    let stage = Stage::new(kind, TestSite::new("shared"));
    stage.serve("/", page("<p>a</p><esi:include src=\"/f\" maxwait=\"9000\"/><p>b</p>"));
    let gate = Gate::default();
    stage.serve("/f", html().header("cache-control", "max-age=600").send("half").wait(&gate).send("whole"));
    let mut first = stage.get("/").send();
    first.read_until("<p>a</p>half");
    let mut second = stage.get("/").send();
    second.read_until("<p>a</p>");
    gate.open();
    for reply in [first, second] {
        assert_eq!(reply.text(), "<p>a</p>halfwhole<p>b</p>");
    }
    assert_eq!(stage.fetches("/f"), 1, "they share one fetch");
}

fn one_that_is_larger_or_later_than_it_may_be_ends_where_it_is_and_the_page_goes_on(kind: EdgeKind) {
    let budgets = serde_json::json!({ "budgets": { "page_ms": 1500, "wait_ms": 60_000 } });
    let late = TestSite::new("late").setting("esi", budgets);
    let stage = Stage::with_sites(kind, vec![TestSite::new("large"), late]);
    stage.serve("/", page("<p>a</p><esi:include src=\"/f\"/><p>b</p><esi:include src=\"/f\" alt=\"/alt\"/>"));
    let half = "x".repeat(600_000);
    stage.serve("/f", html().send(half.clone()).pause(Duration::from_millis(50)).send(half));
    stage.serve("/alt", html().body("ALT"));
    let text = stage.get("/").send().text();
    assert!(text.starts_with("<p>a</p>x") && text.ends_with("x<p>b</p>ALT"), "{} bytes", text.len());
    assert!((600_000..1_048_576 + 30).contains(&text.len()), "{} bytes", text.len());

    let gate = Gate::default();
    stage.origin.answer("late.test", "/", page("<p>a</p><esi:include src=\"/f\"/><p>b</p>"));
    let mut trickle = html();
    for _ in 0..100 {
        trickle = trickle.send("x").pause(Duration::from_millis(100));
    }
    stage.origin.answer("late.test", "/f", trickle.wait(&gate));
    let text = Ask::get(stage.edge.address(), "late.test", "/").send().text();
    assert!(text.starts_with("<p>a</p>x") && text.ends_with("x<p>b</p>") && text.len() < 60, "{text}");
    let said = "http://late.test/: esi: the page took too long";
    eventually("the log says so", || stage.edge.lines().iter().any(|line| line.contains(said)).then_some(()));
}
