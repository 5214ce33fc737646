//! The secrets of a site, one keyring for each purpose.

use crate::token::Keyring;

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
}

impl KeyPurpose {
    /// All purposes.
    pub const ALL: [Self; 5] = [Self::Profile, Self::Facts, Self::Explain, Self::Preview, Self::Operator];

    /// The word for it in names of files, secrets and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Facts => "facts",
            Self::Explain => "explain",
            Self::Preview => "preview",
            Self::Operator => "operator",
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
}

impl Keys {
    /// The keyrings that `ring` finds; `None` without one for the profile cookie, since nothing is personal then.
    pub fn gather(mut ring: impl FnMut(KeyPurpose) -> Option<Keyring>) -> Option<Keys> {
        Some(Keys {
            profile: ring(KeyPurpose::Profile)?,
            facts: ring(KeyPurpose::Facts),
            explain: ring(KeyPurpose::Explain),
            preview: ring(KeyPurpose::Preview),
            operator: ring(KeyPurpose::Operator),
        })
    }
}
