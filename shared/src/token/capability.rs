//! Capability tokens: short-lived permissions of tools and operators, one kind per purpose.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claims::{Audience, ClaimsError, NumericDate, Registered};
use super::json::{self, UniqueMembers};
use super::jws::{self, JwsError, Typ};
use super::keyring::Keyring;
use crate::time::UnixTime;

/// What a token permits. Each kind has its own `typ`, so that none is ever taken for another, and none for a
/// profile cookie, not even under the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// To see a ruleset that is not published.
    Preview,
    /// To be told why a page looks as it does.
    Explain,
    /// To replace facts of a request (see [`super::FactsToken`]).
    Facts,
    /// To operate a site: publish, and see what each edge holds.
    Operator,
    /// To read what a site has published, where it is recorded: an edge's.
    Edge,
}

impl Capability {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Preview, Self::Explain, Self::Facts, Self::Operator, Self::Edge];

    /// The `typ` of this kind's tokens (RFC 8725 §3.11).
    #[must_use]
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Preview => "hs-preview+jwt",
            Self::Explain => "hs-explain+jwt",
            Self::Facts => "hs-facts+jwt",
            Self::Operator => "hs-operator+jwt",
            Self::Edge => "hs-edge+jwt",
        }
    }

    /// Most seconds that may lie between a token's `iat` and its `exp`.
    #[must_use]
    pub const fn max_lifetime_s(self) -> u64 {
        match self {
            Self::Preview | Self::Facts => 24 * 60 * 60,
            Self::Explain | Self::Operator | Self::Edge => 60 * 60,
        }
    }
}

/// What a capability token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// When it was issued.
    pub issued: UnixTime,
    /// When it ends: at this second it holds no longer.
    pub expires: UnixTime,
    /// `jti`, by which one token can be told from another, and refused when it comes again.
    pub id: Option<String>,
    /// All other claims, as they stand. Invariant of decoded claims: no registered name that has a field here, and
    /// neither `aud` nor `nbf`.
    pub private: Map<String, Value>,
}

/// Why a capability token is refused, or cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityError {
    /// Not a token of ours, or of another kind.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// A token of ours that does not hold here and now.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// A private claim with the name of a registered one.
    #[error("the claim `{name}` is not private")]
    Reserved {
        /// The name.
        name: String,
    },
}

/// Capability tokens, read and written. It has no state of its own.
pub struct CapabilityToken;

#[derive(Serialize)]
struct Written<'a> {
    aud: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(flatten)]
    private: &'a Map<String, Value>,
}

impl CapabilityToken {
    /// Longest token, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// What `token` says, if it is of kind `capability`, for `audience`, and holds now. `keyring` is that of this
    /// one kind.
    // Once in an edge, and not once for each kind: few requests have a token, and size is what all of them pay.
    #[inline(never)]
    pub fn decode(
        token: &[u8],
        capability: Capability,
        keyring: &Keyring,
        audience: &str,
        now: UnixTime,
    ) -> Result<Claims, CapabilityError> {
        let opened = jws::open(token, Typ::Required(capability.typ()), keyring, Self::MAX_BYTES, now)?;
        let UniqueMembers(mut private) = json::object(&opened.payload).ok_or(ClaimsError::Malformed)?;
        let (aud, id) = (private.remove("aud"), private.remove("jti"));
        let (exp, iat, nbf) = (private.remove("exp"), private.remove("iat"), private.remove("nbf"));
        let registered = Registered {
            aud: aud.as_ref().map(Audience::deserialize).transpose().map_err(|_| ClaimsError::Malformed)?,
            exp: date(exp)?,
            iat: date(iat)?,
            nbf: date(nbf)?,
        };
        let expires = registered.check(audience, now)?;
        let NumericDate(issued) = registered.iat.ok_or(ClaimsError::NoIssueTime)?;
        check_lifetime(capability, issued, expires)?;
        let id = match id {
            None => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(ClaimsError::Malformed.into()),
        };
        Ok(Claims { issued, expires, id, private })
    }

    /// The token of `claims` for `audience`, signed with the newest key. Same arguments, same bytes.
    ///
    /// Errs when it would live longer than its kind may or not at all, be longer than [`Self::MAX_BYTES`], or when
    /// a private claim has a registered name.
    pub fn encode(
        claims: &Claims,
        capability: Capability,
        keyring: &Keyring,
        audience: &str,
    ) -> Result<String, CapabilityError> {
        const REGISTERED: [&str; 5] = ["aud", "exp", "iat", "jti", "nbf"];
        if let Some(name) = REGISTERED.into_iter().find(|name| claims.private.contains_key(*name)) {
            return Err(CapabilityError::Reserved { name: name.to_owned() });
        }
        if claims.expires <= claims.issued {
            return Err(ClaimsError::Expired { at: claims.expires }.into());
        }
        check_lifetime(capability, claims.issued, claims.expires)?;
        let written = Written {
            aud: audience,
            iat: claims.issued.0,
            exp: claims.expires.0,
            jti: claims.id.as_deref(),
            private: &claims.private,
        };
        let token = jws::seal(&written, capability.typ(), keyring, claims.issued)?;
        if token.len() > Self::MAX_BYTES {
            return Err(JwsError::TooLong { bytes: token.len(), limit: Self::MAX_BYTES }.into());
        }
        Ok(token)
    }
}

fn date(claim: Option<Value>) -> Result<Option<NumericDate>, ClaimsError> {
    claim.map(NumericDate::deserialize).transpose().map_err(|_| ClaimsError::Malformed)
}

fn check_lifetime(capability: Capability, issued: UnixTime, expires: UnixTime) -> Result<(), ClaimsError> {
    let (seconds, limit_s) = (expires.seconds_since(issued), capability.max_lifetime_s());
    if seconds > limit_s { Err(ClaimsError::Lifetime { seconds, limit_s }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::forge::{FOREIGN, NEW, keyring, token};
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn preview(claims: &str) -> Result<Claims, CapabilityError> {
        let token = token(r#"{"alg":"HS256","kid":"new","typ":"HS-Preview+jwt"}"#, claims, NEW);
        CapabilityToken::decode(token.as_bytes(), Capability::Preview, &keyring(), "acme", NOW)
    }

    fn claims(capability: Capability) -> Claims {
        let Value::Object(private) = json!({"sub": "editor", "draft": {"n": [1, null]}}) else {
            unreachable!()
        };
        let expires = NOW.plus_seconds(capability.max_lifetime_s());
        Claims { issued: NOW, expires, id: Some("7f".into()), private }
    }

    #[test]
    fn what_was_written_is_read_again_until_it_expires() {
        for capability in Capability::ALL {
            let claims = claims(capability);
            let token = CapabilityToken::encode(&claims, capability, &keyring(), "acme").unwrap();
            let read = |now| {
                CapabilityToken::decode(token.as_bytes(), capability, &keyring(), "acme", now)
                    .map_err(|e| e.to_string())
            };
            assert_eq!(read(NOW), Ok(claims.clone()));
            assert_eq!(read(UnixTime(claims.expires.0 - 1)), Ok(claims.clone()));
            assert_eq!(read(claims.expires), Err(format!("the token expired at {}", claims.expires.0)));
        }
    }

    #[test]
    fn a_capability_that_does_not_hold_here_and_now_is_refused() {
        let lifetime = ClaimsError::Lifetime { seconds: 86_401, limit_s: 86_400 };
        let future = ClaimsError::IssuedInFuture { at: UnixTime(1_800_000_061) };
        let cases = [
            (r#""aud":"acme","iat":1800000000,"exp":1800000001"#, None),
            (r#""aud":["acme"],"iat":1799999999.5,"exp":1.80000001e9"#, None),
            (r#""aud":"acme","iat":1800000060,"exp":1800086460"#, None),
            (r#""aud":"acme","iat":1800000000,"exp":1800086401"#, Some(lifetime)),
            (r#""aud":"acme","iat":1800000061,"exp":1800000100"#, Some(future)),
            (r#""aud":"acme","exp":1800000001"#, Some(ClaimsError::NoIssueTime)),
            (r#""aud":"acme","iat":1800000000"#, Some(ClaimsError::NoExpiry)),
            (r#""aud":"acme","iat":1799999000,"exp":1800000000"#, Some(ClaimsError::Expired { at: NOW })),
            (r#""aud":"other","iat":1800000000,"exp":1800000001"#, Some(ClaimsError::Audience)),
            (r#""iat":1800000000,"exp":1800000001"#, Some(ClaimsError::Audience)),
            (r#""aud":{},"iat":1800000000,"exp":1800000001"#, Some(ClaimsError::Malformed)),
            (r#""aud":"acme","iat":null,"exp":1800000001"#, Some(ClaimsError::Malformed)),
            (r#""aud":"acme","iat":1800000000,"exp":1800000001,"jti":7"#, Some(ClaimsError::Malformed)),
            (r#""aud":"acme","iat":1800000000,"exp":1800000001,"x":1,"x":1"#, Some(ClaimsError::Malformed)),
        ];
        for (claims, error) in cases {
            assert_eq!(
                preview(&format!("{{{claims}}}")).err(),
                error.map(CapabilityError::Claims),
                "{claims}"
            );
        }
    }

    #[test]
    fn another_key_is_refused() {
        let header = r#"{"alg":"HS256","kid":"new","typ":"hs-operator+jwt"}"#;
        let token = token(header, r#"{"aud":"acme","iat":1800000000,"exp":1800000001}"#, FOREIGN);
        let read = CapabilityToken::decode(token.as_bytes(), Capability::Operator, &keyring(), "acme", NOW);
        assert_eq!(read, Err(JwsError::Signature.into()));
    }

    #[test]
    fn a_token_that_would_be_refused_is_not_written() {
        type Spoil = fn(&mut Claims);
        let cases: [(Spoil, &str); 4] = [
            (
                |claims| claims.expires = claims.expires.plus_seconds(1),
                "the token lives 86401 s, more than 86400",
            ),
            (|claims| claims.expires = claims.issued, "the token expired at 1800000000"),
            (|claims| drop(claims.private.insert("nbf".into(), 0.into())), "the claim `nbf` is not private"),
            (
                |claims| drop(claims.private.insert("x".into(), "y".repeat(8000).into())),
                "the token has 10918 bytes, more than 8192",
            ),
        ];
        for (spoil, expected) in cases {
            let mut claims = claims(Capability::Preview);
            spoil(&mut claims);
            let error =
                CapabilityToken::encode(&claims, Capability::Preview, &keyring(), "acme").unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_token_above_8_kib_is_not_read() {
        let claims =
            format!(r#"{{"aud":"acme","iat":1800000000,"exp":1800000001,"x":"{}"}}"#, "y".repeat(6200));
        let error = preview(&claims).err();
        assert!(
            matches!(error, Some(CapabilityError::Jws(JwsError::TooLong { limit: 8192, .. }))),
            "{error:?}"
        );
    }
}
