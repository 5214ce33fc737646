//! Whatever of a Worker's platform fails, or was configured wrongly, the visitor gets a page.

use e2e::harness::patience::eventually;
use e2e::harness::{Ask, Fault, Script, Stage, TestSite, cloudflare, scene};
use serde_json::json;

const FAULTS: [Fault; 4] = [Fault::Error, Fault::Garbage, Fault::HangUp, Fault::Silence];

fn shown(stage: &Stage, path: &str) -> String {
    let reply = stage.get_as(&scene::finance_visitor("ada"), path).send();
    assert_eq!(reply.status, 200);
    reply.text()
}

#[test]
fn a_kv_that_fails_from_the_start_gives_the_authored_page_and_is_asked_again() {
    for fault in FAULTS {
        let site = scene::site("nokv").setting("pack_deadline_ms", json!(300));
        let stage = Stage::of_worker(&cloudflare(), site);
        stage.edge.set_faults(fault, Fault::None);
        stage.serve("/", Script::page(scene::PAGE));
        for turn in ["first", "second"] {
            assert_eq!(shown(&stage, "/"), scene::PAGE, "{fault:?} {turn}");
        }
        stage.edge.set_faults(Fault::None, Fault::None);
        eventually("the pack, once KV is well again", || {
            (shown(&stage, "/") == scene::page_showing(scene::FINANCE)).then_some(())
        });
    }
}

#[test]
fn rules_that_are_held_stay_in_force_while_kv_fails() {
    let stage = Stage::of_worker(&cloudflare(), scene::site("heldkv"));
    stage.serve("/", Script::page(scene::PAGE));
    assert_eq!(shown(&stage, "/"), scene::page_showing(scene::FINANCE));
    for fault in FAULTS {
        stage.edge.set_faults(fault, Fault::None);
        for _ in 0..3 {
            assert_eq!(shown(&stage, "/"), scene::page_showing(scene::FINANCE), "{fault:?}");
        }
    }
}

#[test]
fn without_the_cache_of_the_data_centre_the_isolate_remembers_all_the_same() {
    for fault in FAULTS {
        let stage = Stage::of_worker(&cloudflare(), scene::site("nocache"));
        stage.edge.set_faults(Fault::None, fault);
        stage.serve("/", Script::page(scene::PAGE));
        stage.fill("/");
        let before = stage.fetches("/");
        for _ in 0..3 {
            assert_eq!(shown(&stage, "/"), scene::page_showing(scene::FINANCE), "{fault:?}");
        }
        assert_eq!(stage.fetches("/"), before, "{fault:?}");
    }
}

#[test]
fn keys_that_are_missing_or_unreadable_make_everybody_a_new_visitor() {
    let keyring = TestSite::new("keys").secrets().keyring("profile");
    let good = json!({ "keys": { "profile": keyring, "facts": 7 } }).to_string();
    for (name, settings, is_known) in [
        ("none", vec![("HEMSTITCH_KEYS", None)], false),
        ("no JSON", vec![("HEMSTITCH_KEYS", Some("{\"keys\":"))], false),
        ("a list", vec![("HEMSTITCH_KEYS", Some("[1]"))], false),
        ("a number for a keyring", vec![("HEMSTITCH_KEYS", Some(r#"{"keys":{"profile":7}}"#))], false),
        ("of another site", vec![("HEMSTITCH_KEYS", Some(r#"{"other":{}}"#))], false),
        ("the other ring is broken", vec![("HEMSTITCH_KEYS", Some(&good))], true),
        ("a secret of its own", vec![("HEMSTITCH_KEYS", None), ("KEYS_PROFILE", Some(&keyring))], true),
        ("an empty secret", vec![("HEMSTITCH_KEYS", None), ("KEYS_PROFILE", Some(""))], false),
    ] {
        let stage = Stage::of_worker_with(&cloudflare(), vec![scene::site("keys")], &settings);
        stage.serve("/", Script::page(scene::PAGE));
        let expected = if is_known { scene::FINANCE } else { scene::DEFAULT };
        for turn in ["cold", "warm"] {
            assert_eq!(shown(&stage, "/"), scene::page_showing(expected), "{name} {turn}");
        }
    }
}

#[test]
fn a_site_that_cannot_be_read_is_left_out_and_the_others_are_served() {
    let sound = scene::site("sound");
    let mut broken = TestSite::new("broken").setting("scheme", json!("gopher"));
    broken.host = "broken.test".to_string();
    let stage = Stage::of_worker_with(&cloudflare(), vec![sound, broken], &[]);
    stage.serve("/", Script::page(scene::PAGE));
    assert_eq!(shown(&stage, "/"), scene::page_showing(scene::FINANCE));
    assert_eq!(Ask::get(stage.edge.address(), "broken.test", "/").send().status, 421);
    for sites in [None, Some(""), Some("[]"), Some("null"), Some(r#"{"sound.test":null}"#)] {
        let settings = [("HEMSTITCH_SITES", sites)];
        let stage = Stage::of_worker_with(&cloudflare(), vec![scene::site("sound")], &settings);
        assert_eq!(stage.get("/").send().status, 421, "{sites:?}");
    }
}

#[test]
fn an_origin_is_asked_by_binding_by_url_or_as_the_zone_and_told_who_was_asked() {
    for (origin, host, forwarded) in [
        ("ORIGIN", "asked.test", None),
        ("zone", "asked.test", None),
        ("http://shop.internal:8080/", "shop.internal:8080", Some("asked.test")),
        ("https://shop.internal", "shop.internal", Some("asked.test")),
    ] {
        let stage = Stage::of_worker(&cloudflare(), scene::site("asked").setting("origin", json!(origin)));
        stage.origin.answer(host, "/", Script::page(scene::PAGE));
        stage.origin.answer(host, "/form", Script::status(204));
        assert_eq!(shown(&stage, "/"), scene::page_showing(scene::FINANCE), "{origin}");
        assert_eq!(stage.get("/form").method("POST").body("a=b").send().status, 204, "{origin}");
        for asked in stage.origin.asked(host) {
            assert_eq!(asked.header("x-forwarded-host"), forwarded, "{origin}: {asked}");
        }
    }
}

#[test]
fn an_origin_that_cannot_be_asked_at_all_is_one_that_does_not_answer() {
    for origin in ["NOBODY", "http://", "http://[::1", "https://a b"] {
        let stage = Stage::of_worker(&cloudflare(), scene::site("unasked").setting("origin", json!(origin)));
        let status = stage.get("/").send().status;
        assert!(status == 502 || status == 421, "{origin}: {status}");
        assert_ne!(stage.get("/form").method("POST").body("a=b").send().status, 200, "{origin}");
    }
}
