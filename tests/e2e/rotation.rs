//! Keys take over from each other, and no visitor who comes by is a new one for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::harness::patience::eventually;
use e2e::harness::{EdgeKind, Jws, RecordOrigin, Reply, Script, Stage, TestSite, Visitor, now, scene};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    cookies_of_three_generations_live_and_are_signed_by_the_newest
    a_key_verifies_before_it_signs
}

const GENERATIONS: [&str; 3] = ["2026-11", "2026-05", "2025-11"];

fn visitor() -> Visitor {
    scene::finance_visitor("ada")
}

/// The cookie of [`visitor`] under a key.
fn cookie(site: &TestSite, kid: &str) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
    format!(
        "__Host-hs={}",
        Jws::new(&header, &visitor().claims(site)).hs256(&site.secrets().secret("profile", kid))
    )
}

/// Whose profile an answer writes, and under which key.
fn written(reply: &Reply) -> Option<(String, String)> {
    let cookie = reply.header("set-cookie")?.strip_prefix("__Host-hs=")?;
    let part = |index: usize, name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(cookie.split(['.', ';']).nth(index)?).ok()?;
        let json: Value = serde_json::from_slice(&bytes).ok()?;
        json[name].as_str().map(str::to_string)
    };
    Some((part(1, "sub")?, part(0, "kid")?))
}

fn stage(kind: EdgeKind, generations: &[&str]) -> Stage {
    let stage = Stage::new(kind, scene::site("rotated").generations(generations));
    stage.serve("/", Script::page(scene::PAGE));
    stage.fill("/");
    stage
}

fn cookies_of_three_generations_live_and_are_signed_by_the_newest(kind: EdgeKind) {
    let three = stage(kind, &GENERATIONS);
    let [newest, older, oldest] = GENERATIONS;
    for kid in GENERATIONS {
        let reply = three.get("/").cookie(&cookie(three.site(), kid)).send();
        let expected = (kid != newest).then(|| ("ada".to_string(), newest.to_string()));
        assert_eq!(written(&reply), expected, "{kid}");
        assert_eq!(reply.text(), scene::page_showing(scene::FINANCE), "{kid}");
    }
    let signed_again = three.get("/").cookie(&cookie(three.site(), oldest)).send();
    let fresh = signed_again.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let reply = three.get("/").cookie(fresh.expect("a cookie")).send();
    assert_eq!(reply.text(), scene::page_showing(scene::FINANCE), "it lives on under the newest key");
    drop(three);

    let two = stage(kind, &[newest, older]);
    let retired = two.get("/").cookie(&cookie(two.site(), oldest)).send();
    let (id, kid) = written(&retired).expect("a new visitor gets a cookie");
    assert!(id != "ada" && kid == newest, "nothing under a retired key is believed");
    assert_eq!(retired.text(), scene::PAGE);
    let known = two.get("/").cookie(&cookie(two.site(), older)).send();
    assert_eq!(written(&known), Some(("ada".to_string(), newest.to_string())));
    assert_eq!(known.text(), scene::page_showing(scene::FINANCE));
}

fn a_key_verifies_before_it_signs(kind: EdgeKind) {
    let next = format!("next@{}", now() + 86_400);
    let stage = stage(kind, &[&next, GENERATIONS[0], GENERATIONS[1]]);
    for (kid, expected) in [("next", None), (GENERATIONS[0], None), (GENERATIONS[1], Some(GENERATIONS[0]))] {
        let reply = stage.get("/").cookie(&cookie(stage.site(), kid)).send();
        let expected = expected.map(|kid| ("ada".to_string(), kid.to_string()));
        assert_eq!(written(&reply), expected, "{kid}");
        assert_eq!(reply.text(), scene::page_showing(scene::FINANCE), "{kid}");
    }
    let (_, kid) = written(&stage.get("/").send()).expect("a new visitor gets a cookie");
    assert_eq!(kid, GENERATIONS[0]);
}

/// A native edge runs for months, and its keys rotate under it.
#[test]
fn a_native_edge_reads_its_keys_again_when_they_change() {
    let [newest, older, oldest] = GENERATIONS;
    let stage = stage(EdgeKind::Native, &[older, oldest]);
    let put = |generations: &[&str]| {
        let ring = scene::site("rotated").generations(generations).secrets().keyring("profile");
        stage.edge.put_keys("rotated", "profile", &ring);
    };
    let signs = |expected: &str| {
        eventually(&format!("{expected} signs"), || {
            let (_, kid) = written(&stage.get("/").send())?;
            (kid == expected).then_some(())
        });
    };
    let is_known = |kid: &str| {
        let reply = stage.get("/").cookie(&cookie(stage.site(), kid)).send();
        let keeps_its_id = written(&reply).is_none_or(|(id, _)| id == "ada");
        let is_known = reply.text() == scene::page_showing(scene::FINANCE);
        assert_eq!(is_known, keeps_its_id);
        is_known
    };
    signs(older);
    assert!(!is_known(newest) && is_known(oldest));

    put(&GENERATIONS);
    signs(newest);
    assert!(GENERATIONS.iter().all(|kid| is_known(kid)), "nobody is logged out");

    for (broken, says) in [("{", "broken.profile.json"), ("{\"keys\":[]}", "the keys of before stay")] {
        stage.edge.put_keys("rotated", "profile", broken);
        eventually("it is said that the file is none", || {
            let lines = stage.edge.lines();
            lines.iter().any(|line| line.contains(&says.replace("broken", "rotated"))).then_some(())
        });
        assert!(GENERATIONS.iter().all(|kid| is_known(kid)), "a slip takes nobody for a stranger");
    }

    put(&[newest, older]);
    eventually("the oldest is retired", || (!is_known(oldest)).then_some(()));
    assert!(is_known(older) && is_known(newest));
    for secret in scene::site("rotated").generations(&GENERATIONS).secrets().spellings("profile") {
        assert!(stage.edge.lines().iter().all(|line| !line.contains(&secret)), "no line has a secret");
    }
}

/// Whoever publishes has the new key first, and the origin within a second.
#[test]
fn an_origin_reads_its_keys_again_when_they_change() {
    let record = RecordOrigin::start(&scene::site("rotated"));
    let publish = |text: &str| {
        let rules = json!({ "slots": { text: { "rules": [{ "id": "r", "block": "nothing" }] } } });
        record.publish(&rules);
    };
    publish("one");
    for turn in ["two", "three"] {
        record.run(&["keys", "rotate", "operator", "--keys", "keys", "--site", "rotated", "--in", "0"]);
        eventually("the origin knows the key that signs", || {
            let listed = record.command(&["versions", "--to", "origin"]).output().expect("hemstitch starts");
            listed.status.success().then_some(())
        });
        publish(turn);
    }
}
