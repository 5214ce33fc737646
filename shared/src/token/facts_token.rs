//! The token that replaces facts of a request: the only way to do so, and a header or parameter alone never is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::capability::{Capability, CapabilityError, CapabilityToken, Claims};
use super::keyring::Keyring;
use crate::time::UnixTime;

/// Facts that stand in for those of the request, until the token expires.
#[derive(Clone, Debug, PartialEq)]
pub struct FactsToken {
    /// When it was issued.
    pub issued: UnixTime,
    /// When it ends: at this second it holds no longer.
    pub expires: UnixTime,
    /// By name of the fact. Invariant of a decoded one: at most [`Self::MAX_FACTS`], names of
    /// 1..=[`Self::MAX_NAME_BYTES`] bytes, values that are null (the fact is missing), booleans, numbers or strings.
    pub facts: BTreeMap<String, Value>,
}

/// Why a facts token is refused, or cannot be written. It is a tool's, so it is refused whole for one bad fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactsTokenError {
    /// Not a facts token that holds here and now.
    #[error(transparent)]
    Capability(#[from] CapabilityError),
    /// No claim `facts`, or not an object.
    #[error("the facts token has no facts")]
    NoFacts,
    /// More facts than a token may carry.
    #[error("the facts token has {count} facts, more than {}", FactsToken::MAX_FACTS)]
    TooMany {
        /// How many.
        count: usize,
    },
    /// An empty or overlong name.
    #[error("a fact's name has 1 to {} bytes, not {bytes}", FactsToken::MAX_NAME_BYTES)]
    Name {
        /// Its length.
        bytes: usize,
    },
    /// A value that is an array or an object.
    #[error("the fact `{name}` is not a scalar")]
    NotScalar {
        /// The fact.
        name: String,
    },
}

impl FactsToken {
    /// Most facts in a token.
    pub const MAX_FACTS: usize = 64;
    /// Longest name of a fact, in bytes: a prefix such as `interest.`, and the longest name it can precede.
    pub const MAX_NAME_BYTES: usize = 128;

    /// The facts of `token`, if it is a facts token for `audience` and holds now.
    pub fn decode(
        token: &[u8],
        keyring: &Keyring,
        audience: &str,
        now: UnixTime,
    ) -> Result<Self, FactsTokenError> {
        let mut claims = CapabilityToken::decode(token, Capability::Facts, keyring, audience, now)?;
        let Some(Value::Object(facts)) = claims.private.remove("facts") else {
            return Err(FactsTokenError::NoFacts);
        };
        let mut stated = BTreeMap::new();
        stated.extend(facts);
        let facts = stated;
        check(&facts)?;
        Ok(Self { issued: claims.issued, expires: claims.expires, facts })
    }

    /// The token for `audience`, signed with the newest key. Errs for facts that [`Self::decode`] would refuse, and
    /// as [`CapabilityToken::encode`] does.
    pub fn encode(&self, keyring: &Keyring, audience: &str) -> Result<String, FactsTokenError> {
        check(&self.facts)?;
        let facts = self.facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let private = Map::from_iter([("facts".to_owned(), Value::Object(facts))]);
        let claims = Claims { issued: self.issued, expires: self.expires, id: None, private };
        Ok(CapabilityToken::encode(&claims, Capability::Facts, keyring, audience)?)
    }
}

fn check(facts: &BTreeMap<String, Value>) -> Result<(), FactsTokenError> {
    if facts.len() > FactsToken::MAX_FACTS {
        return Err(FactsTokenError::TooMany { count: facts.len() });
    }
    for (name, value) in facts {
        if !(1..=FactsToken::MAX_NAME_BYTES).contains(&name.len()) {
            return Err(FactsTokenError::Name { bytes: name.len() });
        }
        if value.is_array() || value.is_object() {
            return Err(FactsTokenError::NotScalar { name: name.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::forge::{NEW, keyring, token};
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn check(facts: &Value, expect: Result<(), FactsTokenError>) {
        let claims = json!({"aud": "acme", "iat": NOW.0, "exp": NOW.0 + 60, "facts": facts}).to_string();
        let token = token(r#"{"alg":"HS256","kid":"new","typ":"hs-facts+jwt"}"#, claims, NEW);
        let read = FactsToken::decode(token.as_bytes(), &keyring(), "acme", NOW);
        assert_eq!(read.as_ref().map(|_| ()), expect.as_ref().map(|_| ()), "{facts}");
        if let Ok(read) = read {
            assert_eq!(read.encode(&keyring(), "acme").is_ok(), expect.is_ok());
            assert_eq!(Value::Object(read.facts.into_iter().collect()), *facts);
        } else if let Value::Object(facts) = facts {
            let unread = FactsToken { issued: NOW, expires: NOW, facts: facts.clone().into_iter().collect() };
            assert_eq!(unread.encode(&keyring(), "acme").err(), expect.err());
        }
    }

    #[test]
    fn facts_are_a_bounded_map_of_scalars() {
        let (longest, too_long) = ("n".repeat(128), "n".repeat(129));
        let many = |count: usize| Value::Object((0..count).map(|n| (n.to_string(), Value::Null)).collect());
        check(&json!({}), Ok(()));
        check(
            &json!({"place.country": "DE", "visitor.visits": 7, "trait.vip": true, "place.city": null}),
            Ok(()),
        );
        check(&json!({ longest: 0.5 }), Ok(()));
        check(&many(64), Ok(()));
        check(&many(65), Err(FactsTokenError::TooMany { count: 65 }));
        check(&json!({ too_long: 1 }), Err(FactsTokenError::Name { bytes: 129 }));
        check(&json!({"": 1}), Err(FactsTokenError::Name { bytes: 0 }));
        check(&json!({"a": [1]}), Err(FactsTokenError::NotScalar { name: "a".into() }));
        check(&json!({"a": {}}), Err(FactsTokenError::NotScalar { name: "a".into() }));
        for facts in [json!([]), json!(null), json!("place.country=DE")] {
            check(&facts, Err(FactsTokenError::NoFacts));
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let facts =
            BTreeMap::from([("place.country".to_owned(), "FR".into()), ("url.path".to_owned(), "/é".into())]);
        let written = FactsToken { issued: NOW, expires: NOW.plus_seconds(86_400), facts };
        let token = written.encode(&keyring(), "acme").unwrap();
        assert_eq!(FactsToken::decode(token.as_bytes(), &keyring(), "acme", NOW), Ok(written));
    }
}
