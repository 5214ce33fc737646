//! Visitors to become: what their browsers hold, a profile cookie or a facts token.

use hemstitch::profile::{Profile, VisitorId, VisitorIdError};
use hemstitch::time::UnixTime;
use hemstitch::token::FactsToken;
use serde_json::Value;

/// How long a persona lasts: as long as a facts token may.
pub const DAY_S: u64 = 24 * 60 * 60;

/// Somebody to become.
pub struct Persona {
    /// By which they are told apart in a URL.
    pub name: &'static str,
    /// Who they are.
    pub title: &'static str,
    /// What is known of them, and what it changes.
    pub about: &'static str,
    /// The page on which they are told from others, where that is one alone.
    pub page: Option<&'static str>,
    knows: Knows,
}

/// What tells an edge who somebody is.
enum Knows {
    /// Nothing: the edge makes a new profile.
    Nothing,
    /// A profile of so many visits, with one interest and perhaps a plan.
    Profile { visits: u32, interest: &'static str, plan: Option<&'static str> },
    /// Facts in place of the request's.
    Facts(&'static [(&'static str, Fact)]),
}

enum Fact {
    Text(&'static str),
    Number(u32),
}

impl Fact {
    fn json(&self) -> Value {
        match self {
            Fact::Text(text) => (*text).into(),
            Fact::Number(number) => (*number).into(),
        }
    }
}

const SATURDAY_NOON_S: u32 = (5 * 24 + 12) * 60 * 60;

/// Everybody, in the order in which they are offered.
pub const PERSONAS: [Persona; 12] = [
    Persona {
        name: "stranger",
        title: "A stranger",
        about: "A first visit, nothing is known",
        page: None,
        knows: Knows::Nothing,
    },
    Persona {
        name: "money",
        title: "Back again, for money",
        about: "Three visits and a topic, in a signed cookie",
        page: None,
        knows: Knows::Profile { visits: 3, interest: "finance", plan: None },
    },
    Persona {
        name: "travel",
        title: "Often here, for travel",
        about: "Six visits: articles end with an invitation",
        page: None,
        knows: Knows::Profile { visits: 6, interest: "travel", plan: None },
    },
    Persona {
        name: "subscriber",
        title: "A subscriber",
        about: "No counting of articles, nothing to sell",
        page: None,
        knows: Knows::Profile { visits: 24, interest: "home", plan: Some("reader") },
    },
    Persona {
        name: "munich",
        title: "In Munich",
        about: "By place: a front page in German",
        page: None,
        knows: Knows::Facts(&[("place.country", Fact::Text("DE")), ("place.city", Fact::Text("Munich"))]),
    },
    Persona {
        name: "london",
        title: "In London",
        about: "By place: prices in pounds",
        page: Some("/pricing"),
        knows: Knows::Facts(&[("place.country", Fact::Text("GB")), ("place.city", Fact::Text("London"))]),
    },
    Persona {
        name: "new-york",
        title: "In New York",
        about: "By place: prices in dollars",
        page: Some("/pricing"),
        knows: Knows::Facts(&[("place.country", Fact::Text("US")), ("place.city", Fact::Text("New York"))]),
    },
    Persona {
        name: "sydney",
        title: "In Sydney",
        about: "By a gate: no way to sign up yet",
        page: Some("/join"),
        knows: Knows::Facts(&[("place.country", Fact::Text("AU")), ("place.city", Fact::Text("Sydney"))]),
    },
    Persona {
        name: "autumn",
        title: "From a newsletter",
        about: "By campaign: the offer on every page",
        page: None,
        knows: Knows::Facts(&[("campaign.name", Fact::Text("autumn"))]),
    },
    Persona {
        name: "saturday",
        title: "On a Saturday",
        about: "By schedule: the weekend’s notice",
        page: None,
        knows: Knows::Facts(&[("time.of_week", Fact::Number(SATURDAY_NOON_S))]),
    },
    Persona {
        name: "test-ledger",
        title: "In a test, variation 2",
        about: "By lot: invited to the Ledger",
        page: None,
        knows: Knows::Facts(&[("visitor.id", Fact::Text("reader-2"))]),
    },
    Persona {
        name: "test-briefing",
        title: "In a test, variation 3",
        about: "By lot: invited to the briefing",
        page: None,
        knows: Knows::Facts(&[("visitor.id", Fact::Text("reader-3"))]),
    },
];

/// The persona of that name.
pub fn persona(name: &str) -> Option<&'static Persona> {
    PERSONAS.iter().find(|persona| persona.name == name)
}

impl Persona {
    /// The profile in their cookie, if they have one.
    pub fn profile(&self, now: UnixTime) -> Result<Option<Profile>, VisitorIdError> {
        let Knows::Profile { visits, interest, plan } = &self.knows else { return Ok(None) };
        let mut profile = Profile::new([0; 16], now);
        profile.id = VisitorId::parse(&format!("demo-{}", self.name))?;
        profile.visits = *visits;
        profile.first_seen = UnixTime(now.0.saturating_sub(30 * DAY_S));
        profile.interests.insert((*interest).to_owned(), 0.8);
        profile.traits.extend(plan.map(|plan| ("plan".to_owned(), Value::from(plan))));
        Ok(Some(profile))
    }

    /// The facts in their token, if they have one. Their id is the same wherever they go, so that they stay in the same part
    /// of an experiment.
    pub fn token(&self, now: UnixTime) -> Option<FactsToken> {
        let Knows::Facts(facts) = &self.knows else { return None };
        let id = ("visitor.id".to_owned(), Value::from(format!("demo-{}", self.name)));
        let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), value.json()));
        let facts = std::iter::once(id).chain(facts).collect();
        Some(FactsToken { issued: now, expires: now.plus_seconds(DAY_S), facts })
    }
}
