//! Visits from arrival to the head of the answer: who gets a cookie, what is stored, what is said about it.

mod previews;

use std::collections::BTreeMap;

use ::http::{HeaderMap, HeaderName, StatusCode};

use super::*;
use crate::pack::compile;
use crate::ruleset::Ruleset;
use crate::session::Step;
use crate::token::{Capability, CapabilityToken, FactsToken};

const NOW: UnixTime = UnixTime(1_800_000_000);
const SLOT: &[u8] = b"<p data-hs-slot=hero>x</p>";
const PLAIN: &[u8] = b"<p>x</p>";
const OLD: &str = r#"{"kid": "old", "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#;
const NEW: &str = r#"{"kid": "new", "secret": "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0A"}"#;

fn ring(keys: &[&str]) -> Keyring {
    Keyring::parse(format!(r#"{{"keys": [{}]}}"#, keys.join(",")).as_bytes()).expect("a valid ring")
}

fn keys() -> Keys {
    let of = |purpose| if purpose == KeyPurpose::Profile { ring(&[NEW, OLD]) } else { ring(&[NEW]) };
    Keys::gather(|purpose| Some(of(purpose))).expect("a ring of each")
}

fn pack() -> Arc<Pack> {
    pack_of(
        r##"{"blocks": {"b": {"html": "<b>de</b>"}}, "slots": {"hero": {"rules": [
        {"id": "r", "when": {"place.country": "DE"}, "block": "b"}]}},
        "edits": [{"id": "e", "url": "/edited", "selector": "p", "action": "inner", "rules": [{"id": "q", "block": "b"}]}]}"##,
    )
}

fn pack_of(ruleset: &str) -> Arc<Pack> {
    let (ruleset, findings) = Ruleset::parse(ruleset);
    let ruleset = ruleset.unwrap_or_else(|| panic!("{findings:?}"));
    Arc::new(Pack::open(compile(&ruleset).expect("it compiles")).expect("it opens"))
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::try_from(*name).expect("a header name");
        headers.append(name, HeaderValue::try_from(*value).expect("a header value"));
    }
    headers
}

fn visit_at(target: &str, lines: &[(&str, &str)]) -> Visit {
    visit_of(pack(), target, lines)
}

fn visit_of(pack: Arc<Pack>, target: &str, lines: &[(&str, &str)]) -> Visit {
    let site = Site::parse(
        br#"{"site": "acme", "hosts": ["acme.test"], "origin": "o",
            "pointer_keys": [{"kid": "k", "ed25519": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    )
    .expect("a valid site");
    let request = RequestHead {
        method: Method::GET,
        host: "acme.test".into(),
        path_and_query: target.into(),
        headers: headers(lines).into(),
    };
    let mut visit =
        Visit::arrive(Arc::new(site), Some(&keys()), request, Place::default(), NOW, || Some([7; 16]));
    visit.equip(Some(pack), KillSwitch::On);
    visit
}

fn visit(lines: &[(&str, &str)]) -> Visit {
    visit_at("/", lines)
}

fn origin(lines: &[(&str, &str)]) -> ResponseHead {
    let mut all = vec![
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "max-age=60"),
        ("etag", "\"1\""),
    ];
    all.retain(|(name, _)| !lines.iter().any(|(other, _)| other == name));
    all.extend(lines);
    ResponseHead { status: StatusCode::OK, headers: headers(&all) }
}

/// The object that a page leaves in the cache.
fn object(visit: &Visit, page: &[u8]) -> Vec<u8> {
    match visit.from_origin(origin(&[]), Fetched::Shared) {
        Answer::Page { mut session, .. } => {
            session.page(page);
            session.page_end();
            session.take_object().expect("a complete page that may be stored")
        }
        _ => panic!("a page"),
    }
}

fn cached(visit: &Visit, page: &[u8]) -> (ResponseHead, String) {
    match visit.from_cache(object(visit, page)) {
        Cached::Page { mut session, again: None } => {
            let mut out = Vec::new();
            assert_eq!(session.advance(&mut out), Step::Done);
            (session.head().clone(), String::from_utf8(out).expect("UTF-8"))
        }
        _ => panic!("a page that is up to date"),
    }
}

fn profile_cookie(age_s: u64, key: &str) -> String {
    let mut profile = Profile::new([1; 16], UnixTime(NOW.0 - age_s));
    profile.last_seen = UnixTime(NOW.0 - age_s);
    let cookie =
        ProfileCookie::encode(&profile, &ring(&[key]), "acme", UnixTime(NOW.0 - age_s)).expect("it is short");
    cookie.split(';').next().expect("a pair").to_owned()
}

fn sets_cookie(visit: &Visit, page: &[u8]) -> bool {
    cached(visit, page).0.headers.contains_key("set-cookie")
}

#[test]
fn the_cookie_is_written_when_the_profile_changed_and_never_on_a_page_for_everybody() {
    assert!(sets_cookie(&visit(&[]), SLOT));
    assert!(!sets_cookie(&visit(&[]), PLAIN));
    assert!(!sets_cookie(&visit(&[("cookie", &profile_cookie(60, NEW))]), SLOT));
    assert!(sets_cookie(&visit(&[("cookie", &profile_cookie(3600, NEW))]), SLOT));
    assert!(sets_cookie(&visit(&[("cookie", &profile_cookie(60, OLD))]), SLOT));
}

#[test]
fn a_profile_that_the_origin_writes_is_left_alone() {
    let written = |cookie| match visit(&[]).from_origin(origin(&[("set-cookie", cookie)]), Fetched::Own) {
        Answer::Page { session, .. } => session.head().headers.get_all("set-cookie").iter().count(),
        _ => panic!("a page"),
    };
    assert_eq!(written("__Host-hs=theirs; Path=/; Secure"), 1);
    assert_eq!(written("other=1"), 2);
}

#[test]
fn a_page_with_a_slot_is_private_even_when_it_shows_its_default() {
    let (head, page) = cached(&visit(&[]), SLOT);
    assert_eq!(page.as_bytes(), SLOT);
    assert_eq!(head.headers["cache-control"], "private, no-cache");
    assert!(!head.headers.contains_key("etag"));
    let (head, _) = cached(&visit(&[]), PLAIN);
    assert_eq!(
        (&head.headers["cache-control"], &head.headers["etag"]),
        (&"max-age=60".parse().expect("a value"), &"\"1\"".parse().expect("a value"))
    );
    assert_eq!(head.headers["content-length"], "8");
}

#[test]
fn facts_come_from_a_token_that_verifies_and_from_nothing_else() {
    let expires = UnixTime(NOW.0 + 60);
    let token = |ring: &Keyring, audience| {
        let facts = BTreeMap::from([("place.country".to_owned(), serde_json::json!("DE"))]);
        FactsToken { issued: NOW, expires, facts }.encode(ring, audience).expect("it is short")
    };
    let german = "<p data-hs-slot=hero><b>de</b></p>";
    let good = token(&ring(&[NEW]), "acme");
    assert_eq!(cached(&visit(&[("hs-facts", &good)]), SLOT).1, german);
    assert_eq!(cached(&visit_at(&format!("/?hs_facts={good}"), &[]), SLOT).1, german);
    assert!(!sets_cookie(&visit(&[("hs-facts", &good)]), SLOT));
    for bad in [token(&ring(&[OLD]), "acme"), token(&ring(&[NEW]), "other"), "DE".to_owned()] {
        assert_eq!(cached(&visit(&[("hs-facts", &bad)]), SLOT).1.as_bytes(), SLOT);
    }
}

#[test]
fn a_page_is_compiled_again_when_the_edits_changed_and_not_fetched() {
    let mut before = visit_at("/edited", &[]);
    before.equip(None, KillSwitch::On);
    let stored = object(&before, PLAIN);
    let Cached::Page { mut session, again: Some(again) } = visit_at("/edited", &[]).from_cache(stored) else {
        panic!("it is compiled again");
    };
    let mut out = Vec::new();
    assert_eq!((session.advance(&mut out), out.as_slice()), (Step::Done, b"<p><b>de</b></p>".as_slice()));
    assert!(matches!(visit_at("/edited", &[]).from_cache(again.clone()), Cached::Page { again: None, .. }));
    assert!(matches!(before.from_cache(again), Cached::Page { again: None, .. }));
}

#[test]
fn defaults_that_are_our_doing_are_marked() {
    for (pack, kill, expect) in [
        (Some(pack()), KillSwitch::On, None),
        (None, KillSwitch::On, Some("no-pack")),
        (Some(pack()), KillSwitch::Off, Some("off")),
    ] {
        let mut visit = visit(&[]);
        visit.equip(pack, kill.clone());
        let (head, page) = cached(&visit, SLOT);
        assert_eq!(head.headers.get(DEFAULTS_HEADER).and_then(|value| value.to_str().ok()), expect);
        assert_eq!(page.as_bytes(), SLOT);
        assert_eq!(head.headers.contains_key("set-cookie"), kill != KillSwitch::Off);
    }
}

#[test]
fn a_page_whose_rules_are_not_at_hand_is_kept_by_nobody() {
    let stored = object(&visit(&[]), PLAIN);
    let mut without = visit(&[("if-none-match", "\"1\"")]);
    without.equip(None, KillSwitch::On);
    let Cached::Page { session, .. } = without.from_cache(stored) else { panic!("a page, and no 304") };
    assert_eq!(session.head().headers["cache-control"], "private, no-cache");
    assert_eq!(session.head().headers[DEFAULTS_HEADER], "no-pack");
}

#[test]
fn what_is_not_for_everybody_leaves_a_marker() {
    let retained = |lines: &[(&str, &str)], answer: ResponseHead| match visit(lines)
        .from_origin(answer, Fetched::Shared)
    {
        Answer::Page { retain, .. } => ("page", retain),
        Answer::Untouched { retain, .. } => ("untouched", retain),
        Answer::FetchOwn { retain } => ("own", retain),
    };
    let own = |seconds| Retain::Marker(Marker::Own, seconds);
    let private = || origin(&[("cache-control", "private")]);
    let status = |code| ResponseHead { status: StatusCode::from_u16(code).expect("a status"), ..origin(&[]) };
    assert_eq!(retained(&[], private()), ("page", own(120)));
    assert_eq!(retained(&[("cookie", "a=1")], private()), ("own", own(120)));
    assert_eq!(retained(&[], origin(&[("vary", "cookie")])), ("own", own(120)));
    assert_eq!(
        retained(&[], origin(&[("content-type", "image/png")])),
        ("untouched", Retain::Marker(Marker::Pass, 120))
    );
    assert_eq!(retained(&[], status(404)), ("untouched", own(2)));
    assert_eq!(retained(&[("cookie", "a=1")], status(302)), ("own", own(2)));
    assert_eq!(retained(&[("cookie", "a=1")], status(503)), ("untouched", own(2)));
    assert!(matches!(retained(&[], origin(&[])), ("page", Retain::Page(_))));
}

#[test]
fn an_object_that_is_no_page_is_told_from_one() {
    assert!(matches!(visit(&[]).from_cache(Marker::Pass.encode()), Cached::Marker(Marker::Pass)));
    assert!(matches!(visit(&[]).from_cache(b"HSPG".to_vec()), Cached::Unusable));
    let known = visit(&[("if-none-match", "\"1\"")]);
    assert!(matches!(known.from_cache(object(&known, PLAIN)), Cached::NotModified(_)));
    assert!(matches!(known.from_cache(object(&known, SLOT)), Cached::Page { .. }));
}

#[test]
fn a_block_is_answered_for_its_visitor() {
    let expires = UnixTime(NOW.0 + 60);
    let facts = BTreeMap::from([("place.country".to_owned(), serde_json::json!("DE"))]);
    let token =
        FactsToken { issued: NOW, expires, facts }.encode(&ring(&[NEW]), "acme").expect("it is short");
    for (lines, expect) in [(&[("hs-facts", token.as_str())][..], "<b>de</b>"), (&[], "")] {
        let mut session = visit(lines).block("hero").expect("a name of a slot");
        let mut out = Vec::new();
        assert_eq!((session.advance(&mut out), out.as_slice()), (Step::Done, expect.as_bytes()));
        assert_eq!(session.head().headers["cache-control"], "private, no-store");
    }
    assert!(visit(&[]).block("a b").is_none());
}

/// The profile that an answer has the visitor keep.
fn kept(head: &ResponseHead) -> Option<Profile> {
    let cookie = head.headers.get("set-cookie")?.as_bytes();
    Some(
        ProfileCookie::decode([cookie].into_iter(), &ring(&[NEW]), "acme", NOW).expect("it verifies").profile,
    )
}

fn cookie_of(profile: &Profile) -> String {
    let cookie = ProfileCookie::encode(profile, &ring(&[NEW]), "acme", NOW).expect("it is short");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[test]
fn a_variation_and_a_count_are_kept_and_a_page_without_news_writes_no_cookie() {
    let ruleset = |weights: &str| {
        format!(
            r##"{{"blocks": {{"a": {{"html": "A"}}, "b": {{"html": "B"}}}},
            "experiments": {{"x": {{"weights": {weights}, "variations": [{{"key": "a", "block": "a"}}, {{"key": "b", "block": "b"}}]}}}},
            "slots": {{"hero": {{"rules": [
                {{"id": "once", "block": "b", "cap": {{"times": 2, "per": "day"}}, "when": {{"url.path": "/capped"}}}},
                {{"id": "split", "experiment": "x"}}]}}}}}}"##
        )
    };
    let (all_a, all_b) = (pack_of(&ruleset("[1, 0]")), pack_of(&ruleset("[0, 1]")));
    let (head, shown) = cached(&visit_of(Arc::clone(&all_a), "/", &[]), SLOT);
    assert!(shown.contains('A'));
    let profile = kept(&head).expect("a new visitor gets a cookie");
    assert_eq!(profile.buckets, [("x__0".to_owned(), "a".to_owned())].into());

    let cookie = cookie_of(&profile);
    let (head, shown) = cached(&visit_of(Arc::clone(&all_b), "/", &[("cookie", &cookie)]), SLOT);
    assert!(shown.contains('A'), "whoever has a variation keeps it");
    assert_eq!(kept(&head), None);

    let mut cookie = cookie;
    for (times, expect) in [(1, 'B'), (2, 'B'), (2, 'A')] {
        let (head, shown) = cached(&visit_of(Arc::clone(&all_b), "/capped", &[("cookie", &cookie)]), SLOT);
        assert!(shown.contains(expect), "{shown}");
        if let Some(profile) = kept(&head) {
            assert_eq!(profile.shown.get("once").map(|shown| shown.times), Some(times));
            cookie = cookie_of(&profile);
        }
    }
}

fn gated(target: &str, lines: &[(&str, &str)]) -> Option<(u16, Option<String>, String)> {
    let pack = pack_of(
        r##"{"settings": {"redirect_hosts": ["w.test"]}, "blocks": {"sorry": {"html": "<p>sorry"}},
        "experiments": {"x": {"variations": [{"key": "a"}, {"key": "b"}], "weights": [0, 1]}},
        "gates": [
            {"id": "moved", "url": "/old*", "then": {"redirect": "/new", "status": 301}},
            {"id": "dropped", "url": "/dropped", "then": {"redirect": "https://w.test/", "query": "drop"}},
            {"id": "closed", "url": "/closed", "priority": -1, "then": {"refuse": 451, "block": "sorry"}},
            {"id": "shut", "url": "/shut", "then": {"refuse": 403}},
            {"id": "split", "url": "/pricing*", "then": {"split": "x", "urls": {"b": "/pricing-b"}}},
            {"id": "robots", "when": {"device.bot": true}, "then": {"refuse": 404}}
        ]}"##,
    );
    let mut answer = visit_of(pack, target, lines).gate()?;
    let mut out = Vec::new();
    assert_eq!(answer.advance(&mut out), Step::Done);
    let head = answer.head();
    assert_eq!(head.headers["cache-control"], "private, no-store");
    let location = head.headers.get("location").map(|url| url.to_str().expect("ASCII").to_owned());
    Some((head.status.as_u16(), location, String::from_utf8(out).expect("UTF-8")))
}

#[test]
fn a_gate_answers_before_any_page() {
    let redirect = |status, to: &str| Some((status, Some(to.to_owned()), String::new()));
    let bot = [("user-agent", "Googlebot/2.1")];
    assert_eq!(gated("/old/x?a=1&hs_facts=x", &[]), redirect(301, "/new?a=1"));
    assert_eq!(gated("/dropped?a=1", &[]), redirect(302, "https://w.test/"));
    assert_eq!(gated("/closed", &[]), Some((451, None, "<p>sorry".to_owned())));
    assert!(gated("/shut", &[]).is_some_and(|(status, _, page)| status == 403 && page == gate::REFUSAL));
    assert_eq!(gated("/pricing?a=1", &[]), redirect(302, "/pricing-b?a=1"));
    assert_eq!(gated("/pricing-b", &[]), None, "nobody is sent to where they are");
    assert_eq!(gated("/", &[]), None);
    assert!(gated("/", &bot).is_some_and(|(status, ..)| status == 404));
    assert!(
        gated("/pricing", &bot).is_some_and(|(status, ..)| status == 404),
        "a crawler is in no experiment"
    );
}

#[test]
fn who_has_a_token_is_told_why_and_nobody_else() {
    let claims = crate::token::Claims {
        issued: NOW,
        expires: UnixTime(NOW.0 + 60),
        id: None,
        private: Default::default(),
    };
    let token =
        CapabilityToken::encode(&claims, Capability::Explain, &ring(&[NEW]), "acme").expect("a token");
    let visit = visit_at(&format!("/?hs_explain={token}"), &[]);
    let (head, body) = cached(&visit, SLOT);
    assert_eq!(head.headers["content-type"], "application/json");
    assert_eq!(head.headers["cache-control"], "private, no-store");
    assert!(!head.headers.contains_key("set-cookie"));
    let told: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let slot = &told["slots"][0];
    assert_eq!((&slot["slot"], &slot["shows"]), (&"hero".into(), &"default".into()));
    assert_eq!(slot["passed"][0]["because"], "place.country is missing, not \"DE\"");
    let notes = r#""hero";shows="default";why=no-rule;steps=1"#;
    assert_eq!(head.headers["hs-decisions"], notes);

    let beside = visit_at("/", &[("hs-explain", &token)]);
    let (head, page) = cached(&beside, SLOT);
    assert_eq!(page.as_bytes(), SLOT);
    assert_eq!(head.headers["hs-decisions"], notes);
    assert_eq!(head.headers["hs-pack"], pack().hash().to_string());
    assert_eq!(head.headers["server-timing"], r#"s0;desc="hero: no-rule, 1 steps""#);
    assert_eq!(head.headers["cache-control"], "private, no-store");
    let Cached::Page { mut session, .. } = beside.from_cache(object(&beside, SLOT)) else { panic!("a page") };
    session.note_cost(1_234);
    let timing = r#"hs;dur=1.234, s0;desc="hero: no-rule, 1 steps""#;
    assert_eq!(session.head().headers["server-timing"], timing);

    let forged = format!("{token}x");
    for visit in [visit_at(&format!("/?hs_explain={forged}"), &[]), visit_at("/", &[("hs-explain", &forged)])]
    {
        let (head, page) = cached(&visit, SLOT);
        assert_eq!(page.as_bytes(), SLOT);
        assert!(!head.headers.keys().any(|name| name.as_str().starts_with("hs-") || name == "server-timing"));
    }
}

#[test]
fn a_fact_in_a_block_is_text_wherever_it_stands() {
    let pack = pack_of(
        r##"{"facts": {"name": {"type": "text"}}, "blocks": {
            "b": {"html": "<a href=\"/x?q={{ name }}\" title='{{ name }}'>{{ name | default(\"you\") }}</a>"},
            "t": {"html": "for {{ name }}"}},
        "slots": {"hero": {"rules": [{"id": "r", "block": "b"}]}},
        "edits": [{"id": "e", "url": "/edited", "selector": "p", "action": "set-attribute", "attribute": "title",
            "rules": [{"id": "q", "block": "t"}]}]}"##,
    );
    let shown = |page: &[u8], path: &str, name: &str| {
        let facts = [("name".to_owned(), name.into())].into();
        let token = FactsToken { issued: NOW, expires: UnixTime(NOW.0 + 60), facts };
        let token = token.encode(&ring(&[NEW]), "acme").expect("a token");
        cached(&visit_of(Arc::clone(&pack), path, &[("hs-facts", &token)]), page).1
    };
    let nasty = "<b>\"'&amp;";
    assert_eq!(
        shown(SLOT, "/", nasty),
        "<p data-hs-slot=hero><a href=\"/x?q=%3Cb%3E%22%27%26amp%3B\" title='&lt;b&gt;&quot;&#39;&amp;amp;'>\
         &lt;b&gt;&quot;&#39;&amp;amp;</a></p>"
    );
    assert_eq!(shown(PLAIN, "/edited", nasty), "<p title=\"for <b>&quot;'&amp;amp;\">x</p>");
    let (_, page) = cached(&visit_of(Arc::clone(&pack), "/", &[]), SLOT);
    assert!(page.contains(">you</a>"));
    let script = b"<script data-hs-slot=hero>1</script>";
    assert_eq!(shown(script, "/", nasty).as_bytes(), script);
}
