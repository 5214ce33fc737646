//! The profile as a cookie: a JWS that any JWT library can mint or read. `docs/formats/cookie.md` is its description
//! for them.

use super::claims::ClaimsError;
use super::jws::{self, JwsError, Typ};
use super::keyring::{KeyAge, Keyring};
use super::profile_claims;
use crate::http::cookie_pairs;
use crate::profile::{Profile, VisitorIdError};
use crate::time::UnixTime;

/// The profile cookie, read and written. It has no state of its own.
pub struct ProfileCookie;

/// A profile that came in a cookie of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// What the cookie says.
    pub profile: Profile,
    /// [`KeyAge::Older`] means that the cookie should be written again, under the newest key.
    pub under: KeyAge,
}

/// Why there is no profile in a request, or none can be written. To whoever reads, each is a new visitor, and the
/// visitor never learns which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// The request has no profile cookie.
    #[error("no profile cookie")]
    Absent,
    /// More than one: somebody planted the other, and nothing says which is theirs.
    #[error("more than one profile cookie")]
    Several,
    /// Not a token of ours.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// A token of ours that does not hold here and now.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// No `sub`, so nobody whose profile it is.
    #[error("the profile cookie names no visitor")]
    NoVisitor,
    /// A `sub` that is not a visitor id.
    #[error(transparent)]
    VisitorId(#[from] VisitorIdError),
    /// The profile is too large for a cookie.
    #[error("the profile cookie would have {bytes} bytes, more than {}", ProfileCookie::MAX_WRITTEN_BYTES)]
    TooLarge {
        /// Length of the `Set-Cookie` value.
        bytes: usize,
    },
}

impl ProfileCookie {
    /// The cookie's name. The prefix makes browsers refuse it from a subdomain, without `Secure`, or for a path.
    pub const NAME: &str = "__Host-hs";
    /// Longest value that is looked at, in bytes.
    pub const MAX_READ_BYTES: usize = 4096;
    /// Longest `Set-Cookie` value that is written, in bytes; browsers drop what is above 4096.
    pub const MAX_WRITTEN_BYTES: usize = 3800;
    /// Longest lifetime: 400 days, which is what browsers cut `Max-Age` to.
    pub const MAX_LIFETIME_S: u64 = 400 * 24 * 60 * 60;

    /// What stands around the token in a `Set-Cookie` value, with name and lifetime as above.
    const BEFORE_TOKEN: &str = "__Host-hs=";
    const AFTER_TOKEN: &str = "; Path=/; Max-Age=34560000; Secure; HttpOnly; SameSite=Lax";

    /// The profile in the values of all `Cookie` headers of a request, if there is exactly one and it holds for
    /// `audience` now.
    pub fn decode<'a>(
        cookies: impl Iterator<Item = &'a [u8]>,
        keyring: &Keyring,
        audience: &str,
        now: UnixTime,
    ) -> Result<Verified, CookieError> {
        let opened = jws::open(find(cookies)?, Typ::Usual("JWT"), keyring, Self::MAX_READ_BYTES, now)?;
        let profile = profile_claims::read(&opened.payload, audience, now)?;
        Ok(Verified { profile, under: opened.under })
    }

    /// The value of a `Set-Cookie` header that keeps `profile` for 400 days from `now`. Same arguments, same bytes.
    ///
    /// Interests are written with four decimals, and what [`Self::decode`] would ignore is left out. Errs when the
    /// whole would be longer than [`Self::MAX_WRITTEN_BYTES`].
    pub fn encode(
        profile: &Profile,
        keyring: &Keyring,
        audience: &str,
        now: UnixTime,
    ) -> Result<String, CookieError> {
        let claims = profile_claims::written(profile, audience, now);
        let cookie =
            jws::seal_between(Self::BEFORE_TOKEN, Self::AFTER_TOKEN, &claims, jws::JWT, keyring, now)?;
        if cookie.len() > Self::MAX_WRITTEN_BYTES {
            return Err(CookieError::TooLarge { bytes: cookie.len() });
        }
        Ok(cookie)
    }
}

fn find<'a>(cookies: impl Iterator<Item = &'a [u8]>) -> Result<&'a [u8], CookieError> {
    let pairs = cookies.flat_map(cookie_pairs);
    let mut values =
        pairs.filter_map(|pair| pair.strip_prefix(ProfileCookie::NAME.as_bytes())?.strip_prefix(b"="));
    let value = values.next().ok_or(CookieError::Absent)?;
    match values.next() {
        None => Ok(value),
        Some(_) => Err(CookieError::Several),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::forge::{FOREIGN, NEW, OLD, base64url, keyring, ring, token};
    use super::*;
    use crate::profile::{Shown, VisitorId};

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const HEADER: &str = r#"{"alg":"HS256","kid":"new","typ":"JWT"}"#;
    const CLAIMS: &str = r#"{"sub":"ann","aud":"acme","iat":1799999000,"exp":1800000100}"#;

    fn decode(cookie: impl AsRef<[u8]>) -> Result<Verified, CookieError> {
        ProfileCookie::decode([cookie.as_ref()].into_iter(), &keyring(), "acme", NOW)
    }

    fn cookie(header: &str, claims: impl AsRef<[u8]>, secret: &[u8]) -> String {
        format!("__Host-hs={}", token(header, claims, secret))
    }

    #[test]
    fn a_hostile_cookie_means_a_new_visitor() {
        let good = cookie(HEADER, CLAIMS, NEW);
        let (signed, mac) = good.rsplit_once('.').unwrap();
        let claims = signed.rsplit_once('.').unwrap().1;
        let signed_header = |header: &str| cookie(header, CLAIMS, NEW);
        let signed_claims = |claims: &str| cookie(HEADER, claims, NEW);
        let deep = format!(r#"{{"tr":{{"a":{}{}}}}}"#, "[".repeat(500), "]".repeat(500));
        let huge = format!("__Host-hs={}", "A".repeat(16 << 10));
        let huge_error = JwsError::TooLong { bytes: 16 << 10, limit: 4096 };
        let jws = CookieError::Jws;
        let in_claims = CookieError::Claims;
        let cases = [
            ("no cookie", String::new(), CookieError::Absent),
            ("only others", "a=b; __host-hs=x; x__Host-hs=y; __Host-hs2=z".into(), CookieError::Absent),
            ("no value", "__Host-hs".into(), CookieError::Absent),
            ("empty", "__Host-hs=".into(), jws(JwsError::NotCompact)),
            ("the same twice", format!("{good}; {good}"), CookieError::Several),
            ("one and an empty one", format!("{good}; __Host-hs="), CookieError::Several),
            ("16 KiB", huge, jws(huge_error)),
            ("not base64", "__Host-hs=<script>.{}.%%%".into(), jws(JwsError::NotBase64Url)),
            ("quoted", format!("__Host-hs=\"{}\"", &good[10..]), jws(JwsError::NotBase64Url)),
            ("padded", format!("{good}="), jws(JwsError::NotBase64Url)),
            ("five parts", format!("{good}.a.b"), jws(JwsError::NotCompact)),
            ("key of somebody else", cookie(HEADER, CLAIMS, FOREIGN), jws(JwsError::Signature)),
            ("key of another kid", cookie(HEADER, CLAIMS, OLD), jws(JwsError::Signature)),
            ("no signature", format!("{signed}."), jws(JwsError::Signature)),
            ("other claims", good.replace(claims, &base64url("{}")), jws(JwsError::Signature)),
            ("none", signed_header(r#"{"alg":"none","kid":"new"}"#), jws(JwsError::Algorithm)),
            ("None", signed_header(r#"{"alg":"None","kid":"new"}"#), jws(JwsError::Algorithm)),
            ("RS256", signed_header(r#"{"alg":"RS256","kid":"new"}"#), jws(JwsError::Algorithm)),
            ("HS512", signed_header(r#"{"alg":"HS512","kid":"new"}"#), jws(JwsError::Algorithm)),
            ("crit", signed_header(r#"{"alg":"HS256","kid":"new","crit":["x"]}"#), jws(JwsError::Critical)),
            ("typ", signed_header(r#"{"alg":"HS256","kid":"new","typ":"hs-facts+jwt"}"#), jws(JwsError::Typ)),
            ("kid unknown", signed_header(r#"{"alg":"HS256","kid":"gone"}"#), jws(JwsError::UnknownKid)),
            ("kid missing", signed_header(r#"{"alg":"HS256","typ":"JWT"}"#), jws(JwsError::NoKid)),
            ("header twice", signed_header(r#"{"alg":"none","alg":"HS256"}"#), jws(JwsError::Header)),
            ("not UTF-8", cookie(HEADER, b"{\"x\":\"\xc3\x28\"}", NEW), jws(JwsError::NotUtf8)),
            ("no claims", signed_claims(""), in_claims(ClaimsError::Malformed)),
            ("claims in an array", signed_claims(r#"["ann","acme"]"#), in_claims(ClaimsError::Malformed)),
            ("deep", signed_claims(&deep), in_claims(ClaimsError::Malformed)),
            (
                "claim twice",
                signed_claims(&CLAIMS.replacen('{', r#"{"sub":"bob","#, 1)),
                in_claims(ClaimsError::Malformed),
            ),
            (
                "exp is a string",
                signed_claims(&CLAIMS.replace("1800000100", "\"1800000100\"")),
                in_claims(ClaimsError::Malformed),
            ),
            ("no exp", signed_claims(r#"{"sub":"ann","aud":"acme"}"#), in_claims(ClaimsError::NoExpiry)),
            (
                "expired",
                signed_claims(&CLAIMS.replace("1800000100", "1800000000")),
                in_claims(ClaimsError::Expired { at: NOW }),
            ),
            (
                "exp is huge",
                signed_claims(&CLAIMS.replace("1800000100", "1e300")),
                in_claims(ClaimsError::Lifetime { seconds: u64::MAX - NOW.0, limit_s: 34_560_000 }),
            ),
            (
                "iat in the future",
                signed_claims(&CLAIMS.replace("1799999000", "1800000061")),
                in_claims(ClaimsError::IssuedInFuture { at: UnixTime(1_800_000_061) }),
            ),
            (
                "nbf in the future",
                signed_claims(&CLAIMS.replace("iat", "nbf").replace("1799999000", "1800000061")),
                in_claims(ClaimsError::NotYetValid { at: UnixTime(1_800_000_061) }),
            ),
            (
                "another audience",
                signed_claims(&CLAIMS.replace("acme", "acme-staging")),
                in_claims(ClaimsError::Audience),
            ),
            (
                "sub is not ASCII",
                signed_claims(&CLAIMS.replace("ann", "änn")),
                VisitorIdError::Character { at: 0 }.into(),
            ),
            (
                "sub is empty",
                signed_claims(&CLAIMS.replace("ann", "")),
                VisitorIdError::Length { bytes: 0 }.into(),
            ),
            ("no sub", signed_claims(&CLAIMS.replace("sub", "sab")), CookieError::NoVisitor),
        ];
        assert_eq!(decode(&good).map(|verified| verified.under), Ok(KeyAge::Newest));
        assert_eq!(good, format!("{signed}.{mac}"));
        for (name, cookie, error) in cases {
            assert_eq!(decode(cookie), Err(error), "{name}");
        }
    }

    #[test]
    fn a_cookie_cut_anywhere_means_a_new_visitor() {
        let good = cookie(HEADER, CLAIMS, NEW);
        for length in 0..good.len() {
            assert!(decode(&good[..length]).is_err(), "cut to {length} bytes");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others_and_in_any_header() {
        let ours = cookie(HEADER, CLAIMS, NEW);
        let padded = format!("a=\"x;y\"; =; ;; \t{ours} ; b=\x7f\u{e9}");
        let cases: [&[&str]; 3] = [&[&ours], &[&padded], &["a=b", "", &ours, "c"]];
        for headers in cases {
            let headers = headers.iter().map(|header| header.as_bytes());
            let found = ProfileCookie::decode(headers, &keyring(), "acme", NOW);
            assert_eq!(found.map(|verified| verified.profile.id.to_string()), Ok("ann".into()));
        }
        let across = [ours.as_bytes(), b"x=y", ours.as_bytes()].into_iter();
        assert_eq!(ProfileCookie::decode(across, &keyring(), "acme", NOW), Err(CookieError::Several));
    }

    #[test]
    fn a_cookie_under_an_older_key_is_valid_and_says_so() {
        let old = cookie(r#"{"alg":"HS256","kid":"old","typ":"JWT"}"#, CLAIMS, OLD);
        assert_eq!(decode(&old).map(|verified| verified.under), Ok(KeyAge::Older));
        let retired = ring(&[("new", NEW)]);
        let found = ProfileCookie::decode([old.as_bytes()].into_iter(), &retired, "acme", NOW);
        assert_eq!(found, Err(JwsError::UnknownKid.into()));
    }

    #[test]
    fn a_cookie_is_written_with_its_name_and_longest_lifetime() {
        assert_eq!(ProfileCookie::BEFORE_TOKEN, format!("{}=", ProfileCookie::NAME));
        let lifetime = format!("; Max-Age={};", ProfileCookie::MAX_LIFETIME_S);
        assert!(ProfileCookie::AFTER_TOKEN.contains(&lifetime));
    }

    #[test]
    fn a_profile_that_is_too_large_is_not_written() {
        let mut profile = Profile::new([1; 16], NOW);
        for (length, fits) in [(2500, true), (2600, false)] {
            profile.traits.insert("bio".into(), Value::from("x".repeat(length)));
            match ProfileCookie::encode(&profile, &keyring(), "acme", NOW) {
                Ok(cookie) => assert!(fits && cookie.len() <= 3800),
                Err(error) => assert!(!fits && matches!(error, CookieError::TooLarge { bytes: 3801.. })),
            }
        }
    }

    #[test]
    fn the_example_in_the_documentation_is_a_cookie_of_ours() {
        let document = include_str!("../../../docs/formats/cookie.md");
        let line = |begin: &str| document.lines().find(|line| line.starts_with(begin)).unwrap();
        let demo = Keyring::parse(line(r#"{"keys":"#).as_bytes()).unwrap();
        let (issued, pair) = (UnixTime(1_767_225_600), format!("__Host-hs={}", line("eyJ")));
        let read = ProfileCookie::decode([pair.as_bytes()].into_iter(), &demo, "acme", issued).unwrap();
        assert_eq!((read.profile.id.as_str(), read.profile.visits), ("visitor-4711", 3));
        assert_eq!(read.profile.interests.get("finance"), Some(&0.75));
        assert_eq!(read.profile.traits.get("plan"), Some(&"pro".into()));
        let written = ProfileCookie::encode(&read.profile, &demo, "acme", issued).unwrap();
        assert_eq!(written, line("__Host-hs=").replace('…', line("eyJ")));
    }

    prop_compose! {
        fn profiles()(
            entropy: [u8; 16],
            visits: u32,
            (first, last) in (0..=NOW.0, 0..=NOW.0),
            interests in btree_map("\\PC{1,16}", (0..=10_000u32).prop_map(|n| f64::from(n) / 10_000.0), 0..8),
            traits in btree_map("[a-z\"é.$]{1,20}", prop_oneof![
                any::<i64>().prop_map(Value::from),
                any::<bool>().prop_map(Value::from),
                "\\PC{0,20}".prop_map(Value::from),
                vec("[a-z]{1,8}", 0..3).prop_map(Value::from),
            ], 0..8),
            buckets in btree_map("[a-z~]{1,20}__[0-9]", "[a-z0-9]{1,8}", 0..8),
            shown in btree_map("[a-z]{1,20}", (any::<u32>(), 0..=NOW.0), 0..8),
        ) -> Profile {
            let id = VisitorId::from_entropy(entropy);
            let shown = shown.into_iter().map(|(rule, (times, since))| {
                (rule, Shown { times, since: UnixTime(since) })
            }).collect();
            let (first_seen, last_seen) = (UnixTime(first), UnixTime(last));
            let (interests, traits) = (interests.into_iter().collect(), traits.into_iter().collect());
            let buckets = buckets.into_iter().collect();
            Profile { id, visits, first_seen, last_seen, interests, traits, buckets, shown }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(profile in profiles()) {
            let written = ProfileCookie::encode(&profile, &keyring(), "acme", NOW).unwrap();
            let read = decode(written.split(';').next().unwrap());
            prop_assert_eq!(read, Ok(Verified { profile, under: KeyAge::Newest }));
        }

        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..300), at in 0..150usize, to: u8) {
            prop_assert!(decode(&bytes).is_err());
            prop_assert!(decode([b"__Host-hs=", bytes.as_slice()].concat()).is_err());
            let _any = decode(cookie(HEADER, &bytes, NEW));
            let _any = decode(cookie(&String::from_utf8_lossy(&bytes), CLAIMS, NEW));
            let good = cookie(HEADER, CLAIMS, NEW).into_bytes();
            let mut changed = good.clone();
            changed[at] = to;
            prop_assert!(changed == good || decode(&changed).is_err());
        }
    }
}
