//! Real pages that nobody here wrote pass unchanged: in-process, whole and split, and through both edges.

use std::fs;

use e2e::harness::{Arrival, Case, EdgeKind, InProcess, Script, Stage, TestSite, corpus, scene, split};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    real_pages_pass_unchanged
}

/// Rules and an edit that name nothing in these pages, so that they are scanned as well.
fn rules() -> Value {
    let mut rules = scene::rules();
    rules["edits"] = json!([{
        "id": "none", "url": "*", "selector": "#no-such-element", "action": "remove",
        "rules": [{ "id": "never", "block": "nothing" }],
    }]);
    rules
}

fn site(name: &str) -> TestSite {
    TestSite::new(name).ruleset(&rules()).setting("esi_prefixes", json!(["/esi/"]))
}

fn pages() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = corpus() else {
        println!("skipped: no folder of real pages; HEMSTITCH_DATA names one with `corpus` in it");
        return Vec::new();
    };
    let entries = fs::read_dir(&folder).expect("a folder that exists");
    let mut pages: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.expect("an entry of a folder that was just opened").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "html"))
        .map(|path| {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a page that exists"))
        })
        .collect();
    pages.sort();
    assert!(!pages.is_empty(), "{} holds no page", folder.display());
    pages
}

fn real_pages_pass_unchanged(kind: EdgeKind) {
    let pages = pages();
    if pages.is_empty() {
        return;
    }
    let stage = Stage::new(kind, site("corpus"));
    for (name, page) in &pages {
        for folder in ["", "/esi"] {
            let path = format!("{folder}/{name}");
            stage.serve(&path, in_pieces(page));
            let streamed = stage.get(&path).send().whole();
            assert!(streamed == *page, "{path} changed as it streamed through");
            stage.fill(&path);
            let visitor = scene::finance_visitor("reader");
            let cached = stage.get_as(&visitor, &path).send().whole();
            assert!(cached == *page, "{path} changed in the cache");
        }
    }
}

#[test]
fn real_pages_pass_unchanged_in_process() {
    for (name, page) in pages() {
        for folder in ["", "/esi"] {
            let path = format!("{folder}/{name}");
            let case = Case::unchanged("corpus", &path, page.clone(), &rules());
            let core = InProcess::of(&case, &site("corpus"));
            let whole = core.stream([page.as_slice()], Arrival::AtOnce);
            assert!(whole.body == page, "{path} changed");
            for seed in 1..=20 {
                let run = core.stream(split(&page, seed), Arrival::AtOnce);
                assert!(run.body == page, "{path} changed when split by seed {seed}");
                assert!(run.object == whole.object, "{path} has another plan when split by seed {seed}");
            }
            let object = whole.object.unwrap_or_else(|| panic!("{path} is not stored"));
            let cached = core.from_object(object, Arrival::AtOnce).map(|run| run.body);
            assert!(cached == Some(page.clone()), "{path} changed in the cache");
        }
    }
}

/// The page in chunks of uneven sizes, each of which the origin sends by itself.
fn in_pieces(page: &[u8]) -> Script {
    split(page, 1).into_iter().fold(Script::streamed_page(), |script, piece| script.send(piece))
}
