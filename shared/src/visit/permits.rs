//! What the tokens of a request permit. One that does not verify permits nothing, and nobody is told so.

use std::collections::BTreeMap;

use ::http::HeaderName;
use serde_json::Value;

use super::keys::Keys;
use super::preview::{Exchange, Preview};
use crate::http::{self, EXPLAIN_PARAMETER, RequestHead};
use crate::site::Site;
use crate::time::UnixTime;
use crate::token::{Capability, CapabilityToken, FactsToken, Keyring};

/// The cookie in which a browser may hold a facts token.
const FACTS_COOKIE: &str = "__Host-hs-facts";
/// The header that may hold one.
const FACTS_HEADER: HeaderName = HeaderName::from_static("hs-facts");
/// The header that asks for notes in the headers of a page.
const EXPLAIN_HEADER: HeaderName = HeaderName::from_static("hs-explain");

/// What the tokens of a request permit.
#[derive(Debug, Default)]
pub(super) struct Permits {
    /// Facts that stand in for those of the request.
    pub(super) facts: Option<BTreeMap<String, Value>>,
    pub(super) explains: Explains,
    /// The draft that this browser is shown.
    pub(super) preview: Option<Preview>,
    /// A token that is to be exchanged for a cookie, or a cookie that is to go.
    pub(super) exchange: Option<Exchange>,
}

/// Whether a visitor wants to know why, and may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Explains {
    #[default]
    No,
    /// In headers, beside the page.
    Beside,
    /// Instead of the page.
    Instead,
}

impl Permits {
    pub(super) fn of(request: &RequestHead, keys: Option<&Keys>, site: &Site, now: UnixTime) -> Permits {
        let Some(keys) = keys else { return Permits::default() };
        let previews = keys.preview.as_ref();
        Permits {
            facts: keys.facts.as_ref().and_then(|keyring| facts(request, keyring, site, now)),
            explains: keys.explain.as_ref().map_or(Explains::No, |ring| explains(request, ring, site, now)),
            preview: Preview::of(request, previews, site, now),
            exchange: Exchange::of(request, previews, site, now),
        }
    }

    /// Whether the visitor is a tool, or somebody who looks, and no profile is to learn from it.
    pub(super) fn any(&self) -> bool {
        self.facts.is_some() || self.explains != Explains::No || self.preview.is_some()
    }
}

/// Facts that a verified token states, in the header `hs-facts`, the parameter `hs_facts` or the cookie
/// `__Host-hs-facts`.
fn facts(
    request: &RequestHead,
    keyring: &Keyring,
    site: &Site,
    now: UnixTime,
) -> Option<BTreeMap<String, Value>> {
    let token = match request.headers.get(&FACTS_HEADER) {
        Some(header) => header.to_str().ok()?,
        None => match http::own_parameter(&request.path_and_query, "hs_facts") {
            Some(parameter) => parameter,
            None => http::cookie(request, FACTS_COOKIE)?,
        },
    };
    let token = FactsToken::decode(token.as_bytes(), keyring, &site.name, now).ok()?;
    Some(token.facts)
}

/// What a verified token asks for: in the parameter `hs_explain` reasons, in the header `hs-explain` notes.
fn explains(request: &RequestHead, keyring: &Keyring, site: &Site, now: UnixTime) -> Explains {
    let holds = |token: &str| {
        CapabilityToken::decode(token.as_bytes(), Capability::Explain, keyring, &site.name, now).is_ok()
    };
    let header = request.headers.get(&EXPLAIN_HEADER).and_then(|header| header.to_str().ok());
    if http::own_parameter(&request.path_and_query, EXPLAIN_PARAMETER).is_some_and(holds) {
        Explains::Instead
    } else if header.is_some_and(holds) {
        Explains::Beside
    } else {
        Explains::No
    }
}
