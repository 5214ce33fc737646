//! Pages: one request for a page, from the look into the cache to the answer, and what is to be done after it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use ::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use hemstitch::facts::Place;
use hemstitch::http::{self, CacheKey, Lookup, Marker, OutgoingRequest, RequestHead};
use hemstitch::pack::Pack;
use hemstitch::page::StoredPage;
use hemstitch::session::PageSession;
use hemstitch::visit::{Answer, Cached, Fetched, Retain, Visit};
use wasm_bindgen::JsValue;

use crate::answer;
use crate::clock;
use crate::convert;
use crate::fills::{Claim, Lead};
use crate::fragments::Fetcher;
use crate::origin::{self, Arrived, FIRST_BYTE_MS};
use crate::platform::within;
use crate::pump::{self, Keep, Pump};
use crate::store::{Found, Refresh};
use crate::visitor::Visitor;

/// How long a visitor waits for what another is fetching before they fetch it themselves, in milliseconds.
const FOLLOW_MS: u32 = 5_000;

/// A visit, and what it takes to answer it.
pub struct Exchange {
    /// The visit.
    pub visit: Visit,
    /// When it arrived.
    pub arrived_ms: u64,
    /// The rules in force for it.
    pub pack: Option<Arc<Pack>>,
    /// Who waits for the answer.
    pub visitor: Visitor,
    /// Cache, bindings and site.
    pub fetcher: Rc<Fetcher>,
    /// A stale page that is to be fetched again, after the answer.
    pub refresh: RefCell<Option<(String, Lead)>>,
}

/// What an object out of the cache came to.
enum Served {
    Answered,
    Marker(Marker),
    Unusable,
}

impl Exchange {
    /// Answers with what a slot shows.
    pub async fn block(&self, name: &str) {
        match self.visit.block(name) {
            Some(session) => self.send(Box::new(session)).await,
            None => self.visitor.plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    /// Answers with the page.
    pub async fn page(&self, lookup: Lookup) {
        match lookup {
            Lookup::Bypass => self.own().await,
            Lookup::Shared(key) => self.shared(&key).await,
        }
        let refresh = self.refresh.try_borrow_mut().ok().and_then(|mut refresh| refresh.take());
        if let Some((key, lead)) = refresh {
            self.revalidate(key, lead).await;
        }
    }

    async fn shared(&self, key: &CacheKey) {
        let key = key.as_str();
        let mut found = self.fetcher.store.find(key).await;
        let mut patience = 1;
        loop {
            let mut fallback = None;
            let object = match found {
                Found::Fresh(object) | Found::Stale(object, Refresh::Paused) => Some(object),
                Found::Stale(object, Refresh::Due) => {
                    self.claim_refresh(key);
                    Some(object)
                }
                Found::IfError(object) => {
                    fallback = Some(object);
                    None
                }
                Found::Nothing => None,
            };
            if let Some(object) = object {
                match self.serve(key, object).await {
                    Served::Answered => return,
                    Served::Marker(Marker::Own) => return self.own().await,
                    Served::Marker(Marker::Pass) => return self.pass().await,
                    Served::Unusable => return self.fill(key, None, None).await,
                }
            }
            match self.fetcher.fills.claim(key) {
                Claim::Follow(following) if patience > 0 => {
                    if within(FOLLOW_MS, following).await.is_none() {
                        patience -= 1;
                    }
                }
                Claim::Follow(_) => return self.fill(key, None, fallback).await,
                // Another may have finished between the look and the claim.
                Claim::Lead(lead) => match self.fetcher.store.glance(key) {
                    Found::Fresh(_) | Found::Stale(..) => drop(lead),
                    Found::IfError(_) | Found::Nothing => {
                        return self.fill(key, Some(lead), fallback).await;
                    }
                },
            }
            found = self.fetcher.store.glance(key);
        }
    }

    /// Answers with an object, if it is a page.
    async fn serve(&self, key: &str, object: Bytes) -> Served {
        match self.visit.from_cache(object) {
            Cached::Page { session, again } => {
                if let Some(object) = again
                    && let Ok(page) = StoredPage::decode(object.clone())
                {
                    self.fetcher.store.put(key, object, page.life);
                }
                self.send(session).await;
                Served::Answered
            }
            Cached::NotModified(head) => {
                self.visitor.send(&head, &[]);
                Served::Answered
            }
            Cached::Marker(marker) => Served::Marker(marker),
            Cached::Unusable => Served::Unusable,
        }
    }

    /// Answers with a session that needs nothing from the origin.
    pub async fn send(&self, mut session: Box<PageSession>) {
        if self.visit.explains() {
            session.note_cost(clock::ms().saturating_sub(self.arrived_ms).saturating_mul(1_000));
        }
        pump::send(Rc::clone(&self.fetcher), session, self.visitor).await;
    }

    /// Fetches the page for everybody and answers with it. `fallback`: what is served where that fails.
    async fn fill(&self, key: &str, lead: Option<Lead>, fallback: Option<Bytes>) {
        let arrived = self.ask(http::shared_fill(self.visit.request(), &self.fetcher.served.site)).await;
        if let Some(object) = fallback.filter(|_| failed(arrived.as_ref())) {
            self.fetcher.store.pause(key);
            drop(lead);
            if !matches!(self.serve(key, object).await, Served::Answered) {
                self.visitor.unreachable_origin();
            }
            return;
        }
        let Some(arrived) = arrived else {
            drop(self.retain(self.visit.unreachable(), key, lead));
            return self.visitor.unreachable_origin();
        };
        match self.judge(&arrived, Fetched::Shared) {
            Answer::Page { session, retain } => {
                let keep = self.retain(retain, key, lead);
                self.stream(session, arrived, keep).await;
            }
            Answer::Untouched { head, retain } => {
                drop(self.retain(retain, key, lead));
                self.visitor.relay(arrived, &head, self.is_head());
            }
            Answer::FetchOwn { retain } => {
                drop(self.retain(retain, key, lead));
                drop(arrived.body());
                self.own().await;
            }
        }
    }

    /// Fetches the page for this visitor alone.
    async fn own(&self) {
        let asked = http::own_fetch(self.visit.request(), &self.fetcher.served.site);
        let Some(arrived) = self.ask(asked).await else { return self.visitor.unreachable_origin() };
        match self.judge(&arrived, Fetched::Own) {
            Answer::Page { session, .. } => self.stream(session, arrived, None).await,
            Answer::Untouched { head, .. } => self.visitor.relay(arrived, &head, self.is_head()),
            // The core does not ask for what it has just been given.
            Answer::FetchOwn { .. } => self.visitor.unreachable_origin(),
        }
    }

    async fn pass(&self) {
        let Fetcher { env, served, .. } = &*self.fetcher;
        answer::pass(self.visitor, self.visit.request(), served, env, JsValue::UNDEFINED).await;
    }

    async fn stream(&self, session: Box<PageSession>, arrived: Arrived, keep: Option<Keep>) {
        let fetcher = Rc::clone(&self.fetcher);
        Pump::new(fetcher, session, Some(arrived.body()), keep).to(self.visitor).run().await;
    }

    /// Takes the task on to fetch a stale page again, unless another has it.
    fn claim_refresh(&self, key: &str) {
        if let Claim::Lead(lead) = self.fetcher.fills.claim(key)
            && let Ok(mut refresh) = self.refresh.try_borrow_mut()
        {
            *refresh = Some((key.to_owned(), lead));
        }
    }

    /// Fetches a page for everybody, for nobody in particular. Where that fails, what is stored stays.
    async fn revalidate(&self, key: String, lead: Lead) {
        let asked = self.visit.request();
        let request = RequestHead {
            method: Method::GET,
            host: asked.host.clone(),
            path_and_query: asked.path_and_query.clone(),
            headers: HeaderMap::new().into(),
        };
        let served = &self.fetcher.served;
        let nowhere = Place::default();
        let mut nobody =
            Visit::arrive(Arc::clone(&served.site), None, request, nowhere, clock::now(), || Some([0; 16]));
        nobody.equip(self.pack.clone(), served.kill.clone());
        let arrived = self.ask(http::shared_fill(nobody.request(), &served.site)).await;
        let Some(arrived) = arrived.filter(|arrived| !failed(Some(arrived))) else {
            return self.fetcher.store.pause(&key);
        };
        match judge(&nobody, &arrived, Fetched::Shared) {
            Answer::Page { session, retain } => {
                let keep = self.retain(retain, &key, Some(lead));
                Pump::new(Rc::clone(&self.fetcher), session, Some(arrived.body()), keep).run().await;
            }
            Answer::Untouched { retain, .. } | Answer::FetchOwn { retain } => {
                drop(self.retain(retain, &key, Some(lead)));
                drop(arrived.body());
            }
        }
    }

    async fn ask(&self, asked: OutgoingRequest) -> Option<Arrived> {
        let Fetcher { env, served, .. } = &*self.fetcher;
        origin::ask(env, asked, &served.site, &served.site.origin, JsValue::UNDEFINED, FIRST_BYTE_MS).await
    }

    fn judge(&self, arrived: &Arrived, fetched: Fetched) -> Answer {
        judge(&self.visit, arrived, fetched)
    }

    /// Stores a marker at once, so that nobody waits for a page that is not coming; a page is kept for later.
    fn retain(&self, retain: Retain, key: &str, lead: Option<Lead>) -> Option<Keep> {
        match retain {
            Retain::Page(life) => Some(Keep { key: key.to_owned(), life, lead }),
            Retain::Nothing => None,
            Retain::Marker(marker, seconds) => {
                self.fetcher.store.put_marker(key, marker, seconds);
                None
            }
        }
    }

    fn is_head(&self) -> bool {
        self.visit.request().method == Method::HEAD
    }
}

/// Has the core judge an answer, as if a page that is gzip were not: the platform decodes what it is asked to read.
fn judge(visit: &Visit, arrived: &Arrived, fetched: Fetched) -> Answer {
    if convert::is_gzip(&arrived.head.headers) {
        let mut plain = arrived.head.clone();
        convert::decoded(&mut plain);
        match visit.from_origin(plain, fetched) {
            Answer::Untouched { .. } => {}
            page => return page,
        }
    }
    visit.from_origin(arrived.head.clone(), fetched)
}

fn failed(arrived: Option<&Arrived>) -> bool {
    arrived.is_none_or(|arrived| arrived.head.status.is_server_error())
}
