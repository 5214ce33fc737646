//! A rules case: a ruleset, personas who visit, and what each has to be shown, with the reasons.

use std::fs;

use hemstitch::facts::{Facts, Place, Sources};
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Pack, compile};
use hemstitch::ruleset::{Persona, Ruleset};
use hemstitch::time::UnixTime;
use hemstitch::token::{Keyring, ProfileCookie};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::programs;
use super::site::TestSite;
use super::visitor::now;

/// A file of `tests/cases/rules`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesCase {
    /// The file's name.
    #[serde(skip)]
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Ids that the kill switch turns off; no other case has them.
    #[serde(default)]
    pub off: Vec<String>,
    /// The ruleset.
    pub ruleset: Value,
    /// Who comes.
    pub visits: Vec<RulesVisit>,
}

/// A visit of a persona.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesVisit {
    /// Who they are, for people.
    pub who: String,
    /// Their facts.
    pub persona: Value,
    /// Path and query of the page.
    pub url: String,
    /// When: an instant with an offset, which is that of their clock unless the persona says otherwise.
    pub at: String,
    /// What they are shown, and why: gates and slots.
    pub expect: Value,
}

impl RulesCase {
    /// All of them.
    pub fn all() -> Vec<RulesCase> {
        let folder = programs::workspace().join("tests/cases/rules");
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut cases: Vec<RulesCase> = files
            .map(|file| {
                let path = file.expect("a file of the folder").path();
                let text = fs::read_to_string(&path).expect("a case can be read");
                let case: RulesCase =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
                RulesCase { name: format!("rules-{name}"), ..case }
            })
            .collect();
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(!cases.is_empty(), "{} is empty", folder.display());
        cases
    }

    /// Its site, where it is published.
    pub fn site(&self) -> TestSite {
        TestSite::new(&self.name).ruleset(&self.ruleset)
    }

    /// The bytes of its pack.
    pub fn pack(&self) -> Vec<u8> {
        compile(&self.rules()).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Its kill switch.
    pub fn switch(&self) -> String {
        if self.off.is_empty() { "on".to_owned() } else { format!("off:{}", self.off.join(",")) }
    }

    /// A page with all its slots, and an element for each of its edits: the selectors of cases are ids.
    pub fn page(&self) -> String {
        let slots = self.ruleset["slots"].as_object().into_iter().flat_map(Map::keys);
        let slots = slots.map(|name| format!("<div data-hs-slot=\"{name}\">as authored</div>"));
        let edits = self.ruleset["edits"].as_array().into_iter().flatten();
        let edits = edits.map(|edit| {
            let id = edit["selector"].as_str().unwrap_or_default().trim_start_matches('#');
            format!("<p id=\"{id}\">as authored</p>")
        });
        slots.chain(edits).collect()
    }

    /// What a visit is shown in-process.
    pub fn explain(&self, visit: &RulesVisit) -> Value {
        let (path, query) = visit.path_and_query();
        let (now, utc_offset_s) = visit.moment();
        let place = Place { utc_offset_s: Some(utc_offset_s), ..Place::default() };
        let host = format!("{}.test", self.name);
        let sources = Sources { place, host: &host, path, query, now, ..Sources::default() };
        let facts = self.persona(visit).facts(sources);
        let pack = Pack::open(self.pack()).expect("a pack that was just compiled opens");
        let switch = KillSwitch::parse(&self.switch()).expect("a setting");
        pack.visit_json(&pack.explain_visit(path, &facts, &switch))
    }

    /// The facts of a visit as a token may state them, its instant among them.
    pub fn facts(&self, visit: &RulesVisit) -> Value {
        let (now, utc_offset_s) = visit.moment();
        let nobody: Facts = Persona::nobody().facts(Sources::default());
        let mut facts = Map::new();
        facts.insert("time.now".to_owned(), now.0.into());
        facts.insert("place.utc_offset".to_owned(), utc_offset_s.into());
        facts.insert("visitor.id".to_owned(), nobody.profile().id.as_str().into());
        let of_profile = |name: &str| name.starts_with("shown.") || name.starts_with("bucket.");
        let stated = visit.persona.as_object().cloned().unwrap_or_default();
        facts.extend(stated.into_iter().filter(|(name, _)| !of_profile(name)));
        Value::Object(facts)
    }

    /// The profile cookie of a visit: what the persona keeps, in a visit that has just begun.
    pub fn cookie(&self, visit: &RulesVisit, site: &TestSite) -> String {
        let now = UnixTime(now());
        let facts = self.persona(visit).facts(Sources { now, ..Sources::default() });
        let keyring = Keyring::parse(site.secrets().keyring("profile").as_bytes()).expect("a keyring");
        let cookie = ProfileCookie::encode(facts.profile(), &keyring, &site.name, now).expect("a cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    fn rules(&self) -> Ruleset {
        let (ruleset, findings) = Ruleset::parse(&self.ruleset.to_string());
        ruleset.unwrap_or_else(|| panic!("{}: {findings:?}", self.name))
    }

    fn persona(&self, visit: &RulesVisit) -> Persona {
        let (persona, findings) = Persona::parse(&visit.persona.to_string(), &self.rules());
        persona.unwrap_or_else(|| panic!("{}, {}: {findings:?}", self.name, visit.who))
    }
}

impl RulesVisit {
    /// The path, and the query if there is one.
    pub fn path_and_query(&self) -> (&str, Option<&str>) {
        self.url.split_once('?').map_or((&self.url, None), |(path, query)| (path, Some(query)))
    }

    fn moment(&self) -> (UnixTime, i32) {
        UnixTime::parse(&self.at).unwrap_or_else(|| panic!("{} is no instant", self.at))
    }

    /// The arguments of the browser's `explain`, for a host.
    pub fn arguments(&self, host: &str, switch: &str) -> Value {
        let (path, query) = self.path_and_query();
        json!([self.persona.to_string(), host, path, query, self.at, switch])
    }
}
