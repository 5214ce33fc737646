//! A sample of the cases with Cloudflare's own tools, and the `wrangler.toml` that people deploy with.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use e2e::harness::patience::eventually;
use e2e::harness::{Ask, Publication, Script, TestOrigin, Wrangler, cloudflare, scene, workspace};

use crate::demo::{descendants, is_running};

/// Of the Worker, zipped, in bytes.
const MOST: f64 = 600_000.0;

#[test]
fn wrangler_dev_serves_what_was_published_with_wrangler() {
    assert!(cloudflare().is_dir());
    let (wrangler, site) = (Wrangler::with_empty_kv(), scene::site("wrangled"));
    wrangler.publish(&site);
    let origin = TestOrigin::start().expect("an origin on loopback");
    // Whoever is asked by a URL is told the host of that URL.
    let asked_as = origin.address().to_string();
    origin.answer(&asked_as, "/", Script::page(scene::PAGE));
    let (child, address) = wrangler.dev(&origin, &site);
    let address = address.parse().expect("an address of loopback");
    let family = descendants(child.id());
    assert!(family.len() > 1, "wrangler has started workerd: {family:?}");
    let get = |path: &str| Ask::get(address, &site.host, path);
    let finance = scene::finance_visitor("ada").cookie(&site);

    for turn in ["cold", "warm"] {
        let stranger = get("/").send();
        assert!(stranger.is_private(), "{turn}");
        assert_eq!(stranger.header("hs-defaults"), None, "{turn}: the pack came from KV");
        assert_eq!(stranger.text(), scene::PAGE, "{turn}");
        let ada = get("/").cookie(&finance).send();
        assert!(ada.headers("set-cookie").iter().all(|cookie| cookie.starts_with("__Host-hs=")), "{turn}");
        assert_eq!(ada.text(), scene::page_showing(scene::FINANCE), "{turn}");
        let block = get("/_hs/blocks/hero").cookie(&finance).send();
        assert_eq!(block.text(), scene::FINANCE, "{turn}");
    }
    assert_eq!(get("/_hs/anything").send().status, 404);
    assert_eq!(get("/").host("stranger.test").send().status, 421);
    let asked = origin.asked(&asked_as);
    assert!(asked.iter().all(|asked| asked.header("x-forwarded-host") == Some(&site.host)), "{asked:?}");
    drop(origin);
    let ada = get("/").cookie(&finance).send();
    assert_eq!(ada.text(), scene::page_showing(scene::FINANCE), "without its origin");
    assert_eq!(get("/other").send().status, 502);

    drop(child);
    for process in family {
        eventually(&format!("process {process} ends"), || (!is_running(process)).then_some(()));
    }
}

#[test]
fn the_worker_passes_the_dry_run_of_a_deployment_and_is_small() {
    assert!(cloudflare().is_dir());
    let written = Wrangler::with_empty_kv().run(&["deploy", "--dry-run"]);
    let size = written.split("gzip: ").nth(1).and_then(|rest| rest.split_once(" KiB"));
    let kilobytes: f64 = size.and_then(|(size, _)| size.parse().ok()).expect(&written);
    assert!(kilobytes * 1024.0 <= MOST, "{written}");
    assert!(written.contains("HEMSTITCH_KV") && written.contains("HEMSTITCH_SITES"), "{written}");
}

#[test]
fn the_manual_of_publishing_ends_with_all_that_is_live_in_both_kvs() {
    let manual = fs::read_to_string(workspace().join("docs/cloudflare.md")).expect("a manual");
    let publishing = manual.split("## Publish").nth(1).expect("a chapter on publishing");
    let block = |fence: &str| publishing.split(fence).nth(1).and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a folder of ours");
    write("ruleset.json", &scene::rules().to_string());
    write("hemstitch.toml", block("```toml\n").expect("a configuration"));
    let pack = Publication::of("acme", 1, &scene::rules().to_string());
    let kept = pack.pack_key.replace("/pack/", "/ruleset/");
    let (api, values) = kv_api(&[&pack.pack_key, &kept, &pack.pointer_key]);
    let environment =
        [("CLOUDFLARE_API_TOKEN", "token".to_string()), ("HEMSTITCH_TARGETS_CLOUDFLARE_API", api.url())];
    let wrangler = Wrangler::with_empty_kv();
    wrangler.follow(block("```sh\n").expect("commands"), folder.path(), &environment);

    let values = values.lock().expect("no holder of the lock panics");
    assert_eq!(values[&pack.pack_key], pack.pack);
    let ruleset = serde_json::from_slice::<serde_json::Value>(&values[&kept]).expect("a ruleset");
    assert_eq!(ruleset, scene::rules());
    for (key, value) in &*values {
        assert_eq!(wrangler.kept(key), *value, "{key}");
    }
    assert_eq!(values.len(), 3);
}

type Values = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Cloudflare's API, as far as these keys of the namespace in the manual go.
fn kv_api(keys: &[&str]) -> (TestOrigin, Values) {
    let (server, values) = (TestOrigin::start().expect("a server"), Values::default());
    let namespace =
        "/accounts/the%20id%20of%20the%20account/storage/kv/namespaces/the%20id%20of%20the%20KV%20namespace";
    for key in keys {
        let (values, key) = (Arc::clone(&values), key.to_string());
        let path = format!("{namespace}/values/{}", key.replace('/', "%2F"));
        server.answer_by(&server.address().to_string(), &path, move |asked| {
            assert_eq!(asked.header("authorization"), Some("Bearer token"));
            let mut values = values.lock().expect("no holder of the lock panics");
            match (asked.method.as_str(), values.get(&key)) {
                ("PUT", _) => {
                    values.insert(key.clone(), asked.body.clone());
                    Script::status(200).body(r#"{"success":true,"errors":[],"messages":[],"result":null}"#)
                }
                (_, Some(value)) => Script::status(200).body(value.clone()),
                (_, None) => Script::status(404)
                    .body(r#"{"success":false,"errors":[{"code":10009,"message":"get: 'key not found'"}]}"#),
            }
        });
    }
    (server, values)
}
