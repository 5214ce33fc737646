//! The conformance data of fourteen processors' tests, each case under the preset of its family.

use std::sync::Arc;

use e2e::esi_lines::{Case, answer};
use e2e::harness::conformance;
use hemstitch::esi::{Program, compile};
use hemstitch::page::{CompileOptions, PageCompiler};
use serde_json::Value;

/// Where we differ on purpose, and why.
const DIFFERENT: [(&str, &str); 2] = [
    (
        "mrswitch-028",
        "a variable in text outside of what ESI runs stays: local-esi and the guide say so, MrSwitch alone does not",
    ),
    ("mrswitch-031", "a backslash before a quote in a quoted string goes, as in Akamai's language"),
];

#[test]
fn every_case_is_answered_as_its_family_answers_it() {
    let Some(cases) = cases() else { return };
    let (mut passed, mut wrong) = (0, Vec::new());
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let id = case["id"].as_str().expect("a case has an id");
        match agrees(&case, &answer(line)) {
            true => passed += 1,
            false if DIFFERENT.iter().any(|(known, _)| *known == id) => {}
            false => wrong.push(id.to_owned()),
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{passed} passed");
    println!("{passed} cases passed, {} differ on purpose", DIFFERENT.len());
}

#[test]
fn every_case_runs_alike_from_a_stored_program() {
    let Some(cases) = cases() else { return };
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).expect("a case is JSON");
        let dialect = case.dialect();
        let program = compile(case.document(), &dialect).program;
        let mut bytes = Vec::new();
        program.write(&mut bytes);
        let stored =
            Program::read(&mut bytes.into(), case.document().len()).expect("what was written is read");
        assert_eq!(
            case.run_program(&stored, dialect.clone()),
            case.run_program(&program, dialect),
            "{}",
            case.id
        );
    }
}

#[test]
fn every_case_is_one_plan_split_at_every_byte() {
    let Some(cases) = cases() else { return };
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).expect("a case is JSON");
        let dialect = Arc::new(case.dialect());
        let options = CompileOptions {
            charset: Some("utf-8".to_owned()),
            esi: true,
            dialect,
            ..CompileOptions::default()
        };
        let whole = PageCompiler::compile(case.document().to_vec(), options.clone());
        for at in 0..case.document().len() {
            let (one, other) = case.document().split_at(at);
            let mut parts = PageCompiler::new(options.clone());
            parts.write(one);
            parts.write(other);
            parts.finish();
            assert_eq!(parts.plan(), whole.plan(), "{} split at {at}", case.id);
        }
    }
}

fn cases() -> Option<String> {
    let Some(path) = conformance("esi-cases.jsonl") else {
        println!("skipped: there are no cases of ESI here");
        return None;
    };
    Some(std::fs::read_to_string(path).expect("the cases can be read"))
}

/// What `conform.py` checks.
fn agrees(case: &Value, got: &Value) -> bool {
    let expect = &case["expect"];
    let kind = expect["match"].as_str().unwrap_or("exact");
    if kind == "error" || got.get("error").is_some() {
        return kind == "error" && got.get("error").is_some();
    }
    let body = got["body"].as_str().unwrap_or_default();
    let texts = |name: &str| expect[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    if texts("not_contains").any(|part| body.contains(part))
        || !texts("contains").all(|part| body.contains(part))
    {
        return false;
    }
    let requested: Vec<&str> =
        got["requested"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if kind == "not_requested" {
        let fragments = case["fragments"].as_object();
        return !fragments.into_iter().flatten().any(|(url, _)| requested.contains(&url.as_str()));
    }
    if !texts("requested_url_contains").all(|part| requested.iter().any(|url| url.contains(part))) {
        return false;
    }
    if expect["status"].is_number() && expect["status"] != got["status"] {
        return false;
    }
    let wanted = expect["headers"].as_object();
    let header =
        |name: &str| got["headers"].as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    if got["headers"].is_object()
        && !wanted
            .into_iter()
            .flatten()
            .all(|(name, value)| header(name).is_some_and(|(_, got)| got == value))
    {
        return false;
    }
    let Some(wanted) = case["expected_body"].as_str() else { return true };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match kind {
        "trim" => body.trim() == wanted.trim(),
        "rstrip_newlines" => body.trim_end_matches('\n') == wanted.trim_end_matches('\n'),
        "collapse_ws" => words(body) == words(wanted),
        _ => body == wanted,
    }
}
