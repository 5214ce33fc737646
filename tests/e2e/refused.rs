//! What is not the publisher's is refused by every edge, noted and counted, and nobody sees anything of it.

use std::collections::BTreeSet;
use std::thread;

use e2e::harness::patience::eventually;
use e2e::harness::{
    Ask, EdgeKind, Fault, Gate, Jws, Publication, Script, Secrets, Stage, TestOrigin, TestSite, now,
    pointer_signed_by, scene,
};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    whatever_is_wrong_with_a_publication_is_refused_noted_and_counted
    nobody_else_is_told_what_an_edge_holds
}

/// Of so many bits of a pointer, and of so many of a pack, each is flipped once; all of them are in the keeper's own tests.
const POINTER_BITS: usize = 24;
const PACK_BITS: usize = 16;

/// Something that is wrong, at a site of its own.
struct Damage {
    what: String,
    site: TestSite,
    /// What takes the place of the good pointer.
    pointer: Vec<u8>,
    /// A pack that is not what it is called.
    pack: Option<NamedPack>,
    counter: &'static str,
    said: &'static str,
}

/// A key of KV, and what is there.
type NamedPack = (String, Vec<u8>);
/// A pointer, and perhaps a pack.
type Wrong = (Vec<u8>, Option<NamedPack>);

fn of(site: &str, sequence: u64, text: &str) -> Publication {
    let ruleset = json!({
        "blocks": { "b": { "html": text } },
        "slots": { "hero": { "rules": [{ "id": "everybody", "block": "b" }] } },
    });
    Publication::of(site, sequence, &ruleset.to_string())
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// So many bits, from the first to the last, and of all places in a byte.
fn bits(bytes: &[u8], most: usize) -> impl Iterator<Item = usize> {
    let last = bytes.len() * 8 - 1;
    (0..most).map(move |index| index * last / (most - 1))
}

fn damages(record: &str) -> Vec<Damage> {
    let mut damages: Vec<Damage> = Vec::new();
    let mut add = |what: String, counter, said, damage: &dyn Fn(&str) -> Wrong| {
        let name = format!("damaged-{}", damages.len());
        let (pointer, pack) = damage(&name);
        let site = TestSite::new(&name).recorded_at(record);
        damages.push(Damage { what, site, pointer, pack, counter, said });
    };
    for bit in bits(&of("damaged-00", 6, "FLIPPED").pointer, POINTER_BITS) {
        add(format!("bit {bit} of the pointer"), "foreign", "pointer: ", &|site| {
            let pointer = of(site, 6, "FLIPPED").pointer;
            (flipped(&pointer, bit.min(pointer.len() * 8 - 1)), None)
        });
    }
    for bit in bits(&of("damaged-00", 7, "CORRUPT").pack, PACK_BITS) {
        add(format!("bit {bit} of the pack"), "packs", "pack: ", &|site| {
            let Publication { pack_key, pack, pointer, .. } = of(site, 7, "CORRUPT");
            (pointer, Some((pack_key, flipped(&pack, bit))))
        });
    }
    add("another key".into(), "foreign", "pointer: the signature does not verify", &|site| {
        (pointer_signed_by(9, site, of(site, 6, "FORGED").pack).pointer, None)
    });
    add("another site".into(), "foreign", "pointer: a pointer of site `other`", &|_| {
        (of("other", 6, "ELSEWHERE").pointer, None)
    });
    add("a lower number".into(), "older", "is older than 5", &|site| (of(site, 4, "LOWER").pointer, None));
    add("the same number twice".into(), "forked", "there are two pointers 5", &|site| {
        (of(site, 5, "FORKED").pointer, None)
    });
    damages
}

fn whatever_is_wrong_with_a_publication_is_refused_noted_and_counted(kind: EdgeKind) {
    let origin = TestOrigin::start().expect("an origin");
    let record = TestOrigin::start().expect("a record");
    let damages = damages(&record.address().to_string());
    let answer = |site: &TestSite, key: &str, value: &[u8]| {
        // By the name of the site on the platforms that send it, and by the record's own elsewhere.
        for host in [site.host.clone(), record.address().to_string()] {
            record.answer(&host, &format!("/_hs/kv/{key}"), Script::status(200).body(value));
        }
    };
    for Damage { site, .. } in &damages {
        origin.answer(&site.host, "/", Script::page(scene::PAGE));
        let good = of(&site.name, 5, "GOOD");
        answer(site, &good.pack_key, &good.pack);
        answer(site, &good.pointer_key, &good.pointer);
    }
    let stage = Stage::before(kind, origin, damages.iter().map(|damage| damage.site.clone()).collect());
    for Damage { site, .. } in &damages {
        eventually("the good one shows", || (shown(&stage, site) == "GOOD").then_some(()));
    }
    for Damage { site, pointer, pack, .. } in &damages {
        pack.iter().for_each(|(key, value)| answer(site, key, value));
        answer(site, &format!("{}/pointer", site.name), pointer);
    }
    let mut left: BTreeSet<usize> = (0..damages.len()).collect();
    eventually("everything is refused, noted and counted", || {
        let lines = stage.edge.lines();
        left.retain(|index| {
            let Damage { what, site, counter, said, .. } = &damages[*index];
            assert_eq!(shown(&stage, site), "GOOD", "{what}");
            let is_noted =
                lines.iter().any(|line| line.contains(&format!("{}: ", site.name)) && line.contains(said));
            // On Viceroy instances come and go, and one that has just come has counted nothing.
            !(is_noted && refusals(&stage, site, counter) > 0)
        });
        left.is_empty().then_some(())
    });
    for Damage { what, site, .. } in &damages {
        assert_eq!(shown(&stage, site), "GOOD", "{what}");
    }
}

fn shown(stage: &Stage, site: &TestSite) -> String {
    let reply = Ask::get(stage.edge.address(), &site.host, "/").send();
    assert_eq!(reply.status, 200, "visitors never see an error");
    let text = reply.text();
    let hero = text.split("data-hs-slot=\"hero\">").nth(1).and_then(|rest| rest.split("</main>").next());
    hero.expect("the slot").to_string()
}

/// How often an instance says that it has refused something.
fn refusals(stage: &Stage, site: &TestSite, counter: &str) -> u64 {
    let ask = Ask::get(stage.edge.address(), &site.host, "/_hs/status");
    let reply = ask.header("authorization", &format!("Bearer {}", token(site, "operator"))).send();
    assert_eq!(reply.status, 200);
    assert!(reply.is_private());
    let told: Value = serde_json::from_str(&reply.text()).expect("JSON");
    told["refused"][counter].as_u64().expect("a counter of that name")
}

/// An operator's token, signed with a key of the site that is for some purpose.
fn token(site: &TestSite, ring: &str) -> String {
    let header = json!({ "alg": "HS256", "typ": "hs-operator+jwt", "kid": Secrets::NEWEST });
    let claims = json!({ "aud": site.name, "sub": "ann", "iat": now() - 5, "exp": now() + 600 });
    Jws::new(&header, &claims).hs256(&site.secrets().secret(ring, Secrets::NEWEST))
}

fn nobody_else_is_told_what_an_edge_holds(kind: EdgeKind) {
    let record = TestOrigin::start().expect("a record");
    let site = scene::site("discreet").recorded_at(&record.address().to_string());
    let stage = Stage::new(kind, site);
    stage.serve("/", Script::page(scene::PAGE));
    stage.get("/").send().whole();
    let ask = || stage.get("/_hs/status");
    assert_eq!(ask().send().status, 404);
    for ring in ["edge", "facts"] {
        let strange = token(stage.site(), ring);
        assert_eq!(ask().header("authorization", &format!("Bearer {strange}")).send().status, 404);
    }
    for host in [stage.site().host.clone(), record.address().to_string()] {
        // Viceroy itself asks every backend for `/` when it starts.
        for heard in record.asked(&host).iter().filter(|heard| heard.path.starts_with("/_hs/")) {
            assert!(
                heard.header("authorization").is_some_and(|value| value.starts_with("Bearer ")),
                "{heard}"
            );
        }
    }
}

/// What takes the place of a good publication in KV, or in the record.
fn setbacks(site: &str) -> Vec<(&'static str, Vec<u8>)> {
    let good = of(site, 5, "GOOD").pointer;
    vec![
        ("a corrupt pointer", flipped(&good, 300)),
        ("half a pointer", good[..good.len() / 2].to_vec()),
        ("a lower number", of(site, 4, "LOWER").pointer),
        ("another key", pointer_signed_by(9, site, of(site, 6, "FORGED").pack).pointer),
    ]
}

/// Fastly's instances come and go: while others are held, the next request meets one that has seen nothing.
#[test]
fn a_new_instance_on_fastly_begins_with_what_others_have_followed() {
    let (origin, record) = (TestOrigin::start().expect("an origin"), TestOrigin::start().expect("a record"));
    let site = TestSite::new("begins").recorded_at(&record.address().to_string());
    let answer = |key: &str, value: &[u8]| {
        record.answer(&site.host, &format!("/_hs/kv/{key}"), Script::status(200).body(value));
        record.answer(
            &record.address().to_string(),
            &format!("/_hs/kv/{key}"),
            Script::status(200).body(value),
        );
    };
    let (good, lower) = (of("begins", 5, "GOOD"), of("begins", 4, "LOWER"));
    for publication in [&good, &lower] {
        answer(&publication.pack_key, &publication.pack);
    }
    answer(&good.pointer_key, &good.pointer);
    let stage = Stage::before(EdgeKind::Viceroy, origin, vec![site.clone()]);
    stage.serve("/", Script::page(scene::PAGE));
    eventually("the good one shows", || (shown(&stage, &site) == "GOOD").then_some(()));
    for (what, pointer) in setbacks("begins") {
        answer(&good.pointer_key, &pointer);
        let gate = Gate::default();
        stage.serve("/held", Script::streamed_page().wait(&gate).send("held"));
        thread::scope(|scope| {
            for held in 1..=8 {
                let before = stage.fetches("/held");
                scope.spawn(|| stage.get("/held").method("POST").body("x").send().status);
                eventually("one more is held", || (stage.fetches("/held") > before).then_some(()));
                assert_eq!(shown(&stage, &site), "GOOD", "{what}, instance {held}");
            }
            gate.open();
        });
    }
}

/// A Worker's isolate is gone with a deployment, and the cache of the data centre stays.
#[test]
fn a_new_isolate_on_cloudflare_begins_with_what_others_have_followed() {
    let (good, lower) = (of("begins", 5, "GOOD"), of("begins", 4, "LOWER"));
    let site = TestSite::new("begins").published(&good).setting("pack_deadline_ms", json!(1_000));
    let stage = Stage::new(EdgeKind::Workerd, site.clone());
    stage.edge.put_kv(&lower.pack_key, &lower.pack);
    stage.serve("/", Script::page(scene::PAGE));
    eventually("the good one shows", || (shown(&stage, &site) == "GOOD").then_some(()));
    for (what, pointer) in setbacks("begins") {
        stage.edge.put_kv(&good.pointer_key, &pointer);
        stage.edge.set_personalization("on");
        assert_eq!(shown(&stage, &site), "GOOD", "{what}");
    }
    for fault in [Fault::Error, Fault::Garbage, Fault::HangUp, Fault::Silence] {
        stage.edge.set_faults(fault, Fault::None);
        stage.edge.set_personalization("on");
        assert_eq!(shown(&stage, &site), "GOOD", "{fault:?}");
    }
}
