//! A page case: what the origin serves, who asks, and which bytes must come out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ask::Ask;
use super::case_files;
use super::gate::Gate;
use super::origin::TestOrigin;
use super::programs;
use super::publication::Publication;
use super::script::Script;
use super::site::TestSite;
use super::visitor::{Visitor, facts_token};

/// How a fragment fails.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    /// The connection ends without an answer.
    Refused,
    /// No answer comes.
    Timeout,
    /// The body ends before its length.
    Cut,
}

/// What the origin serves beside the page.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// A path of the page's host, or a whole URL.
    pub path: String,
    /// The status code.
    pub status: u16,
    /// The body, empty for one that fails before it.
    pub body: Vec<u8>,
    /// The content type.
    pub content_type: String,
    /// The way in which it fails, if it does.
    pub fail: Option<Failure>,
}

/// A folder of `tests/cases/page`.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder's path below `cases/page`, with `-` for `/`: the name of its site.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Content type of the page; `None` sends no such header.
    pub content_type: Option<String>,
    /// Further headers of the page's answer.
    pub headers: BTreeMap<String, String>,
    /// Path and query of the request.
    pub path: String,
    /// Headers of the request.
    pub request_headers: BTreeMap<String, String>,
    /// Claims about the visitor, `None` for an unknown one.
    pub visitor: Option<CaseVisitor>,
    /// Facts set by a token.
    pub facts: Option<Map<String, Value>>,
    /// What the origin serves beside the page.
    pub fragments: Vec<Fragment>,
    /// Whether the answer must be `private`, where the case says so.
    pub personal: Option<bool>,
    /// The page as authored.
    pub page: Vec<u8>,
    /// The ruleset, if one is published.
    pub ruleset: Option<String>,
    /// The page as it must arrive.
    pub expected: Vec<u8>,
}

/// What is known of the visitor of a case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseVisitor {
    /// Visits so far, at least one.
    pub visits: Option<u64>,
    /// Topics and their weights from 0 to 1.
    pub interests: BTreeMap<String, f64>,
    /// Whatever else.
    pub traits: BTreeMap<String, Value>,
}

impl Case {
    /// Every case on disk, in order of name.
    pub fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        case_files::collect(&programs::cases(), &mut |folder: &Path| cases.push(case_files::load(folder)));
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(!cases.is_empty(), "no case in {}", programs::cases().display());
        cases
    }

    /// A page that must pass unchanged, under a ruleset that names nothing in it.
    pub fn unchanged(name: &str, path: &str, page: Vec<u8>, ruleset: &Value) -> Case {
        Case {
            name: name.to_string(),
            about: "passes unchanged".to_string(),
            content_type: Some("text/html".to_string()),
            headers: BTreeMap::new(),
            path: path.to_string(),
            request_headers: BTreeMap::new(),
            visitor: Some(CaseVisitor::default()),
            facts: None,
            fragments: Vec::new(),
            personal: None,
            expected: page.clone(),
            page,
            ruleset: Some(ruleset.to_string()),
        }
    }

    /// The site that the case is, with its ruleset and the hosts that its fragments come from.
    ///
    /// Errs with the diagnostics when its ruleset has errors.
    pub fn site(&self) -> Result<TestSite, String> {
        let mut site = TestSite::new(&self.name);
        if let Some(ruleset) = &self.ruleset {
            site = site.published(&Publication::try_of(&self.name, 1, ruleset)?);
        }
        for fragment in &self.fragments {
            if let Some((host, _)) = absolute(&fragment.path) {
                site = site.fragment_host(host);
            }
        }
        Ok(site)
    }

    /// Gives the origin the page and the fragments. The ones that time out wait at a gate that nobody opens.
    pub fn put_on(&self, origin: &TestOrigin, site: &TestSite) {
        let headers = self.response_headers();
        let page = headers.iter().fold(Script::status(200), |page, (name, value)| page.header(name, value));
        origin.answer(&site.host, &self.path_at_origin(), page.body(self.page.clone()));
        for fragment in &self.fragments {
            let (host, path) = absolute(&fragment.path).unwrap_or((&site.host, &fragment.path));
            origin.answer(host, path, fragment.script());
        }
    }

    /// What the origin is asked for: parameters of ours never get there.
    pub fn path_at_origin(&self) -> String {
        match hemstitch::http::clean_target(&self.path) {
            (path, Some(query)) => format!("{path}?{query}"),
            (path, None) => path,
        }
    }

    /// The headers of the page's answer: it may be stored for ten minutes where the case says nothing else.
    pub(super) fn response_headers(&self) -> Vec<(String, String)> {
        let owned = |(name, value): (&String, &String)| (name.clone(), value.clone());
        let mut headers: Vec<(String, String)> = self.headers.iter().map(owned).collect();
        headers.extend(self.content_type.iter().map(|value| ("content-type".to_string(), value.clone())));
        if !self.headers.keys().any(|name| name.eq_ignore_ascii_case("cache-control")) {
            headers.push(("cache-control".to_string(), "max-age=600".to_string()));
        }
        headers
    }

    /// The headers of the request, with the tokens that the visitor carries.
    pub(super) fn request_headers_for(&self, site: &TestSite) -> Vec<(String, String)> {
        let owned = |(name, value): (&String, &String)| (name.clone(), value.clone());
        let mut headers: Vec<(String, String)> = self.request_headers.iter().map(owned).collect();
        if let Some(visitor) = &self.visitor {
            headers.push(("cookie".to_string(), visitor.visitor(&self.name).cookie(site)));
        }
        if let Some(facts) = &self.facts {
            headers.push(("hs-facts".to_string(), facts_token(site, &Value::Object(facts.clone()))));
        }
        headers
    }

    /// The request of the case.
    pub fn ask(&self, ask: Ask, site: &TestSite) -> Ask {
        let headers = self.request_headers_for(site);
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    }
}

impl CaseVisitor {
    /// The visitor that carries these claims.
    pub fn visitor(&self, id: &str) -> Visitor {
        let mut visitor = Visitor::new(id).visits(self.visits.unwrap_or(1));
        for (topic, weight) in &self.interests {
            visitor = visitor.interest(topic, *weight);
        }
        for (name, value) in &self.traits {
            visitor = visitor.known(name, value.clone());
        }
        visitor
    }
}

impl Fragment {
    /// Whether it answers for a host and path.
    pub(super) fn is_at(&self, host: &str, path: &str, case: &Case) -> bool {
        match absolute(&self.path) {
            Some(own) => own == (host, path),
            None => path == self.path && host == format!("{}.test", case.name),
        }
    }

    fn script(&self) -> Script {
        let answer = Script::status(self.status).header("content-type", &self.content_type);
        match self.fail {
            None => answer.body(self.body.clone()),
            Some(Failure::Refused) => Script::hang_up(),
            Some(Failure::Timeout) => Script::never(&Gate::default()),
            Some(Failure::Cut) => {
                let length = self.body.len() + 100;
                answer.header("content-length", &length.to_string()).send(self.body.clone()).cut()
            }
        }
    }
}

/// Host and path of a whole URL.
fn absolute(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    Some(rest.split_at(rest.find('/').unwrap_or(rest.len())))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_on_disk_can_be_read_and_has_a_name_of_its_own() {
        let cases = Case::all();
        let names: HashSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        for case in &cases {
            assert!(
                case.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                "{}",
                case.name
            );
        }
    }
}
