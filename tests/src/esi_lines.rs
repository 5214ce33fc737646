//! One case of the ESI conformance data: a document, a request, the fragments there are, and what a processor answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use hemstitch::esi::{
    Dialect, Facts, FetchFailure, Fragment, FragmentEsi, Given, HttpsIncludes, IncludeFailure, Machine,
    Program, Root, Step, absolute, compile,
};
use hemstitch::http::{HostKind, host_kind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::esi_sample::{Sample, SampleFragment};

/// A case, without what is expected of it.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// What it is called.
    #[serde(default)]
    pub id: String,
    dialect: String,
    request: Asked,
    document: String,
    #[serde(default)]
    fragments: BTreeMap<String, Reply>,
    #[serde(default)]
    config: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    method: Option<String>,
    url: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    error: Option<Value>,
}

/// What came of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The body, unless the document failed.
    pub body: Option<Vec<u8>>,
    /// The status that the document set.
    pub status: Option<u16>,
    /// The headers that the document added.
    pub headers: Vec<(String, String)>,
    /// What was asked for, in order.
    pub requested: Vec<String>,
}

/// Runs the case in a line, and says what came of it as a line.
pub fn answer(line: &str) -> Value {
    let case: Case = match serde_json::from_str(line) {
        Ok(case) => case,
        Err(problem) => return json!({"error": format!("no case: {problem}")}),
    };
    let outcome = case.run();
    let Some(body) = outcome.body else { return json!({"error": "the document failed"}) };
    let mut answer = json!({
        "body": String::from_utf8_lossy(&body),
        "status": outcome.status.unwrap_or(200),
        "requested": outcome.requested,
    });
    if !outcome.headers.is_empty() {
        answer["headers"] = outcome.headers.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
    }
    answer
}

impl Case {
    /// The document.
    pub fn document(&self) -> &[u8] {
        self.document.as_bytes()
    }

    /// The settings of the case's family, and of the case.
    pub fn dialect(&self) -> Dialect {
        let mut dialect = Dialect::preset(&self.dialect).unwrap_or_default();
        for (name, value) in &self.config {
            let on = value.as_bool();
            match (name.as_str(), on) {
                ("default_dca", _) if value == "esi" => dialect.fragments = FragmentEsi::Always,
                ("max_include_depth", _) => {
                    dialect.budgets.depth =
                        value.as_u64().map_or(dialect.budgets.depth, |depth| depth as u32);
                }
                ("edge_control", Some(on)) => dialect.edge_control = on,
                ("inherit_parent_dca", Some(on)) => dialect.inherit_dca = on,
                ("esi_disable_xml_check", Some(on)) => dialect.xml_check = !on,
                ("esi_prefix", _) => dialect.prefix = value.as_str().map(str::to_owned),
                ("esi_ignore_https", Some(true)) => dialect.https_includes = HttpsIncludes::AsHttp,
                ("process_fragments", Some(true)) => dialect.fragments = FragmentEsi::Header,
                ("esi_include_onerror", Some(true)) => dialect.include_failure = IncludeFailure::Truncate,
                ("on_error_html" | "include_error_marker", _) => {
                    dialect.failure_marker = value.as_str().unwrap_or_default().to_owned()
                }
                _ => {}
            }
        }
        dialect
    }

    /// Whether this response has ESI at all.
    fn is_enabled(&self) -> bool {
        let config = |name: &str| self.config.get(name);
        let types = config("content_types").and_then(Value::as_array);
        let html = types.is_none_or(|types| types.iter().any(|kind| kind == "text/html"));
        let control = match config("surrogate_control") {
            None => true,
            Some(control) => control.as_str().is_some_and(is_version_1),
        };
        let delegated = config("allow_surrogate_delegation").is_some_and(|it| it != false)
            && self.headers().any(|(name, value)| {
                name.eq_ignore_ascii_case("surrogate-capability") && is_version_1(value)
            });
        html && control && !delegated && config("esi_enabled") != Some(&Value::Bool(false))
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.request.headers.iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn facts(&self) -> Facts {
        let after_scheme =
            self.request.url.split_once("://").map_or(self.request.url.as_str(), |(_, rest)| rest);
        let end = after_scheme.find(['/', '?']).unwrap_or(after_scheme.len());
        let (host, target) = after_scheme.split_at(end);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers: Vec<(String, String)> =
            self.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            headers.push(("Host".to_owned(), host.to_owned()));
        }
        let list = |name: &str| self.config.get(name).and_then(Value::as_array);
        let (allowed, denied) = (list("cookie_allowlist"), list("cookie_denylist"));
        if allowed.is_some() || denied.is_some() {
            let is_allowed = |pair: &&str| {
                let name = pair.split('=').next().unwrap_or_default().trim();
                let lists = |list: &Vec<Value>| list.iter().any(|listed| listed == name);
                allowed.is_none_or(lists) && !denied.is_some_and(lists)
            };
            for (name, value) in headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
                let kept: Vec<&str> = value.split(';').filter(is_allowed).map(str::trim).collect();
                (*name, *value) = ("Cookie".to_owned(), kept.join("; "));
            }
        }
        let mut variables = Vec::new();
        let custom = self.config.get("custom_variables").and_then(Value::as_object);
        for (name, value) in custom.into_iter().flatten() {
            variables.push((name.clone(), given(value)));
        }
        if let Some(geo) = self.config.get("geo") {
            variables.push(("GEO".to_owned(), given(geo)));
        }
        Facts {
            method: self.request.method.clone().unwrap_or_else(|| "GET".to_owned()),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: query.to_owned(),
            headers,
            remote_addr: self
                .config
                .get("remote_addr")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            variables,
            now: 1_700_000_000,
            seed: 1,
            ..Facts::default()
        }
    }

    /// Compiles and runs the document.
    pub fn run(&self) -> Outcome {
        let dialect = self.dialect();
        if !self.is_enabled() {
            return Outcome { body: Some(self.document().to_vec()), ..Outcome::default() };
        }
        let program = compile(self.document(), &dialect).program;
        self.run_program(&program, dialect)
    }

    /// Runs a program of the document.
    pub fn run_program(&self, program: &Program, dialect: Dialect) -> Outcome {
        let root = Root { program, document: self.document(), whole: true };
        let mut machine = Machine::new(Arc::new(dialect), self.facts(), &self.request.url);
        let (mut body, mut requested) = (Vec::new(), Vec::new());
        let failed = loop {
            match machine.advance(root, &mut body) {
                Step::Fetch(call) => {
                    let url = absolute(&call.base, &call.url);
                    let outcome = if self.may_fetch(&url) {
                        requested.push(url.clone());
                        self.fetch(&url)
                    } else {
                        Err(FetchFailure::Refused)
                    };
                    machine.fragment(call.id, outcome);
                }
                Step::Done | Step::Truncated => break false,
                Step::Failed | Step::Wait => break true,
            }
        };
        let answer = machine.answer();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Outcome {
            body: (!failed).then(|| answer.body().map_or(body, |body| body.to_vec())),
            status: answer.status(),
            headers: answer.headers().iter().map(|(n, v)| (n.to_string(), text(v.as_bytes()))).collect(),
            requested,
        }
    }

    /// The case as an origin and a visitor meet it; `None` where that is not all there is to it.
    pub fn sample(&self) -> Option<Sample> {
        let plain = self.config.is_empty()
            && matches!(self.dialect.as_str(), "w3c" | "akamai")
            && self.request.method.as_deref().is_none_or(|method| method == "GET")
            && self.fragments.iter().all(|(url, reply)| !url.ends_with('*') && reply.error.is_none())
            && !self.headers().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let outcome = self.run();
        let expected =
            outcome.body.filter(|_| plain && outcome.status.is_none() && outcome.headers.is_empty())?;
        let split = |url: &str| {
            let rest = url.strip_prefix("http://")?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (host, target) = rest.split_at(end);
            let sound =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
            let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
            (!host.is_empty() && host.bytes().all(sound)).then(|| (host.to_owned(), target))
        };
        let (host, target) = split(&self.request.url)?;
        let mut fragments = Vec::new();
        for url in &outcome.requested {
            let (host, target) = split(url)?;
            let fragment = self.fetch(url).ok()?;
            fragments.push(SampleFragment {
                host,
                target,
                status: fragment.status,
                headers: fragment.headers,
                body: fragment.body.to_vec(),
            });
        }
        Some(Sample {
            id: self.id.clone(),
            dialect: self.dialect.clone(),
            host,
            target,
            headers: self.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            document: self.document().to_vec(),
            fragments,
            expected,
        })
    }

    fn may_fetch(&self, url: &str) -> bool {
        let (host, own) = (authority(url), authority(&self.request.url));
        if let Some(allowed) = self.config.get("allowed_hosts").and_then(Value::as_array) {
            return allowed
                .iter()
                .any(|allowed| allowed.as_str().is_some_and(|allowed| authority(allowed) == host));
        }
        let name = hemstitch::site::host_of(host);
        name == hemstitch::site::host_of(own) || host_kind(name) == HostKind::Public
    }

    fn fetch(&self, url: &str) -> Result<Fragment, FetchFailure> {
        let wanted = with_path(url);
        let exact = self.fragments.iter().find(|(known, _)| with_path(known).replace(' ', "%20") == wanted);
        let found = exact.or_else(|| {
            self.fragments
                .iter()
                .find(|(known, _)| known.strip_suffix('*').is_some_and(|start| url.starts_with(start)))
        });
        let Some((_, reply)) = found else {
            return Ok(Fragment { status: 404, headers: Vec::new(), body: "Not found".into() });
        };
        if reply.error.is_some() {
            return Err(FetchFailure::Unreachable);
        }
        Ok(Fragment {
            status: reply.status.unwrap_or(200),
            headers: reply.headers.clone().into_iter().collect(),
            body: reply.body.clone().into(),
        })
    }
}

fn given(value: &Value) -> Given {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value.as_object() {
        Some(entries) => {
            Given::Dictionary(entries.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        }
        None => Given::Text(text(value)),
    }
}

/// `content="ESI/1.0"`, or less.
fn is_version_1(control: &str) -> bool {
    let version = control.split_once("ESI/").and_then(|(_, version)| version.split('"').next());
    version.and_then(|version| version.parse().ok()).is_some_and(|version: f64| version <= 1.0)
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

/// A URL without a path has the path `/`.
fn with_path(url: &str) -> String {
    let after = url.find("://").map_or(0, |at| at + 3);
    match url[after..].find(['/', '?']) {
        None => format!("{url}/"),
        Some(at) if url[after + at..].starts_with('?') => {
            format!("{}/{}", &url[..after + at], &url[after + at..])
        }
        Some(_) => url.to_owned(),
    }
}
