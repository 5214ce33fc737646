//! The pack in force: in memory, else in the data centre's cache, else in KV, else where publications are recorded. What
//! to look up, and when, the keeper says. KV may be a minute behind, and remembers as long that something was missing; the
//! keeper is built for that.
//!
//! Isolates come and go, so each tells those that come after it which pointer it follows, by the data centre's cache. That one
//! is verified like any other; it is what an isolate begins with, and falls back on where KV is silent, behind or broken.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use ::http::StatusCode;
use hemstitch::http::OutgoingRequest;
use hemstitch::keeper::{Keeper, Want};
use hemstitch::pack::{Pack, PackHash};
use hemstitch::record;
use hemstitch::visit::{DRAFT_DEADLINE_MS, Draft};
use wasm_bindgen::JsValue;
use worker::{Env, console_error};

use crate::clock;
use crate::config::ServedSite;
use crate::fills::Claim;
use crate::instance::Instance;
use crate::kv;
use crate::origin::{self, FIRST_BYTE_MS};
use crate::platform::within;
use crate::store;

/// How long a look-up is waited for when no visitor waits with it, in milliseconds.
const PATIENCE_MS: u32 = 10_000;
/// How long KV is, before the record is asked.
const KV_MS: u32 = 2_000;

/// Longest publication that is read from the record, in bytes, as from KV.
const MAX_VALUE: usize = 25 * 1024 * 1024;

/// Look-ups that go on after the visitor has been answered.
pub type Late = Pin<Box<dyn Future<Output = ()>>>;

/// The pack to decide with, and what is to be awaited after the answer. An instance that has a pack does not look
/// anything up before; one that has none waits for it, no longer than the site says.
pub async fn in_force(
    instance: &Rc<Instance>,
    served: &Rc<ServedSite>,
    env: &Env,
) -> (Option<Arc<Pack>>, Late) {
    let keeper = |look: &mut dyn FnMut(&mut Keeper)| {
        if let Ok(mut keeper) = served.keeper.try_borrow_mut() {
            keeper.tick(clock::now());
            look(&mut keeper);
        }
    };
    let mut pack = None;
    keeper(&mut |keeper| pack = keeper.current());
    let mut late: Late = Box::pin(look_up(Rc::clone(instance), Rc::clone(served), env.clone()));
    if pack.is_none() && !served.site.pointer_keys.is_empty() {
        let deadline = u32::try_from(served.site.pack_deadline_ms).unwrap_or(u32::MAX);
        if within(deadline, late.as_mut()).await.is_some() {
            late = Box::pin(std::future::ready(()));
        }
        keeper(&mut |keeper| pack = keeper.current());
    }
    (pack, late)
}

/// The draft that a browser is shown, in place of the pack in force: from KV in the first half of its time, else from where
/// publications are recorded.
pub async fn draft(served: &ServedSite, env: &Env, draft: &Draft) -> Option<Arc<Pack>> {
    let held = served.drafts.try_borrow().ok().and_then(|drafts| drafts.held(&draft.hash));
    if held.is_some() {
        return held;
    }
    let half = u32::try_from(DRAFT_DEADLINE_MS / 2).unwrap_or(u32::MAX);
    if let Some(Some(bytes)) = within(half, kv::value(env, &draft.key)).await
        && let Some(pack) = opened(served, draft, bytes)
    {
        return Some(pack);
    }
    let edge = served.keys.as_ref().and_then(|keys| keys.edge.as_ref());
    let asked = record::draft_request(&served.site, edge, draft, clock::now());
    let bytes = within(half, recorded(served, env, asked)).await??;
    opened(served, draft, bytes)
}

fn opened(served: &ServedSite, draft: &Draft, bytes: Vec<u8>) -> Option<Arc<Pack>> {
    let opened = served.drafts.try_borrow_mut().ok()?.arrived(&draft.hash, bytes);
    let name = &served.site.name;
    opened.inspect_err(|error| console_error!("{name}: draft {}: {error}", draft.hash)).ok()
}

/// Looks up what the keeper wants, or waits for another who does.
async fn look_up(instance: Rc<Instance>, served: Rc<ServedSite>, env: Env) {
    match instance.fills.claim(&format!("packs of {}", served.site.name)) {
        Claim::Follow(following) => drop(within(PATIENCE_MS, following).await),
        Claim::Lead(_lead) => {
            // A look-up that does not end would keep all others from being made.
            let _ = within(PATIENCE_MS, all_wanted(&served, &env)).await;
        }
    }
}

async fn all_wanted(served: &ServedSite, env: &Env) {
    let site = served.site.name.as_str();
    loop {
        let want = served.keeper.try_borrow_mut().ok().and_then(|mut keeper| keeper.wants(clock::ms()));
        let Some(want) = want else { return share(served).await };
        if let Want::Pack(_, hash) = &want
            && let Some(pack) = store::pack(site, hash).await
            && arrived(served, |keeper| take(keeper, hash, Some(pack)))
        {
            continue;
        }
        let (Want::Pointer(key) | Want::Pack(key, _)) = &want;
        let looked_up = kv::value(env, key);
        if matches!(want, Want::Pointer(_)) {
            recall(served).await;
        }
        let value = within(KV_MS, looked_up).await.flatten();
        if hand_over(served, &want, value).await {
            continue;
        }
        let edge = served.keys.as_ref().and_then(|keys| keys.edge.as_ref());
        let asked = record::request(&served.site, edge, key, clock::now());
        if let Some(value) = recorded(served, env, asked).await {
            hand_over(served, &want, Some(value)).await;
        }
    }
}

/// Follows what the data centre remembers, in an isolate that follows nothing yet.
async fn recall(served: &ServedSite) {
    let site = served.site.name.as_str();
    let is_new = served.keeper.try_borrow().is_ok_and(|keeper| keeper.pointer().is_empty());
    if !is_new {
        return;
    }
    let Some(pointer) = store::pointer(site).await else { return };
    let missing = served.keeper.try_borrow_mut().ok().and_then(|mut keeper| {
        // One that no key of today has signed is of no use any more.
        keeper.recall(&pointer, None, clock::now()).ok().and_then(|()| keeper.missing_pack())
    });
    if let Some(hash) = missing
        && let Some(pack) = store::pack(site, &hash).await
    {
        arrived(served, |keeper| take(keeper, &hash, Some(pack)));
    }
}

/// Tells the isolates that come after this one what it follows and holds, where that is something else than before.
async fn share(served: &ServedSite) {
    let followed = served.keeper.try_borrow().ok().filter(|keeper| keeper.is_settled());
    let Some(followed) = followed.map(|keeper| keeper.pointer().to_vec()) else { return };
    let is_told = served.told.try_borrow_mut().is_ok_and(|mut told| {
        let is_told = *told == followed;
        told.clone_from(&followed);
        is_told
    });
    if !is_told {
        store::put_pointer(&served.site.name, &followed).await;
    }
}

/// Hands the keeper what was looked up; whether it was there, and sound.
async fn hand_over(served: &ServedSite, want: &Want, value: Option<Vec<u8>>) -> bool {
    let is_there = value.is_some();
    match want {
        Want::Pointer(_) => {
            let pointer = value.as_deref();
            arrived(served, |keeper| keeper.pointer_arrived(pointer, clock::ms(), clock::now())) && is_there
        }
        Want::Pack(_, hash) => {
            let copy = value.clone();
            let sound = arrived(served, |keeper| take(keeper, hash, value));
            if let Some(pack) = copy.filter(|_| sound) {
                store::put_pack(&served.site.name, hash, &pack).await;
            }
            sound && is_there
        }
    }
}

/// What KV does not have, or not as it was published, from where it is recorded.
async fn recorded(served: &ServedSite, env: &Env, asked: OutgoingRequest) -> Option<Vec<u8>> {
    let record = served.site.record.as_deref()?;
    let arrived = origin::ask(env, asked, &served.site, record, JsValue::UNDEFINED, FIRST_BYTE_MS).await?;
    match arrived.head.status {
        StatusCode::OK => arrived.body().all(MAX_VALUE).await.ok(),
        _ => None,
    }
}

fn take(
    keeper: &mut Keeper,
    hash: &PackHash,
    pack: Option<Vec<u8>>,
) -> Result<(), hemstitch::keeper::KeeperError> {
    keeper.pack_arrived(hash, pack, clock::ms(), clock::now())
}

/// Hands the keeper something; whether it was sound.
fn arrived(
    served: &ServedSite,
    hand: impl FnOnce(&mut Keeper) -> Result<(), hemstitch::keeper::KeeperError>,
) -> bool {
    let Ok(mut keeper) = served.keeper.try_borrow_mut() else { return false };
    let outcome = hand(&mut keeper);
    if let Err(error) = &outcome {
        console_error!("{}: {error}", served.site.name);
    }
    outcome.is_ok()
}
