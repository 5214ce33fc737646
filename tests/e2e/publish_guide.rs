//! The guide for people who publish, command by command.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use e2e::harness::{Child, hemstitch, workspace};
use serde_json::{Value, json};

fn showing(text: &str) -> String {
    json!({
        "blocks": { "b": { "html": text } },
        "slots": { "hero": { "rules": [{ "id": "everybody", "block": "b" }] } },
    })
    .to_string()
}

/// The fenced blocks of a language, in order.
fn blocks<'g>(guide: &'g str, language: &str) -> Vec<&'g str> {
    let fence = format!("```{language}\n");
    guide.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("it ends")).collect()
}

/// Runs commands as somebody would who pastes them.
fn paste(commands: &str, folder: &Path) -> String {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).expect("a folder of ours");
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", hemstitch().display());
    fs::write(bin.join("hemstitch"), script).expect("a folder of ours");
    let ours = fs::Permissions::from_mode(0o700);
    fs::set_permissions(bin.join("hemstitch"), ours).expect("a file of ours");
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    let output =
        shell.args(["-euc", commands]).current_dir(folder).env("PATH", path).output().expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (told, aside) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{commands}\n{told}{aside}");
    told
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    let guide = fs::read_to_string(workspace().join("docs/guides/publish.md")).expect("the guide");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| fs::write(path(name), text).expect("a folder of ours");

    let public = paste(blocks(&guide, "sh setup")[0], folder.path());
    let keys: Value = serde_json::from_str(&public).expect("the public key");
    let site = json!({ "site": "acme", "hosts": ["127.0.0.1"], "origin": "o", "pointer_keys": keys });
    write("site.json", &site.to_string());
    fs::create_dir(path("pages")).expect("a folder of ours");
    let mut serve = Command::new(hemstitch());
    serve.current_dir(folder.path()).args([
        "serve",
        "pages",
        "--listen",
        "127.0.0.1:0",
        "--config",
        "site.json",
    ]);
    serve.args(["--keys", "keys", "--record", "record.db"]);
    let mut origin = Child::start("the origin", &mut serve);
    let address = origin.wait_for_line("listening on http://");

    let toml = blocks(&guide, "toml").concat().replace("127.0.0.1:7878", &address);
    write("hemstitch.toml", &toml);
    write("ruleset.json", &showing("FIRST"));
    write("campaign.json", &showing("CAMPAIGN"));
    let export = json!({ "features": { "hero": { "defaultValue": "<b>x</b>", "rules": [
        { "condition": { "plan": "gold" }, "force": "<b>y</b>" }] } } });
    write("features.json", &export.to_string());

    let mut told = Vec::new();
    for commands in blocks(&guide, "sh") {
        told.push(paste(commands, folder.path()));
    }
    for (block, says) in [
        (0, "+ rule everybody of slot hero"),
        (0, "nothing was published; the next number of acme is 1"),
        (1, "https://www.acme.test/?hs_preview="),
        (2, "published acme number 1: pack "),
        (3, "acme number 1 was published before"),
        (3, "edge: number 1, pack "),
        (4, "published acme number 2: pack "),
        (4, "edge: live from 2099-12-01T08:00:00Z on"),
        (5, "from 2099-12-01T08:00:00Z"),
        (5, "~ block b: html \"FIRST\" → \"CAMPAIGN\""),
        (6, "published acme number 3: pack "),
        (6, "acme number 3 was published before"),
        (7, "wrote restored.db"),
    ] {
        assert!(told[block].contains(says), "{says}\n{}", told[block]);
    }
    assert!(path("restored.db").exists());
}
