//! The secrets of a site, one keyring for each purpose.

use serde_json::{Map, Value};

use crate::token::{Keyring, KeyringError};

/// What a keyring is for. Every purpose has keys of its own, so that whoever may do one thing can do no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPurpose {
    /// The profile cookie.
    Profile,
    /// Facts tokens.
    Facts,
    /// Tokens that have a page explained.
    Explain,
    /// Tokens that show a draft.
    Preview,
    /// Tokens of operators.
    Operator,
    /// Tokens by which an edge is known where publications are recorded.
    Edge,
}

impl KeyPurpose {
    /// All purposes.
    pub const ALL: [Self; 6] =
        [Self::Profile, Self::Facts, Self::Explain, Self::Preview, Self::Operator, Self::Edge];

    /// The word for it in names of files, secrets and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Facts => "facts",
            Self::Explain => "explain",
            Self::Preview => "preview",
            Self::Operator => "operator",
            Self::Edge => "edge",
        }
    }
}

/// The secrets of a site. Without the keyring of a purpose no token of that kind is accepted.
#[derive(Debug)]
pub struct Keys {
    /// Of the profile cookie.
    pub profile: Keyring,
    /// Of facts tokens.
    pub facts: Option<Keyring>,
    /// Of tokens that have a page explained.
    pub explain: Option<Keyring>,
    /// Of tokens that show a draft.
    pub preview: Option<Keyring>,
    /// Of tokens of operators.
    pub operator: Option<Keyring>,
    /// Of tokens of edges.
    pub edge: Option<Keyring>,
}

impl Keys {
    /// Reads a map from purpose to keyring, as platforms keep it in one secret: `{"profile": {"keys": …}, "facts": …}`.
    pub fn parse_bundle(json: &[u8]) -> Result<Keys, BundleError> {
        let rings: Map<String, Value> = serde_json::from_slice(json).map_err(|_| BundleError::Form)?;
        let mut wrong = None;
        let keys = Keys::gather(|purpose| {
            let read = Keyring::parse(rings.get(purpose.name())?.to_string().as_bytes());
            read.map_err(|error| wrong = Some(BundleError::Ring { purpose: purpose.name(), error })).ok()
        });
        match wrong {
            Some(error) => Err(error),
            None => keys.ok_or(BundleError::NoProfile),
        }
    }

    /// The keyrings that `ring` finds; `None` without one for the profile cookie, since nothing is personal then.
    pub fn gather(mut ring: impl FnMut(KeyPurpose) -> Option<Keyring>) -> Option<Keys> {
        Some(Keys {
            profile: ring(KeyPurpose::Profile)?,
            facts: ring(KeyPurpose::Facts),
            explain: ring(KeyPurpose::Explain),
            preview: ring(KeyPurpose::Preview),
            operator: ring(KeyPurpose::Operator),
            edge: ring(KeyPurpose::Edge),
        })
    }
}

/// Why a bundle of keyrings cannot be used. No error quotes what was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It is no JSON object.
    #[error("the keys are no JSON object from purpose to keyring")]
    Form,
    /// A keyring in it is none.
    #[error("{purpose}: {error}")]
    Ring {
        /// Which.
        purpose: &'static str,
        /// What is wrong with it.
        error: KeyringError,
    },
    /// There is no keyring for the profile cookie.
    #[error("there is no keyring `profile`")]
    NoProfile,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_read_whole_or_not_at_all() {
        let ring = r#"{"keys":[{"kid":"a","secret":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}]}"#;
        let keys = Keys::parse_bundle(format!(r#"{{"profile":{ring},"preview":{ring},"x":1}}"#).as_bytes());
        let keys = keys.expect("two rings, and what a later version may know");
        assert!(keys.preview.is_some() && keys.facts.is_none());
        for (json, error) in [
            (String::new(), BundleError::Form),
            ("[]".to_owned(), BundleError::Form),
            (format!(r#"{{"facts":{ring}}}"#), BundleError::NoProfile),
            (
                format!(r#"{{"profile":{ring},"facts":{{"keys":[]}}}}"#),
                BundleError::Ring { purpose: "facts", error: KeyringError::Empty },
            ),
        ] {
            assert_eq!(Keys::parse_bundle(json.as_bytes()).err(), Some(error), "{json}");
        }
    }
}
