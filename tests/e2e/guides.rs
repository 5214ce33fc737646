//! The guides: every command in them is run, and does what they say.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use e2e::harness::{Script, TestOrigin, hemstitch, workspace};
use serde_json::{Value, json};

/// Commands that need an account.
const ELSEWHERE: [&str; 2] = ["fastly ", "wrangler "];

/// What a command wrote.
struct Said {
    command: String,
    stdout: String,
    stderr: String,
}

/// The blocks of a guide in a language.
fn blocks(guide: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(workspace().join("docs/guides").join(guide)).expect("a guide");
    let opening = format!("```{language}\n");
    let opened = text.split(&opening).skip(1);
    opened.map(|rest| rest.split("```").next().unwrap_or_default().to_string()).collect()
}

fn commands(guide: &str) -> Vec<String> {
    let joined = blocks(guide, "sh").concat().replace("\\\n", " ");
    joined.lines().map(str::to_string).collect()
}

/// Runs a command of a guide, which must succeed.
fn run(command: &str, folder: &Path) -> Said {
    run_with(command, folder, &[])
}

fn run_with(command: &str, folder: &Path, environment: &[(&str, String)]) -> Said {
    let program = hemstitch();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.parent().expect("a folder").display());
    let output = Command::new("sh")
        .args(["-euc", command])
        .current_dir(folder)
        .env("PATH", path)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said =
        Said { command: command.to_string(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
    assert!(output.status.success(), "{command}: {}", said.stderr);
    said
}

fn follow(guide: &str, folder: &Path) -> Vec<Said> {
    follow_with(guide, folder, &[])
}

fn follow_with(guide: &str, folder: &Path, environment: &[(&str, String)]) -> Vec<Said> {
    let here = |command: &&String| !ELSEWHERE.iter().any(|elsewhere| command.starts_with(elsewhere));
    commands(guide).iter().filter(here).map(|command| run_with(command, folder, environment)).collect()
}

/// A folder with what the guides speak of.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let ruleset = json!({
        "blocks": { "long": { "html": "A long headline" }, "short": { "html": "Short" } },
        "experiments": { "headline": { "variations": [
            { "key": "long", "block": "long" }, { "key": "short", "block": "short" } ] } },
        "slots": { "hero": { "rules": [
            { "id": "to-readers", "when": { "interest.finance": { "$gte": 0.5 } }, "experiment": "headline" } ] } },
    });
    fs::write(folder.path().join("ruleset.json"), ruleset.to_string()).expect("written");
    folder
}

/// Every secret in the files of a folder of keys.
fn secrets(keys: &Path) -> Vec<String> {
    let mut secrets = Vec::new();
    for entry in fs::read_dir(keys).expect("a folder of keys") {
        let path = entry.expect("a file").path();
        let mode = fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
        let read = serde_json::from_str(&fs::read_to_string(&path).expect("text")).expect("JSON");
        gather(&read, &mut secrets);
    }
    assert!(secrets.len() > 5);
    secrets
}

fn gather(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name.ends_with("secret") => secrets.push(text.clone()),
                    member => gather(member, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, secrets)),
        _ => {}
    }
}

fn assert_discreet(said: &[Said], secrets: &[String]) {
    for Said { command, stdout, stderr } in said {
        let holds = |secret: &&String| stdout.contains(*secret) || stderr.contains(*secret);
        assert!(!secrets.iter().any(|secret| holds(&secret)), "{command} says a secret");
    }
}

#[test]
fn the_guide_to_previews_ends_with_links() {
    let folder = folder();
    let persona = blocks("preview.md", "json").concat();
    fs::write(folder.path().join("persona.json"), persona).expect("written");
    let made = run("hemstitch keys new --out keys --site acme", folder.path());
    fs::write(folder.path().join("hemstitch.toml"), blocks("preview.md", "toml").concat()).expect("written");
    let mut said = follow("preview.md", folder.path());
    let [plain, without, made_up, explain] = said.as_slice() else { panic!("four commands") };
    for link in [plain, without, made_up] {
        let token = link.stdout.trim().strip_prefix("https://www.acme.test/?hs_preview=").expect("a link");
        assert_eq!(token.split('.').count(), 3, "{token}");
        assert!(link.stderr.contains("https://www.acme.test/?hs_preview=off"), "{}", link.stderr);
    }
    assert_eq!(explain.stdout.trim().split('.').count(), 3);
    assert_eq!(
        fs::read_dir(folder.path().join("kv/acme/draft")).expect("drafts").count(),
        1,
        "the same draft thrice"
    );
    said.push(made);
    assert_discreet(&said, &secrets(&folder.path().join("keys")));
}

#[test]
fn a_preview_that_would_show_nothing_is_not_made() {
    let folder = folder();
    run("hemstitch keys new --out keys --site acme", folder.path());
    let link = "hemstitch preview ruleset.json --site acme --kv kv --url https://www.acme.test/";
    for (wrong, says) in [
        (
            "--keyring keys/acme.preview.json --variation headline=tiny",
            "no variation `tiny`; there are long, short",
        ),
        ("--keyring keys/acme.preview.json --variation header=short", "no experiment `header`"),
        ("--keyring keys/acme.signing.json", "cannot be used"),
        ("--keyring ruleset.json", "cannot be used"),
    ] {
        let said = run(&format!("{link} {wrong} && exit 9 || true"), folder.path());
        assert!(said.stderr.contains(says) && said.stdout.is_empty(), "{wrong}: {}", said.stderr);
        assert_discreet(&[said], &secrets(&folder.path().join("keys")));
    }
    assert!(!folder.path().join("kv").exists());
}

#[test]
fn the_guide_to_keys_ends_with_one_retired_and_no_secret_said() {
    let folder = folder();
    let keys = folder.path().join("keys");
    let mut said: Vec<Said> = Vec::new();
    let mut secret = Vec::new();
    for command in commands("keys.md") {
        if ELSEWHERE.iter().any(|elsewhere| command.starts_with(elsewhere)) {
            assert!(said[0].stderr.contains(&command), "`keys new` prints {command}");
            continue;
        }
        let list = keys.exists().then(|| run("hemstitch keys list --keys keys --site acme", folder.path()));
        let oldest =
            list.iter().flat_map(|list| list.stdout.lines()).rfind(|line| line.starts_with("profile"));
        let kid = oldest.and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_string();
        if command.contains("--force") {
            let unforced = command.replace("KID", &kid).replace(" --force", " && exit 9 || true");
            let refused = run(&unforced, folder.path());
            assert!(refused.stderr.contains("stays"), "{}", refused.stderr);
            said.push(refused);
        }
        said.push(run(&command.replace("KID", &kid), folder.path()));
        said.extend(list);
        secret.extend(secrets(&keys));
    }
    let ring: Value =
        serde_json::from_str(&fs::read_to_string(keys.join("acme.profile.json")).expect("text"))
            .expect("JSON");
    assert_eq!(ring["keys"].as_array().map(Vec::len), Some(1), "one was added, and one retired");
    fs::write(folder.path().join("broken.json"), format!("{{\"keys\": [\"{}\"]}}", secret[0]))
        .expect("written");
    let broken = "hemstitch mint profile --site acme --keyring broken.json && exit 9 || true";
    said.push(run(broken, folder.path()));
    said.push(run("hemstitch mint profile --site acme --keyring keys/acme.profile.json", folder.path()));
    assert_discreet(&said, &secret);
    let publishes = "hemstitch publish ruleset.json --kv kv --site acme --signing-key keys/acme.signing.json";
    run(publishes, folder.path());
    for entry in fs::read_dir(folder.path().join("kv/acme")).expect("a KV").flatten() {
        let text = fs::read(entry.path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(!secret.iter().any(|secret| text.as_ref().is_ok_and(|text| text.contains(secret))));
    }
}

/// What is asked of the settings of Fastly and Cloudflare, as far as one switch needs it.
fn settings_apis() -> TestOrigin {
    let api = TestOrigin::start().expect("a server");
    let host = api.address().to_string();
    let item = "/resources/stores/config/the%20id%20of%20the%20config%20store/item/personalization%2Eacme";
    let held = Arc::new(Mutex::new(None::<String>));
    api.answer_by(&host, item, move |asked| {
        assert_eq!(asked.header("fastly-key"), Some("token"));
        let mut held = held.lock().expect("no holder of the lock panics");
        let form = String::from_utf8_lossy(&asked.body).into_owned();
        if let Some((_, value)) = form.split_once("&item_value=") {
            *held = Some(value.replace("%3A", ":").replace("%2E", ".").replace("%2D", "-"));
        }
        match &*held {
            Some(value) => Script::status(200).body(json!({ "item_value": value }).to_string()),
            None => Script::status(404).body("{}"),
        }
    });
    let settings = "/accounts/the%20id%20of%20the%20account/workers/scripts/hemstitch/settings";
    let held = Arc::new(Mutex::new(json!([])));
    api.answer_by(&host, settings, move |asked| {
        assert_eq!(asked.header("authorization"), Some("Bearer token"));
        let mut held = held.lock().expect("no holder of the lock panics");
        let form = String::from_utf8_lossy(&asked.body).into_owned();
        let settings = form.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(settings) = settings {
            *held = settings["bindings"].clone();
        }
        let answer =
            json!({ "success": true, "errors": [], "messages": [], "result": { "bindings": *held } });
        Script::status(200).body(answer.to_string())
    });
    api
}

#[test]
fn the_guide_to_the_kill_switch_turns_what_it_says() {
    let folder = folder();
    fs::write(folder.path().join("config.json"), r#"{"host.www.acme.test": "{}"}"#).expect("written");
    fs::write(folder.path().join("hemstitch.toml"), blocks("off.md", "toml").concat()).expect("written");
    let api = settings_apis();
    let environment = [
        ("FASTLY_API_TOKEN", "token".to_string()),
        ("CLOUDFLARE_API_TOKEN", "token".to_string()),
        ("HEMSTITCH_TARGETS_FASTLY_API", api.url()),
        ("HEMSTITCH_TARGETS_CLOUDFLARE_API", api.url()),
    ];
    let said = follow_with("off.md", folder.path(), &environment);
    let everywhere: Vec<&str> = said[..4].iter().flat_map(|said| said.stdout.lines()).collect();
    let (item, variable) = (
        "fastly: personalization.acme in Fastly's config store",
        "cloudflare: HEMSTITCH_PERSONALIZATION_ACME",
    );
    for (place, says) in
        [(variable, "off"), ("edge: ", "off"), (item, "off"), (item, "off:experiment.headline")]
    {
        let line =
            everywhere.iter().find(|line| line.starts_with(place) && line.ends_with(&format!(": {says}")));
        assert!(line.is_some(), "{place}: {says}\n{everywhere:#?}");
    }
    assert_eq!(everywhere.len(), 3 + 3 + 2 + 2, "{everywhere:#?}");
    let turned: Vec<&str> =
        said[4..].iter().filter_map(|said| said.stdout.trim().split_once(": ")).map(|(_, to)| to).collect();
    let expected = [
        "off",
        "on",
        "off:experiment.headline",
        "off:experiment.headline,to-readers",
        "off:to-readers",
        "off",
        "on",
    ];
    assert_eq!(turned, expected);
    let file = fs::read_to_string(folder.path().join("personalization")).expect("a setting");
    assert_eq!(file, "off:to-readers\n");
    let store: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("config.json")).expect("a store"))
            .expect("JSON");
    assert_eq!(store, json!({ "host.www.acme.test": "{}", "personalization.acme": "on" }));
}

#[test]
fn what_is_turned_off_and_is_not_live_is_said() {
    let folder = folder();
    run("hemstitch keys new --out keys --site acme", folder.path());
    let toml = "site = 'acme'\nsigning_key = 'keys/acme.signing.json'\n[targets.edge]\nkind = 'directory'\npath = 'kv'\n\
                personalization = 'personalization'\n";
    fs::write(folder.path().join("hemstitch.toml"), toml).expect("written");
    let unknown = run("hemstitch off --experiment headlines", folder.path());
    assert_eq!(unknown.stderr, "", "nothing is published, so nothing is known");
    run("hemstitch publish ruleset.json", folder.path());
    let known = run("hemstitch off --experiment headline --rule to-readers", folder.path());
    assert_eq!(known.stderr, "");
    let said = run("hemstitch off --experiment headlnie --rule headline || test $? -eq 1", folder.path());
    assert!(
        said.stdout
            .contains("off:experiment.headlines,experiment.headline,to-readers,experiment.headlnie,headline")
    );
    for says in ["no experiment `headlnie` is live", "no rule or gate `headline` is live"] {
        assert!(said.stderr.contains(says), "{}", said.stderr);
    }
}

#[test]
fn a_switch_that_cannot_be_turned_keeps_no_other_from_being_turned() {
    let folder = folder();
    fs::write(folder.path().join("hemstitch.toml"), blocks("off.md", "toml").concat()).expect("written");
    let said = run("hemstitch off && exit 9 || test $? -eq 1", folder.path());
    assert!(said.stdout.contains("edge: ") && said.stdout.contains(": off"), "{}", said.stdout);
    for variable in ["FASTLY_API_TOKEN", "CLOUDFLARE_API_TOKEN"] {
        let failed = format!("needs a token in the environment variable {variable}");
        assert!(said.stderr.contains("FAILED: ") && said.stderr.contains(&failed), "{}", said.stderr);
    }
    assert_eq!(fs::read_to_string(folder.path().join("personalization")).expect("a setting"), "off\n");
    let said = run("hemstitch on --experiment headline --to edge", folder.path());
    assert!(
        said.stdout.contains(": off") && said.stderr.contains("everything is off there"),
        "{}",
        said.stderr
    );
    let all = "hemstitch off --to edge --all-sites; echo '{\"personalization\": \"off\"}' > store.json";
    run(all, folder.path());
    let toml = "site = 'acme'\n[targets.v]\nkind = 'directory'\npath = 'kv'\nconfig_store = 'store.json'\n";
    fs::write(folder.path().join("hemstitch.toml"), toml).expect("written");
    let said = run("hemstitch on", folder.path());
    assert!(said.stderr.contains("still says off, for all sites"), "{}", said.stderr);
    let said = run("hemstitch on --all-sites && hemstitch on", folder.path());
    assert!(said.stderr.is_empty(), "{}", said.stderr);
    let nothing = run("hemstitch off --to nowhere && exit 9 || test $? -eq 1", folder.path());
    assert!(nothing.stderr.contains("there is no target `nowhere`; there are v"), "{}", nothing.stderr);
}
