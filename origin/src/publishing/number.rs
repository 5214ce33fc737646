//! Which number a publication gets, by what the targets hold.

use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, PointerError, PointerKeys, pointer_key};
use hemstitch::time::UnixTime;

use super::PublishError;
use crate::record::published;
use crate::targets::Targets;

/// How far a number that is given may be above the live one.
const MOST_AHEAD: u64 = 1_000_000;

/// Why there is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// A pointer that is live is none that this key signed, so its number cannot be relied on.
    #[error("the pointer that is live at `{target}` is not one of this site and key: {source}")]
    ForeignPointer {
        /// Where it is.
        target: String,
        /// What is wrong with it.
        source: PointerError,
    },
    /// Numbers begin at 1.
    #[error("0 is no number of a publication; the first one is 1")]
    Zero,
    /// The number that is given would not go on from the live one, and edges would refuse it.
    #[error("number {wanted} is not higher than {live}, which is live")]
    NotHigher {
        /// The number that is given.
        wanted: u64,
        /// The number that is live.
        live: u64,
    },
    /// The number that is given is more than a million above the live one: most likely a slip.
    #[error("number {wanted} is more than {MOST_AHEAD} above {live}, which is live")]
    Leap {
        /// The number that is given.
        wanted: u64,
        /// The number that is live.
        live: u64,
    },
    /// There is no number left.
    #[error("publication {0} was the last one that has a number")]
    Last(u64),
    /// The publication that this one was made from is not the last one.
    #[error("it was made from number {base}, and {} is live", live.map_or("nothing".to_owned(), |live| format!("number {live}")))]
    OtherBase {
        /// The one that it was made from.
        base: u64,
        /// The last one.
        live: Option<u64>,
    },
}

/// What is live, and the number that comes next.
#[derive(Clone, Debug)]
pub struct Numbering {
    last: Option<(Pointer, Vec<u8>)>,
    next: Result<u64, NumberError>,
}

pub(super) fn of(
    site: &str,
    keys: &PointerKeys,
    targets: &Targets,
    wanted: Option<u64>,
) -> Result<Numbering, PublishError> {
    let last = match &targets.ledger {
        Some((name, ledger)) => {
            let wire = ledger.latest(site)?.map(|latest| latest.pointer);
            wire.map(|wire| read(&wire, keys, site, name)).transpose()?
        }
        None => last_of_mirrors(site, keys, targets, wanted.is_some())?,
    };
    let live = last.as_ref().map_or(0, |(pointer, _)| pointer.sequence());
    let next = match wanted {
        None => live.checked_add(1).ok_or(NumberError::Last(live)),
        Some(0) => Err(NumberError::Zero),
        Some(wanted) if last.is_none() => Ok(wanted),
        Some(wanted) => match wanted.checked_sub(live) {
            None | Some(0) => Err(NumberError::NotHigher { wanted, live }),
            Some(ahead) if ahead > MOST_AHEAD => Err(NumberError::Leap { wanted, live }),
            Some(_) => Ok(wanted),
        },
    };
    Ok(Numbering { last, next })
}

/// The highest pointer of all mirrors. With a number that is given, a foreign one is passed over.
fn last_of_mirrors(
    site: &str,
    keys: &PointerKeys,
    targets: &Targets,
    passes_over: bool,
) -> Result<Option<(Pointer, Vec<u8>)>, PublishError> {
    let mut last: Option<(Pointer, Vec<u8>)> = None;
    for mirror in &targets.mirrors {
        let Some(wire) = mirror.store.get(&pointer_key(site))? else { continue };
        match read(&wire, keys, site, &mirror.name) {
            Ok(held) if last.as_ref().is_none_or(|(last, _)| last.sequence() < held.0.sequence()) => {
                last = Some(held);
            }
            Ok(_) => {}
            Err(_) if passes_over => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(last)
}

fn read(
    wire: &[u8],
    keys: &PointerKeys,
    site: &str,
    target: &str,
) -> Result<(Pointer, Vec<u8>), NumberError> {
    match Pointer::verify(wire, keys, site) {
        Ok(pointer) => Ok((pointer, wire.to_vec())),
        Err(source) => Err(NumberError::ForeignPointer { target: target.to_owned(), source }),
    }
}

impl Numbering {
    /// The number that the publication gets.
    pub fn next(&self) -> Result<u64, NumberError> {
        self.next.clone()
    }

    /// The number of the last publication.
    pub fn seen(&self) -> Option<u64> {
        self.last.as_ref().map(|(pointer, _)| pointer.sequence())
    }

    /// The pack that the last publication brought.
    pub fn brought(&self) -> Option<PackHash> {
        self.last.as_ref().map(|(pointer, _)| published(pointer))
    }

    /// The pack that is live.
    pub fn live(&self, now: UnixTime) -> Option<PackHash> {
        self.last.as_ref().map(|(pointer, _)| *pointer.active(now))
    }

    /// The pack that is to replace it, and when.
    pub fn pending(&self, now: UnixTime) -> Option<(PackHash, UnixTime)> {
        self.last.as_ref()?.0.next().filter(|(_, at)| *at > now).copied()
    }

    /// Errs where a publication was made from another one than the last.
    pub(super) fn follows(&self, base: Option<u64>) -> Result<(), NumberError> {
        match base {
            Some(base) if self.seen() != Some(base) => {
                Err(NumberError::OtherBase { base, live: self.seen() })
            }
            _ => Ok(()),
        }
    }

    /// The pointer that says already what is to be said, and its number.
    pub(super) fn same(
        &self,
        hash: &PackHash,
        starts: Option<UnixTime>,
        now: UnixTime,
    ) -> Option<(&[u8], u64)> {
        let (pointer, wire) = self.last.as_ref()?;
        let pending = self.pending(now);
        let says_so = match starts {
            Some(starts) => pending == Some((*hash, starts)),
            None => pending.is_none() && published(pointer) == *hash,
        };
        says_so.then_some((wire.as_slice(), pointer.sequence()))
    }
}
