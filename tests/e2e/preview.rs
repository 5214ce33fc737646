//! Previews: a draft in the browser that holds a token, and in no other; nothing of it is kept by anybody.

use e2e::harness::patience::eventually;
use e2e::harness::{
    Ask, EdgeKind, Jws, Publication, RecordOrigin, Reply, Script, Secrets, Stage, TestSite, now,
    preview_token, scene,
};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    a_link_shows_a_draft_in_one_browser_until_it_is_left
    nothing_previewed_is_kept
    a_token_that_does_not_hold_changes_nothing
    what_is_no_page_is_not_previewed
    a_persona_a_variation_and_a_time_are_seen
    the_kill_switch_turns_previews_off
    a_link_of_the_command_works_though_kv_has_no_draft
}

const DRAFT_HERO: &str = "DRAFT-HERO";
const LATE_HERO: &str = "LATE-HERO";
const HIGH: &str = "HIGH-PRICE";

fn draft() -> Value {
    json!({
        "blocks": { "draft": { "html": DRAFT_HERO }, "late": { "html": LATE_HERO }, "high": { "html": HIGH },
            "offer": { "fragment": "/offer.html", "ttl_s": 3600 } },
        "experiments": { "price": { "weights": [1, 0], "variations": [
            { "key": "low", "block": "draft" }, { "key": "high", "block": "high" } ] } },
        "slots": {
            "hero": { "rules": [
                { "id": "draft-late", "when": { "time.now": { "$gt": 2_500_000_000_u64 } }, "block": "late" },
                { "id": "draft-offer", "when": { "url.path": "/offer" }, "block": "offer" },
                { "id": "draft-price", "when": { "place.country": "SE" }, "experiment": "price" },
                { "id": "draft-rule", "block": "draft", "cap": { "times": 3, "per": "day" } } ] } },
        "edits": [ { "id": "draft-edit", "url": "/*", "selector": "p", "action": "after",
            "rules": [ { "id": "draft-edit-rule", "block": "draft" } ] } ],
        "gates": [ { "id": "draft-gate", "url": "/shut", "then": { "refuse": 451 } } ],
    })
}

fn publication(site: &str) -> Publication {
    Publication::of(site, 1, &draft().to_string())
}

/// A site that is live by [`scene::rules`], with a draft beside them.
fn site(name: &str) -> TestSite {
    let publication = publication(name);
    scene::site(name).kv(&publication.draft_key(name), &publication.pack)
}

/// A token for the draft, with these claims in addition.
fn token(site: &TestSite, claims: Value) -> String {
    let hash = publication(&site.name).hash().to_string();
    preview_token(site, &hash, &claims)
}

fn held(token: &str) -> String {
    format!("__Host-hs-preview={token}")
}

fn stage(kind: EdgeKind, name: &str) -> (Stage, String) {
    let stage = Stage::new(kind, site(name));
    for path in ["/", "/offer", "/shut"] {
        stage.serve(path, Script::page(scene::PAGE));
    }
    let token = token(stage.site(), json!({}));
    (stage, token)
}

fn a_link_shows_a_draft_in_one_browser_until_it_is_left(kind: EdgeKind) {
    let (stage, token) = stage(kind, "previewed");
    let entry = stage.get(&format!("/?a=1&hs_preview={token}")).send();
    assert_eq!((entry.status, entry.header("location")), (303, Some("/?a=1")));
    assert_eq!(entry.header("cache-control"), Some("private, no-store"));
    assert_eq!(entry.header("referrer-policy"), Some("no-referrer"));
    let cookie = entry.header("set-cookie").expect("a cookie").to_string();
    assert!(cookie.starts_with(&held(&token)) && cookie.contains("; Path=/; Max-Age="), "{cookie}");
    for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }

    let preview = stage.get("/").cookie(&held(&token)).send();
    assert_private(&preview);
    let text = preview.text();
    let shown = "<main data-hs-slot=\"hero\">DRAFT-HERO</main>\n<p>End</p>DRAFT-HERO\n<aside ";
    assert!(text.contains(shown), "{text}");
    assert!(text.contains(&format!("http://{}/?hs_preview=off", stage.site().host)), "{text}");
    assert_eq!(stage.get("/").send().text(), scene::PAGE, "everybody else sees what is live");

    let block = stage.get("/_hs/blocks/hero").cookie(&held(&token)).send();
    assert_eq!((block.status, block.text().as_str()), (200, DRAFT_HERO));
    let gate = stage.get("/shut").cookie(&held(&token)).send();
    assert_eq!(gate.status, 451);
    assert_private(&gate);
    assert!(gate.text().contains("/shut?hs_preview=off"));

    let left = stage.get("/?hs_preview=off").cookie(&held(&token)).send();
    assert_eq!((left.status, left.header("location")), (303, Some("/")));
    assert!(
        left.header("set-cookie").expect("a cookie").starts_with("__Host-hs-preview=; Path=/; Max-Age=0;")
    );
    stage.origin.assert_never_heard(&token);
    stage.origin.assert_never_heard("hs_preview");
}

fn assert_private(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), Some("private, no-store"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    for absent in ["set-cookie", "etag", "last-modified", "age"] {
        assert_eq!(reply.header(absent), None, "{absent}");
    }
}

fn nothing_previewed_is_kept(kind: EdgeKind) {
    let (stage, token) = stage(kind, "keepsnone");
    stage.serve("/offer.html", Script::page("OFFER"));
    for times in 1..=2 {
        stage.get("/").cookie(&held(&token)).send().whole();
        assert_eq!(stage.fetches("/"), times, "a preview is fetched anew");
    }
    stage.get("/").send().whole();
    stage.fill("/");
    let fetched = stage.fetches("/");
    assert!(stage.get("/").cookie(&held(&token)).send().text().contains(DRAFT_HERO));
    assert_eq!(stage.get("/").send().text(), scene::PAGE);
    assert_eq!(stage.fetches("/"), fetched + 1, "what is stored stays, and is not what a preview shows");

    for times in 1..=2 {
        let page = stage.get("/offer").cookie(&held(&token)).send().text();
        assert!(page.contains(">OFFER</main>"), "{page}");
        assert_eq!(stage.fetches("/offer.html"), times, "a draft stores no fragment either");
    }
    for (method, name, value) in [("HEAD", "accept", "text/html"), ("GET", "if-none-match", "*")] {
        let reply = stage.get("/").method(method).header(name, value).cookie(&held(&token)).send();
        assert_eq!(reply.status, 200);
        assert_private(&reply);
    }
}

fn a_token_that_does_not_hold_changes_nothing(kind: EdgeKind) {
    let stage = Stage::with_sites(kind, vec![site("honest-one"), site("honest-two")]);
    stage.serve("/", Script::page(scene::PAGE));
    stage.fill("/");
    let [one, two] = [site("honest-one"), site("honest-two")];
    let hash = publication("honest-one").hash().to_string();
    let claims = |lifetime: u64, age: u64| json!({ "draft": hash, "aud": "honest-one", "iat": now() - age, "exp": now() - age + lifetime });
    let minted = |ring: &str, kid: &str, typ: &str, claims: &Value| {
        let header = json!({ "alg": "HS256", "kid": kid, "typ": typ });
        Jws::new(&header, claims).hs256(&one.secrets().secret(ring, kid))
    };
    let (newest, typ) = (Secrets::NEWEST, "hs-preview+jwt");
    let good = token(&one, json!({}));
    let large = json!({ "persona": { "trait.x": "y".repeat(2_500) } });
    let cases = [
        ("of another site", token(&two, json!({}))),
        ("of another kind", minted("preview", newest, "hs-facts+jwt", &claims(60, 0))),
        ("under the key of facts", minted("facts", newest, typ, &claims(60, 0))),
        ("under the key of profiles", minted("profile", newest, "JWT", &claims(60, 0))),
        ("for longer than a day", minted("preview", newest, typ, &claims(86_401, 0))),
        ("after a day", minted("preview", newest, typ, &claims(86_400, 86_400))),
        ("too large", token(&one, large)),
        ("cut", good[..good.len() - 2].to_string()),
        ("no token", "DRAFT".to_string()),
    ];
    let plain = |ask: Ask, name: &str| {
        let reply = ask.send();
        assert_eq!((reply.status, reply.header("referrer-policy")), (200, None), "{name}");
        assert_eq!(reply.text(), scene::PAGE, "{name}");
    };
    let fetched = stage.fetches("/");
    for (name, token) in cases {
        plain(stage.get("/").cookie(&held(&token)), name);
        plain(stage.get(&format!("/?hs_preview={token}")), name);
    }
    plain(stage.get("/").cookie(&held(&good)).cookie(&held(&good)), "two cookies");
    plain(stage.get("/").cookie(&format!("hs-preview={good}; __Secure-hs-preview={good}")), "of a subdomain");
    plain(stage.get(&format!("/?hs_preview={good}")).header("sec-fetch-dest", "iframe"), "embedded");
    assert_eq!(stage.fetches("/"), fetched, "all of it came from the cache");
    let older = minted("preview", Secrets::OLDER, typ, &claims(60, 0));
    assert!(stage.get("/").cookie(&held(&older)).send().text().contains(DRAFT_HERO), "an older key verifies");
    let elsewhere = stage.get(&format!("//evil.test/%2e%2e?hs_preview={good}")).send();
    let location = elsewhere.header("location").expect("a location");
    // Platforms differ in what they make of such a path; it never leads to another host.
    assert!(location.starts_with('/') && !location.starts_with("//"), "{location}");
}

fn what_is_no_page_is_not_previewed(kind: EdgeKind) {
    let (stage, token) = stage(kind, "nopage");
    stage.serve("/data.json", Script::status(200).header("content-type", "application/json").body("{}"));
    let asks = [
        stage.get("/").method("POST").body("a=1"),
        stage.get("/").header("range", "bytes=0-3"),
        stage.get("/data.json").header("accept", "application/json"),
        stage.get("/data.json"),
    ];
    for ask in asks {
        let reply = ask.cookie(&held(&token)).send();
        assert!(reply.status == 200 || reply.status == 206);
        assert_eq!(reply.header("referrer-policy"), None);
        let text = reply.text();
        assert!(!text.contains("DRAFT") && !text.contains("aside"), "{text}");
    }
    let refused = stage.get("/_hs/none").cookie(&held(&token)).send();
    assert_eq!(refused.status, 404);
    stage.origin.assert_never_heard(&token);
}

fn a_persona_a_variation_and_a_time_are_seen(kind: EdgeKind) {
    let (stage, _) = stage(kind, "persona");
    let hero = |claims: Value| {
        let cookie = held(&token(stage.site(), claims));
        let returning = scene::finance_visitor("ada").cookie(stage.site());
        let page = stage.get("/").cookie(&format!("{returning}; {cookie}")).send().text();
        let hero = page.split("\"hero\">").nth(1).and_then(|rest| rest.split("</main>").next());
        hero.map(str::to_string).unwrap_or(page)
    };
    assert_eq!(hero(json!({ "persona": { "place.country": "SE" } })), DRAFT_HERO);
    let high = json!({ "persona": { "place.country": "SE" }, "variations": { "price": "high" } });
    assert_eq!(hero(high), HIGH);
    assert_eq!(hero(json!({ "at": 2_500_000_001_u64 })), LATE_HERO);
    assert_eq!(hero(json!({ "at": now() })), DRAFT_HERO);
}

fn the_kill_switch_turns_previews_off(kind: EdgeKind) {
    let (stage, token) = stage(kind, "killed");
    stage.edge.set_personalization("off");
    eventually("the page as authored", || {
        let reply = stage.get("/").cookie(&held(&token)).send();
        (reply.header("hs-defaults") == Some("off") && reply.text() == scene::PAGE).then_some(())
    });
    let left = stage.get("/?hs_preview=off").cookie(&held(&token)).send();
    assert_eq!(left.status, 303, "the way out is always open");
}

/// The draft is made after the edge has started, and its KV is not written: it comes from the record.
fn a_link_of_the_command_works_though_kv_has_no_draft(kind: EdgeKind) {
    let site = scene::site("linked");
    let record = RecordOrigin::start(&site);
    let stage = Stage::new(kind, site.recorded_at(record.address()));
    stage.serve("/", Script::page(scene::PAGE));
    let url = format!("http://{}/", stage.site().host);
    for to in ["origin", "mirror"] {
        let link = record.preview(&draft(), &["--to", to, "--url", &url]);
        let token = link.trim().split_once("?hs_preview=").expect("a link").1.to_string();
        if to == "mirror" {
            let hash = publication("linked").hash().to_string();
            assert!(record.mirrored().iter().any(|(key, _)| *key == format!("linked/draft/{hash}")),);
        }
        let preview = stage.get("/").cookie(&held(&token)).send();
        assert_private(&preview);
        let text = preview.text();
        assert!(text.contains("<main data-hs-slot=\"hero\">DRAFT-HERO</main>"), "{text}");
        assert_eq!(stage.get("/").send().text(), scene::PAGE, "everybody else sees what is live");
    }
    let hash = publication("linked").hash().to_string();
    let (address, path) =
        (record.address().parse().expect("an address"), format!("/_hs/kv/linked/draft/{hash}"));
    let token = preview_token(stage.site(), &hash, &json!({}));
    for ask in [
        Ask::get(address, "linked.test", &path),
        Ask::get(address, "linked.test", &path).header("hs-preview", &token),
    ] {
        assert_eq!(ask.send().status, 404, "a draft is for an edge that is shown a token for it");
    }
    let never_kept = token_of(&Publication::of("linked", 1, "{}"), stage.site());
    let missing = stage.get("/").cookie(&held(&never_kept)).send();
    assert_eq!(missing.header("hs-defaults"), Some("no-pack"));
    assert_private(&missing);
}

fn token_of(publication: &Publication, site: &TestSite) -> String {
    preview_token(site, &publication.hash().to_string(), &json!({}))
}
