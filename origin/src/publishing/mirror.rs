//! One KV, brought up to a pointer.

use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, pack_key, pointer_key, ruleset_key};

use super::{PublishError, Publisher, Request, Step, packs_of};
use crate::record::Offered;
use crate::targets::Mirror;

/// How often is read back what was written, where it is not there at once.
const LOOKS: usize = 5;

/// What came of a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// It has the publication now.
    Written,
    /// It had it already.
    Unchanged,
    /// It holds a later one, of this number, which stays.
    Ahead(u64),
}

impl Publisher<'_> {
    /// Writes what is missing, and reads it back.
    pub(super) fn mirror(
        &mut self,
        mirror: &Mirror,
        wire: &[u8],
        request: &Request,
    ) -> Result<Mirrored, PublishError> {
        let pointer = Pointer::verify(wire, &self.keys, self.site)?;
        let key = pointer_key(self.site);
        let held = mirror.store.get(&key)?;
        // What is not of this site and key, edges do not follow either, so it is no reason not to write over it.
        let ahead = held.as_deref().and_then(|held| Pointer::verify(held, &self.keys, self.site).ok());
        if let Some(ahead) = ahead.filter(|held| held.sequence() > pointer.sequence()) {
            return Ok(Mirrored::Ahead(ahead.sequence()));
        }
        self.write_packs(mirror, &pointer, &request.pack)?;
        self.write_ruleset(mirror, request)?;
        if held.as_deref() == Some(wire) {
            return Ok(Mirrored::Unchanged);
        }
        self.step(&Step::Pointer(mirror.name.clone()))?;
        mirror.store.put(&key, wire)?;
        self.step(&Step::ReadPointer(mirror.name.clone()))?;
        read_back(mirror, &key, |value| value == wire)?;
        Ok(Mirrored::Written)
    }

    fn write_packs(
        &mut self,
        mirror: &Mirror,
        pointer: &Pointer,
        compiled: &[u8],
    ) -> Result<(), PublishError> {
        let mut missing = Vec::new();
        for hash in packs_of(pointer) {
            let key = pack_key(self.site, &hash);
            let held = mirror.store.get(&key)?;
            if held.is_some_and(|held| PackHash::of(&held) == hash) {
                continue;
            }
            let pack = match PackHash::of(compiled) == hash {
                true => compiled.to_vec(),
                false => self.find(&hash)?,
            };
            missing.push((key, pack, hash));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let bytes = missing.iter().map(|(_, pack, _)| pack.len()).sum();
        self.step(&Step::Packs { mirror: mirror.name.clone(), bytes })?;
        let values: Vec<(String, &[u8])> =
            missing.iter().map(|(key, pack, _)| (key.clone(), pack.as_slice())).collect();
        mirror.store.put_all(&values)?;
        self.step(&Step::ReadPacks(mirror.name.clone()))?;
        for (key, _, hash) in &missing {
            read_back(mirror, key, |value| PackHash::of(value) == *hash)?;
        }
        Ok(())
    }

    /// Keeps the ruleset beside its pack. It is not read back: no edge needs it, and without it one publication less can be
    /// compared with. So it is no error either if it is longer than the platform takes.
    fn write_ruleset(&mut self, mirror: &Mirror, request: &Request) -> Result<(), PublishError> {
        let Offered::Ruleset(text) = &request.what else { return Ok(()) };
        let key = ruleset_key(self.site, &PackHash::of(&request.pack));
        if !mirror.store.takes(text.len()) || mirror.store.get(&key)?.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        self.step(&Step::Ruleset(mirror.name.clone()))?;
        Ok(mirror.store.put(&key, text.as_bytes())?)
    }

    /// A pack that was published before, from wherever it is.
    fn find(&self, hash: &PackHash) -> Result<Vec<u8>, PublishError> {
        let is_it = |pack: &Vec<u8>| PackHash::of(pack) == *hash;
        if let Some(ledger) = self.ledger()
            && let Some(pack) = ledger.pack(self.site, hash)?.filter(is_it)
        {
            return Ok(pack);
        }
        for mirror in &self.targets.mirrors {
            if let Some(pack) = mirror.store.get(&pack_key(self.site, hash))?.filter(is_it) {
                return Ok(pack);
            }
        }
        Err(PublishError::NoPack(*hash))
    }
}

/// KVs are eventually consistent: what was written may not be there at the first look.
fn read_back(mirror: &Mirror, key: &str, is_it: impl Fn(&[u8]) -> bool) -> Result<(), PublishError> {
    for look in 1..=LOOKS {
        if mirror.store.get(key)?.is_some_and(|value| is_it(&value)) {
            return Ok(());
        }
        if look < LOOKS {
            mirror.store.wait();
        }
    }
    Err(PublishError::NotAsWritten { key: key.to_owned() })
}
