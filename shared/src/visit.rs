//! A visit: one request from its arrival to the session that answers it. What a driver asks, in this order:
//!
//! ```text
//! route ─► Visit::arrive ─► equip(pack) ─► gate ──────────────► session, or none
//!                                   ├────► from_cache(object) ─► session
//!                                   └────► from_origin(head) ──► session, or untouched, or fetch again
//! ```

mod banner;
mod gate;
mod keys;
mod permits;
mod preview;

use std::borrow::Cow;
use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, Method};
use bytes::Bytes;

use crate::esi::PageCaching;
use crate::facts::{Facts, Place, Sources};
use crate::http::{self, Altered, Kind, Lookup, Marker, RequestHead, ResponseHead, Storable};
use crate::kill_switch::KillSwitch;
use crate::pack::{Learned, Pack};
use crate::page::{
    CompileOptions, Life, PageCompiler, PageEdit, PagePlan, StoredPage, compiled_digest, is_slot_name,
};
use crate::profile::{Change, Profile};
use crate::session::{Caching, Explained, Extent, Keep, PageSession, Personalization};
use crate::site::{ProfileUse, Site};
use crate::time::UnixTime;
use crate::token::{KeyAge, Keyring, ProfileCookie};

pub use keys::{BundleError, KeyPurpose, Keys};
use permits::{Explains, Permits};
use preview::Preview;
pub use preview::{DRAFT_DEADLINE_MS, Draft};

/// How long requests go round the shared cache after an answer that was no success, in seconds.
const FAILURE_MARKER_S: u32 = 2;

/// Says that slots show their defaults because of us, not of the rules: `no-pack` or `off`.
pub const DEFAULTS_HEADER: HeaderName = HeaderName::from_static("hs-defaults");

/// One request of a visitor for a page.
pub struct Visit {
    site: Arc<Site>,
    request: Arc<RequestHead>,
    host: String,
    path: String,
    now: UnixTime,
    facts: Arc<Facts>,
    /// What signs the profile's cookie; nothing where none may be written.
    signs: Option<Keyring>,
    /// Whether the cookie that the visitor holds is not the profile's.
    changed: bool,
    permits: Permits,
    pack: Option<Arc<Pack>>,
    kill: KillSwitch,
    edits: Vec<PageEdit>,
}

/// An object out of a cache as it was read. Who holds it spares the next visits the reading.
#[derive(Clone)]
pub enum Stored {
    /// A page.
    Page(Arc<StoredPage>),
    /// There is no shared page here.
    Marker(Marker),
    /// Nothing that can be read.
    Unusable,
}

/// What an object out of the cache is to a visit.
pub enum Cached {
    /// The page. `again`: the object to store in its place, for as long as it had left, since its plan was out of date.
    Page {
        /// The session that answers.
        session: Box<PageSession>,
        /// The object to store in its place.
        again: Option<Vec<u8>>,
    },
    /// The visitor has this version already: status 304.
    NotModified(ResponseHead),
    /// There is no shared page here.
    Marker(Marker),
    /// Nothing that can be read; as if it were not there.
    Unusable,
}

/// How the origin was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// By [`http::shared_fill`]: the answer may be stored for everybody.
    Shared,
    /// By [`http::own_fetch`]: the answer is this visitor's.
    Own,
}

/// What to do with an answer of the origin.
pub enum Answer {
    /// It is a page: feed it to the session, and store what comes of that.
    Page {
        /// The session that answers.
        session: Box<PageSession>,
        /// What to store.
        retain: Retain,
    },
    /// Send it on as it is.
    Untouched {
        /// Status and headers to send.
        head: ResponseHead,
        /// What to store.
        retain: Retain,
    },
    /// The page depends on who asks: fetch it again, by [`http::own_fetch`].
    FetchOwn {
        /// What to store.
        retain: Retain,
    },
}

/// What to store under the key of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// Nothing.
    Nothing,
    /// [`PageSession::take_object`], when the page is complete.
    Page(Life),
    /// This marker, at once, for so many seconds, so that nobody waits for a page that is not coming.
    Marker(Marker, u32),
}

impl Stored {
    /// What it takes in memory, roughly, in bytes.
    pub fn size(&self) -> usize {
        match self {
            Stored::Page(page) => page.size(),
            Stored::Marker(_) | Stored::Unusable => 0,
        }
    }
}

impl<T: Into<Bytes>> From<T> for Stored {
    fn from(object: T) -> Stored {
        let object: Bytes = object.into();
        match Marker::decode(&object) {
            Some(marker) => Stored::Marker(marker),
            None => match StoredPage::decode(object) {
                Ok(page) => Stored::Page(Arc::new(page)),
                Err(_) => Stored::Unusable,
            },
        }
    }
}

impl Visit {
    /// A request for a page arrives. `entropy` becomes the id of a visitor who has none that verifies; without it they get
    /// none, rather than all of them the same one, and no cookie is written. `keys` are missing where the secrets cannot be
    /// read, and then every visitor is a new one and no cookie is written, either.
    pub fn arrive(
        site: Arc<Site>,
        keys: Option<&Keys>,
        request: RequestHead,
        place: Place,
        now: UnixTime,
        entropy: impl FnOnce() -> Option<[u8; 16]>,
    ) -> Visit {
        let request = Arc::new(request);
        let cookies = request.headers.get_all(&::http::header::COOKIE).map(HeaderValue::as_bytes);
        let verified =
            keys.and_then(|keys| ProfileCookie::decode(cookies, &keys.profile, &site.name, now).ok());
        let (profile, changed, has_id) = match verified {
            None => {
                let entropy = entropy();
                (Profile::new(entropy.unwrap_or_default(), now), true, entropy.is_some())
            }
            Some(verified) => {
                let mut profile = verified.profile;
                let changed = profile.arrive(now) == Change::NewVisit || verified.under == KeyAge::Older;
                (profile, changed, true)
            }
        };
        let mut permits = Permits::of(&request, keys, &site, now);
        let writes = has_id && !permits.any() && site.profile == ProfileUse::Write;
        let signs = keys.filter(|_| writes).map(|keys| keys.profile.clone());
        let host = site.configured_host(&request.host).unwrap_or_default().to_owned();
        let (path, query) = http::clean_target(&request.path_and_query);
        let mut overrides = permits.facts.take().unwrap_or_default();
        let shows = permits.preview.as_ref().map(|preview| &preview.shows);
        let told = shows.and_then(|shows| shows.at).unwrap_or(now);
        let is_made_up = shows.is_some_and(|shows| shows.persona.is_some());
        let (profile, place) =
            if is_made_up { (Profile::new([0; 16], told), Place::default()) } else { (profile, place) };
        overrides.extend(shows.into_iter().flat_map(|shows| shows.facts()));
        let (query, asked) = (query.as_deref(), Some(Arc::clone(&request)));
        let sources =
            Sources { place, host: &host, path: &path, query, request: asked, now: told, overrides };
        let facts = Arc::new(Facts::new(profile, sources));
        let (pack, kill, edits) = (None, KillSwitch::On, Vec::new());
        Visit { site, request, host, path, now, facts, signs, changed, permits, pack, kill, edits }
    }

    /// Gives the visit the rules that are in force; without a pack, every slot shows its default.
    pub fn equip(&mut self, pack: Option<Arc<Pack>>, kill: KillSwitch) {
        let edits = pack.iter().flat_map(|pack| pack.edits_for(&self.path));
        self.edits = edits
            .map(|edit| PageEdit {
                id: edit.id.to_owned(),
                selector: edit.selector.to_owned(),
                action: edit.action,
                attribute: edit.attribute.map(str::to_owned),
            })
            .collect();
        (self.pack, self.kill) = (pack, kill);
    }

    /// The draft to [equip](Self::equip) the visit with in place of the pack that is live, whether it is found or not.
    /// Whoever is shown one is known by a token.
    pub fn draft(&self) -> Option<&Draft> {
        self.permits.preview.as_ref().map(|preview| &preview.draft)
    }

    /// Where the page comes from: what is previewed neither comes out of the cache nor goes into it.
    pub fn lookup(&self, lookup: Lookup) -> Lookup {
        if self.previewing().is_some() { Lookup::Bypass } else { lookup }
    }

    /// Has the answer say why the page is as it is, where that is asked for.
    fn explain(&self, session: &mut PageSession) {
        match self.permits.explains {
            Explains::No => {}
            Explains::Beside => session.explain(Explained::Beside),
            Explains::Instead => session.explain(Explained::Instead),
        }
    }

    /// The preview, unless everything is off.
    fn previewing(&self) -> Option<&Preview> {
        self.permits.preview.as_ref().filter(|_| self.kill != KillSwitch::Off)
    }

    /// Says on a page that it is previewed, where a reader looks at it.
    fn mark(&self, session: &mut PageSession) {
        let Some(preview) = self.previewing().filter(|_| preview::is_document(&self.request)) else { return };
        if http::may_be_followed(&session.head().headers) {
            let found = if self.pack.is_some() { banner::Draft::AtHand } else { banner::Draft::Missing };
            let way_out = preview::way_out(&self.request, &self.site, &self.host);
            session.follow_with(banner::banner(preview, found, &way_out));
        }
    }

    /// The request as it arrived.
    pub fn request(&self) -> &RequestHead {
        &self.request
    }

    /// The site that is visited.
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// What the rules see of this request.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What to do with an object that the cache holds for this page.
    pub fn from_cache(&self, object: impl Into<Stored>) -> Cached {
        let page = match object.into() {
            Stored::Page(page) => page,
            Stored::Marker(marker) => return Cached::Marker(marker),
            Stored::Unusable => return Cached::Unusable,
        };
        // Without rules the plan at hand serves. Which edits it lacks is not known, so the page is kept by nobody then.
        let digest = self.pack.is_some().then(|| match self.edits.as_slice() {
            [] => self.site.unedited,
            edits => compiled_digest(edits, &self.site.esi),
        });
        let (plan, again) = match &page.plan {
            Some((plan, compiled_for)) if digest.is_none_or(|digest| digest == *compiled_for) => {
                (Arc::clone(plan), None)
            }
            _ => match self.compile_again(&page) {
                Some((plan, object)) => {
                    (Arc::new(plan), Some(object).filter(|_| self.permits.preview.is_none()))
                }
                None => return Cached::Unusable,
            },
        };
        let merges = self.may_merge();
        let merged = merges.then(|| (page.head.clone(), self.now.seconds_since(page.life.born)));
        let personal = self.permits.preview.is_some()
            || self.lacks_rules()
            || plan.is_personal()
            || plan.has_fragments()
            || plan.changes_answer();
        let head = if personal {
            self.make_personal(page.personal_head().clone())
        } else {
            let altered = if plan.is_altered() { Altered::Yes } else { Altered::No };
            let age = self.now.seconds_since(page.life.born);
            let mut head = http::shared_reply(&page.head, altered, age);
            if !self.explains() && http::not_modified(&self.request, &head) {
                head.status = ::http::StatusCode::NOT_MODIFIED;
                return Cached::NotModified(head);
            }
            if altered == Altered::No {
                head.headers.insert(::http::header::CONTENT_LENGTH, page.page().len().into());
            }
            head
        };
        let mut session = PageSession::stored(head, page, plan, self.extent(), self.personalization());
        if self.explains() {
            self.explain(&mut session);
        } else if personal {
            let (head, learned) = session.decide_ahead();
            self.set_cookie(head, learned);
        }
        self.mark(&mut session);
        if personal {
            session.gather(merged, self.now);
        }
        Cached::Page { session: Box::new(session), again }
    }

    /// Whether a page for everybody stays one, where its fragments are for everybody, too.
    fn may_merge(&self) -> bool {
        self.site.esi.caching == PageCaching::Merge && !self.permits.any() && !self.lacks_rules()
    }

    /// Compiles a stored page for the rules in force; the plan and the object to store.
    fn compile_again(&self, page: &StoredPage) -> Option<(PagePlan, Vec<u8>)> {
        let options = CompileOptions::of(&page.head.headers, page.esi, &self.site.esi, &self.edits);
        let digest = compiled_digest(&options.edits, &options.dialect);
        let compiler = PageCompiler::compile(page.page().to_vec(), options);
        let plan = compiler.plan()?.clone();
        let object = StoredPage::encode(&page.head, &page.life, page.esi, &plan, &digest, page.page());
        Some((plan, object))
    }

    /// What to do with an answer of the origin, of which the head has arrived. The driver has decoded gzip.
    pub fn from_origin(&self, head: ResponseHead, fetched: Fetched) -> Answer {
        // What is previewed is nobody else's, however it was asked for.
        let fetched = if self.permits.preview.is_some() { Fetched::Own } else { fetched };
        let failed = head.status != ::http::StatusCode::OK;
        let marker_s = if failed { FAILURE_MARKER_S } else { self.site.marker_ttl_s };
        let kind = http::kind(&head, &self.site, &self.path);
        let storable = match fetched {
            Fetched::Shared => Some(http::storable(&head, self.now)),
            Fetched::Own => None,
        };
        let own = |why| http::needs_own_fetch(&self.request, why, head.status);
        if matches!(storable, Some(Storable::No(why)) if own(why)) {
            return Answer::FetchOwn { retain: Retain::Marker(Marker::Own, marker_s) };
        }
        match kind {
            Kind::Page { esi } => {
                let life = match storable {
                    Some(Storable::For(freshness)) => Some(freshness.life(self.now)),
                    _ => None,
                };
                let retain = match (life, fetched) {
                    (Some(life), _) => Retain::Page(life),
                    (None, Fetched::Shared) => Retain::Marker(Marker::Own, marker_s),
                    (None, Fetched::Own) => Retain::Nothing,
                };
                let esi = esi == http::Esi::On;
                let options = CompileOptions::of(&head.headers, esi, &self.site.esi, &self.edits);
                let keep = life.map(|life| Keep { head: head.clone(), life });
                let limit = self.site.max_page_bytes;
                let mut reply = self.make_personal(http::personal_reply(&head));
                // What is on the page is not known yet, so what it teaches is not kept.
                self.set_cookie(&mut reply, &Learned::default());
                let personal = self.personalization();
                let mut session =
                    PageSession::compiling(reply, options, limit, keep, self.extent(), personal);
                self.explain(&mut session);
                self.mark(&mut session);
                if esi {
                    let life = life.filter(|_| self.may_merge());
                    let page = life.map(|life| (head, self.now.seconds_since(life.born)));
                    session.gather(page, self.now);
                }
                Answer::Page { session: Box::new(session), retain }
            }
            Kind::Untouched => {
                let retain = match fetched {
                    Fetched::Own => Retain::Nothing,
                    Fetched::Shared if failed => Retain::Marker(Marker::Own, marker_s),
                    Fetched::Shared => Retain::Marker(Marker::Pass, marker_s),
                };
                Answer::Untouched { head: http::untouched_reply(head), retain }
            }
        }
    }

    /// What to store where the origin could not be reached for a shared page, so that nobody waits in line to find out.
    pub fn unreachable(&self) -> Retain {
        Retain::Marker(Marker::Own, FAILURE_MARKER_S)
    }

    /// The answer to `/_hs/blocks/{name}`: what this visitor's slot of that name shows, and nothing for its default.
    pub fn block(&self, name: &str) -> Option<PageSession> {
        if !is_slot_name(name) {
            return None;
        }
        self.page_of_ours(http::block_reply(), PagePlan::single_slot(name), b"")
    }

    /// Whether the answer says why a page is as it is; then it says what that cost, too, where there is a clock.
    pub fn explains(&self) -> bool {
        self.permits.explains != Explains::No
    }

    /// A session over a page that no origin wrote.
    fn page_of_ours(&self, head: ResponseHead, plan: PagePlan, page: &[u8]) -> Option<PageSession> {
        let life =
            Life { born: self.now, fresh_until: self.now, revalidate_until: self.now, stale_until: self.now };
        let object = StoredPage::encode(&head, &life, false, &plan, &[0; 16], page);
        let page = StoredPage::decode(object).ok()?;
        Some(PageSession::stored(head, Arc::new(page), Arc::new(plan), self.extent(), self.personalization()))
    }

    /// Whether there are rules for the site, and they are not at hand.
    fn lacks_rules(&self) -> bool {
        self.pack.is_none() && (!self.site.pointer_keys.is_empty() || self.permits.preview.is_some())
    }

    /// Says in the head of an answer that is one visitor's what is particular to this one.
    fn make_personal(&self, mut head: ResponseHead) -> ResponseHead {
        let defaults = match (&self.kill, &self.pack) {
            (KillSwitch::Off, _) => Some("off"),
            (_, None) if self.lacks_rules() => Some("no-pack"),
            _ => None,
        };
        if let Some(why) = defaults {
            head.headers.insert(DEFAULTS_HEADER, HeaderValue::from_static(why));
        }
        if self.previewing().is_some() {
            http::make_previewed(&mut head);
        }
        head
    }

    /// Has the visitor keep their profile, if there is anything new to it.
    fn set_cookie(&self, head: &mut ResponseHead, learned: &Learned) {
        let Some(signs) = self.signs.as_ref().filter(|_| self.kill != KillSwitch::Off) else { return };
        // A profile that the origin has just written knows more than the one that came in.
        let theirs = |value: &HeaderValue| value.as_bytes().starts_with(b"__Host-hs=");
        let enriched = head.headers.get_all(::http::header::SET_COOKIE).iter().any(theirs);
        if enriched || (!self.changed && learned.is_empty()) {
            return;
        }
        let mut profile = Cow::Borrowed(self.facts.profile());
        if !learned.is_empty() {
            profile.to_mut().learn(learned, self.now);
        }
        let cookie = ProfileCookie::encode(&profile, signs, &self.site.name, self.now).ok();
        if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
            head.headers.append(::http::header::SET_COOKIE, cookie);
        }
    }

    fn personalization(&self) -> Personalization {
        Personalization {
            pack: self.pack.clone().filter(|_| self.kill != KillSwitch::Off),
            facts: Arc::clone(&self.facts),
            kill: self.kill.clone(),
            site: Arc::clone(&self.site),
            host: self.host.clone(),
            caching: if self.permits.preview.is_some() { Caching::Apart } else { Caching::Shared },
            path: self.path.clone(),
            request: Arc::clone(&self.request),
        }
    }

    fn extent(&self) -> Extent {
        if self.request.method == Method::HEAD { Extent::Head } else { Extent::Whole }
    }
}

#[cfg(test)]
mod tests;
