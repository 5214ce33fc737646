//! A visit: one request from its arrival to the session that answers it. What a driver asks, in this order:
//!
//! ```text
//! route ─► Visit::arrive ─► equip(pack) ─► gate ──────────────► session, or none
//!                                   ├────► from_cache(object) ─► session
//!                                   └────► from_origin(head) ──► session, or untouched, or fetch again
//! ```

mod keys;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, Method};
use bytes::Bytes;

use crate::facts::{Facts, Place, Sources};
use crate::http::{self, Altered, EXPLAIN_PARAMETER, Kind, Marker, RequestHead, ResponseHead, Storable};
use crate::kill_switch::KillSwitch;
use crate::pack::{Content, Evaluation, GateOutcome, Learned, Pack, Rendering};
use crate::page::{
    CompileOptions, Life, PageCompiler, PageEdit, PagePlan, StoredPage, edits_digest, is_slot_name,
};
use crate::profile::{Change, Profile};
use crate::session::{Extent, Keep, PageSession, Personalization};
use crate::site::{ProfileUse, Site};
use crate::time::UnixTime;
use crate::token::{Capability, CapabilityToken, FactsToken, KeyAge, Keyring, ProfileCookie};

pub use keys::{KeyPurpose, Keys};

/// How long requests go round the shared cache after an answer that was no success, in seconds.
const FAILURE_MARKER_S: u32 = 2;

/// What a gate shows that has no block of its own.
const REFUSAL: &str = "<!doctype html><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
    <title>Not available</title><p>This page is not available to you.";

/// Says that slots show their defaults because of us, not of the rules: `no-pack` or `off`.
pub const DEFAULTS_HEADER: HeaderName = HeaderName::from_static("hs-defaults");

/// One request of a visitor for a page.
pub struct Visit {
    site: Arc<Site>,
    request: RequestHead,
    host: String,
    path: String,
    now: UnixTime,
    facts: Arc<Facts>,
    /// What signs the profile's cookie; nothing where none may be written.
    signs: Option<Keyring>,
    /// Whether the cookie that the visitor holds is not the profile's.
    changed: bool,
    /// Whether the visitor wants to know why, and may.
    explains: bool,
    pack: Option<Arc<Pack>>,
    kill: KillSwitch,
    edits: Vec<PageEdit>,
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

impl Visit {
    /// A request for a page arrives. `entropy` becomes the id of a visitor who has none that verifies; `keys` are
    /// missing where the secrets cannot be read, and then every visitor is a new one and no cookie is written.
    pub fn arrive(
        site: Arc<Site>,
        keys: Option<&Keys>,
        request: RequestHead,
        place: Place,
        now: UnixTime,
        entropy: [u8; 16],
    ) -> Visit {
        let cookies = request.headers.get_all(::http::header::COOKIE).iter().map(HeaderValue::as_bytes);
        let verified =
            keys.and_then(|keys| ProfileCookie::decode(cookies, &keys.profile, &site.name, now).ok());
        let (profile, changed) = match verified {
            None => (Profile::new(entropy, now), true),
            Some(verified) => {
                let mut profile = verified.profile;
                let changed = profile.arrive(now) == Change::NewVisit || verified.under == KeyAge::Older;
                (profile, changed)
            }
        };
        let overrides = facts_token(&request, keys, &site, now);
        let explains = may_explain(&request, keys, &site, now);
        let writes = overrides.is_none() && !explains && site.profile == ProfileUse::Write;
        let signs = keys.filter(|_| writes).map(|keys| keys.profile.clone());
        let host = site.configured_host(&request.host).unwrap_or_default().to_owned();
        let (path, query) = http::clean_target(&request.path_and_query);
        let overrides = overrides.unwrap_or_default();
        let user_agent = request.headers.get(::http::header::USER_AGENT).cloned();
        let query = query.as_deref();
        let sources = Sources { place, host: &host, path: &path, query, user_agent, now, overrides };
        let facts = Arc::new(Facts::new(profile, sources));
        let (pack, kill, edits) = (None, KillSwitch::On, Vec::new());
        Visit { site, request, host, path, now, facts, signs, changed, explains, pack, kill, edits }
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
    pub fn from_cache(&self, object: impl Into<Bytes>) -> Cached {
        let object: Bytes = object.into();
        if let Some(marker) = Marker::decode(&object) {
            return Cached::Marker(marker);
        }
        let Ok(mut page) = StoredPage::decode(object) else { return Cached::Unusable };
        // Without rules the plan at hand serves. Which edits it lacks is not known, so the page is kept by nobody then.
        let digest = self.pack.is_some().then(|| edits_digest(&self.edits));
        let (plan, again) = match page.plan.take() {
            Some((plan, compiled_for)) if digest.is_none_or(|digest| digest == compiled_for) => (plan, None),
            _ => match self.compile_again(&page) {
                Some((plan, object)) => (plan, Some(object)),
                None => return Cached::Unusable,
            },
        };
        let personal = self.lacks_rules() || plan.is_personal() || !plan.includes().is_empty();
        let head = if personal {
            self.personal_head(&page.head)
        } else {
            let altered = if plan.is_altered() { Altered::Yes } else { Altered::No };
            let age = self.now.seconds_since(page.life.born);
            let mut head = http::shared_reply(&page.head, altered, age);
            if !self.explains && http::not_modified(&self.request, &head) {
                head.status = ::http::StatusCode::NOT_MODIFIED;
                return Cached::NotModified(head);
            }
            if altered == Altered::No {
                head.headers.insert(::http::header::CONTENT_LENGTH, page.page().len().into());
            }
            head
        };
        let mut session = PageSession::stored(head, page, plan, self.extent(), self.personalization());
        if self.explains {
            session.explain();
        } else if personal {
            let (head, learned) = session.decide_ahead();
            self.set_cookie(head, learned);
        }
        Cached::Page { session: Box::new(session), again }
    }

    /// Compiles a stored page for the rules in force; the plan and the object to store.
    fn compile_again(&self, page: &StoredPage) -> Option<(PagePlan, Vec<u8>)> {
        let options = CompileOptions {
            charset: http::content_charset(&page.head.headers),
            esi: page.esi,
            edits: self.edits.clone(),
        };
        let digest = edits_digest(&options.edits);
        let compiler = PageCompiler::compile(page.page().to_vec(), options);
        let plan = compiler.plan()?.clone();
        let object = StoredPage::encode(&page.head, &page.life, page.esi, &plan, &digest, page.page());
        Some((plan, object))
    }

    /// What to do with an answer of the origin, of which the head has arrived. The driver has decoded gzip.
    pub fn from_origin(&self, head: ResponseHead, fetched: Fetched) -> Answer {
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
            Kind::Html { charset, esi } => {
                let life = match storable {
                    Some(Storable::For(freshness)) => Some(freshness.life(self.now)),
                    _ => None,
                };
                let retain = match (life, fetched) {
                    (Some(life), _) => Retain::Page(life),
                    (None, Fetched::Shared) => Retain::Marker(Marker::Own, marker_s),
                    (None, Fetched::Own) => Retain::Nothing,
                };
                let options =
                    CompileOptions { charset, esi: esi == http::Esi::On, edits: self.edits.clone() };
                let keep = life.map(|life| Keep { head: head.clone(), life });
                let limit = self.site.max_page_bytes;
                let mut reply = self.personal_head(&head);
                // What is on the page is not known yet, so what it teaches is not kept.
                self.set_cookie(&mut reply, &Learned::default());
                let personal = self.personalization();
                let mut session =
                    PageSession::compiling(reply, options, limit, keep, self.extent(), personal);
                if self.explains {
                    session.explain();
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
        self.explains
    }

    /// The answer of the first gate that the request does not pass; asked before any page is looked up.
    pub fn gate(&self) -> Option<PageSession> {
        let pack = self.pack.as_deref()?;
        let mut evaluation = Evaluation::new(pack, &self.facts, &self.kill);
        let (_, outcome) = evaluation.gate(&self.path)?;
        let learned = evaluation.learned();
        let (mut head, page) = match outcome {
            GateOutcome::Redirect { status, to, keeps_query } => {
                let (_, query) = http::clean_target(&self.request.path_and_query);
                let query = query.filter(|_| keeps_query);
                (http::redirect_reply(status, to, query.as_deref()), Cow::Borrowed(""))
            }
            GateOutcome::Refuse { status, block } => {
                let shown = block.map(|block| pack.block(block).content);
                let page = match shown {
                    Some(Content::Inline(html)) => html.into(),
                    Some(Content::Template(template)) => {
                        template.render(&self.facts, Rendering::Markup).into()
                    }
                    _ => Cow::Borrowed(REFUSAL),
                };
                (http::refusal_reply(status), page)
            }
        };
        self.set_cookie(&mut head, &learned);
        let plan = PagePlan::literal(page.len() as u32);
        self.page_of_ours(head, plan, page.as_bytes())
    }

    /// A session over a page that no origin wrote.
    fn page_of_ours(&self, head: ResponseHead, plan: PagePlan, page: &[u8]) -> Option<PageSession> {
        let life =
            Life { born: self.now, fresh_until: self.now, revalidate_until: self.now, stale_until: self.now };
        let object = StoredPage::encode(&head, &life, false, &plan, &[0; 16], page);
        let page = StoredPage::decode(object).ok()?;
        Some(PageSession::stored(head, page, plan, self.extent(), self.personalization()))
    }

    /// Whether there are rules for the site, and they are not at hand.
    fn lacks_rules(&self) -> bool {
        self.pack.is_none() && !self.site.pointer_keys.is_empty()
    }

    /// The head of an answer that is this visitor's alone.
    fn personal_head(&self, origin: &ResponseHead) -> ResponseHead {
        let mut head = http::personal_reply(origin);
        let defaults = match (&self.kill, &self.pack) {
            (KillSwitch::Off, _) => Some("off"),
            (_, None) if self.lacks_rules() => Some("no-pack"),
            _ => None,
        };
        if let Some(why) = defaults {
            head.headers.insert(DEFAULTS_HEADER, HeaderValue::from_static(why));
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
            path: self.path.clone(),
        }
    }

    fn extent(&self) -> Extent {
        if self.request.method == Method::HEAD { Extent::Head } else { Extent::Whole }
    }
}

/// Whether a verified token asks for reasons, in the parameter `hs_explain`.
fn may_explain(request: &RequestHead, keys: Option<&Keys>, site: &Site, now: UnixTime) -> bool {
    let keyring = keys.and_then(|keys| keys.explain.as_ref());
    let token = http::own_parameter(&request.path_and_query, EXPLAIN_PARAMETER);
    let (Some(keyring), Some(token)) = (keyring, token) else { return false };
    CapabilityToken::decode(token.as_bytes(), Capability::Explain, keyring, &site.name, now).is_ok()
}

/// The cookie in which a browser may hold a facts token.
const FACTS_COOKIE: &str = "__Host-hs-facts";

/// Facts that a verified token states, in the header `hs-facts`, the parameter `hs_facts` or the cookie
/// `__Host-hs-facts`.
fn facts_token(
    request: &RequestHead,
    keys: Option<&Keys>,
    site: &Site,
    now: UnixTime,
) -> Option<BTreeMap<String, serde_json::Value>> {
    let keyring = keys?.facts.as_ref()?;
    let token = match request.headers.get("hs-facts") {
        Some(header) => header.to_str().ok()?,
        None => match http::own_parameter(&request.path_and_query, "hs_facts") {
            Some(parameter) => parameter,
            None => http::cookie(request, FACTS_COOKIE)?,
        },
    };
    let token = FactsToken::decode(token.as_bytes(), keyring, &site.name, now).ok()?;
    Some(token.facts)
}

#[cfg(test)]
mod tests;
