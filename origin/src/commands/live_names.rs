//! What experiments, rules and gates are live, as far as the targets tell, so that a slip in a name is told.

use hemstitch::pack::{Pack, PackHash};
use hemstitch::pointer::{Pointer, PointerKeys, pack_key, pointer_key};
use hemstitch_origin::targets::{Configuration, Mirror, Targets};

/// The packs of a site that are live at some targets, or are to be.
pub struct LiveNames {
    packs: Vec<Pack>,
}

impl LiveNames {
    /// Looks at the targets of these names. What cannot be asked tells nothing.
    pub fn at(configuration: &Configuration, targets: &[String], site: &str) -> LiveNames {
        let one = |name: &String| {
            configuration.targets(std::slice::from_ref(name), site, &PointerKeys::default()).ok()
        };
        let found = targets.iter().filter_map(one);
        LiveNames { packs: found.flat_map(|targets| live_at(&targets, site)).collect() }
    }

    /// Whether something is known to be live, and has no experiment of that key.
    pub fn lack_experiment(&self, key: &str) -> bool {
        self.lack(|pack| pack.has_experiment(key))
    }

    /// Whether something is known to be live, and has no rule and no gate of that id.
    pub fn lack_rule(&self, id: &str) -> bool {
        self.lack(|pack| pack.has_rule(id))
    }

    fn lack(&self, has: impl Fn(&Pack) -> bool) -> bool {
        !self.packs.is_empty() && !self.packs.iter().any(has)
    }
}

fn live_at(targets: &Targets, site: &str) -> Vec<Pack> {
    let recorded = targets.ledger.iter().filter_map(|(_, ledger)| {
        let last = ledger.latest(site).ok()??;
        let pointer = Pointer::claimed(&last.pointer)?;
        Some(packs_of(&pointer, |hash| ledger.pack(site, hash).ok()?))
    });
    let mirrored = targets.mirrors.iter().filter_map(|Mirror { store, .. }| {
        let pointer = Pointer::claimed(&store.get(&pointer_key(site)).ok()??)?;
        Some(packs_of(&pointer, |hash| store.get(&pack_key(site, hash)).ok()?))
    });
    recorded.chain(mirrored).flatten().collect()
}

/// The packs that a pointer names; where one is missing, none, since nothing can be told then.
fn packs_of(pointer: &Pointer, get: impl Fn(&PackHash) -> Option<Vec<u8>>) -> Vec<Pack> {
    let hashes = [Some(pointer.pack()), pointer.next().map(|(hash, _)| hash)];
    let open = |hash: &PackHash| Pack::open_verified(get(hash)?, hash).ok();
    hashes.into_iter().flatten().map(open).collect::<Option<Vec<Pack>>>().unwrap_or_default()
}
