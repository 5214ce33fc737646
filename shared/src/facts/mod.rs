//! Facts: what a rule may see of one request. Each is looked up when a rule asks for it.

mod clock;
mod robots;
pub mod vocabulary;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ::http::{HeaderValue, header};
use serde_json::Value;

pub use vocabulary::VOCABULARY;

use clock::Clock;
use robots::is_robot;

use crate::http::{RequestHead, form_decoded};
use crate::profile::Profile;
use crate::time::UnixTime;

/// The value of one fact. The kinds are those of JSON, which rules are written in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact<'a> {
    /// Known to be nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(&'a str),
    /// An array or an object, never a scalar.
    Json(&'a Value),
}

/// What the names of facts begin with that force a variation; the experiment's key follows.
pub const FORCED: &str = "experiment.";

impl<'a> Fact<'a> {
    /// The fact that a JSON value states.
    pub fn from_json(value: &'a Value) -> Fact<'a> {
        match value {
            Value::Null => Fact::Null,
            Value::Bool(yes) => Fact::Bool(*yes),
            Value::Number(number) => Fact::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Fact::Text(text),
            Value::Array(_) | Value::Object(_) => Fact::Json(value),
        }
    }
}

/// Where a visitor is, by their address. What the platform does not know is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 alpha-2, in capitals: `DE`.
    pub country: String,
    /// The part of an ISO 3166-2 code after the country: `BY`.
    pub region: String,
    /// English name.
    pub city: String,
    /// Two letters: `EU`.
    pub continent: String,
    /// How far the clocks there are ahead of UTC, in seconds.
    pub utc_offset_s: Option<i32>,
}

/// What a rule may see of one request; [`VOCABULARY`] names and explains every fact.
#[derive(Clone, Debug)]
pub struct Facts {
    profile: Profile,
    place: Place,
    host: String,
    path: String,
    query: Vec<(String, String)>,
    request: Option<Arc<RequestHead>>,
    now: UnixTime,
    time_of_day: OnceLock<String>,
    overrides: BTreeMap<String, Value>,
}

/// What facts are made of.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    /// Where the visitor is.
    pub place: Place,
    /// The configured host of the page.
    pub host: &'a str,
    /// The path as in the request.
    pub path: &'a str,
    /// The query without hs_ parameters.
    pub query: Option<&'a str>,
    /// The request, for who says that they are asking.
    pub request: Option<Arc<RequestHead>>,
    /// The present instant.
    pub now: UnixTime,
    /// What a verified facts token states instead; nothing else may.
    pub overrides: BTreeMap<String, Value>,
}

impl Facts {
    /// The facts of a request.
    pub fn new(profile: Profile, sources: Sources<'_>) -> Facts {
        let Sources { place, host, path, query, request, now, overrides } = sources;
        let query = query.map(|query| form_pairs(query).collect()).unwrap_or_default();
        let (host, path) = (host.to_owned(), path.to_owned());
        let time_of_day = OnceLock::new();
        Facts { profile, place, host, path, query, request, now, time_of_day, overrides }
    }

    /// Facts that are stated outright, by name, as in a persona: a visitor that somebody makes up.
    pub fn from_json(stated: serde_json::Map<String, Value>, now: UnixTime) -> Facts {
        let nobody = Profile::new([0; 16], now);
        Facts::new(nobody, Sources { now, overrides: stated.into_iter().collect(), ..Sources::default() })
    }

    /// Of whom they are.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The present instant.
    pub fn now(&self) -> UnixTime {
        self.now
    }

    /// The variation of an experiment that a token forces, by its key or its place.
    pub(crate) fn forced(&self, experiment: &str) -> Option<Fact<'_>> {
        let name = [FORCED, experiment].concat();
        self.overrides.get(&name).map(Fact::from_json)
    }

    /// The fact of this name; `None` where it is missing.
    pub fn fact(&self, name: &str) -> Option<Fact<'_>> {
        if let Some(stated) = self.stated(name) {
            return Some(stated);
        }
        let (kind, rest) = name.split_once('.')?;
        match kind {
            "place" => self.place(rest),
            "url" => self.url(rest),
            "visitor" => self.visitor(rest),
            "interest" => self.profile.interests.get(rest).map(|&affinity| Fact::Number(affinity)),
            "trait" => self.profile.traits.get(rest).map(Fact::from_json),
            "time" => self.time(rest),
            "campaign" => self.campaign(rest),
            "device" => self.device(rest),
            _ => None,
        }
    }

    fn time(&self, name: &str) -> Option<Fact<'_>> {
        let clock = self.clock();
        match name {
            "now" => Some(Fact::Number(self.now.0 as f64)),
            "local" => Some(Fact::Text(self.time_of_day.get_or_init(|| clock.of_day()))),
            "weekday" => Some(Fact::Text(clock.weekday())),
            "of_week" => Some(Fact::Number(clock.of_week().into())),
            _ => None,
        }
    }

    /// The visitor's clock; what is stated of the instant and the place counts for it, too.
    fn clock(&self) -> Clock {
        let number = |name| match self.stated(name) {
            Some(Fact::Number(number)) => Some(number),
            _ => None,
        };
        let now = number("time.now").map_or(self.now, |now| UnixTime(now as u64));
        let offset = number("place.utc_offset").map(|offset| offset as i32);
        Clock::new(now, offset.or(self.place.utc_offset_s).unwrap_or(0))
    }

    fn stated(&self, name: &str) -> Option<Fact<'_>> {
        self.overrides.get(name).map(Fact::from_json)
    }

    fn campaign(&self, name: &str) -> Option<Fact<'_>> {
        let parameter = match name {
            "source" => "utm_source",
            "medium" => "utm_medium",
            "name" => "utm_campaign",
            "term" => "utm_term",
            "content" => "utm_content",
            _ => return None,
        };
        self.parameter(parameter)
    }

    fn device(&self, name: &str) -> Option<Fact<'_>> {
        let headers = self.request.as_ref().map(|request| &request.headers);
        let user_agent = headers.and_then(|headers| headers.get(&header::USER_AGENT));
        (name == "bot")
            .then(|| Fact::Bool(is_robot(user_agent.map(HeaderValue::as_bytes).unwrap_or_default())))
    }

    fn place(&self, name: &str) -> Option<Fact<'_>> {
        if name == "utc_offset" {
            return self.place.utc_offset_s.map(|offset| Fact::Number(offset.into()));
        }
        let value = match name {
            "country" => &self.place.country,
            "region" => &self.place.region,
            "city" => &self.place.city,
            "continent" => &self.place.continent,
            _ => return None,
        };
        (!value.is_empty()).then_some(Fact::Text(value))
    }

    fn url(&self, name: &str) -> Option<Fact<'_>> {
        match name {
            "host" => Some(Fact::Text(&self.host)),
            "path" => Some(Fact::Text(&self.path)),
            _ => {
                let wanted = name.strip_prefix("query.")?;
                self.parameter(wanted)
            }
        }
    }

    fn parameter(&self, wanted: &str) -> Option<Fact<'_>> {
        if let Some(stated) = self.stated(&["url.query.", wanted].concat()) {
            return Some(stated);
        }
        let (_, value) = self.query.iter().find(|(name, _)| name == wanted)?;
        Some(Fact::Text(value))
    }

    fn visitor(&self, name: &str) -> Option<Fact<'_>> {
        match name {
            "id" => Some(Fact::Text(self.profile.id.as_str())),
            "visits" => Some(Fact::Number(self.profile.visits.into())),
            "returning" => match self.fact("visitor.visits") {
                Some(Fact::Number(visits)) => Some(Fact::Bool(visits > 1.0)),
                _ => None,
            },
            "days_since_first" => {
                Some(Fact::Number((self.now.seconds_since(self.profile.first_seen) / 86_400) as f64))
            }
            _ => None,
        }
    }
}

/// Name and value of each parameter (WHATWG URL Standard, application/x-www-form-urlencoded parsing).
fn form_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decoded(name), form_decoded(value))
    })
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, Method};
    use serde_json::json;

    use super::*;

    fn facts(overrides: &[(&str, Value)]) -> Facts {
        let mut profile = Profile::new([7; 16], UnixTime(1));
        profile.interests.insert("finance".into(), 0.75);
        profile.traits.insert("plan".into(), json!("gold"));
        let place = Place { country: "DE".into(), utc_offset_s: Some(3_600), ..Place::default() };
        let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let query = Some("q=a%20b+c&q=2&bad=%zz&=x&e&utm_campaign=autumn");
        let now = UnixTime(1_795_822_200);
        let headers = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static("Googlebot/2.1"))]);
        let request = RequestHead {
            method: Method::GET,
            host: "www.acme.test".into(),
            path_and_query: "/a".into(),
            headers: headers.into(),
        };
        let request = Some(Arc::new(request));
        let sources = Sources { place, host: "www.acme.test", path: "/a", query, request, now, overrides };
        Facts::new(profile, sources)
    }

    #[test]
    fn facts_come_from_where_their_name_says() {
        for (name, expect) in [
            ("place.country", Some(Fact::Text("DE"))),
            ("place.city", None),
            ("place.planet", None),
            ("url.host", Some(Fact::Text("www.acme.test"))),
            ("url.path", Some(Fact::Text("/a"))),
            ("url.query.q", Some(Fact::Text("a b c"))),
            ("url.query.bad", Some(Fact::Text("%zz"))),
            ("url.query.e", Some(Fact::Text(""))),
            ("url.query.none", None),
            ("visitor.visits", Some(Fact::Number(1.0))),
            ("visitor.returning", Some(Fact::Bool(false))),
            ("visitor.days_since_first", Some(Fact::Number(20784.0))),
            ("campaign.name", Some(Fact::Text("autumn"))),
            ("campaign.source", None),
            ("device.bot", Some(Fact::Bool(true))),
            ("time.local", Some(Fact::Text("00:30:00"))),
            ("time.weekday", Some(Fact::Text("sat"))),
            ("place.utc_offset", Some(Fact::Number(3600.0))),
            ("interest.finance", Some(Fact::Number(0.75))),
            ("interest.sport", None),
            ("trait.plan", Some(Fact::Text("gold"))),
            ("country", None),
            ("", None),
        ] {
            assert_eq!(facts(&[]).fact(name), expect, "{name}");
        }
    }

    #[test]
    fn a_facts_token_overrides_any_fact() {
        let facts =
            facts(&[("place.country", json!("FR")), ("visitor.returning", json!(true)), ("x", json!(null))]);
        assert_eq!(facts.fact("place.country"), Some(Fact::Text("FR")));
        assert_eq!(facts.fact("visitor.returning"), Some(Fact::Bool(true)));
        assert_eq!(facts.fact("x"), Some(Fact::Null));
    }

    #[test]
    fn what_follows_from_a_stated_fact_follows_from_what_was_stated() {
        let facts = facts(&[
            ("visitor.visits", json!(3)),
            ("time.now", json!(1_795_822_200 + 86_400)),
            ("place.utc_offset", json!(-3_600)),
            ("url.query.utm_source", json!("letter")),
            ("url.query.utm_campaign", json!(null)),
        ]);
        for (name, expect) in [
            ("visitor.returning", Fact::Bool(true)),
            ("time.weekday", Fact::Text("sat")),
            ("time.local", Fact::Text("22:30:00")),
            ("campaign.source", Fact::Text("letter")),
            ("campaign.name", Fact::Null),
        ] {
            assert_eq!(facts.fact(name), Some(expect), "{name}");
        }
    }
}
