//! What an instance of an edge tells operators of itself, at `/_hs/status`.
//!
//! Each answer is one instance's; there are many, and the platform chooses. So whoever wants to know of all asks often.

use ::http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::http::{RequestHead, ResponseHead};
use crate::keeper::{Holding, Refusals};
use crate::kill_switch::KillSwitch;
use crate::record::bearer;
use crate::time::UnixTime;
use crate::token::{Capability, CapabilityToken, Keyring};

/// On what an edge runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// One's own machines.
    Native,
    /// Fastly Compute.
    Fastly,
    /// Cloudflare Workers.
    Cloudflare,
}

#[derive(Serialize)]
struct Written<'a> {
    site: &'a str,
    platform: Platform,
    time: u64,
    sequence: Option<u64>,
    pack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    refused: Refusals,
    personalization: String,
}

#[derive(Serialize)]
struct Next {
    pack: String,
    at: u64,
}

/// The answer to a request for the status; `None`, as if there were no such path, unless it has an operator's token.
pub fn answer(
    request: &RequestHead,
    operator: Option<&Keyring>,
    site: &str,
    platform: Platform,
    holding: &Holding,
    kill: &KillSwitch,
    now: UnixTime,
) -> Option<(ResponseHead, String)> {
    CapabilityToken::decode(bearer(request.headers.all())?, Capability::Operator, operator?, site, now)
        .ok()?;
    let written = Written {
        site,
        platform,
        time: now.0,
        sequence: holding.sequence,
        pack: holding.pack.map(|hash| hash.to_string()),
        due: holding.due.map(|hash| hash.to_string()),
        next: holding.next.map(|(hash, at)| Next { pack: hash.to_string(), at: at.0 }),
        refused: holding.refused,
        personalization: kill.to_string(),
    };
    let mut head = ResponseHead { status: StatusCode::OK, headers: ::http::HeaderMap::new() };
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Some((head, serde_json::to_string(&written).ok()?))
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, Method};
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::pack::PackHash;
    use crate::token::Claims;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn keyring() -> Keyring {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        Keyring::parse(format!(r#"{{"keys":[{{"kid":"k","secret":"{secret}"}}]}}"#).as_bytes()).unwrap()
    }

    fn ask(capability: Option<(Capability, &str)>, keyring_of_edge: Option<&Keyring>) -> Option<Value> {
        let mut headers = HeaderMap::new();
        if let Some((capability, site)) = capability {
            let claims = Claims { issued: NOW, expires: NOW.plus_seconds(60), id: None, private: Map::new() };
            let token = CapabilityToken::encode(&claims, capability, &keyring(), site).unwrap();
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        let path_and_query = "/_hs/status".to_owned();
        let request = RequestHead {
            method: Method::GET,
            host: "acme.test".to_owned(),
            path_and_query,
            headers: headers.into(),
        };
        let holding = Holding {
            sequence: Some(7),
            pack: Some(PackHash::of(b"one")),
            next: Some((PackHash::of(b"two"), UnixTime(9))),
            refused: Refusals { older: 2, ..Refusals::default() },
            ..Holding::default()
        };
        let kill = KillSwitch::Without(vec!["a".to_owned(), "b".to_owned()]);
        let (head, text) = answer(&request, keyring_of_edge, "acme", Platform::Native, &holding, &kill, NOW)?;
        assert_eq!(head.headers[header::CACHE_CONTROL], "private, no-store");
        Some(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn an_operator_is_told_what_is_held_and_what_was_refused() {
        let told = ask(Some((Capability::Operator, "acme")), Some(&keyring()));
        let expect = json!({
            "site": "acme", "platform": "native", "time": NOW.0, "sequence": 7,
            "pack": PackHash::of(b"one").to_string(),
            "next": {"pack": PackHash::of(b"two").to_string(), "at": 9},
            "refused": {"foreign": 0, "older": 2, "forked": 0, "packs": 0},
            "personalization": "off:a,b",
        });
        assert_eq!(told, Some(expect));
    }

    #[test]
    fn nobody_else_is_told_anything() {
        for capability in Capability::ALL.into_iter().filter(|kind| *kind != Capability::Operator) {
            assert_eq!(ask(Some((capability, "acme")), Some(&keyring())), None, "{capability:?}");
        }
        assert_eq!(ask(None, Some(&keyring())), None);
        assert_eq!(ask(Some((Capability::Operator, "other")), Some(&keyring())), None);
        assert_eq!(ask(Some((Capability::Operator, "acme")), None), None);
    }
}
