//! `hemstitch explain` and `hemstitch schema`, as somebody types them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use e2e::harness::{RulesCase, hemstitch};
use serde_json::Value;

fn explain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(hemstitch());
    command.current_dir(folder).arg("explain").arg("ruleset.json").args(arguments);
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn every_visit_of_every_case_is_explained_by_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = |case: &RulesCase, url: &str| format!("https://{}.test{url}", case.name);
    for case in RulesCase::all() {
        fs::write(folder.path().join("ruleset.json"), case.ruleset.to_string()).expect("a ruleset");
        let visit = case.visits.first().expect("somebody visits");
        fs::write(folder.path().join("persona.json"), visit.persona.to_string()).expect("a persona");
        let (url, switch) = (host(&case, &visit.url), case.switch());
        let arguments = [
            "--facts",
            "persona.json",
            "--url",
            &url,
            "--at",
            &visit.at,
            "--personalization",
            &switch,
            "--json",
        ];
        let output = explain(folder.path(), &arguments);
        let explained: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(explained["gates"], visit.expect["gates"], "{}", case.name);
        assert_eq!(explained["slots"], visit.expect["slots"], "{}", case.name);
        assert_eq!(output.status.code(), Some(0));
    }
}

const RULESET: &str = r#"{
  "audiences": {"german": {"place.country": "DE"}},
  "blocks": {"hallo": {"html": "<p>Hallo</p>"}},
  "slots": {"hero": {"rules": [
    {"id": "in-office", "hours": [{"from": "09:00", "to": "17:00"}], "when": {"visitor.visits": {"$gte": 3}}, "block": "hallo"},
    {"id": "in-german", "audience": "german", "block": "hallo"}
  ]}}
}"#;

#[test]
fn people_read_what_is_shown_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("ruleset.json"), RULESET).expect("a ruleset");
    fs::write(folder.path().join("persona.json"), r#"{"place.country": "DE"}"#).expect("a persona");
    let output = explain(
        folder.path(),
        &["--facts", "persona.json", "--url", "/a?b", "--at", "2026-11-27T09:30:00+01:00"],
    );
    let expect = "\
/a at 2026-11-27T08:30:00Z

slot hero: the block `hallo`, by the rule `in-german`
  because in the audience `german`: place.country is \"DE\"
  not `in-office`: visitor.visits is 1, not at least 3
";
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), (expect, Some(0)));
    // The same instant by a clock where it is not yet nine.
    let output = explain(folder.path(), &["--at", "2026-11-27T08:30:00Z"]);
    assert!(text(&output.stdout).contains("place.country is missing, not \"DE\""));
}

#[test]
fn what_cannot_be_used_is_located_and_the_exit_code_is_2() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("ruleset.json"), RULESET).expect("a ruleset");
    fs::write(folder.path().join("persona.json"), "{\n  \"place.contry\": \"DE\"\n}").expect("a persona");
    let output = explain(folder.path(), &["--facts", "persona.json"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("", Some(2)));
    let said = text(&output.stderr);
    assert!(said.contains("error[HS0212]: there is no fact `place.contry`\n --> persona.json:2:3"), "{said}");
    assert!(said.contains("help: did you mean `place.country`?"), "{said}");
    let output = explain(folder.path(), &["--facts", "persona.json", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&found["findings"][0]["line"], output.status.code()), (&Value::from(2), Some(2)));
    fs::write(folder.path().join("ruleset.json"), RULESET.replace("german\", \"block", "german\", \"blok"))
        .expect("it");
    let output = explain(folder.path(), &[]);
    assert!(text(&output.stderr).contains("error[HS0005]"), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(2));
    for arguments in [["--facts", "nobody.json"], ["--at", "noon"], ["--url", "a"]] {
        assert_eq!(explain(folder.path(), &arguments).status.code(), Some(2), "{arguments:?}");
    }
}
