//! Facts: what a rule may see of one request.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::http::form_decoded;
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
}

/// What a rule may see of one request. Names and meaning:
///
/// | fact | kind | meaning |
/// |---|---|---|
/// | `place.country`, `.region`, `.city`, `.continent` | text | see [`Place`] |
/// | `url.host`, `url.path` | text | configured host; path as sent |
/// | `url.query.NAME` | text | first value of a query parameter, decoded |
/// | `visitor.id` | text | the profile's id |
/// | `visitor.visits` | number | visits so far, this one included |
/// | `visitor.returning` | yes/no | whether there was a visit before this one |
/// | `interest.TOPIC` | number | affinity, 0 to 1 |
/// | `trait.NAME` | any | what the origin put into the profile |
#[derive(Clone, Debug)]
pub struct Facts {
    profile: Profile,
    place: Place,
    host: String,
    path: String,
    query: Vec<(String, String)>,
    overrides: BTreeMap<String, Value>,
}

impl Facts {
    /// The facts of a request. `query` is without hs_ parameters; `overrides` come from a verified facts token alone.
    pub fn new(
        profile: Profile,
        place: Place,
        host: &str,
        path: &str,
        query: Option<&str>,
        overrides: BTreeMap<String, Value>,
    ) -> Facts {
        let query = query.map(|query| form_pairs(query).collect()).unwrap_or_default();
        Facts { profile, place, host: host.to_owned(), path: path.to_owned(), query, overrides }
    }

    /// Facts that are stated outright, by name, as in a persona: a visitor that somebody makes up.
    pub fn from_json(stated: serde_json::Map<String, Value>) -> Facts {
        let nobody = Profile::new([0; 16], UnixTime(0));
        Facts::new(nobody, Place::default(), "", "", None, stated.into_iter().collect())
    }

    /// The fact of this name; `None` where it is missing.
    pub fn fact(&self, name: &str) -> Option<Fact<'_>> {
        if let Some(value) = self.overrides.get(name) {
            return Some(Fact::from_json(value));
        }
        let (kind, rest) = name.split_once('.')?;
        match kind {
            "place" => self.place(rest),
            "url" => self.url(rest),
            "visitor" => self.visitor(rest),
            "interest" => self.profile.interests.get(rest).map(|&affinity| Fact::Number(affinity)),
            "trait" => self.profile.traits.get(rest).map(Fact::from_json),
            _ => None,
        }
    }

    fn place(&self, name: &str) -> Option<Fact<'_>> {
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
                let (_, value) = self.query.iter().find(|(name, _)| name == wanted)?;
                Some(Fact::Text(value))
            }
        }
    }

    fn visitor(&self, name: &str) -> Option<Fact<'_>> {
        match name {
            "id" => Some(Fact::Text(self.profile.id.as_str())),
            "visits" => Some(Fact::Number(self.profile.visits.into())),
            "returning" => Some(Fact::Bool(self.profile.visits > 1)),
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
    use serde_json::json;

    use super::*;

    fn facts(overrides: &[(&str, Value)]) -> Facts {
        let mut profile = Profile::new([7; 16], UnixTime(1));
        profile.interests.insert("finance".into(), 0.75);
        profile.traits.insert("plan".into(), json!("gold"));
        let place = Place { country: "DE".into(), ..Place::default() };
        let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Facts::new(profile, place, "www.acme.test", "/a", Some("q=a%20b+c&q=2&bad=%zz&=x&e"), overrides)
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
}
