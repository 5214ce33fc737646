//! A sample of the cases with Cloudflare's own tools, and the `wrangler.toml` that people deploy with.

use std::fs;

use e2e::harness::patience::eventually;
use e2e::harness::{Ask, Script, TestOrigin, Wrangler, cloudflare, scene, workspace};

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
fn the_manual_of_publishing_ends_with_pack_and_pointer_in_kv() {
    let manual = fs::read_to_string(workspace().join("docs/cloudflare.md")).expect("a manual");
    let publishing = manual.split("## Publish").nth(1).expect("a chapter on publishing");
    let commands = publishing.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().expect("a folder");
    let ruleset = folder.path().join("ruleset.json");
    fs::write(ruleset, scene::rules().to_string()).expect("a file in a folder of ours");
    let wrangler = Wrangler::with_empty_kv();
    wrangler.follow(commands.expect("commands"), folder.path());

    let kv = folder.path().join("kv/acme");
    assert_eq!(wrangler.kept("acme/pointer"), fs::read(kv.join("pointer")).expect("a pointer"));
    let packs = fs::read_dir(kv.join("pack")).expect("packs").collect::<Result<Vec<_>, _>>().expect("packs");
    let [pack] = packs.as_slice() else { panic!("{packs:?}") };
    let key = format!("acme/pack/{}", pack.file_name().to_string_lossy());
    assert_eq!(wrangler.kept(&key), fs::read(pack.path()).expect("a pack"), "{key}");
}
