//! The token that shows a draft to one browser. `docs/formats/preview.md` is its description.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::capability::{Capability, CapabilityError, CapabilityToken, Claims};
use super::claims::NumericDate;
use super::jws::JwsError;
use super::keyring::Keyring;
use crate::facts::FORCED;
use crate::pack::PackHash;
use crate::time::UnixTime;

/// What is to be seen instead of what is live, until the token expires.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewToken {
    /// When it was issued.
    pub issued: UnixTime,
    /// When it ends: at this second it holds no longer.
    pub expires: UnixTime,
    /// The pack that decides. It is named by no pointer.
    pub draft: PackHash,
    /// The facts of a visitor who is made up, by name. `None`: the visitor is whoever looks.
    pub persona: Option<Map<String, Value>>,
    /// Variations that are shown, by experiment: a key, or a place counted from 0.
    pub variations: Map<String, Value>,
    /// The time that rules are told. `None`: the time it is.
    pub at: Option<UnixTime>,
}

/// Why a preview token is refused, or cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreviewTokenError {
    /// Not a preview token that holds here and now.
    #[error(transparent)]
    Capability(#[from] CapabilityError),
    /// No claim `draft`, or not 64 hexadecimal digits in lower case.
    #[error("the preview token names no draft")]
    NoDraft,
    /// A `persona` that is no object.
    #[error("the persona of the preview token is no object")]
    Persona,
    /// `variations` that are no object of keys or places.
    #[error("the variations of the preview token are no object of keys or places")]
    Variations,
    /// An `at` that is no time.
    #[error("the time of the preview token is none")]
    At,
}

impl PreviewToken {
    /// The name of the cookie that holds it. The prefix makes browsers refuse it from a subdomain, without `Secure`, or for
    /// a path.
    pub const COOKIE: &str = "__Host-hs-preview";
    /// Longest token, in bytes. It has to fit into a cookie beside that of the profile.
    pub const MAX_BYTES: usize = 3_072;

    /// What `token` shows, if it is a preview token for `audience` and holds now.
    // Few requests have one; what is cold is built small.
    #[cold]
    #[inline(never)]
    pub fn decode(
        token: &[u8],
        keyring: &Keyring,
        audience: &str,
        now: UnixTime,
    ) -> Result<Self, PreviewTokenError> {
        check_length(token.len())?;
        let mut claims = CapabilityToken::decode(token, Capability::Preview, keyring, audience, now)?;
        let draft = claims.private.get("draft").and_then(Value::as_str).and_then(PackHash::from_hex);
        let persona = match claims.private.remove("persona") {
            None => None,
            Some(Value::Object(persona)) => Some(persona),
            Some(_) => return Err(PreviewTokenError::Persona),
        };
        let variations = match claims.private.remove("variations") {
            None => Map::new(),
            Some(Value::Object(variations)) if variations.values().all(is_key_or_place) => variations,
            Some(_) => return Err(PreviewTokenError::Variations),
        };
        let at = claims.private.remove("at").map(NumericDate::deserialize).transpose();
        Ok(Self {
            issued: claims.issued,
            expires: claims.expires,
            draft: draft.ok_or(PreviewTokenError::NoDraft)?,
            persona,
            variations,
            at: at.map_err(|_| PreviewTokenError::At)?.map(|NumericDate(at)| at),
        })
    }

    /// The token for `audience`, signed with the key that signs when it is issued. Errs for what [`Self::decode`] would
    /// refuse, and as [`CapabilityToken::encode`] does.
    pub fn encode(&self, keyring: &Keyring, audience: &str) -> Result<String, PreviewTokenError> {
        if !self.variations.values().all(is_key_or_place) {
            return Err(PreviewTokenError::Variations);
        }
        let mut private = Map::new();
        private.insert("draft".to_owned(), self.draft.to_string().into());
        if let Some(persona) = &self.persona {
            private.insert("persona".to_owned(), persona.clone().into());
        }
        if !self.variations.is_empty() {
            private.insert("variations".to_owned(), self.variations.clone().into());
        }
        if let Some(at) = self.at {
            private.insert("at".to_owned(), at.0.into());
        }
        let claims = Claims { issued: self.issued, expires: self.expires, id: None, private };
        let token = CapabilityToken::encode(&claims, Capability::Preview, keyring, audience)?;
        check_length(token.len())?;
        Ok(token)
    }

    /// The facts that are stated, by name: those of the persona, and the variations.
    pub fn facts(&self) -> impl Iterator<Item = (String, Value)> + '_ {
        let persona = self.persona.iter().flatten().map(|(name, value)| (name.clone(), value.clone()));
        let forced = |(experiment, key): (&String, &Value)| ([FORCED, experiment].concat(), key.clone());
        persona.chain(self.variations.iter().map(forced))
    }
}

fn check_length(bytes: usize) -> Result<(), CapabilityError> {
    let limit = PreviewToken::MAX_BYTES;
    if bytes > limit { Err(JwsError::TooLong { bytes, limit }.into()) } else { Ok(()) }
}

fn is_key_or_place(value: &Value) -> bool {
    value.is_string() || value.is_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::forge::{NEW, keyring, token};
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn read(private: &Value) -> Result<PreviewToken, PreviewTokenError> {
        let mut claims = json!({"aud": "acme", "iat": NOW.0, "exp": NOW.0 + 60});
        let members = claims.as_object_mut().expect("an object");
        members.extend(private.as_object().expect("an object").clone());
        let token = token(r#"{"alg":"HS256","kid":"new","typ":"hs-preview+jwt"}"#, claims.to_string(), NEW);
        PreviewToken::decode(token.as_bytes(), &keyring(), "acme", NOW)
    }

    #[test]
    fn what_was_written_is_read_again() {
        let draft = PackHash::of(b"draft").to_string();
        for private in [
            json!({"draft": draft}),
            json!({"draft": draft, "persona": {}}),
            json!({"draft": draft, "persona": {"place.country": "DE", "trait.cart": [1, {"sku": "x"}]},
                "variations": {"price": "high", "hero": 1}, "at": 1_900_000_000}),
        ] {
            let read = read(&private).unwrap_or_else(|error| panic!("{private}: {error}"));
            let again = read.encode(&keyring(), "acme").expect("a token");
            assert_eq!(PreviewToken::decode(again.as_bytes(), &keyring(), "acme", NOW), Ok(read));
        }
    }

    #[test]
    fn what_is_shown_is_stated_in_full() {
        let draft = PackHash::of(b"draft").to_string();
        for (private, expect) in [
            (json!({}), PreviewTokenError::NoDraft),
            (json!({"draft": draft.to_uppercase()}), PreviewTokenError::NoDraft),
            (json!({"draft": "../pointer"}), PreviewTokenError::NoDraft),
            (json!({"draft": draft, "persona": ["DE"]}), PreviewTokenError::Persona),
            (json!({"draft": draft, "persona": null}), PreviewTokenError::Persona),
            (json!({"draft": draft, "variations": "high"}), PreviewTokenError::Variations),
            (json!({"draft": draft, "variations": {"price": ["high"]}}), PreviewTokenError::Variations),
            (json!({"draft": draft, "variations": {"price": -1}}), PreviewTokenError::Variations),
            (json!({"draft": draft, "at": "tomorrow"}), PreviewTokenError::At),
            (json!({"draft": draft, "at": null}), PreviewTokenError::At),
        ] {
            assert_eq!(read(&private).err(), Some(expect), "{private}");
        }
    }

    #[test]
    fn a_token_that_does_not_fit_into_a_cookie_is_neither_written_nor_read() {
        let draft = PackHash::of(b"draft");
        let private =
            |filler: usize| json!({"draft": draft.to_string(), "persona": {"trait.x": "y".repeat(filler)}});
        for (filler, fits) in [(1_900, true), (2_200, false)] {
            assert_eq!(read(&private(filler)).is_ok(), fits);
            let persona = private(filler)["persona"].as_object().cloned();
            let (issued, expires) = (NOW, NOW.plus_seconds(60));
            let token = PreviewToken { issued, expires, draft, persona, variations: Map::new(), at: None };
            assert_eq!(token.encode(&keyring(), "acme").is_ok(), fits);
        }
    }
}
