//! Signed tokens: the profile cookie, and the capability tokens of tools and operators.
//!
//! All are JWS in compact form (RFC 7515), HS256 only, signed with the newest key of a [`Keyring`] and verified by
//! the key that their `kid` names. Each kind has a `typ` of its own, so that none can stand in for another, even
//! under the same key. The order of work is fixed: length, shape, header, key, MAC, and only then the claims, so that
//! nothing of a payload is read before it is known to be ours.

mod capability;
mod claims;
mod facts_token;
#[cfg(test)]
mod forge;
mod json;
mod jws;
mod keyring;
mod preview_token;
mod profile_claims;
mod profile_cookie;

pub use capability::{Capability, CapabilityError, CapabilityToken, Claims};
pub use claims::ClaimsError;
pub use facts_token::{FactsToken, FactsTokenError};
pub use jws::JwsError;
pub use keyring::{Key, KeyAge, Keyring, KeyringError};
pub use preview_token::{PreviewToken, PreviewTokenError};
pub use profile_cookie::{CookieError, ProfileCookie, Verified};

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::forge::keyring;
    use super::*;
    use crate::profile::Profile;
    use crate::time::UnixTime;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const COOKIE: usize = Capability::ALL.len();

    /// One token of each capability, and last the cookie, all of one key and one audience.
    fn one_of_each() -> Vec<String> {
        let facts = (String::from("facts"), Map::new().into());
        let private = Map::from_iter([(String::from("sub"), "ann".into()), facts]);
        let claims = Claims { issued: NOW, expires: NOW.plus_seconds(60), id: None, private };
        let capabilities = Capability::ALL
            .map(|kind| CapabilityToken::encode(&claims, kind, &keyring(), "acme").expect("a token"));
        let profile = Profile::new([1; 16], NOW);
        let cookie = ProfileCookie::encode(&profile, &keyring(), "acme", NOW).expect("a cookie");
        let value = cookie.split(['=', ';']).nth(1).expect("its value").to_owned();
        capabilities.into_iter().chain([value]).collect()
    }

    fn read_as(kind: usize, token: &str) -> Result<(), JwsError> {
        let read = match Capability::ALL.get(kind) {
            Some(kind) => {
                CapabilityToken::decode(token.as_bytes(), *kind, &keyring(), "acme", NOW).map(|_| ())
            }
            None => {
                let pair = format!("{}={token}", ProfileCookie::NAME);
                match ProfileCookie::decode([pair.as_bytes()].into_iter(), &keyring(), "acme", NOW) {
                    Ok(_) => Ok(()),
                    Err(CookieError::Jws(error)) => Err(error.into()),
                    Err(error) => panic!("{error}"),
                }
            }
        };
        read.map_err(|error| match error {
            CapabilityError::Jws(error) => error,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn no_token_is_ever_taken_for_one_of_another_kind() {
        for (made, token) in one_of_each().iter().enumerate() {
            for read in 0..=COOKIE {
                let expect = if made == read { Ok(()) } else { Err(JwsError::Typ) };
                assert_eq!(read_as(read, token), expect, "kind {made} read as kind {read}");
            }
            let facts = FactsToken::decode(token.as_bytes(), &keyring(), "acme", NOW);
            assert_eq!(facts.is_ok(), Capability::ALL.get(made) == Some(&Capability::Facts), "kind {made}");
        }
    }

    #[test]
    fn a_token_without_typ_is_no_capability() {
        let claims = r#"{"sub":"ann","aud":"acme","iat":1800000000,"exp":1800000060,"facts":{}}"#;
        let token = forge::token(r#"{"alg":"HS256","kid":"new"}"#, claims, forge::NEW);
        for kind in 0..COOKIE {
            assert_eq!(read_as(kind, &token), Err(JwsError::Typ));
        }
        assert_eq!(read_as(COOKIE, &token), Ok(()));
    }
}
