//! What processors of ESI have, feature by feature, and where it is seen that we have it: `cases/esi/features.json`. What
//! they get wrong, and where it is seen that we do not: `cases/esi/defects.json`.
//!
//! A feature is shown by documents that run here under a preset (for what [`body`] asks with; `null`: the document fails),
//! by page cases, which run on every edge, or by tests that are named with their file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use e2e::esi_lines::answer;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Features {
    features: BTreeMap<String, Vec<Shown>>,
    /// Name, arguments, and what it gives under `akamai`.
    functions: Vec<(String, String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Shown {
    Document { preset: String, document: String, shows: Option<String> },
    Case { case: String },
    Test { test: String, r#in: PathBuf },
}

#[test]
fn every_feature_is_shown() {
    check(&features().features);
}

#[test]
fn no_defect_of_another_processor_is_ours() {
    let file = fs::read_to_string(root().join("tests/cases/esi/defects.json")).expect("the defects");
    let defects: BTreeMap<String, Vec<Shown>> =
        serde_json::from_str(&file).expect("they are JSON of this form");
    check(&defects);
}

fn check(all: &BTreeMap<String, Vec<Shown>>) {
    let mut wrong = Vec::new();
    for (name, shown) in all {
        assert!(!shown.is_empty(), "{name}: nothing shows it");
        wrong.extend(shown.iter().filter_map(|shown| Some(format!("{name}: {}", problem(shown)?))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn problem(shown: &Shown) -> Option<String> {
    match shown {
        Shown::Document { preset, document, shows } => {
            let got = body(preset, document);
            (got != json!(shows)).then(|| format!("{preset} makes {got} of {document}"))
        }
        Shown::Case { case } => {
            let there = root().join("tests/cases/page").join(case).join("case.toml").is_file();
            (!there).then(|| format!("no case {case}"))
        }
        Shown::Test { test, r#in } => {
            let source = fs::read_to_string(root().join(r#in)).unwrap_or_default();
            (!source.contains(&format!("fn {test}("))).then(|| format!("no {test} in {}", r#in.display()))
        }
    }
}

#[test]
fn every_function_of_the_language_answers() {
    let reference = fs::read_to_string(root().join("docs/formats/esi.md")).expect("the reference");
    for (name, arguments, expect) in features().functions {
        let document = format!("<esi:vars>${name}({arguments})</esi:vars>");
        assert_eq!(body("akamai", &document), json!(expect), "{document}");
        let named = [format!("`{name}`"), format!("`{name}(")].iter().any(|name| reference.contains(name));
        assert!(named, "docs/formats/esi.md does not name {name}");
    }
}

fn features() -> Features {
    let file = root().join("tests/cases/esi/features.json");
    serde_json::from_str(&fs::read_to_string(file).expect("the features"))
        .expect("they are JSON of this form")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// The body, or nothing where the document failed.
fn body(preset: &str, document: &str) -> Value {
    let fragment = |status: u16, body: &str, control: bool| {
        let headers = if control { json!({"Surrogate-Control": "content=\"ESI/1.0\""}) } else { json!({}) };
        json!({"status": status, "headers": headers, "body": body})
    };
    let case = json!({
        "dialect": preset,
        "document": document,
        "request": {"url": "http://acme.test/p?a=1&b=two&c=%C3%A9", "headers": {
            "Cookie": "n=21; sub=a=1&b=2",
            "Accept-Language": "en-gb, de;q=0.5",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)",
            "Referer": "http://from.test/",
            "X-Any": "thing",
        }},
        "config": {"geo": {"country_code": "DE"}, "remote_addr": "192.0.2.7"},
        "fragments": {
            "http://acme.test/f": fragment(200, "[f]", false),
            "http://acme.test/500": fragment(500, "broken", false),
            "http://acme.test/404": fragment(404, "no", false),
            "http://acme.test/201": fragment(201, "new", false),
            "http://acme.test/esi": fragment(200, "<esi:vars>$int('2')</esi:vars>", false),
            "http://acme.test/sets": fragment(200, "<esi:assign name=\"v\" value=\"9\"/>", false),
            "http://acme.test/nested": fragment(200, "<esi:include src=\"/f\"/>", true),
            "http://acme.test/self": fragment(200, "(<esi:include src=\"/self\" dca=\"esi\"/>)", false),
            "http://acme.test/down": {"error": "refused"},
        },
    });
    answer(&case.to_string())["body"].clone()
}
