//! Who asks: an operator or an edge of the site, by the token that they show.

use hemstitch::record::bearer;
use hemstitch::token::{Capability, CapabilityToken, Claims, Keyring};
use http::HeaderMap;

use crate::origin::Origin;
use crate::visits::now;

/// Whoever may operate the site. What they are called is for the record; what they may do beyond that, nothing says yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The token's `sub`.
    pub name: String,
}

impl Operator {
    /// The operator whose token a request shows; one without a name is nobody.
    pub fn of(origin: &Origin, headers: &HeaderMap) -> Option<Operator> {
        let keys = origin.keys.now()?;
        let keyring = keys.operator.as_ref()?;
        let claims = claims(origin, headers, Capability::Operator, keyring)?;
        let name = claims.private.get("sub")?.as_str()?.trim();
        (1..=200).contains(&name.len()).then(|| Operator { name: name.to_owned() })
    }
}

/// Whether a request shows the token of an edge.
pub fn is_edge(origin: &Origin, headers: &HeaderMap) -> bool {
    let keys = origin.keys.now();
    let keyring = keys.as_ref().and_then(|keys| keys.edge.as_ref());
    keyring.is_some_and(|keyring| claims(origin, headers, Capability::Edge, keyring).is_some())
}

fn claims(origin: &Origin, headers: &HeaderMap, capability: Capability, keyring: &Keyring) -> Option<Claims> {
    CapabilityToken::decode(bearer(headers)?, capability, keyring, &origin.site.name, now()).ok()
}
