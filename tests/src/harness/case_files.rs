//! How a case stands on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::case::{Case, CaseVisitor, Failure, Fragment};
use super::programs;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    about: String,
    #[serde(default)]
    response: ResponsePart,
    #[serde(default)]
    request: RequestPart,
    visitor: Option<CaseVisitor>,
    facts: Option<Map<String, Value>>,
    #[serde(default, rename = "fragment")]
    fragments: Vec<FragmentPart>,
    personal: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResponsePart {
    content_type: String,
    headers: BTreeMap<String, String>,
}

impl Default for ResponsePart {
    fn default() -> ResponsePart {
        ResponsePart { content_type: "text/html; charset=utf-8".to_string(), headers: BTreeMap::new() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RequestPart {
    path: String,
    headers: BTreeMap<String, String>,
}

impl Default for RequestPart {
    fn default() -> RequestPart {
        RequestPart { path: "/".to_string(), headers: BTreeMap::new() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FragmentPart {
    path: String,
    status: Option<u16>,
    file: Option<String>,
    body: Option<String>,
    content_type: Option<String>,
    fail: Option<Failure>,
}

/// A page that is written down by its repetition.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generated {
    page: Repetition,
    expected: Repetition,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Repetition {
    before: String,
    unit: String,
    times: usize,
    after: String,
}

/// Visits every folder that holds a `case.toml`.
pub(super) fn collect(folder: &Path, found: &mut impl FnMut(&Path)) {
    if folder.join("case.toml").exists() {
        return found(folder);
    }
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder that was just opened").path();
        if path.is_dir() {
            collect(&path, found);
        }
    }
}

/// Reads one case; panics with the file that is wrong.
pub(super) fn load(folder: &Path) -> Case {
    let file: CaseFile = toml_of(&folder.join("case.toml"));
    let below = folder.strip_prefix(programs::cases()).expect("a case is below the folder of cases");
    let (page, expected) = match folder.join("page.gen.toml") {
        generated if generated.exists() => {
            let generated: Generated = toml_of(&generated);
            (generated.page.bytes(), generated.expected.bytes())
        }
        _ => (bytes_of(&folder.join("page.html")), bytes_of(&folder.join("expected.html"))),
    };
    let ruleset = Some(folder.join("ruleset.json")).filter(|path| path.exists());
    Case {
        name: below.to_string_lossy().replace(['/', '_', '.'], "-").to_lowercase(),
        about: file.about,
        content_type: Some(file.response.content_type).filter(|value| !value.is_empty()),
        headers: file.response.headers,
        path: file.request.path,
        request_headers: file.request.headers,
        visitor: file.visitor,
        facts: file.facts,
        fragments: file.fragments.into_iter().map(|part| part.read(folder)).collect(),
        personal: file.personal,
        page,
        ruleset: ruleset.map(|path| text_of(&path)),
        expected,
    }
}

impl FragmentPart {
    fn read(self, folder: &Path) -> Fragment {
        let body = match (self.file, self.body) {
            (Some(file), None) => bytes_of(&folder.join(file)),
            (None, body) => body.unwrap_or_default().into_bytes(),
            (Some(_), Some(_)) => panic!("{}: a fragment has a file or a body", folder.display()),
        };
        Fragment {
            path: self.path,
            status: self.status.unwrap_or(200),
            body,
            content_type: self.content_type.unwrap_or_else(|| "text/html; charset=utf-8".to_string()),
            fail: self.fail,
        }
    }
}

impl Repetition {
    fn bytes(&self) -> Vec<u8> {
        format!("{}{}{}", self.before, self.unit.repeat(self.times), self.after).into_bytes()
    }
}

fn toml_of<T: DeserializeOwned>(path: &Path) -> T {
    toml::from_str(&text_of(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text_of(path: &Path) -> String {
    String::from_utf8(bytes_of(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn bytes_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
