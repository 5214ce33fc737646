//! Publishing: the record first, then each KV, the pack before the pointer; every step leaves what is live as it was, or
//! live as it is to be.
//!
//! ```text
//! plan ─► sign ─► record ─► for each mirror: packs ─► read back ─► ruleset ─► pointer ─► read back ─► is it still the last?
//! ```

mod mirror;
mod number;
mod ruleset;

use std::ops::ControlFlow;

use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, PointerError, PointerKeyError, PointerKeys};
use hemstitch::time::UnixTime;

use crate::keys::SigningKeyFile;
use crate::record::{Offer, Offered, Version, published};
use crate::targets::{Ledger, LedgerError, StoreError, Targets};

pub use mirror::Mirrored;
pub use number::{NumberError, Numbering};
pub use ruleset::{Kept, kept_ruleset};

/// Publishes for one site.
pub struct Publisher<'p> {
    site: &'p str,
    key: &'p SigningKeyFile,
    keys: PointerKeys,
    targets: &'p Targets,
    observe: Observer<'p>,
}

/// Is told of every step before it is done, and may stop it.
type Observer<'p> = Box<dyn FnMut(&Step) -> ControlFlow<()> + 'p>;

/// What came of each mirror, by its name.
pub type Mirrors = Vec<(String, Result<Mirrored, PublishError>)>;

/// What is to be published.
#[derive(Clone, Debug)]
pub struct Request {
    /// A ruleset and its pack, or the number of an older publication and its pack.
    pub what: Offered,
    /// The pack.
    pub pack: Vec<u8>,
    /// From when it is live, where that is not at once.
    pub starts: Option<UnixTime>,
    /// What is said of it.
    pub message: String,
    /// The publication that it was made from, where the last one has to be that.
    pub base: Option<u64>,
    /// Its number, where that is not to be the next one.
    pub sequence: Option<u64>,
}

/// Something that is about to be done; what was done before it stays if it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The publication of this number is written into the record.
    Record(u64),
    /// Packs of so many bytes are written.
    Packs {
        /// To this mirror.
        mirror: String,
        /// How long they are together.
        bytes: usize,
    },
    /// They are read back.
    ReadPacks(String),
    /// The ruleset is kept beside its pack.
    Ruleset(String),
    /// The pointer is written, which makes the publication live there.
    Pointer(String),
    /// It is read back.
    ReadPointer(String),
}

/// What came of a publication.
#[derive(Debug)]
pub struct Outcome {
    /// Its number.
    pub sequence: u64,
    /// Its pack.
    pub hash: PackHash,
    /// Whether it is a new one, or was published before.
    pub novelty: Novelty,
    /// What came of each mirror.
    pub mirrors: Mirrors,
}

/// Whether a publication is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// It got a number.
    New,
    /// The same was live already, and kept its number.
    Known,
}

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no number for it.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The record.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A KV.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A KV does not have what was written to it.
    #[error("{key} is not what was written there")]
    NotAsWritten {
        /// Under which key.
        key: String,
    },
    /// A pack that has to be live until then is nowhere to be had.
    #[error("pack {0} is neither in the record nor in a KV")]
    NoPack(PackHash),
    /// What starts later needs something that is live until then.
    #[error("nothing is live, so there is nothing to show until then; publish something that starts at once")]
    NothingUntilThen,
    /// The pointer that was read is none of this site.
    #[error("the pointer of the record: {0}")]
    Pointer(#[from] PointerError),
    /// The key has no public half.
    #[error("the signing key cannot be used")]
    Key(#[from] PointerKeyError),
    /// Whoever watches said so.
    #[error("stopped")]
    Stopped,
}

impl<'p> Publisher<'p> {
    /// A publisher, and who is told of every step before it is done, and may stop it.
    pub fn new(
        site: &'p str,
        key: &'p SigningKeyFile,
        targets: &'p Targets,
        observe: impl FnMut(&Step) -> ControlFlow<()> + 'p,
    ) -> Result<Publisher<'p>, PublishError> {
        let keys = key.public_keys()?;
        Ok(Publisher { site, key, keys, targets, observe: Box::new(observe) })
    }

    /// What is live, as far as the targets tell; nothing is changed.
    pub fn numbering(&self, sequence: Option<u64>) -> Result<Numbering, PublishError> {
        number::of(self.site, &self.keys, self.targets, sequence)
    }

    /// Publishes. The record has to take it; of the mirrors each succeeds or fails by itself.
    pub fn publish(&mut self, request: &Request, now: UnixTime) -> Result<Outcome, PublishError> {
        let numbering = self.numbering(request.sequence)?;
        numbering.follows(request.base)?;
        let hash = PackHash::of(&request.pack);
        let wanted = request.starts.filter(|starts| *starts > now);
        let (wire, sequence, novelty) = match numbering.same(&hash, wanted, now) {
            Some((wire, sequence)) => (wire.to_vec(), sequence, Novelty::Known),
            None => {
                let live = numbering.live(now);
                let next = wanted.map(|starts| (hash, starts));
                let first = match (next, live) {
                    (None, _) => hash,
                    (Some(_), Some(live)) => live,
                    (Some(_), None) => return Err(PublishError::NothingUntilThen),
                };
                let pointer = Pointer::new(self.site.to_owned(), numbering.next()?, first, next);
                let wire = pointer.sign(self.key.key(), self.key.kid());
                self.record(&wire, &numbering, request)?;
                (wire, pointer.sequence(), Novelty::New)
            }
        };
        let mirrors = self.mirror_all(wire, request)?;
        Ok(Outcome { sequence, hash, novelty, mirrors })
    }

    fn record(&mut self, wire: &[u8], numbering: &Numbering, request: &Request) -> Result<(), PublishError> {
        let Some((_, ledger)) = &self.targets.ledger else { return Ok(()) };
        self.step(&Step::Record(numbering.next()?))?;
        let offer = Offer {
            pointer: wire.to_vec(),
            seen: numbering.seen(),
            message: request.message.clone(),
            what: request.what.clone(),
        };
        ledger.add(self.site, offer)?;
        Ok(())
    }

    /// Brings every mirror up to a pointer, and to the one that follows it if somebody publishes meanwhile.
    fn mirror_all(&mut self, mut wire: Vec<u8>, request: &Request) -> Result<Mirrors, PublishError> {
        loop {
            let mut outcomes = Vec::new();
            for mirror in &self.targets.mirrors {
                let outcome = self.mirror(mirror, &wire, request);
                if matches!(outcome, Err(PublishError::Stopped)) {
                    return Err(PublishError::Stopped);
                }
                outcomes.push((mirror.name.clone(), outcome));
            }
            // Whoever publishes next may have written to a mirror before our pointer was there.
            match self.last_of_record()? {
                Some(last) if last.pointer != wire => wire = last.pointer,
                _ => return Ok(outcomes),
            }
        }
    }

    fn last_of_record(&self) -> Result<Option<Version>, PublishError> {
        match &self.targets.ledger {
            Some((_, ledger)) if !self.targets.mirrors.is_empty() => Ok(ledger.latest(self.site)?),
            _ => Ok(None),
        }
    }

    fn ledger(&self) -> Option<&Ledger> {
        self.targets.ledger.as_ref().map(|(_, ledger)| ledger)
    }

    fn step(&mut self, step: &Step) -> Result<(), PublishError> {
        match (self.observe)(step) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(PublishError::Stopped),
        }
    }
}

/// The packs that a pointer names, the one that it brings first.
fn packs_of(pointer: &Pointer) -> Vec<PackHash> {
    let brought = published(pointer);
    let until_then = Some(*pointer.pack()).filter(|hash| *hash != brought);
    [Some(brought), until_then].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
