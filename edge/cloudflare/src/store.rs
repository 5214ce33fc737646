//! The cache: the isolate's memory, and behind it the data centre's, which knows nothing of staleness. So it is told
//! to keep an object for as long as it may be served at all, and the rest of its life is ours to read.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use bytes::Bytes;
use hemstitch::http::Marker;
use hemstitch::pack::PackHash;
use hemstitch::page::Life;
use hemstitch::time::UnixTime;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;

use crate::clock;
use crate::instance::Instance;
use crate::platform::{self, Promised, js, within};

/// Where nobody's requests lead. The host has no meaning to the platform, and no DNS.
const PREFIX: &str = "https://cache.hemstitch.invalid";
/// A pack is what its hash says for ever; this only bounds how long an unused one is kept, in seconds.
const PACK_AGE_S: u64 = 7 * 86_400;
/// How long a data centre knows below which number nothing is published any more, in seconds.
const POINTER_AGE_S: u64 = 7 * 86_400;
/// What does not live longer is not worth a place outside of the isolate, in seconds.
const SHORT_S: u64 = 5;

/// How long a visitor waits for the cache of the data centre, in milliseconds. The origin is asked then.
const LOOK_MS: u32 = 1_000;
/// How long an object may take to get there, in milliseconds.
const STORE_MS: u32 = 10_000;

/// What the cache has for a key.
pub enum Found {
    /// To be served as it is.
    Fresh(Bytes),
    /// To be served, though it is stale.
    Stale(Bytes, Refresh),
    /// To be served only where the origin fails.
    IfError(Bytes),
    /// Nothing.
    Nothing,
}

/// Whether a stale object is to be fetched again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// It is.
    Due,
    /// Not yet: the origin has just failed.
    Paused,
}

/// The cache as one request sees it. What it stores is in memory at once, and in the data centre after the answer.
pub struct Store {
    instance: Rc<Instance>,
    site: String,
    later: RefCell<Vec<(String, Bytes, Life)>>,
}

impl Store {
    /// The cache, for a request to a site.
    pub fn new(instance: Rc<Instance>, site: &str) -> Store {
        Store { instance, site: site.to_owned(), later: RefCell::default() }
    }

    /// What is in memory.
    pub fn glance(&self, key: &str) -> Found {
        let now = clock::now();
        let Some(entry) = self.instance.memory.find(key, now) else { return Found::Nothing };
        let refresh = if now < entry.paused_until { Refresh::Paused } else { Refresh::Due };
        if now < entry.life.fresh_until {
            Found::Fresh(entry.object)
        } else if now < entry.life.revalidate_until {
            Found::Stale(entry.object, refresh)
        } else if now >= entry.life.stale_until {
            Found::Nothing
        } else if refresh == Refresh::Paused {
            Found::Stale(entry.object, refresh)
        } else {
            Found::IfError(entry.object)
        }
    }

    /// What is in memory, or else in the data centre.
    pub async fn find(&self, key: &str) -> Found {
        match self.glance(key) {
            Found::Nothing => {}
            found => return found,
        }
        if let Some((object, life)) = fetched(&url(key)).await {
            self.instance.memory.hold(key, object, life, clock::now());
        }
        self.glance(key)
    }

    /// Stores an object.
    pub fn put(&self, key: &str, object: Vec<u8>, life: Life) {
        let (object, now) = (Bytes::from(object), clock::now());
        self.instance.memory.hold(key, object.clone(), life, now);
        if life.stale_until.seconds_since(now) > SHORT_S
            && let Ok(mut later) = self.later.try_borrow_mut()
        {
            later.push((key.to_owned(), object, life));
        }
    }

    /// Stores, for so many seconds, that there is nothing to share.
    pub fn put_marker(&self, key: &str, marker: Marker, seconds: u32) {
        let now = clock::now();
        let until = now.plus_seconds(seconds.into());
        let life = Life { born: now, fresh_until: until, revalidate_until: until, stale_until: until };
        self.put(key, marker.encode(), life);
    }

    /// Leaves the origin of a key alone for a moment.
    pub fn pause(&self, key: &str) {
        self.instance.memory.pause(key, clock::now());
    }

    /// Hands on to the data centre what was stored.
    pub async fn settle(&self) {
        let later = self.later.try_borrow_mut().map(|mut later| std::mem::take(&mut *later));
        for (key, object, life) in later.unwrap_or_default() {
            let seconds = life.stale_until.seconds_since(clock::now());
            keep(&url(&key), &object, life, seconds, &self.site).await;
        }
    }
}

/// A pack, as it was stored.
pub async fn pack(site: &str, hash: &PackHash) -> Option<Vec<u8>> {
    fetched(&pack_url(site, hash)).await.map(|(pack, _)| pack.into())
}

/// Stores a pack that has been verified.
pub async fn put_pack(site: &str, hash: &PackHash, pack: &[u8]) {
    keep_unchanged(&pack_url(site, hash), pack, PACK_AGE_S, site).await;
}

/// The last pointer that this data centre remembers.
pub async fn pointer(site: &str) -> Option<Vec<u8>> {
    fetched(&pointer_url(site)).await.map(|(pointer, _)| pointer.into())
}

/// Remembers a pointer that has been verified.
pub async fn put_pointer(site: &str, pointer: &[u8]) {
    keep_unchanged(&pointer_url(site), pointer, POINTER_AGE_S, site).await;
}

/// Stores what is the same for as long as it is stored.
async fn keep_unchanged(url: &str, object: &[u8], seconds: u64, site: &str) {
    let now = clock::now();
    let until = now.plus_seconds(seconds);
    let life = Life { born: now, fresh_until: until, revalidate_until: until, stale_until: until };
    keep(url, object, life, seconds, site).await;
}

async fn fetched(url: &str) -> Option<(Bytes, Life)> {
    let found: Array = within(LOOK_MS, Promised::from(js::cached(url))).await?.ok()?.dyn_into().ok()?;
    let life = life_of(&found.get(0).as_string()?)?;
    let object: Uint8Array = found.get(1).dyn_into().ok()?;
    Some((object.to_vec().into(), life))
}

async fn keep(url: &str, object: &[u8], life: Life, seconds: u64, site: &str) {
    if seconds > 0 {
        let life = format!(
            "{} {} {} {}",
            life.born.0, life.fresh_until.0, life.revalidate_until.0, life.stale_until.0
        );
        // What the cache does not take, the isolate still has.
        let storing = js::store(url, platform::array(object), &life, seconds as f64, site);
        let _ = within(STORE_MS, Promised::from(storing)).await;
    }
}

fn life_of(text: &str) -> Option<Life> {
    let mut times = text.split(' ').map(|time| time.parse().map(UnixTime));
    let mut next = || times.next()?.ok();
    Some(Life { born: next()?, fresh_until: next()?, revalidate_until: next()?, stale_until: next()? })
}

/// The address of a key, in which nothing is left that a parser of URLs would touch.
fn url(key: &str) -> String {
    let mut url = format!("{PREFIX}/");
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to memory does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

fn pointer_url(site: &str) -> String {
    format!("{PREFIX}/pointer/{site}")
}

fn pack_url(site: &str, hash: &PackHash) -> String {
    format!("{PREFIX}/pack/{site}/{hash}")
}
