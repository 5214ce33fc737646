//! Visitors, and the tokens that they carry.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::jws::Jws;
use super::site::{Secrets, TestSite};

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// A visitor who was here before: the claims of a profile cookie.
#[derive(Clone, Debug)]
pub struct Visitor {
    claims: Map<String, Value>,
}

impl Visitor {
    /// One visit so far, which is still going on.
    pub fn new(id: &str) -> Visitor {
        let claims = json!({
            "sub": id, "iat": now() - 60, "exp": now() + 86_400, "v": 1, "fs": now() - 3_600, "ls": now() - 60,
        });
        match claims {
            Value::Object(claims) => Visitor { claims },
            _ => unreachable!("claims are an object"),
        }
    }

    /// So many visits.
    pub fn visits(self, visits: u64) -> Visitor {
        self.claim("v", json!(visits))
    }

    /// How much a topic interests them, from 0 to 1.
    pub fn interest(mut self, topic: &str, weight: f64) -> Visitor {
        let interests = self.claims.entry("in").or_insert_with(|| json!({}));
        interests[topic] = json!(weight);
        self
    }

    /// What else is known of them.
    pub fn known(mut self, name: &str, value: Value) -> Visitor {
        let traits = self.claims.entry("tr").or_insert_with(|| json!({}));
        traits[name] = value;
        self
    }

    /// Any claim, set or replaced.
    pub fn claim(mut self, name: &str, value: Value) -> Visitor {
        self.claims.insert(name.to_string(), value);
        self
    }

    /// Any claim, taken out.
    pub fn without_claim(mut self, name: &str) -> Visitor {
        self.claims.remove(name);
        self
    }

    /// The claims for a site, which is their audience unless another was set.
    pub fn claims(&self, site: &TestSite) -> Value {
        let mut claims = self.claims.clone();
        claims.entry("aud").or_insert_with(|| json!(site.name));
        Value::Object(claims)
    }

    /// The token for a site, under its newest key.
    pub fn token(&self, site: &TestSite) -> String {
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": Secrets::NEWEST });
        Jws::new(&header, &self.claims(site)).hs256(&site.secrets().secret("profile", Secrets::NEWEST))
    }

    /// The value of a `Cookie` header.
    pub fn cookie(&self, site: &TestSite) -> String {
        format!("__Host-hs={}", self.token(site))
    }
}

/// The value of an `hs-facts` header that overrides facts for a site.
pub fn facts_token(site: &TestSite, facts: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "hs-facts+jwt", "kid": Secrets::NEWEST });
    let claims = json!({ "aud": site.name, "iat": now() - 5, "exp": now() + 3_600, "facts": facts });
    Jws::new(&header, &claims).hs256(&site.secrets().secret("facts", Secrets::NEWEST))
}

/// A token that shows the draft of that hash, with these claims in addition.
pub fn preview_token(site: &TestSite, draft: &str, claims: &Value) -> String {
    let own = json!({ "draft": draft });
    token(site, "preview", [&own, claims])
}

/// A token that has pages explained.
pub fn explain_token(site: &TestSite) -> String {
    token(site, "explain", [&Value::Null, &Value::Null])
}

/// A token of that kind, under the key of that kind.
fn token(site: &TestSite, kind: &str, claims: [&Value; 2]) -> String {
    let header = json!({ "alg": "HS256", "typ": format!("hs-{kind}+jwt"), "kid": Secrets::NEWEST });
    let mut all = json!({ "aud": site.name, "iat": now() - 5, "exp": now() + 3_500 });
    for (name, value) in claims.into_iter().filter_map(Value::as_object).flatten() {
        all[name] = value.clone();
    }
    Jws::new(&header, &all).hs256(&site.secrets().secret(kind, Secrets::NEWEST))
}
