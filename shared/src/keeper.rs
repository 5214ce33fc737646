//! The keeper: which pack an instance holds for a site, and what it must look up next.
//!
//! ```text
//! wants ─► Pointer ─► driver ─► pointer_arrived ─► wants ─► Pack ─► driver ─► pack_arrived ─► current
//! ```
//! Whatever goes wrong on the way, the last good pack serves.

use crate::pack::{Pack, PackError, PackHash};
use crate::pointer::{Pointer, PointerError, PointerKeys, pack_key, pointer_key};
use crate::time::UnixTime;
use serde::Serialize;
use std::sync::Arc;

/// A pointer is looked up at most this often.
const POINTER_EVERY_MS: u64 = 2_000;
/// A pack that is missing or corrupt is looked up at most this often.
const PACK_EVERY_MS: u64 = 1_000;

/// Something to look up in the KV store. A pack that is not there may be asked from the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// The pointer, under this key; hand it to [`Keeper::pointer_arrived`].
    Pointer(String),
    /// A pack, under this key; hand it to [`Keeper::pack_arrived`] with its hash.
    Pack(String, PackHash),
}

/// Why something that arrived was refused. The last good pack stays current.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeeperError {
    /// The pointer is none of this site.
    #[error("pointer: {0}")]
    Pointer(#[from] PointerError),
    /// The pointer is older than one that was seen.
    #[error("pointer {arrived} is older than {seen}, which was seen")]
    Older {
        /// The highest sequence number seen.
        seen: u64,
        /// The one that arrived.
        arrived: u64,
    },
    /// Two different publications have one sequence number.
    #[error("there are two pointers {sequence}")]
    Forked {
        /// Their sequence number.
        sequence: u64,
    },
    /// The pack is not the one that its hash names.
    #[error("pack: {0}")]
    Pack(#[from] PackError),
}

/// How often an instance has refused something, by what was wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refusals {
    /// Pointers that are none of this site: corrupt, of another key, or of another site.
    pub foreign: u64,
    /// Pointers with a lower sequence number than one that was seen.
    pub older: u64,
    /// Pointers with the sequence number of a different one.
    pub forked: u64,
    /// Packs that are not what their hash names.
    pub packs: u64,
}

/// What an instance holds for a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// The sequence number of the pointer that is followed.
    pub sequence: Option<u64>,
    /// The pack that decides.
    pub pack: Option<PackHash>,
    /// The pack that the pointer wants to decide, where it is another.
    pub due: Option<PackHash>,
    /// The pack that is live later, and from when.
    pub next: Option<(PackHash, UnixTime)>,
    /// What was refused.
    pub refused: Refusals,
}

/// Holder of the pack of one site in one instance. Time on the clock that counts look-ups is in milliseconds from any
/// beginning; it must not run backwards.
#[derive(Debug)]
pub struct Keeper {
    site: String,
    keys: PointerKeys,
    pointer: Option<Pointer>,
    /// The bytes of `pointer`: the same ones need not be verified again.
    accepted: Vec<u8>,
    /// The last good pack, live or not.
    current: Option<Arc<Pack>>,
    /// A pack that is to be live later, verified.
    ready: Option<Arc<Pack>>,
    /// The pack that the pointer says is live.
    due: Option<PackHash>,
    latest: UnixTime,
    pointer_asked: Option<u64>,
    pack_asked: Option<(PackHash, u64)>,
    refused: Refusals,
}

impl Keeper {
    /// A keeper that holds nothing yet.
    pub fn new(site: String, keys: PointerKeys) -> Self {
        Keeper {
            site,
            keys,
            pointer: None,
            accepted: Vec::new(),
            current: None,
            ready: None,
            due: None,
            latest: UnixTime(0),
            pointer_asked: None,
            pack_asked: None,
            refused: Refusals::default(),
        }
    }

    /// The pack to decide with: the one that is live, or else the last good one.
    pub fn current(&self) -> Option<Arc<Pack>> {
        self.current.clone()
    }

    /// What is held, and what was refused.
    pub fn holding(&self) -> Holding {
        let pack = self.current.as_ref().map(|pack| pack.hash());
        let upcoming = self.upcoming();
        Holding {
            sequence: self.pointer.as_ref().map(Pointer::sequence),
            pack,
            due: self.due.filter(|due| Some(*due) != pack),
            next: self
                .pointer
                .as_ref()
                .and_then(Pointer::next)
                .filter(|(hash, _)| Some(*hash) == upcoming)
                .copied(),
            refused: self.refused,
        }
    }

    /// What to look up at this time, if anything. To ask is to take the task on: the same thing is not wanted again
    /// before its interval is over, whether it arrives or not.
    pub fn wants(&mut self, now_ms: u64) -> Option<Want> {
        if elapsed(self.pointer_asked, now_ms) >= POINTER_EVERY_MS {
            self.pointer_asked = Some(now_ms);
            return Some(Want::Pointer(pointer_key(&self.site)));
        }
        let hash = self.missing_pack()?;
        let asked = self.pack_asked.filter(|(asked, _)| *asked == hash).map(|(_, at)| at);
        if elapsed(asked, now_ms) < PACK_EVERY_MS {
            return None;
        }
        self.pack_asked = Some((hash, now_ms));
        Some(Want::Pack(pack_key(&self.site, &hash), hash))
    }

    /// The pointer that was looked up; `None` where there is none, which changes nothing.
    pub fn pointer_arrived(
        &mut self,
        bytes: Option<&[u8]>,
        now_ms: u64,
        now: UnixTime,
    ) -> Result<(), KeeperError> {
        self.pointer_asked = Some(now_ms);
        let Some(bytes) = bytes else { return Ok(()) };
        self.follow(bytes, now).inspect_err(|error| self.refused.count(error))
    }

    /// A pointer that another instance has followed, and remembers for those that come after it. It is held to the same as
    /// any other, so that whoever could put one there gains nothing, and one that is refused is nobody's fault. It stands
    /// for a look-up of one's own where it was looked up just now, at `looked_up_ms`.
    pub fn recall(
        &mut self,
        bytes: &[u8],
        looked_up_ms: Option<u64>,
        now: UnixTime,
    ) -> Result<(), KeeperError> {
        self.follow(bytes, now)?;
        self.pointer_asked = looked_up_ms.or(self.pointer_asked);
        Ok(())
    }

    /// Whether the pack that decides is the one that the pointer wants to decide.
    pub fn is_settled(&self) -> bool {
        self.due.is_some_and(|due| holds(&self.current, &due))
    }

    /// The pointer that is followed, as it was signed; empty where there is none.
    pub fn pointer(&self) -> &[u8] {
        &self.accepted
    }

    fn follow(&mut self, bytes: &[u8], now: UnixTime) -> Result<(), KeeperError> {
        if self.pointer.is_some() && bytes == self.accepted {
            self.tick(now);
            return Ok(());
        }
        let pointer = Pointer::verify(bytes, &self.keys, &self.site)?;
        if let Some(seen) = &self.pointer {
            let (seen_sequence, arrived) = (seen.sequence(), pointer.sequence());
            if arrived < seen_sequence {
                return Err(KeeperError::Older { seen: seen_sequence, arrived });
            }
            if arrived == seen_sequence && *seen != pointer {
                return Err(KeeperError::Forked { sequence: arrived });
            }
        }
        self.pointer = Some(pointer);
        self.accepted = bytes.to_vec();
        self.tick(now);
        Ok(())
    }

    /// The pack of that hash that was looked up; `None` where there is none. One that the pointer no longer names is
    /// dropped.
    pub fn pack_arrived(
        &mut self,
        hash: &PackHash,
        bytes: Option<Vec<u8>>,
        now_ms: u64,
        now: UnixTime,
    ) -> Result<(), KeeperError> {
        self.pack_asked = Some((*hash, now_ms));
        self.tick(now);
        let Some(bytes) = bytes else { return Ok(()) };
        let is_due = self.due.as_ref() == Some(hash);
        if !is_due && self.upcoming() != Some(*hash) {
            return Ok(());
        }
        let opened = Pack::open_verified(bytes, hash).map_err(KeeperError::from);
        let pack = Arc::new(opened.inspect_err(|error| self.refused.count(error))?);
        let place = if is_due { &mut self.current } else { &mut self.ready };
        *place = Some(pack);
        Ok(())
    }

    /// Lets time pass: makes the next pack live when its time has come, if it is held. Time never runs backwards.
    pub fn tick(&mut self, now: UnixTime) {
        self.latest = self.latest.max(now);
        let Some(pointer) = &self.pointer else { return };
        let due = *pointer.active(self.latest);
        self.due = Some(due);
        if !holds(&self.current, &due) && holds(&self.ready, &due) {
            self.current = self.ready.take();
        }
        let upcoming = self.upcoming();
        self.ready.take_if(|ready| Some(ready.hash()) != upcoming);
    }

    /// The pack that is live later.
    fn upcoming(&self) -> Option<PackHash> {
        let (hash, from) = self.pointer.as_ref()?.next()?;
        (*from > self.latest).then_some(*hash)
    }

    /// What the pointer names and is not held: the pack that is live, then the next one.
    pub fn missing_pack(&self) -> Option<PackHash> {
        let held = |hash: &PackHash| holds(&self.current, hash) || holds(&self.ready, hash);
        self.due.filter(|due| !held(due)).or(self.upcoming().filter(|upcoming| !held(upcoming)))
    }
}

impl Refusals {
    fn count(&mut self, error: &KeeperError) {
        let counter = match error {
            KeeperError::Pointer(_) => &mut self.foreign,
            KeeperError::Older { .. } => &mut self.older,
            KeeperError::Forked { .. } => &mut self.forked,
            KeeperError::Pack(_) => &mut self.packs,
        };
        *counter = counter.saturating_add(1);
    }
}

fn holds(place: &Option<Arc<Pack>>, hash: &PackHash) -> bool {
    place.as_ref().is_some_and(|pack| pack.hash() == *hash)
}

/// Milliseconds since; without end where it never was.
fn elapsed(since: Option<u64>, now_ms: u64) -> u64 {
    since.map_or(u64::MAX, |since| now_ms.saturating_sub(since))
}

#[cfg(test)]
mod tests {
    use super::{Keeper, KeeperError, Want};
    use crate::pack::{Pack, PackError, PackHash, compile};
    use crate::pointer::{Pointer, PointerError, PointerKeys, SigningKey};
    use crate::ruleset::Ruleset;
    use crate::time::UnixTime;

    /// The bytes of a pack with one slot of that name.
    fn pack(slot: &str) -> Vec<u8> {
        let json = format!(r#"{{"slots":{{"{slot}":{{"rules":[{{"id":"r","block":"nothing"}}]}}}}}}"#);
        compile(&Ruleset::parse(&json).0.unwrap()).unwrap()
    }

    fn hash(slot: &str) -> PackHash {
        PackHash::of(&pack(slot))
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn wire(sequence: u64, slot: &str) -> Vec<u8> {
        Pointer::new("acme".to_owned(), sequence, hash(slot), None).sign(&key(1), "p1")
    }

    /// An instance in a script: every step says what it expects, and time is in seconds.
    struct Script(Keeper);

    impl Script {
        fn new() -> Self {
            let public = PointerKeys::encode(&key(1));
            Script(Keeper::new("acme".to_owned(), PointerKeys::new([("p1", public.as_str())]).unwrap()))
        }

        fn wants(mut self, at: u64, expect: &[&str]) -> Self {
            let mut asked = Vec::new();
            while let Some(want) = self.0.wants(at * 1_000) {
                asked.push(match want {
                    Want::Pointer(key) => key,
                    Want::Pack(key, hash) => {
                        assert_eq!(key, format!("acme/pack/{hash}"));
                        let named =
                            ["one", "two", "three"].into_iter().find(|slot| super::tests::hash(slot) == hash);
                        named.unwrap_or("foreign").to_owned()
                    }
                });
            }
            assert_eq!(asked, expect, "at {at}");
            self
        }

        fn pointer(mut self, at: u64, bytes: Option<&[u8]>, expect: Result<(), KeeperError>) -> Self {
            assert_eq!(self.0.pointer_arrived(bytes, at * 1_000, UnixTime(at)), expect, "at {at}");
            self
        }

        fn pack(self, at: u64, slot: &str) -> Self {
            self.pack_bytes(at, slot, Some(pack(slot)), Ok(()))
        }

        fn pack_bytes(
            mut self,
            at: u64,
            slot: &str,
            bytes: Option<Vec<u8>>,
            expect: Result<(), KeeperError>,
        ) -> Self {
            let arrived = self.0.pack_arrived(&hash(slot), bytes, at * 1_000, UnixTime(at));
            assert_eq!(arrived, expect, "at {at}");
            self
        }

        fn tick(mut self, at: u64) -> Self {
            self.0.tick(UnixTime(at));
            self
        }

        fn serves(self, expect: Option<&str>) -> Self {
            let held = self.0.current();
            assert_eq!(held.as_deref().map(Pack::hash), expect.map(hash));
            self
        }
    }

    const POINTER: &str = "acme/pointer";

    fn serving_one() -> Script {
        Script::new()
            .wants(0, &[POINTER])
            .pointer(0, Some(&wire(1, "one")), Ok(()))
            .wants(0, &["one"])
            .pack(0, "one")
            .serves(Some("one"))
    }

    #[test]
    fn a_pack_that_is_held_is_not_looked_up_again() {
        serving_one()
            .wants(1, &[])
            .wants(2, &[POINTER])
            .pointer(2, Some(&wire(1, "one")), Ok(()))
            .wants(3, &[]);
    }

    #[test]
    fn there_is_one_look_up_in_each_interval_even_if_nothing_arrives() {
        Script::new().wants(0, &[POINTER]).wants(0, &[]).wants(1, &[]).wants(2, &[POINTER]).wants(3, &[]);
        Script::new()
            .wants(0, &[POINTER])
            .pointer(0, Some(&wire(1, "one")), Ok(()))
            .wants(0, &["one"])
            .wants(0, &[])
            .wants(1, &["one"])
            .wants(1, &[])
            .wants(2, &[POINTER, "one"]);
    }

    #[test]
    fn a_missing_pointer_leaves_the_last_good_pack() {
        Script::new().wants(0, &[POINTER]).pointer(0, None, Ok(())).serves(None).wants(1, &[]);
        serving_one().pointer(2, None, Ok(())).serves(Some("one"));
    }

    #[test]
    fn a_pointer_that_does_not_verify_changes_nothing() {
        let mut flipped = wire(2, "two");
        flipped[20] ^= 1;
        let refused = |bytes: &[u8], expect| {
            serving_one()
                .pointer(2, Some(bytes), Err(KeeperError::Pointer(expect)))
                .wants(3, &[])
                .serves(Some("one"));
        };
        refused(&flipped, PointerError::BadSignature);
        refused(&wire(2, "two")[..50], PointerError::Malformed);
        let foreign = Pointer::new("acme".to_owned(), 2, hash("two"), None).sign(&key(2), "p1");
        refused(&foreign, PointerError::BadSignature);
        let unlisted = Pointer::new("acme".to_owned(), 2, hash("two"), None).sign(&key(2), "p2");
        refused(&unlisted, PointerError::UnknownKey { kid: "p2".to_owned() });
        let elsewhere = Pointer::new("other".to_owned(), 2, hash("two"), None).sign(&key(1), "p1");
        refused(&elsewhere, PointerError::OtherSite { site: "other".to_owned() });
    }

    #[test]
    fn a_lower_sequence_is_refused_and_a_rollback_is_a_higher_one() {
        let older = Err(KeeperError::Older { seen: 2, arrived: 1 });
        serving_one()
            .pointer(2, Some(&wire(2, "two")), Ok(()))
            .wants(2, &["two"])
            .pack(2, "two")
            .pointer(4, Some(&wire(1, "one")), older)
            .wants(5, &[])
            .serves(Some("two"))
            .pointer(6, Some(&wire(3, "one")), Ok(()))
            .serves(Some("two"))
            .wants(6, &["one"])
            .pack(6, "one")
            .serves(Some("one"));
    }

    #[test]
    fn what_another_instance_remembers_is_followed_and_is_the_least_that_counts() {
        let remembering = |looked_up_ms| {
            let mut keeper = Script::new().0;
            keeper.recall(&wire(2, "two"), looked_up_ms, UnixTime(0)).unwrap();
            assert_eq!((keeper.missing_pack(), keeper.pointer()), (Some(hash("two")), &wire(2, "two")[..]));
            assert!(!keeper.is_settled());
            Script(keeper)
        };
        remembering(None)
            .wants(0, &[POINTER, "two"])
            .pointer(0, Some(&wire(1, "one")), Err(KeeperError::Older { seen: 2, arrived: 1 }))
            .pack(0, "two")
            .serves(Some("two"));
        remembering(Some(0)).wants(0, &["two"]).pack(0, "two").wants(1, &[]).wants(2, &[POINTER]);
        let mut keeper = serving_one().0;
        for bytes in [wire(1, "two"), vec![1; 99]] {
            assert!(keeper.recall(&bytes, Some(1_000), UnixTime(1)).is_err());
        }
        assert_eq!(keeper.holding().refused, Default::default());
        assert!(keeper.is_settled());
        Script(keeper).wants(2, &[POINTER]).serves(Some("one"));
    }

    #[test]
    fn a_pointer_or_a_pack_with_any_one_bit_flipped_is_refused() {
        let (pointer, two) = (wire(2, "two"), pack("two"));
        let flipped = |bytes: &[u8], bit: usize| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        let mut keeper = serving_one().0;
        for bit in 0..pointer.len() * 8 {
            let arrived = keeper.pointer_arrived(Some(&flipped(&pointer, bit)), 0, UnixTime(1));
            assert!(matches!(arrived, Err(KeeperError::Pointer(_))), "bit {bit} of the pointer: {arrived:?}");
        }
        keeper.pointer_arrived(Some(&pointer), 0, UnixTime(1)).unwrap();
        for bit in 0..two.len() * 8 {
            let arrived = keeper.pack_arrived(&hash("two"), Some(flipped(&two, bit)), 0, UnixTime(1));
            let expect = Err(KeeperError::Pack(PackError::OtherHash { expected: hash("two") }));
            assert_eq!(arrived, expect, "bit {bit} of the pack");
        }
        let refused = keeper.holding().refused;
        assert_eq!((refused.foreign, refused.packs), (pointer.len() as u64 * 8, two.len() as u64 * 8));
        Script(keeper).serves(Some("one")).pack(1, "two").serves(Some("two"));
    }

    #[test]
    fn two_publications_with_one_number_are_refused() {
        let forked = Err(KeeperError::Forked { sequence: 1 });
        serving_one().pointer(2, Some(&wire(1, "two")), forked).serves(Some("one"));
    }

    #[test]
    fn a_missing_pack_is_asked_for_until_it_arrives() {
        serving_one()
            .pointer(2, Some(&wire(2, "two")), Ok(()))
            .wants(2, &["two"])
            .pack_bytes(2, "two", None, Ok(()))
            .wants(2, &[])
            .serves(Some("one"))
            .wants(3, &["two"])
            .pack_bytes(3, "two", None, Ok(()))
            .wants(4, &[POINTER, "two"])
            .pack(4, "two")
            .serves(Some("two"))
            .wants(5, &[]);
    }

    #[test]
    fn a_corrupt_or_cut_pack_is_refused_and_asked_for_again() {
        let refused = || Err(KeeperError::Pack(PackError::OtherHash { expected: hash("two") }));
        let mut corrupt = pack("two");
        corrupt[70] ^= 4;
        let cut = pack("two")[..pack("two").len() - 1].to_vec();
        serving_one()
            .pointer(2, Some(&wire(2, "two")), Ok(()))
            .wants(2, &["two"])
            .pack_bytes(2, "two", Some(corrupt), refused())
            .serves(Some("one"))
            .wants(3, &["two"])
            .pack_bytes(3, "two", Some(cut), refused())
            .wants(3, &[])
            .wants(4, &[POINTER, "two"])
            .pack_bytes(4, "two", Some(pack("three")), refused())
            .serves(Some("one"))
            .wants(5, &["two"])
            .pack(5, "two")
            .serves(Some("two"));
    }

    #[test]
    fn signed_bytes_that_are_no_pack_are_refused() {
        let hash = PackHash::of(b"not a pack");
        let pointer = Pointer::new("acme".to_owned(), 2, hash, None).sign(&key(1), "p1");
        let mut keeper = serving_one().pointer(2, Some(&pointer), Ok(())).wants(2, &["foreign"]).0;
        let arrived = keeper.pack_arrived(&hash, Some(b"not a pack".to_vec()), 2_000, UnixTime(2));
        assert_eq!(arrived, Err(KeeperError::Pack(PackError::NotAPack)));
        Script(keeper).serves(Some("one"));
    }

    #[test]
    fn a_pack_that_nobody_asked_for_is_dropped() {
        serving_one().pack(1, "two").serves(Some("one")).wants(1, &[]);
        Script::new().pack(0, "one").serves(None);
    }

    fn one_then_two() -> Vec<u8> {
        let next = Some((hash("two"), UnixTime(10)));
        Pointer::new("acme".to_owned(), 2, hash("one"), next).sign(&key(1), "p1")
    }

    #[test]
    fn the_next_pack_is_fetched_early_and_live_on_time() {
        serving_one()
            .pointer(2, Some(&one_then_two()), Ok(()))
            .wants(2, &["two"])
            .pack(2, "two")
            .wants(3, &[])
            .serves(Some("one"))
            .tick(9)
            .serves(Some("one"))
            .tick(10)
            .serves(Some("two"))
            .tick(9)
            .serves(Some("two"))
            .wants(10, &[POINTER])
            .pointer(10, Some(&one_then_two()), Ok(()))
            .wants(11, &[]);
    }

    #[test]
    fn the_last_good_pack_serves_while_the_next_is_overdue() {
        serving_one()
            .pointer(8, Some(&one_then_two()), Ok(()))
            .wants(8, &["two"])
            .pack_bytes(8, "two", None, Ok(()))
            .tick(10)
            .serves(Some("one"))
            .wants(10, &[POINTER, "two"])
            .pack(10, "two")
            .serves(Some("two"));
    }

    #[test]
    fn a_publication_in_between_calls_the_next_pack_off() {
        serving_one()
            .pointer(2, Some(&one_then_two()), Ok(()))
            .wants(2, &["two"])
            .pack(2, "two")
            .pointer(4, Some(&wire(3, "three")), Ok(()))
            .wants(4, &["three"])
            .pack(4, "three")
            .tick(10)
            .serves(Some("three"));
    }
}
