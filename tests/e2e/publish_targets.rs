//! `hemstitch publish` to what is not ours: wrangler's KV, and a provider's API while the publisher is killed.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::harness::patience::eventually;
use e2e::harness::{Gate, RecordOrigin, Script, TestOrigin, TestSite, Wrangler};
use hemstitch::pack::{Pack, PackHash};
use hemstitch::pointer::{Pointer, PointerKeys};
use serde_json::{Value, json};

fn showing(text: &str) -> Value {
    json!({
        "blocks": { "b": { "html": text } },
        "slots": { "hero": { "rules": [{ "id": "everybody", "block": "b" }] } },
    })
}

#[test]
fn the_local_kv_of_wrangler_gets_what_was_published() {
    let (wrangler, record) = (Wrangler::with_empty_kv(), RecordOrigin::start(&TestSite::new("acme")));
    let (toml, environment) = wrangler.target();
    record.add_target(&toml);
    for (text, says) in [("FIRST", "local: live"), ("FIRST", "local: live, as before")] {
        std::fs::write(record.mirror().with_file_name("r.json"), showing(text).to_string()).expect("a file");
        let mut publish = record.command(&["publish", "r.json"]);
        let output = publish.envs(environment.clone()).output().expect("hemstitch starts");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && told.contains(says),
            "{told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    for (key, value) in record.mirrored() {
        assert_eq!(wrangler.kept(&key), value, "{key}");
    }
}

/// Fastly's API, with one store; a request may be held, before or after it has had its effect.
struct Api {
    server: TestOrigin,
    values: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<AtomicUsize>,
    gate: Gate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Held {
    Never,
    Before(usize),
    After(usize),
}

impl Api {
    fn start(values: BTreeMap<String, Vec<u8>>, keys: &[String], held: Held) -> Api {
        let server = TestOrigin::start().expect("a server");
        let (values, asked) = (Arc::new(Mutex::new(values)), Arc::new(AtomicUsize::new(0)));
        let gate = Gate::default();
        for key in keys {
            let (values, asked, key, gate) =
                (Arc::clone(&values), Arc::clone(&asked), key.clone(), gate.clone());
            let path = format!("/resources/stores/kv/store/keys/{}", key.replace('/', "%2F"));
            server.answer_by(&server.address().to_string(), &path, move |request| {
                assert_eq!(request.header("fastly-key"), Some("token"));
                let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                if held == Held::Before(number) {
                    return Script::never(&gate);
                }
                let mut values = values.lock().expect("no holder of the lock panics");
                let answer = match (request.method.as_str(), values.get(&key)) {
                    ("PUT", _) => {
                        values.insert(key.clone(), request.body.clone());
                        Script::status(200).body("")
                    }
                    (_, Some(value)) => Script::status(200).body(value.clone()),
                    (_, None) => Script::status(404).body("{}"),
                };
                if held == Held::After(number) { Script::never(&gate) } else { answer }
            });
        }
        Api { server, values, asked, gate }
    }

    fn values(&self) -> BTreeMap<String, Vec<u8>> {
        self.values.lock().expect("no holder of the lock panics").clone()
    }
}

#[test]
fn a_publisher_that_is_killed_at_any_request_leaves_a_good_version() {
    let site = RecordOrigin::start(&TestSite::new("acme"));
    let keys = keys_of(&["FIRST", "SECOND"].map(showing));
    site.add_target("[targets.fastly]\nkind = \"fastly\"\nstore_id = \"store\"\n");
    let publish = |api: &Api, text: &str| {
        std::fs::write(site.mirror().with_file_name("r.json"), showing(text).to_string()).expect("a file");
        let mut command = site.command(&["publish", "r.json", "--to", "fastly"]);
        command.env("FASTLY_API_TOKEN", "token").env("HEMSTITCH_TARGETS_FASTLY_API", api.server.url());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let first = Api::start(BTreeMap::new(), &keys, Held::Never);
    assert!(publish(&first, "FIRST").status().expect("hemstitch starts").success());
    let first = first.values();

    let (mut at, mut rounds) = (1, 0);
    loop {
        let mut is_over = false;
        for held in [Held::Before(at), Held::After(at)] {
            let api = Api::start(first.clone(), &keys, held);
            let mut publisher = publish(&api, "SECOND").spawn().expect("hemstitch starts");
            is_over = eventually("the request that is held, or the end", || {
                let ended = publisher.try_wait().expect("a child of ours").map(|status| status.success());
                ended.or((api.asked.load(Ordering::SeqCst) >= at).then_some(false))
            });
            let _killed = publisher.kill();
            publisher.wait().expect("a child of ours");
            api.gate.open();
            assert!([1, 2].contains(&good_version(&api.values())), "{held:?}");

            let api = Api::start(api.values(), &keys, Held::Never);
            assert!(publish(&api, "SECOND").status().expect("hemstitch starts").success(), "{held:?}");
            assert_eq!(good_version(&api.values()), 2, "{held:?}");
            rounds += 1;
        }
        if is_over {
            break;
        }
        at += 1;
    }
    assert!(rounds >= 2 * 10, "{rounds} rounds: of a pack, a ruleset and a pointer");
}

#[test]
fn without_a_record_every_kind_of_kv_tells_what_changes() {
    let site = RecordOrigin::start(&TestSite::new("acme"));
    let wrangler = Wrangler::with_empty_kv();
    let (toml, environment) = wrangler.target();
    site.add_target(&toml);
    site.add_target("[targets.fastly]\nkind = \"fastly\"\nstore_id = \"store\"\n");
    let api = Api::start(BTreeMap::new(), &keys_of(&["FIRST", "SECOND"].map(showing)), Held::Never);
    let publish = |target: &str, text: &str| {
        std::fs::write(site.mirror().with_file_name("r.json"), showing(text).to_string()).expect("a file");
        let mut command = site.command(&["publish", "r.json", "--to", target]);
        command.envs(environment.clone());
        command.env("FASTLY_API_TOKEN", "token").env("HEMSTITCH_TARGETS_FASTLY_API", api.server.url());
        let output = command.output().expect("hemstitch starts");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        String::from_utf8_lossy(&said).into_owned()
    };
    for target in ["mirror", "fastly", "local"] {
        let told = publish(target, "FIRST");
        assert!(told.contains("+ rule everybody of slot hero"), "{target}: {told}");
        let told = publish(target, "SECOND");
        assert!(told.contains("~ block b: html \"FIRST\" → \"SECOND\""), "{target}: {told}");
    }
    let kept = site.mirror().join("acme/ruleset");
    std::fs::remove_dir_all(&kept).expect("what was kept");
    let told = publish("mirror", "FIRST");
    assert!(told.contains("what changes is not known") && told.contains("acme number 3"), "{told}");
    let second = keys_of(&[showing("FIRST")]).into_iter().find(|key| key.contains("/ruleset/"));
    let second = site.mirror().join(second.expect("a key"));
    std::fs::write(second, showing("OTHER").to_string()).expect("a file of ours");
    let told = publish("mirror", "SECOND");
    assert!(told.contains("does not compile to it") && told.contains("\"OTHER\" → \"SECOND\""), "{told}");
}

/// A terminal of its own is made by `script`, of util-linux.
#[test]
fn progress_is_shown_on_a_terminal_and_nowhere_else() {
    let site = RecordOrigin::start(&TestSite::new("acme"));
    site.add_target("[targets.fastly]\nkind = \"fastly\"\nstore_id = \"store\"\n");
    let ruleset = showing(&"long ".repeat(100_000));
    let folder = site.mirror().parent().expect("a folder").to_path_buf();
    std::fs::write(folder.join("r.json"), ruleset.to_string()).expect("a file of ours");
    let keys = keys_of(std::slice::from_ref(&ruleset));
    let publish = |program: &str, more: &str| {
        let api = Api::start(BTreeMap::new(), &keys, Held::Never);
        let command = format!("{} publish r.json --to fastly {more}", e2e::harness::hemstitch().display());
        let mut started = Command::new(program);
        match program {
            "script" => started.args(["--quiet", "--return", "--command", &command, "/dev/null"]),
            _ => started.args(["-c", &command]),
        };
        started.current_dir(&folder).stdin(Stdio::null());
        started.env("FASTLY_API_TOKEN", "token").env("HEMSTITCH_TARGETS_FASTLY_API", api.server.url());
        let output = started.output().expect("a shell");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    let shown = publish("script", "");
    assert!(shown.contains(" of 501 kB ("), "{shown}");
    assert!(shown.contains("fastly: live"), "{shown}");
    for (program, more) in [("sh", ""), ("script", "--json")] {
        let plain = publish(program, more);
        assert!(!plain.contains('\x1b') && !plain.contains(" kB ("), "{plain}");
    }
}

/// The keys under which publications of these rulesets lie.
fn keys_of(rulesets: &[Value]) -> Vec<String> {
    let of = |ruleset: &Value| {
        let parsed = hemstitch::ruleset::Ruleset::parse(&ruleset.to_string()).0.expect("a ruleset");
        let pack = PackHash::of(&hemstitch::pack::compile(&parsed).expect("a pack"));
        [format!("acme/pack/{pack}"), format!("acme/ruleset/{pack}")]
    };
    rulesets.iter().flat_map(of).chain(["acme/pointer".to_string()]).collect()
}

/// The number of what an edge gets that starts now; panics where it gets nothing good.
fn good_version(values: &BTreeMap<String, Vec<u8>>) -> u64 {
    let public = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
    let public = URL_SAFE_NO_PAD.encode(public.as_bytes());
    let keys = PointerKeys::new([("p1", public.as_str())]).expect("a key");
    let pointer = Pointer::verify(&values["acme/pointer"], &keys, "acme").expect("a good pointer");
    let pack = values[&format!("acme/pack/{}", pointer.pack())].clone();
    Pack::open_verified(pack, pointer.pack()).expect("a good pack");
    pointer.sequence()
}
