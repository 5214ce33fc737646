//! Previews: what the browser that holds a token sees, and nobody else.

use serde_json::{Map, Value, json};

use super::*;
use crate::http::Lookup;
use crate::token::PreviewToken;

const DRAFT: &str = r##"{"blocks": {"b": {"html": "<i>draft</i>"}, "c": {"html": "<i>other</i>"}},
    "experiments": {"price": {"weights": [1, 0], "variations": [{"key": "low", "block": "b"}, {"key": "high", "block": "c"}]}},
    "slots": {"hero": {"rules": [
        {"id": "old", "when": {"time.now": {"$gt": 1900000000}}, "block": "nothing"},
        {"id": "r", "when": {"visitor.visits": 7}, "experiment": "price"},
        {"id": "once", "block": "b", "cap": {"times": 2, "per": "day"}}]}},
    "gates": [{"id": "shut", "url": "/shut", "then": {"refuse": 403}}]}"##;

fn token(change: impl FnOnce(&mut PreviewToken)) -> String {
    let draft = pack_of(DRAFT).hash();
    let mut token = PreviewToken {
        issued: NOW,
        expires: UnixTime(NOW.0 + 3_600),
        draft,
        persona: None,
        variations: Map::new(),
        at: None,
    };
    change(&mut token);
    token.encode(&ring(&[NEW]), "acme").expect("a token")
}

fn cookie(token: &str) -> String {
    format!("{}={token}", PreviewToken::COOKIE)
}

fn previewing(target: &str, token: &str, lines: &[(&str, &str)]) -> Visit {
    let held = cookie(token);
    let lines: Vec<(&str, &str)> = lines.iter().copied().chain([("cookie", held.as_str())]).collect();
    let mut visit = visit_at(target, &lines);
    if visit.draft().is_some() {
        visit.equip(Some(pack_of(DRAFT)), KillSwitch::On);
    }
    visit
}

/// What an own fetch of the page comes to.
fn shown(visit: &Visit, content_type: &str) -> (ResponseHead, String) {
    let head = origin(&[("content-type", content_type)]);
    let Answer::Page { mut session, retain: Retain::Nothing } = visit.from_origin(head, Fetched::Own) else {
        panic!("a page that nobody keeps")
    };
    session.page(SLOT);
    session.page_end();
    let mut out = Vec::new();
    assert_eq!(session.advance(&mut out), Step::Done);
    assert!(session.take_object().is_none());
    assert_eq!(session.advance(&mut out), Step::Done);
    (session.head().clone(), String::from_utf8(out).expect("UTF-8"))
}

fn page(visit: &Visit) -> String {
    shown(visit, "text/html; charset=utf-8").1
}

#[test]
fn a_draft_is_seen_with_a_banner_and_is_kept_by_nobody() {
    let visit = previewing("/a?b=1", &token(|_| ()), &[("host", "acme.test:8080")]);
    assert_eq!(
        visit.draft().map(|draft| draft.key.clone()),
        Some(format!("acme/draft/{}", pack_of(DRAFT).hash()))
    );
    assert_eq!(visit.lookup(Lookup::Bypass), Lookup::Bypass);
    let (head, page) = shown(&visit, "text/html; charset=utf-8");
    assert!(page.starts_with("<p data-hs-slot=hero><i>draft</i></p><aside aria-label=\"Preview\""), "{page}");
    assert!(page.contains("href=\"https://acme.test:8080/a?b=1&#38;hs_preview=off\""), "{page}");
    assert_eq!(page.matches("<aside").count(), 1);
    assert_eq!(head.headers["cache-control"], "private, no-store");
    assert_eq!(head.headers["referrer-policy"], "no-referrer");
    assert!(!head.headers.contains_key("set-cookie"));
    assert!(!head.headers.contains_key("etag"));
}

#[test]
fn nothing_of_a_preview_is_stored_however_a_driver_asks() {
    let visit = previewing("/", &token(|_| ()), &[]);
    let fetched = visit.from_origin(origin(&[]), Fetched::Shared);
    assert!(matches!(fetched, Answer::Page { retain: Retain::Nothing, .. }));
    let stored = object(&visit_at("/", &[]), PLAIN);
    let edited = previewing("/edited", &token(|_| ()), &[]);
    let Cached::Page { session, again: None } = edited.from_cache(stored) else { panic!("no other plan") };
    assert_eq!(session.head().headers["cache-control"], "private, no-store");
}

#[test]
fn a_persona_a_variation_and_a_time_are_those_of_the_token() {
    let seven = || json!({"visitor.visits": 7}).as_object().cloned();
    let persona = token(|token| token.persona = seven());
    assert!(page(&previewing("/", &persona, &[])).contains("<i>draft</i></p><aside"));
    let forced = token(|token| {
        token.persona = seven();
        token.variations.insert("price".to_owned(), "high".into());
    });
    let shown = page(&previewing("/", &forced, &[]));
    assert!(shown.contains("<i>other</i>") && shown.contains("price: high") && shown.contains("made up"));
    let later = token(|token| token.at = Some(UnixTime(1_900_000_001)));
    let shown = page(&previewing("/", &later, &[]));
    assert!(shown.starts_with("<p data-hs-slot=hero></p>"), "{shown}");
    assert!(shown.contains("As of Sun, 17 Mar 2030 17:46:41 GMT."), "{shown}");
    let never = token(|token| token.at = Some(UnixTime(u64::MAX)));
    assert!(page(&previewing("/", &never, &[])).contains("</aside>"));
}

#[test]
fn a_visitor_who_is_made_up_is_nothing_of_the_one_who_looks() {
    let mut profile = Profile::new([1; 16], NOW);
    profile.visits = 7;
    let ours = cookie_of(&profile);
    let own = previewing("/", &token(|_| ()), &[("cookie", &ours)]);
    assert_eq!(own.facts().profile().visits, 7);
    let made_up = previewing("/", &token(|token| token.persona = Some(Map::new())), &[("cookie", &ours)]);
    assert_eq!(made_up.facts().profile().visits, 1);
}

#[test]
fn what_names_an_experiment_is_text_in_the_banner() {
    let nasty = token(|token| drop(token.variations.insert("<b>\u{e9}".to_owned(), "\"'&".into())));
    let shown = page(&previewing("/?a=\"><script>", &nasty, &[]));
    assert!(shown.contains("&#60;b&#62;&#233;: &#34;&#39;&#38;."), "{shown}");
    assert!(!shown.contains("<script>") && shown.is_ascii());
}

#[test]
fn a_banner_is_for_readers_of_html() {
    let held = token(|_| ());
    let embedded = previewing("/", &held, &[("sec-fetch-dest", "iframe")]);
    assert_eq!(page(&embedded), "<p data-hs-slot=hero><i>draft</i></p>");
    let xhtml = previewing("/", &held, &[]);
    assert!(!shown(&xhtml, "application/xhtml+xml").1.contains("aside"));
    let mut block = previewing("/", &held, &[]).block("hero").expect("a slot");
    let mut out = Vec::new();
    assert_eq!((block.advance(&mut out), out.as_slice()), (Step::Done, b"<i>draft</i>".as_slice()));
}

#[test]
fn a_draft_that_is_not_there_leaves_the_defaults_and_says_so() {
    let mut visit = previewing("/", &token(|_| ()), &[]);
    visit.equip(None, KillSwitch::On);
    let (head, page) = shown(&visit, "text/html");
    assert!(page.starts_with("<p data-hs-slot=hero>x</p>") && page.contains("cannot be read"));
    assert_eq!(head.headers[DEFAULTS_HEADER], "no-pack");
}

#[test]
fn a_gate_of_a_draft_has_the_way_out_on_it() {
    let visit = previewing("/shut", &token(|_| ()), &[]);
    let mut refusal = visit.gate().expect("it is shut");
    let mut out = Vec::new();
    assert_eq!(refusal.advance(&mut out), Step::Done);
    let page = String::from_utf8(out).expect("UTF-8");
    assert!(page.contains("hs_preview=off") && page.contains("Not available"), "{page}");
    assert_eq!(refusal.head().headers["referrer-policy"], "no-referrer");
}

fn exchanged(visit: &Visit) -> Option<(String, String)> {
    let answer = visit.gate()?;
    let text = |name| answer.head().headers[name].to_str().expect("ASCII").to_owned();
    assert_eq!(answer.head().status, 303);
    assert_eq!(
        (text("cache-control").as_str(), text("referrer-policy").as_str()),
        ("private, no-store", "no-referrer")
    );
    Some((text("location"), text("set-cookie")))
}

#[test]
fn a_link_is_exchanged_for_a_cookie_of_this_host_alone() {
    let token = token(|_| ());
    let expect =
        format!("{}={token}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax", PreviewToken::COOKIE);
    for (target, lands) in [
        (format!("/a?b=1&hs_preview={token}&c"), "/a?b=1&c"),
        (format!("//evil.test/?hs_preview={token}"), "/evil.test/"),
        (format!("/\\evil.test?hs_preview={token}"), "/evil.test"),
        (format!("/?hs_preview={token}&hs_facts=x"), "/"),
    ] {
        let got = exchanged(&visit_at(&target, &[("sec-fetch-dest", "document")]));
        assert_eq!(got, Some((lands.to_owned(), expect.clone())), "{target}");
    }
    let target = format!("/?hs_preview={token}");
    for destination in ["image", "iframe", "empty", "script"] {
        assert_eq!(exchanged(&visit_at(&target, &[("sec-fetch-dest", destination)])), None, "{destination}");
    }
    let mut off = visit_at(&target, &[]);
    off.equip(Some(pack()), KillSwitch::Off);
    assert!(off.gate().is_none(), "nothing is personal any more");
}

#[test]
fn the_way_out_takes_the_cookie_whatever_it_holds() {
    let gone = format!("{}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax", PreviewToken::COOKIE);
    for held in [cookie(&token(|_| ())), cookie("expired"), format!("{0}; {0}", cookie("x"))] {
        let mut visit = visit_at("/a?hs_preview=off", &[("cookie", &held)]);
        assert_eq!(exchanged(&visit), Some(("/a".to_owned(), gone.clone())));
        visit.equip(None, KillSwitch::Off);
        assert!(exchanged(&visit).is_some());
    }
    assert_eq!(exchanged(&visit_at("/a?hs_preview=off", &[])), None);
}

#[test]
fn a_token_that_does_not_hold_is_none() {
    let good = token(|_| ());
    let of = |capability, key: &str, audience: &str, age: u64| {
        let private: Map<String, Value> = json!({"draft": pack_of(DRAFT).hash().to_string(), "facts": {}})
            .as_object()
            .cloned()
            .expect("an object");
        let issued = UnixTime(NOW.0 - age);
        let claims = crate::token::Claims { issued, expires: issued.plus_seconds(3_000), id: None, private };
        CapabilityToken::encode(&claims, capability, &ring(&[key]), audience).expect("a token")
    };
    let preview = Capability::Preview;
    assert!(previewing("/", &of(preview, NEW, "acme", 0), &[]).draft().is_some());
    for (name, held) in [
        ("cut", good[..good.len() - 1].to_owned()),
        ("of another site", of(preview, NEW, "other", 0)),
        ("of another key", of(preview, OLD, "acme", 0)),
        ("of another kind", of(Capability::Facts, NEW, "acme", 0)),
        ("an operator's", of(Capability::Operator, NEW, "acme", 0)),
        ("expired", of(preview, NEW, "acme", 3_000)),
        ("twice", format!("{good}; {}", cookie(&good))),
        ("empty", String::new()),
    ] {
        let visit = previewing("/", &held, &[]);
        assert!(visit.draft().is_none(), "{name}");
        if name != "twice" {
            assert_eq!(exchanged(&visit_at(&format!("/?hs_preview={held}"), &[])), None, "{name}");
        }
        let (head, page) = cached(&visit, SLOT);
        let (expect_head, expect_page) = cached(&visit_at("/", &[]), SLOT);
        assert_eq!((page, head.headers.len()), (expect_page, expect_head.headers.len()), "{name}");
    }
}
