//! Which URLs an experiment is for, and what a URL says of it (SDK specification, "URL targeting").

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::Url;

use super::condition::never;

/// What a condition may ask of the page: names of facts, and their values.
pub(super) struct Page {
    parsed: Option<Url>,
    facts: BTreeMap<String, Value>,
}

impl Page {
    pub(super) fn new(url: &str) -> Page {
        let parsed = Url::parse("https://_").ok().and_then(|base| base.join(url).ok());
        let mut facts = BTreeMap::new();
        let mut state = |name: &str, value: &str| facts.insert(format!("page.{name}"), Value::from(value));
        if let Some(parsed) = &parsed {
            let origin = parsed.origin().ascii_serialization();
            state("host", &host(parsed));
            state("path", parsed.path());
            state("hash", &hash(parsed));
            state("href", parsed.as_str());
            state("rest", parsed.as_str().strip_prefix(&origin).unwrap_or_default());
        }
        if !url.is_empty() {
            state("url", url);
            let without_scheme = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let without_scheme = without_scheme.unwrap_or(url);
            let path = without_scheme.find('/').map_or(without_scheme, |at| &without_scheme[at..]);
            state("path_only", path);
        }
        Page { parsed, facts }
    }

    pub(super) fn path(&self) -> &str {
        self.parsed.as_ref().map_or("", Url::path)
    }

    pub(super) fn url(&self) -> Option<&Url> {
        self.parsed.as_ref()
    }

    pub(super) fn into_facts(self) -> BTreeMap<String, Value> {
        self.facts
    }

    /// The condition that one of the targets includes the page, and none excludes it.
    pub(super) fn targeted(&mut self, targets: &[Value]) -> Value {
        if targets.is_empty() {
            return never();
        }
        let (mut included, mut excluded) = (Vec::new(), Vec::new());
        for target in targets {
            let pattern = target["pattern"].as_str().unwrap_or_default();
            let matches = match target["type"].as_str() {
                _ if self.parsed.is_none() => never(),
                Some("regex") => json!({ "$or": [
                    { "page.href": { "$regex": pattern } },
                    { "page.rest": { "$regex": pattern } },
                ] }),
                Some("simple") => self.simple(pattern).unwrap_or_else(never),
                _ => never(),
            };
            let side = if target["include"] == json!(false) { &mut excluded } else { &mut included };
            side.push(matches);
        }
        let mut all: Vec<Value> = excluded.into_iter().map(|part| json!({ "$not": part })).collect();
        if !included.is_empty() {
            all.push(json!({ "$or": included }));
        }
        json!({ "$and": all })
    }

    /// Every part of a pattern is compared by itself: a host, a path, the parameters that it names, a fragment.
    fn simple(&mut self, pattern: &str) -> Option<Value> {
        let base = Url::parse("https://_____").ok()?;
        let expected = base.join(&with_scheme(pattern).replace('*', "_____")).ok()?;
        let part = |text: &str| json!({ "$regexi": format!("^{}$", escaped(text)) });
        let path = escaped(expected.path());
        let path = path.strip_prefix('/').unwrap_or(&path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut all = vec![
            json!({ "page.host": part(&host(&expected)) }),
            json!({ "page.path": { "$regexi": format!(r"^\/?{path}\/?$") } }),
        ];
        if !hash(&expected).is_empty() {
            all.push(json!({ "page.hash": part(&hash(&expected)) }));
        }
        for (name, value) in expected.query_pairs() {
            let given = self.parsed.as_ref()?.query_pairs().find(|(given, _)| *given == name);
            let given = given.map(|(_, value)| value.into_owned()).unwrap_or_default();
            self.facts.insert(format!("page.query.{name}"), given.into());
            all.push(json!({ format!("page.query.{name}"): part(&value) }));
        }
        Some(json!({ "$and": all }))
    }
}

/// The condition of an old-style target: one expression for the whole URL, or for its path.
pub(super) fn matching(expression: &str) -> Value {
    let found = json!({ "$regex": expression });
    let known = json!({ "page.url": { "$exists": true } });
    json!({ "$and": [known, { "$or": [{ "page.url": found }, { "page.path_only": found }] }] })
}

/// The variation that a parameter of the URL forces.
pub(super) fn forced(key: &str, url: &str, variations: usize) -> Option<usize> {
    let query = url.split('?').nth(1)?.split('#').next()?;
    let pair = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(name, _)| *name == key)?;
    let digits = pair.1.split('=').next()?.trim_start();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|index| *index < variations)
}

fn with_scheme(pattern: &str) -> String {
    let host = pattern.find([':', '/', '?']).map_or(pattern, |end| &pattern[..end]);
    if host.contains('.') { format!("https://{pattern}") } else { pattern.to_owned() }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if "*.+?^${}()|[]\\".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out.replace("_____", ".*")
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn hash(url: &Url) -> String {
    url.fragment()
        .filter(|fragment| !fragment.is_empty())
        .map(|fragment| format!("#{fragment}"))
        .unwrap_or_default()
}
