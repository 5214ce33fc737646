//! The pack in force: in memory, else in the POP's cache, else in KV. What to look up, and when, the keeper says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hemstitch::draft::Drafts;
use hemstitch::keeper::{Keeper, Want};
use hemstitch::pack::{Pack, PackHash};
use hemstitch::site::Site;
use hemstitch::visit::{DRAFT_DEADLINE_MS, Draft};

use crate::clock::Clock;
use crate::kv::{self, KvLookup, KvOutcome};
use crate::store;

/// How long a look-up is waited for when no visitor waits with it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Look-ups that a visitor would not wait for.
pub struct Late(Option<(Want, KvLookup)>);

/// The pack to decide with. An instance that has one does not look anything up here; one that has none waits for it,
/// no longer than the site says.
pub fn in_force(keeper: &mut Keeper, site: &Site, clock: &Clock) -> (Option<Arc<Pack>>, Late) {
    keeper.tick(clock.now());
    if let Some(pack) = keeper.current() {
        return (Some(pack), Late(None));
    }
    let deadline = Instant::now() + Duration::from_millis(site.pack_deadline_ms);
    let late = look_up(keeper, &site.name, None, deadline, clock);
    (keeper.current(), late)
}

/// Looks up what the keeper wants, after the visitor has been answered.
pub fn refresh(keeper: &mut Keeper, site: &Site, late: Late, clock: &Clock) {
    look_up(keeper, &site.name, late.0, Instant::now() + PATIENCE, clock);
}

/// The draft that a browser is shown, in place of the pack in force.
pub fn draft(drafts: &mut Drafts, site: &Site, draft: &Draft) -> Option<Arc<Pack>> {
    if let Some(held) = drafts.held(&draft.hash) {
        return Some(held);
    }
    let deadline = Instant::now() + Duration::from_millis(DRAFT_DEADLINE_MS);
    let KvOutcome::Value(bytes) = kv::look_up(&draft.key)?.wait_until(deadline) else { return None };
    let opened = drafts.arrived(&draft.hash, bytes);
    opened.inspect_err(|error| eprintln!("{}: draft {}: {error}", site.name, draft.hash)).ok()
}

fn look_up(
    keeper: &mut Keeper,
    site: &str,
    mut begun: Option<(Want, KvLookup)>,
    deadline: Instant,
    clock: &Clock,
) -> Late {
    loop {
        let (want, lookup) = match begun.take() {
            Some((want, lookup)) => (want, Some(lookup)),
            None => {
                let Some(want) = keeper.wants(clock.ms()) else { return Late(None) };
                if let Want::Pack(_, hash) = &want
                    && from_pop(keeper, site, hash, clock)
                {
                    continue;
                }
                let (Want::Pointer(key) | Want::Pack(key, _)) = &want;
                let lookup = kv::look_up(key);
                (want, lookup)
            }
        };
        let value = match lookup.map(|lookup| lookup.wait_until(deadline)) {
            Some(KvOutcome::Late(lookup)) => return Late(Some((want, lookup))),
            Some(KvOutcome::Value(value)) => Some(value),
            Some(KvOutcome::Nothing) | None => None,
        };
        arrived(keeper, site, &want, value, clock);
    }
}

fn arrived(keeper: &mut Keeper, site: &str, want: &Want, value: Option<Vec<u8>>, clock: &Clock) {
    let outcome = match want {
        Want::Pointer(_) => keeper.pointer_arrived(value.as_deref(), clock.ms(), clock.now()),
        Want::Pack(_, hash) => {
            let copy = value.clone();
            let outcome = keeper.pack_arrived(hash, value, clock.ms(), clock.now());
            if let (Ok(()), Some(pack)) = (&outcome, copy) {
                store::put_pack(site, hash, &pack);
            }
            outcome
        }
    };
    if let Err(error) = outcome {
        eprintln!("{site}: {error}");
    }
}

/// Takes the pack out of the POP's cache; whether it was there and sound.
fn from_pop(keeper: &mut Keeper, site: &str, hash: &PackHash, clock: &Clock) -> bool {
    let Some(pack) = store::pack(site, hash) else { return false };
    keeper.pack_arrived(hash, Some(pack), clock.ms(), clock.now()).is_ok()
}
