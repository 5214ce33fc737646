//! The registered claims that all tokens share (RFC 7519 §4.1): who it is for, and from when to when.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::json::Text;
use crate::time::UnixTime;

/// How far the clocks of those who sign and those who verify may lie apart, in seconds.
pub(super) const CLOCK_SKEW_S: u64 = 60;

/// Why the claims of a token whose signature holds are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// Not a JSON object, a claim of a wrong type, or a claim twice.
    #[error("the claims are malformed")]
    Malformed,
    /// `aud` is missing or does not contain us.
    #[error("the token is for somebody else")]
    Audience,
    /// No `exp`: a token that would hold for ever.
    #[error("the token has no expiry")]
    NoExpiry,
    /// `exp` is not after now.
    #[error("the token expired at {}", at.0)]
    Expired {
        /// When.
        at: UnixTime,
    },
    /// No `iat` where the lifetime is counted from it.
    #[error("the token does not say when it was issued")]
    NoIssueTime,
    /// `iat` lies in the future by more than clocks differ.
    #[error("the token was issued in the future, at {}", at.0)]
    IssuedInFuture {
        /// When.
        at: UnixTime,
    },
    /// `nbf` lies in the future by more than clocks differ.
    #[error("the token is not valid before {}", at.0)]
    NotYetValid {
        /// When it will be.
        at: UnixTime,
    },
    /// It would live longer than its kind may.
    #[error("the token lives {seconds} s, more than {limit_s}")]
    Lifetime {
        /// Its lifetime.
        seconds: u64,
        /// What its kind may have.
        limit_s: u64,
    },
}

/// The registered claims as they stand in a token, unchecked.
#[derive(Default)]
pub(super) struct Registered<'a> {
    pub(super) aud: Option<Audience<'a>>,
    pub(super) exp: Option<NumericDate>,
    pub(super) iat: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
}

impl Registered<'_> {
    /// When the token expires, if it is for `audience` and valid now. How long it may live is its kind's affair.
    pub(super) fn check(&self, audience: &str, now: UnixTime) -> Result<UnixTime, ClaimsError> {
        if !self.aud.as_ref().is_some_and(|aud| aud.contains(audience)) {
            return Err(ClaimsError::Audience);
        }
        let NumericDate(expires) = self.exp.ok_or(ClaimsError::NoExpiry)?;
        if expires <= now {
            return Err(ClaimsError::Expired { at: expires });
        }
        let latest = now.plus_seconds(CLOCK_SKEW_S);
        match (self.iat, self.nbf) {
            (Some(NumericDate(at)), _) if at > latest => Err(ClaimsError::IssuedInFuture { at }),
            (_, Some(NumericDate(at))) if at > latest => Err(ClaimsError::NotYetValid { at }),
            _ => Ok(expires),
        }
    }
}

/// A number of seconds (RFC 7519 §2), whole or not: the fraction is dropped, and what lies outside the range of
/// [`UnixTime`] is taken to its nearer end.
#[derive(Clone, Copy)]
pub(super) struct NumericDate(pub(super) UnixTime);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;
        impl Visitor<'_> for Seconds {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
                Ok(NumericDate(UnixTime(seconds)))
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
                Ok(NumericDate(UnixTime(u64::try_from(seconds).unwrap_or(0))))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
                Ok(NumericDate(UnixTime(seconds as u64)))
            }
        }
        deserializer.deserialize_f64(Seconds)
    }
}

/// Whom a token is for: one name, or several.
pub(super) enum Audience<'a> {
    One(Text<'a>),
    Several(Vec<Text<'a>>),
}

impl Audience<'_> {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(only) => only.as_str() == name,
            Self::Several(names) => names.iter().any(|each| each.as_str() == name),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Audience<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Audience<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Audience::One(Text::borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Audience::One(Text::owned(name)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
                let mut several = Vec::new();
                while let Some(name) = names.next_element()? {
                    several.push(name);
                }
                Ok(Audience::Several(several))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    #[derive(Deserialize)]
    struct Read<'a> {
        #[serde(borrow)]
        aud: Option<Audience<'a>>,
        exp: Option<NumericDate>,
        iat: Option<NumericDate>,
        nbf: Option<NumericDate>,
    }

    fn check(claims: &str, expect: Result<u64, ClaimsError>) {
        let found = json::object::<Read<'_>>(claims).ok_or(ClaimsError::Malformed).and_then(|read| {
            let Read { aud, exp, iat, nbf } = read;
            Registered { aud, exp, iat, nbf }.check("acme", UnixTime(1000))
        });
        assert_eq!(found.map(|UnixTime(seconds)| seconds), expect, "{claims}");
    }

    #[test]
    fn a_token_holds_for_its_audience_only() {
        let cases = [
            (r#""acme""#, Ok(2000)),
            (r#""\u0061cme""#, Ok(2000)),
            (r#"["other","acme"]"#, Ok(2000)),
            (r#""ACME""#, Err(ClaimsError::Audience)),
            (r#""acme2""#, Err(ClaimsError::Audience)),
            (r#""""#, Err(ClaimsError::Audience)),
            ("[]", Err(ClaimsError::Audience)),
            (r#"["other"]"#, Err(ClaimsError::Audience)),
            ("null", Err(ClaimsError::Audience)),
            ("7", Err(ClaimsError::Malformed)),
            (r#"["acme",7]"#, Err(ClaimsError::Malformed)),
            (r#"{"acme":1}"#, Err(ClaimsError::Malformed)),
        ];
        for (aud, expect) in cases {
            check(&format!(r#"{{"aud":{aud},"exp":2000}}"#), expect);
        }
        check(r#"{"exp":2000}"#, Err(ClaimsError::Audience));
        check(r#"{"aud":"acme","aud":"acme","exp":2000}"#, Err(ClaimsError::Malformed));
    }

    #[test]
    fn a_token_holds_from_its_beginning_until_just_before_its_end() {
        let expired = |at| Err(ClaimsError::Expired { at: UnixTime(at) });
        let future = |at| Err(ClaimsError::IssuedInFuture { at: UnixTime(at) });
        let not_yet = |at| Err(ClaimsError::NotYetValid { at: UnixTime(at) });
        let cases = [
            (r#""exp":1001"#, Ok(1001)),
            (r#""exp":1001.9"#, Ok(1001)),
            (r#""exp":1.001e3"#, Ok(1001)),
            (r#""exp":1000"#, expired(1000)),
            (r#""exp":1000.9"#, expired(1000)),
            (r#""exp":0"#, expired(0)),
            (r#""exp":-5"#, expired(0)),
            (r#""exp":-1e300"#, expired(0)),
            (r#""exp":18446744073709551615"#, Ok(u64::MAX)),
            (r#""exp":99999999999999999999999"#, Ok(u64::MAX)),
            (r#""exp":1e308"#, Ok(u64::MAX)),
            (r#""exp":1e309"#, Err(ClaimsError::Malformed)),
            (r#""exp":NaN"#, Err(ClaimsError::Malformed)),
            (r#""exp":"2000""#, Err(ClaimsError::Malformed)),
            (r#""exp":true"#, Err(ClaimsError::Malformed)),
            (r#""exp":[2000]"#, Err(ClaimsError::Malformed)),
            (r#""exp":2000,"exp":2000"#, Err(ClaimsError::Malformed)),
            (r#""exp":null"#, Err(ClaimsError::NoExpiry)),
            (r#""iat":900"#, Err(ClaimsError::NoExpiry)),
            (r#""exp":2000,"iat":1060.9"#, Ok(2000)),
            (r#""exp":2000,"iat":-1"#, Ok(2000)),
            (r#""exp":2000,"iat":1061"#, future(1061)),
            (r#""exp":2000,"nbf":1060"#, Ok(2000)),
            (r#""exp":2000,"nbf":1061"#, not_yet(1061)),
        ];
        for (claims, expect) in cases {
            check(&format!(r#"{{"aud":"acme",{claims}}}"#), expect);
        }
    }
}
