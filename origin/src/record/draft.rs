//! What a publisher offers to the record, and what of it has to hold before it is written down.

use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, PointerError, PointerKeys};
use hemstitch::time::UnixTime;
use serde::{Deserialize, Serialize};

use super::{Record, RecordError, base64url};
use crate::ruleset_file::{RulesetFile, Unpublishable};

/// Longest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 4_000;

/// A publication as its publisher sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The signed pointer, which holds the number.
    #[serde(with = "base64url")]
    pub pointer: Vec<u8>,
    /// The number of the last publication that the publisher knows of.
    pub seen: Option<u64>,
    /// What they say of it.
    #[serde(default)]
    pub message: String,
    /// What is published.
    #[serde(flatten)]
    pub what: Offered,
}

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offered {
    /// A ruleset, as it was written.
    Ruleset(String),
    /// What the publication of this number had published.
    Again(u64),
}

/// A publication that can be written down. Invariant: its pointer is signed by a key of the site and names its pack, which
/// is what its ruleset compiles to, or what is recorded with that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pointer: Pointer,
    wire: Vec<u8>,
    ruleset: String,
    pack: Vec<u8>,
    message: String,
    again: Option<u64>,
}

/// Why an offer cannot be written down.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The pointer is none of the site.
    #[error("the pointer: {0}; its public key has to be among the site's `pointer_keys`")]
    Pointer(#[from] PointerError),
    /// The ruleset has errors.
    #[error(transparent)]
    Ruleset(#[from] Unpublishable),
    /// The pointer names another pack than the one that the ruleset compiles to here.
    #[error(
        "the pointer names pack {signed}, and the ruleset compiles to {compiled}; publisher and origin must be of one version"
    )]
    OtherPack {
        /// What the pointer names.
        signed: PackHash,
        /// What came of the ruleset.
        compiled: PackHash,
    },
    /// There is no publication of that number to repeat.
    #[error("there is no number {0}")]
    NoSuchVersion(u64),
    /// The message is too long.
    #[error("the message has {0} bytes, more than {MAX_MESSAGE_BYTES}")]
    Message(usize),
    /// The record cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Draft {
    /// Checks an offer of a site. Compiles its ruleset, which takes a while.
    pub fn check(offer: Offer, site: &str, keys: &PointerKeys, record: &Record) -> Result<Draft, DraftError> {
        let Offer { pointer: wire, message, what, .. } = offer;
        let pointer = Pointer::verify(&wire, keys, site)?;
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(DraftError::Message(message.len()));
        }
        let (ruleset, pack, again) = match what {
            Offered::Ruleset(text) => {
                let file = RulesetFile::of(text);
                let pack = file.compile()?;
                (file.text, pack, None)
            }
            Offered::Again(sequence) => {
                let missing = || DraftError::NoSuchVersion(sequence);
                let version = record.version(site, sequence)?.ok_or_else(missing)?;
                let ruleset = record.ruleset(site, sequence)?.ok_or_else(missing)?;
                let pack = record.pack(site, &version.pack)?.ok_or_else(missing)?;
                (ruleset, pack, Some(sequence))
            }
        };
        let (signed, compiled) = (published(&pointer), PackHash::of(&pack));
        match signed == compiled {
            true => Ok(Draft { pointer, wire, ruleset, pack, message, again }),
            false => Err(DraftError::OtherPack { signed, compiled }),
        }
    }

    /// The site.
    pub fn site(&self) -> &str {
        self.pointer.site()
    }

    /// The number.
    pub fn sequence(&self) -> u64 {
        self.pointer.sequence()
    }

    pub(super) fn hash(&self) -> PackHash {
        published(&self.pointer)
    }

    /// From when it is live, where that is not at once, and the pack that is until then.
    pub(super) fn starts(&self) -> Option<(UnixTime, PackHash)> {
        self.pointer.next().map(|(_, at)| (*at, *self.pointer.pack()))
    }

    pub(super) fn ruleset(&self) -> &str {
        &self.ruleset
    }

    pub(super) fn pack(&self) -> &[u8] {
        &self.pack
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn again(&self) -> Option<u64> {
        self.again
    }

    pub(super) fn pointer(&self) -> &[u8] {
        &self.wire
    }
}

/// The pack that a pointer brings: the one that is live in the end.
pub(crate) fn published(pointer: &Pointer) -> PackHash {
    pointer.next().map_or(*pointer.pack(), |(hash, _)| *hash)
}
