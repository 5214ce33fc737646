//! JWS compact serialization (RFC 7515) with HS256 (RFC 7518 §3.2), and nothing else of either.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::json::{self, Text};
use super::keyring::{Key, KeyAge, Keyring};
use crate::time::UnixTime;

/// The `typ` of a token that has no kind of its own (RFC 7519 §5.1).
pub(super) const JWT: &str = "JWT";

/// What the `typ` of a token must be, letter case apart.
#[derive(Clone, Copy)]
pub(super) enum Typ {
    /// This, and it must be there.
    Required(&'static str),
    /// This, or no `typ` at all.
    Usual(&'static str),
}

/// The payload of a token whose MAC held, and how old its key is.
pub(super) struct Opened {
    pub(super) payload: String,
    pub(super) under: KeyAge,
}

/// Why a token is not one of ours. None of it may reach the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than its kind may be; nothing of it was read.
    #[error("the token has {bytes} bytes, more than {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What its kind may have.
        limit: usize,
    },
    /// Not three parts with dots between them.
    #[error("the token is not in JWS compact form")]
    NotCompact,
    /// A part that is not base64url without padding, or whose last character has stray bits.
    #[error("the token is not strict base64url")]
    NotBase64Url,
    /// A header that is not a JSON object, has a wrong type, or a name twice.
    #[error("the header of the token is malformed")]
    Header,
    /// `alg` is missing or anything but `HS256`.
    #[error("the token's algorithm is not HS256")]
    Algorithm,
    /// `crit` is there: it names extensions that must be understood, and we understand none (RFC 7515 §4.1.11).
    #[error("the token has critical extensions")]
    Critical,
    /// A token of another kind.
    #[error("the token's typ is that of another kind")]
    Typ,
    /// No `kid`, so no key to try.
    #[error("the token names no key")]
    NoKid,
    /// A `kid` that is not in the ring.
    #[error("the token names a key that is not in the ring")]
    UnknownKid,
    /// The MAC does not hold.
    #[error("the token's signature is wrong")]
    Signature,
    /// A signed payload that is not UTF-8.
    #[error("the payload of the token is not UTF-8")]
    NotUtf8,
    /// Claims that JSON cannot express.
    #[error("the claims cannot be written as JSON")]
    Unserializable,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Option<Text<'a>>,
    #[serde(borrow)]
    kid: Option<Text<'a>>,
    #[serde(borrow)]
    typ: Option<Text<'a>>,
    #[serde(default)]
    crit: Crit,
}

/// Not an `Option`, for which `"crit":null` would be the same as none.
#[derive(Default, PartialEq)]
enum Crit {
    #[default]
    Absent,
    Present,
}

impl<'de> Deserialize<'de> for Crit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self::Present)
    }
}

/// Checks everything about a token but its claims.
pub(super) fn open(
    token: &[u8],
    typ: Typ,
    keyring: &Keyring,
    limit: usize,
    now: UnixTime,
) -> Result<Opened, JwsError> {
    if token.len() > limit {
        return Err(JwsError::TooLong { bytes: token.len(), limit });
    }
    let token = std::str::from_utf8(token).map_err(|_| JwsError::NotBase64Url)?;
    let (signed, mac) = token.rsplit_once('.').ok_or(JwsError::NotCompact)?;
    let (header, payload) = signed.split_once('.').ok_or(JwsError::NotCompact)?;
    if payload.contains('.') {
        return Err(JwsError::NotCompact);
    }

    let mut decoded = Vec::with_capacity(token.len());
    let is_jwt = matches!(typ, Typ::Required(JWT) | Typ::Usual(JWT));
    let ours = keyring.choose_by(now, |key| is_jwt && key.jwt_header() == header);
    let (key, under) = match ours {
        Some(chosen) => chosen,
        None => {
            decode(header, &mut decoded)?;
            choose_key(&decoded, typ, keyring, now)?
        }
    };
    decoded.clear();
    decode(mac, &mut decoded)?;
    if !key.authenticates(signed.as_bytes(), &decoded) {
        return Err(JwsError::Signature);
    }
    decoded.clear();
    decode(payload, &mut decoded)?;
    let payload = String::from_utf8(decoded).map_err(|_| JwsError::NotUtf8)?;
    Ok(Opened { payload, under })
}

fn decode(part: &str, into: &mut Vec<u8>) -> Result<(), JwsError> {
    URL_SAFE_NO_PAD.decode_vec(part, into).map_err(|_| JwsError::NotBase64Url)
}

fn choose_key<'k>(
    header: &[u8],
    typ: Typ,
    keyring: &'k Keyring,
    now: UnixTime,
) -> Result<(&'k Key, KeyAge), JwsError> {
    let text = std::str::from_utf8(header).map_err(|_| JwsError::Header)?;
    let header: Header<'_> = json::object(text).ok_or(JwsError::Header)?;
    if header.alg.is_none_or(|alg| alg.as_str() != "HS256") {
        return Err(JwsError::Algorithm);
    }
    if header.crit == Crit::Present {
        return Err(JwsError::Critical);
    }
    let of_this_kind = match (typ, header.typ) {
        (Typ::Required(name) | Typ::Usual(name), Some(found)) => found.as_str().eq_ignore_ascii_case(name),
        (Typ::Usual(_), None) => true,
        (Typ::Required(_), None) => false,
    };
    if !of_this_kind {
        return Err(JwsError::Typ);
    }
    let kid = header.kid.ok_or(JwsError::NoKid)?;
    keyring.choose(kid.as_str(), now).ok_or(JwsError::UnknownKid)
}

/// The header of a token under a key of that name, in base64url.
pub(super) fn header(kid: &str, typ: &str) -> Result<String, JwsError> {
    #[derive(Serialize)]
    struct Sealed<'a> {
        alg: &'a str,
        kid: &'a str,
        typ: &'a str,
    }
    let header = serde_json::to_vec(&Sealed { alg: "HS256", kid, typ });
    Ok(URL_SAFE_NO_PAD.encode(header.map_err(|_| JwsError::Unserializable)?))
}

/// The token of these claims under the key that signs at `now`. Same claims, same key → same bytes.
pub(super) fn seal(
    claims: &impl Serialize,
    typ: &str,
    keyring: &Keyring,
    now: UnixTime,
) -> Result<String, JwsError> {
    seal_between("", "", claims, typ, keyring, now)
}

/// The [token](seal) between two texts.
pub(super) fn seal_between(
    before: &str,
    after: &str,
    claims: &impl Serialize,
    typ: &str,
    keyring: &Keyring,
    now: UnixTime,
) -> Result<String, JwsError> {
    let key = keyring.signer(now);
    let header = if typ == JWT { Cow::Borrowed(key.jwt_header()) } else { header(key.kid(), typ)?.into() };
    let payload = serde_json::to_vec(claims).map_err(|_| JwsError::Unserializable)?;

    let length = header.len() + payload.len() * 4 / 3 + 50;
    let mut text = String::with_capacity(before.len() + length + after.len());
    text.push_str(before);
    text.push_str(&header);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    let mac = key.sign(text.as_bytes().get(before.len()..).unwrap_or_default());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(mac, &mut text);
    text.push_str(after);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::forge::{FOREIGN, NEW, OLD, base64url, keyring, ring, token};
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const HEADER: &str = r#"{"alg":"HS256","kid":"new","typ":"JWT"}"#;
    /// HMAC by Python's standard library.
    const KNOWN: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6Im5ldyIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJhY21lIn0\
        .TcAH5X5Ff5ekAfflinYbvf10ttocVjt8wLLBSrHDVgA";

    fn check(token: &str, typ: Typ, expect: Result<(&str, KeyAge), JwsError>) {
        let opened = open(token.as_bytes(), typ, &keyring(), 4096, NOW);
        let found = opened.as_ref().map(|opened| (opened.payload.as_str(), opened.under));
        assert_eq!(found.map_err(|error| *error), expect, "{token}");
    }

    #[test]
    fn the_example_of_rfc_7515_appendix_a_1_has_the_mac_we_compute() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog\
            Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mac = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let ring = ring(&[("a1", &URL_SAFE_NO_PAD.decode(secret).unwrap())]);
        assert_eq!(base64url(ring.signer(NOW).sign(signed.as_bytes())), mac);
        assert!(ring.signer(NOW).authenticates(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(mac).unwrap()));
        let whole = format!("{signed}.{mac}");
        let opened = open(whole.as_bytes(), Typ::Usual("JWT"), &ring, 4096, NOW);
        assert_eq!(opened.err(), Some(JwsError::NoKid));
    }

    #[test]
    fn a_token_of_another_implementation_opens_and_is_the_one_we_write() {
        check(KNOWN, Typ::Required("JWT"), Ok((r#"{"sub":"ann","aud":"acme"}"#, KeyAge::Newest)));
        #[derive(Serialize)]
        struct Known {
            sub: &'static str,
            aud: &'static str,
        }
        let claims = Known { sub: "ann", aud: "acme" };
        assert_eq!(seal(&claims, "JWT", &keyring(), NOW).as_deref(), Ok(KNOWN));
    }

    #[test]
    fn the_header_chooses_the_key_and_says_what_kind_of_token_it_is() {
        let long = format!(r#"{{"alg":"HS256","kid":"new","x5c":["{}"]}}"#, "A".repeat(2000));
        let deep = format!(r#"{{"alg":"HS256","kid":"new","x":{}{}}}"#, "[".repeat(900), "]".repeat(900));
        let usual = [
            (HEADER, NEW, Ok(KeyAge::Newest)),
            (r#"{"alg":"HS256","kid":"old","typ":"JWT"}"#, OLD, Ok(KeyAge::Older)),
            (r#"{"kid":"new","typ":"jWt","alg":"HS256"}"#, NEW, Ok(KeyAge::Newest)),
            (r#"{"alg":"HS256","kid":"\u006eew"}"#, NEW, Ok(KeyAge::Newest)),
            (r#"{"alg":"HS256","kid":"new","b64":false,"cty":"x","cty":"y"}"#, NEW, Ok(KeyAge::Newest)),
            (long.as_str(), NEW, Ok(KeyAge::Newest)),
            (deep.as_str(), NEW, Ok(KeyAge::Newest)),
            (r#"{"alg":"HS256","kid":"old","typ":"JWT"}"#, NEW, Err(JwsError::Signature)),
            (HEADER, FOREIGN, Err(JwsError::Signature)),
            (r#"{"alg":"HS256","kid":"NEW"}"#, NEW, Err(JwsError::UnknownKid)),
            (r#"{"alg":"HS256","kid":""}"#, NEW, Err(JwsError::UnknownKid)),
            (r#"{"alg":"HS256"}"#, NEW, Err(JwsError::NoKid)),
            (r#"{"alg":"HS256","kid":["new"]}"#, NEW, Err(JwsError::Header)),
            (r#"{"alg":"HS256","kid":"new","kid":"new"}"#, NEW, Err(JwsError::Header)),
            (r#"{"alg":"HS256","\u0061lg":"HS256","kid":"new"}"#, NEW, Err(JwsError::Header)),
            (r#"["HS256","new","JWT"]"#, NEW, Err(JwsError::Header)),
            (r#"{"alg":"HS256","kid":"new"} {}"#, NEW, Err(JwsError::Header)),
            ("", NEW, Err(JwsError::Header)),
            (r#"{"alg":"HS256","kid":"new","typ":"at+jwt"}"#, NEW, Err(JwsError::Typ)),
            (r#"{"alg":"HS256","kid":"new","typ":""}"#, NEW, Err(JwsError::Typ)),
            (r#"{"alg":"HS256","kid":"new","crit":["exp"]}"#, NEW, Err(JwsError::Critical)),
            (r#"{"alg":"HS256","kid":"new","crit":[]}"#, NEW, Err(JwsError::Critical)),
            (r#"{"alg":"HS256","kid":"new","crit":null}"#, NEW, Err(JwsError::Critical)),
            (r#"{"alg":"hs256","kid":"new"}"#, NEW, Err(JwsError::Algorithm)),
            (r#"{"alg":"HS384","kid":"new"}"#, NEW, Err(JwsError::Algorithm)),
            (r#"{"alg":null,"kid":"new"}"#, NEW, Err(JwsError::Algorithm)),
            (r#"{"kid":"new"}"#, NEW, Err(JwsError::Algorithm)),
        ];
        for (header, secret, expect) in usual {
            check(&token(header, "{}", secret), Typ::Usual("JWT"), expect.map(|under| ("{}", under)));
        }
        for header in [r#"{"alg":"HS256","kid":"new"}"#, HEADER] {
            check(&token(header, "{}", NEW), Typ::Required("hs-facts+jwt"), Err(JwsError::Typ));
        }
    }

    #[test]
    fn only_three_parts_of_strict_base64url_are_a_token() {
        let good = token(HEADER, "{}", NEW);
        let (signed, mac) = good.rsplit_once('.').unwrap();
        // The last of 43 characters carries two stray bits, which strict base64url wants to be zero.
        let stray = format!("{}{}", &mac[..42], char::from(mac.as_bytes()[42] + 1));
        let short = base64url(&URL_SAFE_NO_PAD.decode(mac).unwrap()[..16]);
        let cases = [
            (String::new(), JwsError::NotCompact),
            (signed.to_owned(), JwsError::NotCompact),
            (format!("{good}."), JwsError::NotCompact),
            (format!("{good}.{mac}"), JwsError::NotCompact),
            ("..".to_owned(), JwsError::Header),
            (format!("{signed}."), JwsError::Signature),
            (format!("{signed}.{short}"), JwsError::Signature),
            (format!("{signed}.{stray}"), JwsError::NotBase64Url),
            (format!("{good}="), JwsError::NotBase64Url),
            (format!("{signed}.{mac} "), JwsError::NotBase64Url),
            (format!("{signed}.{}+", &mac[..42]), JwsError::NotBase64Url),
            (format!("{signed}.{}ö", &mac[..41]), JwsError::NotBase64Url),
        ];
        for (token, error) in cases {
            check(&token, Typ::Usual("JWT"), Err(error));
        }
    }

    #[test]
    fn the_length_is_bounded_before_anything_is_read() {
        let good = token(HEADER, "{}", NEW);
        for (limit, fits) in [(good.len(), true), (good.len() - 1, false)] {
            let opened = open(good.as_bytes(), Typ::Usual("JWT"), &keyring(), limit, NOW);
            let too_long = JwsError::TooLong { bytes: good.len(), limit };
            assert_eq!(opened.err(), (!fits).then_some(too_long));
        }
    }

    #[test]
    fn a_signed_payload_that_is_not_utf_8_is_refused() {
        check(&token(HEADER, b"{\"x\":\"\xff\"}", NEW), Typ::Usual("JWT"), Err(JwsError::NotUtf8));
    }
}
