//! Pages: one request for a page, from the look into the cache to the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method, Response, StatusCode, header, response};
use bytes::Bytes;
use hemstitch::facts::Place;
use hemstitch::http::{self, CacheKey, Lookup, Marker, OutgoingRequest, RequestHead, ResponseHead};
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::Pack;
use hemstitch::page::Life;
use hemstitch::session::PageSession;
use hemstitch::visit::{Answer, Cached, Fetched, Retain, Visit};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::answer::{Answered, bad_gateway};
use crate::body::{Pipe, ReplyBody, RequestBody, pipe};
use crate::cache::{Found, Refresh};
use crate::clock::unix_now;
use crate::compress::Coding;
use crate::convert;
use crate::fills::{Claim, Turn, Waited};
use crate::gunzip::{Gunzip, is_gzip};
use crate::journal::Way;
use crate::origin::{FIRST_BYTE, OriginError};
use crate::origin_body::OriginBody;
use crate::pass::{self, Passage};
use crate::pump::{Keep, Pump};
use crate::serving::{ServedSite, Serving};

/// How long a visitor waits for what another is fetching before they may fetch it themselves: longer than it takes to
/// see that the origin does not answer.
const FOLLOW: Duration = Duration::from_secs(20);
/// How long they wait in all, if others are before them.
const GIVE_UP: Duration = Duration::from_secs(60);
/// How long after their request they still ask again where another's fetch brought nothing.
const RETRY: Duration = Duration::from_secs(5);

/// One request for a page.
pub struct PageRequest {
    serving: Arc<Serving>,
    site: Arc<ServedSite>,
    peer: IpAddr,
    coding: Coding,
    visit: Visit,
    arrived: Instant,
    pack: Option<Arc<Pack>>,
    kill: KillSwitch,
}

/// What an object out of the cache comes to.
enum Stored {
    Answer(Response<ReplyBody>),
    /// A page that may change its answer, so that it is sent when all of it is known.
    Held(Box<PageSession>),
    Marker(Marker),
    Unusable,
}

impl PageRequest {
    /// A request of a visitor, with the rules that are in force for it.
    pub async fn arrive(
        serving: Arc<Serving>,
        site: Arc<ServedSite>,
        head: RequestHead,
        peer: IpAddr,
    ) -> Result<PageRequest, getrandom::Error> {
        let arrived = Instant::now();
        let mut entropy = [0; 16];
        getrandom::fill(&mut entropy)?;
        let coding = Coding::negotiate(head.headers.all());
        let place = convert::place(head.headers.all(), serving.place_header.as_ref());
        let keys = site.keys.now();
        let keys = keys.as_deref();
        let mut visit =
            Visit::arrive(Arc::clone(&site.site), keys, head, place, unix_now(), || Some(entropy));
        let pack = match visit.draft() {
            Some(draft) => site.drafts.find(draft, keys.and_then(|keys| keys.edge.as_ref())).await,
            None => site.packs.current(site.site.pack_deadline_ms).await,
        };
        let kill = serving.switch.now();
        visit.equip(pack.clone(), kill.clone());
        Ok(PageRequest { serving, site, peer, coding, visit, arrived, pack, kill })
    }

    /// Answers it.
    pub async fn answer(self, lookup: Lookup, body: Incoming) -> Answered {
        let pack = self.serving.log.then(|| self.pack_label());
        let answered = match (self.visit.gate(), self.visit.lookup(lookup)) {
            (Some(answer), _) => Answered::new(self.session_reply(Box::new(answer)), Way::Gate),
            (None, Lookup::Bypass) => self.own().await,
            (None, Lookup::Shared(key)) => self.shared(key, body).await,
        };
        answered.with_pack(pack)
    }

    /// What this visitor's slot of that name shows.
    pub fn block(self, name: &str) -> Option<Answered> {
        let session = self.visit.block(name)?;
        let pack = self.serving.log.then(|| self.pack_label());
        Some(Answered::new(self.session_reply(Box::new(session)), Way::Block).with_pack(pack))
    }

    async fn shared(self, key: CacheKey, body: Incoming) -> Answered {
        let arrived = Instant::now();
        let (mut turn, mut failed) = (None, false);
        loop {
            let (found, way, fallback) = self.look(key.as_str());
            let stored = found.map(|object| self.stored(key.as_str(), object));
            if !matches!(stored, None | Some(Stored::Unusable)) {
                // Nobody is to wait for what this visitor does on their own.
                drop(turn.take());
            }
            match stored {
                Some(Stored::Answer(reply)) => return Answered::new(reply, way).with_key(key),
                Some(Stored::Held(session)) => {
                    return Answered::new(self.held_reply(session).await, way).with_key(key);
                }
                Some(Stored::Marker(Marker::Own)) => return self.own().await.with_key(key),
                Some(Stored::Marker(Marker::Pass)) => {
                    let PageRequest { serving, site, peer, visit, .. } = self;
                    let passage = Passage { serving, site, peer, upgrade: None };
                    return pass::pass(passage, visit.request(), body).await.with_key(key);
                }
                Some(Stored::Unusable) => self.serving.cache.remove(key.as_str()),
                None => {}
            }
            // Another may have finished between the look and the claim, so whoever has a turn looks once more.
            let Some(turn) = turn.take() else {
                if failed && arrived.elapsed() > RETRY {
                    return Answered::new(bad_gateway(), Way::Failed).with_key(key);
                }
                match self.serving.fills.claim(key.as_str()) {
                    Claim::Lead(lead) => turn = Some(Turn::Lead(lead)),
                    Claim::Follow(following) => {
                        let waited = following.done_or_turn(arrived + FOLLOW);
                        match timeout_at(arrived + GIVE_UP, waited).await {
                            Ok(Waited::Done) => {}
                            Ok(Waited::Turn(beside)) => turn = Some(beside),
                            Ok(Waited::Failed) | Err(_) => failed = true,
                        }
                    }
                }
                continue;
            };
            let (tell, told) = oneshot::channel();
            // On its own, so that a visitor who goes away does not stop what others wait for.
            tokio::spawn(self.fill(key.as_str().to_owned(), turn, fallback, tell));
            let answered = told.await.unwrap_or_else(|_| Answered::new(bad_gateway(), Way::Failed));
            return answered.with_key(key);
        }
    }

    /// What can be served at once, and what only if the origin fails.
    fn look(&self, key: &str) -> (Option<Bytes>, Way, Option<Bytes>) {
        match self.serving.cache.find(key, unix_now()) {
            Found::Fresh(object) => (Some(object), Way::Hit, None),
            Found::Stale { object, refresh } => {
                if refresh == Refresh::Due {
                    self.refresh(key, object.clone());
                }
                (Some(object), Way::Stale, None)
            }
            Found::IfError(object) => (None, Way::Miss, Some(object)),
            Found::Nothing => (None, Way::Miss, None),
        }
    }

    fn stored(&self, key: &str, object: Bytes) -> Stored {
        match self.visit.from_cache(object) {
            Cached::Page { session, again } => {
                if let Some(object) = again {
                    self.serving.cache.refit(key, object);
                }
                if session.is_held() {
                    return Stored::Held(session);
                }
                Stored::Answer(self.session_reply(session))
            }
            Cached::NotModified(mut head) => {
                self.coding.announce(&mut head.headers);
                head.headers.remove(header::CONTENT_ENCODING);
                Stored::Answer(convert::reply(head, ReplyBody::empty()))
            }
            Cached::Marker(marker) => Stored::Marker(marker),
            Cached::Unusable => Stored::Unusable,
        }
    }

    /// The answer of a session whose page is at hand.
    fn session_reply(&self, mut session: Box<PageSession>) -> Response<ReplyBody> {
        if self.visit.explains() {
            session.note_cost(self.arrived.elapsed().as_micros() as u64);
        }
        let (head, coding) = self.session_head(&session);
        if self.is_head() {
            return convert::reply(head, ReplyBody::empty());
        }
        let pump = Pump::new(Arc::clone(&self.serving), Arc::clone(&self.site), session, coding);
        convert::reply(head, pump.stored())
    }

    /// The answer of a session whose page is at hand and may change it.
    async fn held_reply(&self, mut session: Box<PageSession>) -> Response<ReplyBody> {
        if self.visit.explains() {
            session.note_cost(self.arrived.elapsed().as_micros() as u64);
        }
        let (_, coding) = self.session_head(&session);
        let mut pump = Pump::new(Arc::clone(&self.serving), Arc::clone(&self.site), session, coding);
        let mut head = pump.hold().await;
        self.coding.announce(&mut head.headers);
        match self.is_head() {
            true => convert::reply(head, ReplyBody::empty()),
            false => convert::reply(head, pump.stored()),
        }
    }

    fn session_head(&self, session: &PageSession) -> (ResponseHead, Coding) {
        let mut head = session.head().clone();
        let coding = self.coding.announce(&mut head.headers);
        (head, coding)
    }

    fn is_head(&self) -> bool {
        self.visit.request().method == Method::HEAD
    }

    /// Fetches a stale page again, for nobody in particular, while the visitor is shown the stale one.
    fn refresh(&self, key: &str, stale: Bytes) {
        let Claim::Lead(lead) = self.serving.fills.claim(key) else { return };
        let asked = self.visit.request();
        let request = RequestHead {
            method: Method::GET,
            host: asked.host.clone(),
            path_and_query: asked.path_and_query.clone(),
            headers: HeaderMap::new().into(),
        };
        let site = Arc::clone(&self.site.site);
        let mut visit = Visit::arrive(site, None, request, Place::default(), unix_now(), || Some([0; 16]));
        visit.equip(self.pack.clone(), self.kill.clone());
        let anonymous = PageRequest {
            arrived: Instant::now(),
            serving: Arc::clone(&self.serving),
            site: Arc::clone(&self.site),
            peer: self.peer,
            coding: Coding::Identity,
            visit,
            pack: self.pack.clone(),
            kill: self.kill.clone(),
        };
        let (tell, _) = oneshot::channel();
        tokio::spawn(anonymous.fill(key.to_owned(), Turn::Lead(lead), Some(stale), tell));
    }

    /// Fetches the page for everybody, and tells this visitor what comes of it.
    async fn fill(self, key: String, turn: Turn, fallback: Option<Bytes>, tell: oneshot::Sender<Answered>) {
        let asked = http::shared_fill(self.visit.request(), &self.site.site);
        let answer = self.ask(asked).await;
        let failed = answer.as_ref().map_or(true, |answer| fails(answer.status()));
        if let Some(object) = fallback.filter(|_| failed) {
            self.serving.cache.pause(&key, unix_now());
            drop(turn);
            let reply = match self.stored(&key, object) {
                Stored::Answer(reply) => Answered::new(reply, Way::Stale),
                Stored::Held(session) => Answered::new(self.held_reply(session).await, Way::Stale),
                Stored::Marker(_) | Stored::Unusable => Answered::new(bad_gateway(), Way::Failed),
            };
            let _ = tell.send(reply);
            return;
        }
        let Some(answer) = answer.ok().filter(|answer| !unasked(answer.status())) else {
            turn.fail();
            let _ = tell.send(Answered::new(bad_gateway(), Way::Failed));
            return;
        };
        let (parts, body) = answer.into_parts();
        let (judged, gunzip) = self.judge(parts, Fetched::Shared);
        let retain = match &judged {
            Answer::Page { retain, .. } | Answer::Untouched { retain, .. } | Answer::FetchOwn { retain } => {
                *retain
            }
        };
        let keep = self.retain(retain, key, turn);
        match judged {
            Answer::FetchOwn { .. } if tell.is_closed() => {}
            Answer::FetchOwn { .. } => {
                let _ = tell.send(self.own().await);
            }
            Answer::Untouched { head, .. } => {
                let _ = tell.send(Answered::new(self.untouched(head, body), Way::Miss));
            }
            Answer::Page { session, .. } => {
                let (pump, pipe) = self.arriving(session, |reply| {
                    let _ = tell.send(Answered::new(reply, Way::Miss));
                });
                pump.run(Some(OriginBody::new(body, gunzip)), pipe, keep).await;
            }
        }
    }

    /// Fetches the page for this visitor alone.
    async fn own(self) -> Answered {
        let mut asked = http::own_fetch(self.visit.request(), &self.site.site);
        convert::note_visitor(&mut asked.headers, self.peer);
        let Ok(answer) = self.ask(asked).await else { return Answered::new(bad_gateway(), Way::Failed) };
        let (parts, body) = answer.into_parts();
        let (judged, gunzip) = self.judge(parts, Fetched::Own);
        let reply = match judged {
            Answer::Untouched { head, .. } => self.untouched(head, body),
            // The core does not ask for what it has just been given.
            Answer::FetchOwn { .. } => bad_gateway(),
            Answer::Page { session, .. } => {
                let (tell, told) = oneshot::channel();
                let (pump, pipe) = self.arriving(session, |reply| {
                    let _ = tell.send(reply);
                });
                tokio::spawn(pump.run(Some(OriginBody::new(body, gunzip)), pipe, None));
                told.await.unwrap_or_else(|_| bad_gateway())
            }
        };
        Answered::new(reply, Way::Own)
    }

    /// A pump for a page that arrives, which answers by `tell` as soon as its head is certain, and the pipe to run it with.
    fn arriving(
        self,
        session: Box<PageSession>,
        tell: impl FnOnce(Response<ReplyBody>) + Send + 'static,
    ) -> (Pump, Option<Pipe>) {
        let (asked, coding) = (self.coding, self.session_head(&session).1);
        let (pipe, body) = match self.is_head() {
            true => (None, ReplyBody::empty()),
            false => {
                let (pipe, piped) = pipe();
                (Some(pipe), ReplyBody::piped(piped))
            }
        };
        let pump = Pump::new(self.serving, self.site, session, coding).answering(move |mut head| {
            asked.announce(&mut head.headers);
            tell(convert::reply(head, body));
        });
        (pump, pipe)
    }

    async fn ask(&self, asked: OutgoingRequest) -> Result<Response<Incoming>, OriginError> {
        let (body, sent) = RequestBody::new(None);
        let request = convert::outgoing(asked, body).ok_or(OriginError::Target)?;
        let answer = self.serving.origins.ask(&self.site.origin, request, sent, FIRST_BYTE).await;
        if let Err(error) = &answer {
            self.site.complain(error);
        }
        answer
    }

    /// Has the core judge an answer, as if a page that is gzip were not.
    fn judge(&self, parts: response::Parts, fetched: Fetched) -> (Answer, Option<Gunzip>) {
        let head = convert::response_head(parts);
        if is_gzip(&head.headers) {
            let mut plain = head.clone();
            pass::decoded(&mut plain.headers);
            match self.visit.from_origin(plain, fetched) {
                Answer::Untouched { .. } => {}
                page => return (page, Some(Gunzip::new())),
            }
        }
        (self.visit.from_origin(head, fetched), None)
    }

    /// Stores a marker at once, so that nobody waits for a page that is not coming; a page is kept for later.
    fn retain(&self, retain: Retain, key: String, turn: Turn) -> Option<Keep> {
        match retain {
            Retain::Page(life) => Some(Keep { key, life, turn }),
            Retain::Nothing => None,
            Retain::Marker(marker, seconds) => {
                let now = unix_now();
                let until = now.plus_seconds(seconds.into());
                let life =
                    Life { born: now, fresh_until: until, revalidate_until: until, stale_until: until };
                self.serving.cache.store(&key, marker.encode(), life);
                None
            }
        }
    }

    fn untouched(&self, head: ResponseHead, body: Incoming) -> Response<ReplyBody> {
        pass::untouched(head, body, self.visit.request().headers.all(), self.is_head())
    }

    fn pack_label(&self) -> String {
        match (&self.kill, &self.pack) {
            (KillSwitch::Off, _) => "off".to_owned(),
            (_, None) => "none".to_owned(),
            (_, Some(pack)) => pack.hash().to_string().chars().take(16).collect(),
        }
    }
}

/// Whether an answer to a fill is worse than what is stale.
fn fails(status: StatusCode) -> bool {
    status.is_server_error() || unasked(status)
}

/// Whether an answer refers to a condition or a range, which no fill has.
fn unasked(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT)
}
