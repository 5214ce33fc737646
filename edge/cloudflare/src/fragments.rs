//! Fragments: from the cache, or from whoever serves them, in the time that a page waits for them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hemstitch::http::{self, FragmentSource, Freshness, Marker};
use hemstitch::session::{
    Caching, FetchId, Fragment, FragmentFailure, FragmentForm, FragmentNews, FragmentRequest,
    MAX_FRAGMENT_BYTES,
};
use wasm_bindgen::JsValue;
use worker::Env;

use crate::clock;
use crate::config::ServedSite;
use crate::convert;
use crate::fills::{Claim, Fills};
use crate::origin::{self, FIRST_BYTE_MS};
use crate::platform::within;
use crate::store::{Found, Refresh, Store};

/// How long a fragment that failed is left alone, in seconds: those who waited for it must not ask one by one.
const FAILURE_S: u32 = 2;
/// What stands in the cache for a fragment that may not be stored, and for one that failed.
const NOT_SHARED: Marker = Marker::Own;
const FAILED: Marker = Marker::Pass;

/// What came of a fetch.
pub type Outcome = Result<Fragment, FragmentFailure>;

/// What it takes to fetch a fragment.
pub struct Fetcher {
    /// The site of the page.
    pub served: Rc<ServedSite>,
    /// The Worker's bindings.
    pub env: Env,
    /// The cache.
    pub store: Rc<Store>,
    /// Who is fetching what.
    pub fills: Rc<Fills>,
}

type UnderWay = (FetchId, Pin<Box<dyn Future<Output = Outcome>>>);

/// What is heard of a fetch.
pub type News = (FetchId, FragmentNews);

/// Where the pieces of fragments are told while they arrive, for one page.
type Told = Rc<RefCell<VecDeque<News>>>;

/// The fetches of one page that have been started and have not ended.
pub struct Fragments {
    fetcher: Rc<Fetcher>,
    under_way: Vec<UnderWay>,
    told: Told,
}

impl Fragments {
    /// None yet.
    pub fn new(fetcher: Rc<Fetcher>) -> Fragments {
        Fragments { fetcher, under_way: Vec::new(), told: Told::default() }
    }

    /// Starts a fetch; what comes of it is told by [`poll_next`](Self::poll_next).
    pub fn start(&mut self, request: FragmentRequest) {
        let (fetcher, told) = (Rc::clone(&self.fetcher), Rc::clone(&self.told));
        self.under_way.push((request.id, Box::pin(async move { fetcher.fragment(&request, &told).await })));
    }

    /// Whether none is outstanding.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Gives them all up.
    pub fn clear(&mut self) {
        self.under_way.clear();
    }

    /// The next news of them.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<News> {
        for (index, (id, fetch)) in self.under_way.iter_mut().enumerate() {
            if let Poll::Ready(outcome) = fetch.as_mut().poll(context) {
                let id = *id;
                drop(self.under_way.swap_remove(index));
                return Poll::Ready((id, FragmentNews::Ended(outcome)));
            }
        }
        let told = self.told.try_borrow_mut().ok().and_then(|mut told| told.pop_front());
        told.map_or(Poll::Pending, Poll::Ready)
    }
}

/// What the cache says of a fragment.
enum Known {
    Here(Fragment),
    /// It may not be stored, so nobody need wait for another's.
    NotShared,
    /// It has just failed, and is left alone for a moment.
    Failed,
    No,
}

impl Fetcher {
    /// The fragment, or why it is not there.
    async fn fragment(&self, request: &FragmentRequest, told: &Told) -> Outcome {
        if request.caching == Caching::Apart {
            let asked = within(request.timeout_ms, self.fetch(request, Some(told))).await;
            return asked.unwrap_or(Err(FragmentFailure::Unreachable)).map(|(fragment, _)| fragment);
        }
        let key = request.target.cache_key();
        let outcome = within(request.timeout_ms, self.find_or_ask(request, key.as_str(), told)).await;
        let outcome = outcome.unwrap_or_else(|| {
            self.failed(key.as_str());
            Err(FragmentFailure::Unreachable)
        });
        match (outcome, self.store.glance(key.as_str())) {
            (Err(failure), Found::Stale(object, _) | Found::IfError(object)) => {
                Fragment::decode(&object).ok_or(failure)
            }
            (outcome, _) => outcome,
        }
    }

    /// What is stale is better than nothing, and a marker would take its place.
    fn failed(&self, key: &str) {
        match self.store.glance(key) {
            Found::Nothing => self.store.put_marker(key, FAILED, FAILURE_S),
            Found::Fresh(_) | Found::Stale(..) | Found::IfError(_) => self.store.pause(key),
        }
    }

    /// Asks, or waits for another who does; where that one failed, asks in its turn.
    async fn find_or_ask(&self, request: &FragmentRequest, key: &str, told: &Told) -> Outcome {
        let mut found = self.store.find(key).await;
        loop {
            match known(found) {
                Known::Here(fragment) => return Ok(fragment),
                Known::NotShared => return self.ask(request, key, told).await,
                Known::Failed => return Err(FragmentFailure::Unreachable),
                Known::No => {}
            }
            match self.fills.claim(key) {
                Claim::Follow(following) => following.await,
                Claim::Lead(_lead) => {
                    return match known(self.store.glance(key)) {
                        Known::Here(fragment) => Ok(fragment),
                        Known::Failed => Err(FragmentFailure::Unreachable),
                        Known::NotShared | Known::No => self.ask(request, key, told).await,
                    };
                }
            }
            found = self.store.glance(key);
        }
    }

    async fn ask(&self, request: &FragmentRequest, key: &str, told: &Told) -> Outcome {
        // Where an old one would stand for it, it is shown when all of it is there.
        let is_alone = matches!(self.store.glance(key), Found::Nothing | Found::Fresh(_));
        match self.fetch(request, is_alone.then_some(told)).await {
            Err(failure) => {
                self.failed(key);
                Err(failure)
            }
            Ok((fragment, Some(freshness))) => {
                self.store.put(key, fragment.encode(), freshness.life(clock::now()));
                Ok(fragment)
            }
            Ok((fragment, None)) => {
                self.store.put_marker(key, NOT_SHARED, self.served.site.marker_ttl_s);
                Ok(fragment)
            }
        }
    }

    /// The fragment, and how long it may be shared.
    async fn fetch(
        &self,
        request: &FragmentRequest,
        told: Option<&Told>,
    ) -> Result<(Fragment, Option<Freshness>), FragmentFailure> {
        let site = &self.served.site;
        let source = match request.target.source() {
            FragmentSource::Origin => &site.origin,
            FragmentSource::Host(source) => source,
        };
        let outgoing = request.outgoing(site);
        let entity = request.entity.as_deref();
        let entity = entity.map_or(JsValue::UNDEFINED, |entity| js_sys::Uint8Array::from(entity).into());
        let asked = origin::ask(&self.env, outgoing, site, source, entity, FIRST_BYTE_MS);
        let arrived = asked.await.ok_or(FragmentFailure::Unreachable)?;
        let mut head = arrived.head.clone();
        if convert::is_gzip(&head.headers) {
            convert::decoded(&mut head);
        }
        let told = told.zip(FragmentForm::of(&head));
        let tell = |piece: &[u8]| {
            let news = |form| FragmentNews::Piece(form, Bytes::copy_from_slice(piece));
            if let Some((told, form)) = told
                && let Ok(mut told) = told.try_borrow_mut()
            {
                told.push_back((request.id, news(form)));
            }
        };
        let content =
            arrived.body().all_telling(MAX_FRAGMENT_BYTES, tell).await.map_err(|cut| match cut {
                None => FragmentFailure::TooLarge,
                Some(_) => FragmentFailure::Unreachable,
            })?;
        let freshness = http::fragment_freshness(&head, request.ttl_s, clock::now());
        Ok((Fragment::from_response(&head, content)?.kept(freshness, clock::now()), freshness))
    }
}

fn known(found: Found) -> Known {
    let object = match found {
        Found::Fresh(object) | Found::Stale(object, Refresh::Paused) => object,
        Found::Stale(..) | Found::IfError(_) | Found::Nothing => return Known::No,
    };
    match Marker::decode(&object) {
        Some(NOT_SHARED) => Known::NotShared,
        Some(FAILED) => Known::Failed,
        None => Fragment::decode(&object).map_or(Known::No, Known::Here),
    }
}
