//! A page: out of the cache, or from the origin to the visitor and into the cache.

use ::http::{HeaderName, StatusCode};
use bytes::Bytes;
use fastly::handle::BodyHandle;
use hemstitch::http::{self, CacheKey, Marker, ResponseHead};
use hemstitch::memory::Memory;
use hemstitch::page::{Life, StoredPage};
use hemstitch::session::PageSession;
use hemstitch::site::Site;
use hemstitch::visit::{Answer, Cached, Fetched, Retain, Stored, Visit};

use crate::answer::{pass, plain, unreachable_origin, untouched};
use crate::clock::{Clock, Moment};
use crate::convert;
use crate::duty::{self, Duty};
use crate::fragments::Fragments;
use crate::origin::{self, Arrived, FragmentBackends, Gzip};
use crate::pump::{self, Ending};
use crate::store::{self, Held, Serve};

const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// A visit, and what it takes to answer it.
pub struct Exchange<'i> {
    pub visit: &'i Visit,
    pub site: &'i Site,
    pub clock: &'i Clock,
    /// By that clock.
    pub arrived: Moment,
    pub backends: &'i mut FragmentBackends,
    pub pages: &'i mut Memory<Stored>,
}

/// How long an object of the POP's cache, which can be purged, is believed without a look there, in milliseconds.
const BELIEVED_MS: u64 = 1_000;

/// What is stored when a page is complete, and where.
struct Keep {
    duty: Duty,
    life: Life,
    before: Before,
    surrogate_keys: Vec<String>,
}

/// What the cache held when a page was asked for.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    /// A page past its time, which may still be of use.
    Page,
}

impl Exchange<'_> {
    /// Answers with what a slot shows.
    pub fn block(&mut self, name: &str) {
        match self.visit.block(name) {
            Some(session) => self.send(session),
            None => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    /// Answers with the page that is stored under a key, or stores it there.
    pub fn shared(&mut self, key: &CacheKey) {
        let now_ms = self.arrived.ms();
        if let Some(object) = self.pages.find(key.as_str(), now_ms).cloned() {
            return self.serve(key, object, None);
        }
        match store::page(key, self.clock) {
            Held::Fresh { object, for_ms } => {
                let (object, believed_until) = (Stored::from(object), now_ms + for_ms.min(BELIEVED_MS));
                self.pages.hold(key.as_str(), object.clone(), object.size(), believed_until);
                self.serve(key, object, None);
            }
            Held::Stale { object, duty: None, .. } => self.serve(key, object, None),
            Held::Stale { object, duty, serve: Serve::Now } => self.serve(key, object, duty),
            Held::Stale { object, duty, serve: Serve::OnFailure } => self.fill(key, duty, Some(object)),
            Held::Vacant(duty) => self.fill(key, Some(duty), None),
            Held::Unknown => self.fill(key, None, None),
        }
    }

    /// Answers with the visitor's own page; nothing of it is stored.
    pub fn own(&mut self) {
        let outgoing = http::own_fetch(self.visit.request(), self.site);
        let Some(Arrived { head, body }) = origin::fetch(outgoing, &self.site.origin, None, Gzip::Decoded)
        else {
            return unreachable_origin();
        };
        match self.visit.from_origin(head, Fetched::Own) {
            Answer::Page { session, .. } => self.stream(*session, body, None),
            Answer::Untouched { head, .. } => untouched(&head, body.into(), self.visit.request()),
            Answer::FetchOwn { .. } => unreachable_origin(),
        }
    }

    /// Answers with an object; then brings the cache up to date.
    fn serve(&mut self, key: &CacheKey, object: impl Into<Stored>, duty: Option<Duty>) {
        match self.visit.from_cache(object) {
            Cached::Page { session, again } => {
                self.send(*session);
                match (again, duty) {
                    (_, Some(duty)) => self.revalidate(key, duty),
                    (Some(object), None) => self.overwrite(key, object),
                    (None, None) => {}
                }
            }
            Cached::NotModified(head) => {
                convert::response(&head).send_to_client();
                if let Some(duty) = duty {
                    self.revalidate(key, duty);
                }
            }
            Cached::Marker(Marker::Own) => self.own(),
            Cached::Marker(Marker::Pass) => pass(self.visit.request(), self.site, None),
            Cached::Unusable => {
                self.pages.forget(key.as_str());
                self.fill(key, duty.or_else(|| Duty::to_overwrite(key)), None);
            }
        }
    }

    /// Fetches the page for everybody and answers with it. `stale`: what is served where that fails.
    fn fill(&mut self, key: &CacheKey, duty: Option<Duty>, stale: Option<Bytes>) {
        let arrived = self.fetch_shared();
        let before = if stale.is_some() { Before::Page } else { Before::Nothing };
        if let Some(object) = stale.filter(|_| failed(arrived.as_ref())) {
            if let (Some(duty), Ok(page)) = (duty, StoredPage::decode(object.clone())) {
                duty.keep_stale(&page.life, self.clock.now(), &self.surrogate_keys(key, &page.head));
            }
            return match self.visit.from_cache(object) {
                Cached::Page { session, .. } => self.send(*session),
                Cached::NotModified(head) => convert::response(&head).send_to_client(),
                Cached::Marker(_) | Cached::Unusable => unreachable_origin(),
            };
        }
        let Some(Arrived { head, body }) = arrived else {
            if let Some(duty) = duty {
                duty.put_failure(&self.site.name);
            }
            return unreachable_origin();
        };
        let surrogate_keys = self.surrogate_keys(key, &head);
        let retain = |retain| self.retain(retain, duty, before, surrogate_keys);
        match self.visit.from_origin(head, Fetched::Shared) {
            Answer::Page { session, retain: what } => {
                let keep = retain(what);
                self.stream(*session, body, keep);
            }
            Answer::Untouched { head, retain: what } => {
                retain(what);
                untouched(&head, body.into(), self.visit.request());
            }
            Answer::FetchOwn { retain: what } => {
                retain(what);
                self.own();
            }
        }
    }

    /// Fetches the page for everybody, for nobody in particular. Where that fails, what is stored stays.
    fn revalidate(&self, key: &CacheKey, duty: Duty) {
        let arrived = self.fetch_shared();
        let Some(Arrived { head, body }) = arrived.filter(|arrived| !failed(Some(arrived))) else { return };
        let surrogate_keys = self.surrogate_keys(key, &head);
        match self.visit.from_origin(head, Fetched::Shared) {
            Answer::Page { mut session, retain } => {
                if let Some(keep) = self.retain(retain, Some(duty), Before::Page, surrogate_keys) {
                    keep.put(pump::fill(&mut session, body), self.site, self.clock);
                }
            }
            Answer::Untouched { retain, .. } | Answer::FetchOwn { retain } => {
                self.retain(retain, Some(duty), Before::Page, surrogate_keys);
            }
        }
    }

    /// Stores a page again whose plan was out of date, for as long as it had left.
    fn overwrite(&mut self, key: &CacheKey, object: Vec<u8>) {
        // What is held is out of date, too.
        self.pages.forget(key.as_str());
        let (Ok(page), Some(duty)) = (StoredPage::decode(object.clone()), Duty::to_overwrite(key)) else {
            return;
        };
        duty.put_page(&object, &page.life, self.clock.now(), &self.surrogate_keys(key, &page.head));
    }

    /// Stores a marker at once; what is to be stored later is handed back.
    fn retain(
        &self,
        retain: Retain,
        duty: Option<Duty>,
        before: Before,
        surrogate_keys: Vec<String>,
    ) -> Option<Keep> {
        let duty = duty?;
        match retain {
            Retain::Page(life) => return Some(Keep { duty, life, before, surrogate_keys }),
            Retain::Marker(marker, seconds) => duty.put_marker(marker, seconds, &self.site.name),
            Retain::Nothing => {}
        }
        None
    }

    fn surrogate_keys(&self, key: &CacheKey, head: &ResponseHead) -> Vec<String> {
        let named = head.headers.get_all(SURROGATE_KEY).iter().filter_map(|line| line.to_str().ok());
        duty::surrogate_keys(&self.site.name, key, named)
    }

    fn fetch_shared(&self) -> Option<Arrived> {
        let outgoing = http::shared_fill(self.visit.request(), self.site);
        origin::fetch(outgoing, &self.site.origin, None, Gzip::Decoded)
    }

    /// Answers with a session that needs nothing from the origin.
    pub fn send(&mut self, mut session: PageSession) {
        if self.visit.explains() {
            session.note_cost(self.clock.us().saturating_sub(self.arrived.us));
        }
        pump::send(session, Fragments::new(self.site, self.backends, self.arrived.now));
    }

    fn stream(&mut self, session: PageSession, page: BodyHandle, keep: Option<Keep>) {
        let (site, clock) = (self.site, self.clock);
        let ended = keep.map(|keep| move |ending| keep.put(ending, site, clock));
        pump::stream(session, Fragments::new(site, self.backends, clock.now()), page, ended);
    }
}

impl Keep {
    /// Stores a page that is complete. One that is not leaves a marker, so that those who waited do not queue.
    fn put(self, ending: Ending, site: &Site, clock: &Clock) {
        let Keep { duty, life, before, surrogate_keys } = self;
        match ending {
            Ending::Whole(Some(object)) => duty.put_page(&object, &life, clock.now(), &surrogate_keys),
            Ending::Whole(None) => duty.put_marker(Marker::Own, site.marker_ttl_s, &site.name),
            Ending::Cut if before == Before::Nothing => duty.put_failure(&site.name),
            Ending::Cut => {}
        }
    }
}

fn failed(arrived: Option<&Arrived>) -> bool {
    arrived.is_none_or(|arrived| arrived.head.status.is_server_error())
}
