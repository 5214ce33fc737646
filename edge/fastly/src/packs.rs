//! The pack in force: in memory, else in the POP's cache, else in KV, else where publications are recorded. What to look
//! up, and when, the keeper says.
//!
//! Instances come and go, so each tells those that come after it which pointer it follows, by the POP's cache. That one is
//! verified like any other; it is what an instance begins with, and falls back on where KV is silent, behind or broken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hemstitch::draft::Drafts;
use hemstitch::keeper::{Keeper, Want};
use hemstitch::pack::{Pack, PackHash};
use hemstitch::record;
use hemstitch::site::Site;
use hemstitch::visit::{DRAFT_DEADLINE_MS, Draft};

use crate::clock::{Clock, Moment};
use crate::config::SiteState;
use crate::kv::{self, KvLookup, KvOutcome};
use crate::origin::{self, RecordLookup, RecordOutcome};
use crate::store;

/// How long KV is waited for when no visitor waits with it, and how long the record, which is asked then.
const PATIENCE_WITH_KV: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

/// Look-ups that a visitor would not wait for.
pub struct Late(Option<(Want, Lookup)>);

/// A look-up on its way.
enum Lookup {
    Kv(KvLookup),
    Record(RecordLookup),
}

/// Until when something is waited for; it begins when it is first asked for, so that who waits for nothing reads no clock.
struct Deadline {
    after: Duration,
    instant: Option<Instant>,
}

impl Deadline {
    fn after(after: Duration) -> Deadline {
        Deadline { after, instant: None }
    }

    fn instant(&mut self) -> Instant {
        *self.instant.get_or_insert_with(|| Instant::now() + self.after)
    }
}

/// The pack to decide with. An instance that has one does not look anything up here; one that has none waits for it,
/// no longer than the site says.
pub fn in_force(
    state: &mut SiteState,
    site: &Site,
    arrived: Moment,
    clock: &Clock,
) -> (Option<Arc<Pack>>, Late) {
    state.keeper.tick(arrived.now);
    if let Some(pack) = state.keeper.current() {
        return (Some(pack), Late(None));
    }
    let mut deadline = Deadline::after(Duration::from_millis(site.pack_deadline_ms));
    deadline.instant();
    // What is remembered is held before anything later is followed, whose pack may be nowhere to be had.
    recall(&mut state.keeper, &site.name, clock);
    let late = look_up(state, site, None, &mut deadline, clock);
    (state.keeper.current(), late)
}

/// Looks up what the keeper wants, after the visitor has been answered.
pub fn refresh(state: &mut SiteState, site: &Site, late: Late, clock: &Clock) {
    let late = look_up(state, site, late.0, &mut Deadline::after(PATIENCE_WITH_KV), clock);
    let Some((want, lookup)) = late.0 else { return };
    let begun = match lookup {
        Lookup::Kv(_) => recorded(state, site, &want, clock),
        Lookup::Record(lookup) => Some(lookup),
    };
    let begun = begun.map(|lookup| (want, Lookup::Record(lookup)));
    if begun.is_some() {
        look_up(state, site, begun, &mut Deadline::after(PATIENCE), clock);
    }
}

/// Follows what the POP remembers, if there is anything to follow.
fn recall(keeper: &mut Keeper, site: &str, clock: &Clock) {
    let Some(remembered) = store::pointer(site) else { return };
    let looked_up_ms = remembered.is_fresh.then(|| clock.ms());
    // One that is older than what is followed, or that no key of today has signed, is of no use any more.
    if keeper.recall(&remembered.pointer, looked_up_ms, clock.now()).is_ok()
        && let Some(hash) = keeper.missing_pack()
    {
        from_pop(keeper, site, &hash, clock);
    }
}

/// Tells the other instances of the POP what was looked up and is held, and learns what they know.
fn share(keeper: &mut Keeper, site: &str, clock: &Clock) {
    let remembered = store::pointer(site);
    if let Some(remembered) = &remembered {
        let _ = keeper.recall(&remembered.pointer, None, clock.now());
    }
    let followed = keeper.pointer();
    if !remembered.is_some_and(|remembered| remembered.is_fresh && remembered.pointer == followed) {
        store::put_pointer(site, followed);
    }
}

/// The draft that a browser is shown, in place of the pack in force: from KV in the first half of its time, else from where
/// publications are recorded.
pub fn draft(state: &mut SiteState, site: &Site, draft: &Draft, clock: &Clock) -> Option<Arc<Pack>> {
    if let Some(held) = state.drafts.held(&draft.hash) {
        return Some(held);
    }
    let (begun, half) = (Instant::now(), Duration::from_millis(DRAFT_DEADLINE_MS / 2));
    let in_kv = kv::look_up(&draft.key).map(|lookup| lookup.wait_until(begun + half));
    if let Some(KvOutcome::Value(bytes)) = in_kv
        && let Some(pack) = opened(&mut state.drafts, site, draft, bytes)
    {
        return Some(pack);
    }
    let edge = state.keys.as_ref().and_then(|keys| keys.edge.as_ref());
    let asked = record::draft_request(site, edge, draft, clock.now());
    let lookup = origin::look_up(asked, site.record.as_deref()?)?;
    let RecordOutcome::Value(bytes) = lookup.wait_until(begun + 2 * half) else { return None };
    opened(&mut state.drafts, site, draft, bytes)
}

fn opened(drafts: &mut Drafts, site: &Site, draft: &Draft, bytes: Vec<u8>) -> Option<Arc<Pack>> {
    let opened = drafts.arrived(&draft.hash, bytes);
    opened.inspect_err(|error| eprintln!("{}: draft {}: {error}", site.name, draft.hash)).ok()
}

fn look_up(
    state: &mut SiteState,
    site: &Site,
    mut begun: Option<(Want, Lookup)>,
    deadline: &mut Deadline,
    clock: &Clock,
) -> Late {
    let mut is_looked_up = false;
    loop {
        let (want, lookup) = match begun.take() {
            Some((want, lookup)) => (want, Some(lookup)),
            None => {
                let Some(want) = state.keeper.wants(clock.ms()) else {
                    if is_looked_up && state.keeper.is_settled() {
                        share(&mut state.keeper, &site.name, clock);
                    }
                    return Late(None);
                };
                if let Want::Pack(_, hash) = &want
                    && from_pop(&mut state.keeper, &site.name, hash, clock)
                {
                    continue;
                }
                let (Want::Pointer(key) | Want::Pack(key, _)) = &want;
                let lookup = kv::look_up(key).map(Lookup::Kv);
                (want, lookup)
            }
        };
        let (value, may_be_recorded) = match lookup {
            None => (None, true),
            Some(Lookup::Kv(lookup)) => match lookup.wait_until(deadline.instant()) {
                KvOutcome::Late(lookup) => return Late(Some((want, Lookup::Kv(lookup)))),
                KvOutcome::Value(value) => (Some(value), true),
                KvOutcome::Nothing => (None, true),
            },
            Some(Lookup::Record(lookup)) => match lookup.wait_until(deadline.instant()) {
                RecordOutcome::Late(lookup) => return Late(Some((want, Lookup::Record(lookup)))),
                RecordOutcome::Value(value) => (Some(value), false),
                RecordOutcome::Nothing => (None, false),
            },
        };
        let is_there = value.is_some();
        let is_sound = arrived(&mut state.keeper, &site.name, &want, value, clock);
        is_looked_up |= is_there && is_sound;
        if may_be_recorded && !(is_there && is_sound) {
            begun = recorded(state, site, &want, clock).map(|lookup| (want, Lookup::Record(lookup)));
        }
    }
}

/// Asks for what KV does not have, or not as it was published, where it is recorded.
fn recorded(state: &SiteState, site: &Site, want: &Want, clock: &Clock) -> Option<RecordLookup> {
    let backend = site.record.as_deref()?;
    let (Want::Pointer(key) | Want::Pack(key, _)) = want;
    let edge = state.keys.as_ref().and_then(|keys| keys.edge.as_ref());
    origin::look_up(record::request(site, edge, key, clock.now()), backend)
}

/// Hands the keeper something, or that there is nothing; whether that was sound.
fn arrived(keeper: &mut Keeper, site: &str, want: &Want, value: Option<Vec<u8>>, clock: &Clock) -> bool {
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
    if let Err(error) = &outcome {
        eprintln!("{site}: {error}");
    }
    outcome.is_ok()
}

/// Takes the pack out of the POP's cache; whether it was there and sound.
fn from_pop(keeper: &mut Keeper, site: &str, hash: &PackHash, clock: &Clock) -> bool {
    let Some(pack) = store::pack(site, hash) else { return false };
    keeper.pack_arrived(hash, Some(pack), clock.ms(), clock.now()).is_ok()
}
