//! Fragments: content that is fetched and inserted into a page. Nothing in it is executed here: it is inert.

use std::borrow::Cow;

use ::http::{HeaderValue, Method, header};
use bytes::Bytes;

use crate::esi::{self, HeaderEdit};
use crate::http::{self, FragmentTarget, Freshness, OutgoingRequest, ResponseHead};
use crate::page::{Charset, Insertion, content_charset};
use crate::site::Site;
use crate::time::UnixTime;

/// Largest fragment that is inserted, in bytes. A larger one is a failure, since what is to be stored of it is held in memory.
pub const MAX_FRAGMENT_BYTES: usize = 1024 * 1024;

/// How long a fragment is waited for where nothing else is said, in milliseconds.
pub const FRAGMENT_TIMEOUT_MS: u32 = 1000;

/// What an entity is, where the page does not say.
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Names a fetch within one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(pub(super) usize);

/// A fragment to fetch, now. The answer goes to [`PageSession::fragment`](super::PageSession::fragment).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentRequest {
    /// Names the fetch.
    pub id: FetchId,
    /// Where it is.
    pub target: FragmentTarget,
    /// After how many milliseconds it has failed.
    pub timeout_ms: u32,
    /// How long it may be cached, in seconds, whatever its own headers say.
    pub ttl_s: Option<u32>,
    /// Whether it comes out of the cache at all, and goes into it.
    pub caching: Caching,
    /// Changes to the headers of the request, from the page.
    pub headers: Vec<HeaderEdit>,
    /// What is sent to it: it is a POST then, and else a GET.
    pub entity: Option<Bytes>,
}

/// What a session has to do with caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// What is for everybody is shared.
    #[default]
    Shared,
    /// Nothing is taken from a cache or left in one: a draft must not decide what others get, or for how long; a fragment
    /// that says something of the visitor is nobody else's.
    Apart,
}

impl FragmentRequest {
    /// A request that asks for `target` by its URL alone.
    pub(super) fn plain(
        id: FetchId,
        target: FragmentTarget,
        timeout_ms: u32,
        caching: Caching,
    ) -> FragmentRequest {
        FragmentRequest { id, target, timeout_ms, ttl_s: None, caching, headers: Vec::new(), entity: None }
    }

    /// Whether this asks for `target` by its URL alone, with `caching`.
    pub(super) fn is_plain(&self, target: &FragmentTarget, caching: Caching) -> bool {
        self.target == *target && self.caching == caching && self.headers.is_empty() && self.entity.is_none()
    }

    /// The request to send. Its body is [`FragmentRequest::entity`].
    pub fn outgoing(&self, site: &Site) -> OutgoingRequest {
        let mut request = http::fragment_request(&self.target, site);
        if self.entity.is_some() {
            request.method = Method::POST;
            request.headers.insert(header::CONTENT_TYPE, FORM);
        }
        for edit in &self.headers {
            http::edit_fragment_header(&mut request.headers, edit);
        }
        request
    }
}

/// Why a fragment is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FragmentFailure {
    /// No answer came: refused, reset, cut, or too late.
    #[error("no answer, or not all of it")]
    Unreachable,
    /// The answer has a status that is no success.
    #[error("status {0}")]
    Status(u16),
    /// It is larger than [`MAX_FRAGMENT_BYTES`].
    #[error("larger than {MAX_FRAGMENT_BYTES} bytes")]
    TooLarge,
    /// It is compressed, or in a charset that is no superset of ASCII.
    #[error("in an encoding that cannot be inserted")]
    Encoding,
    /// Its URL may not be fetched, or the page has too many.
    #[error("not allowed")]
    NotAllowed,
}

/// How the content of a fragment is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentForm {
    pub(super) charset: Charset,
    /// Whether its own ESI is to be processed, by its `Surrogate-Control` or `Edge-Control`.
    esi: bool,
    /// Whether it is `Edge-Control` that says so, or that it is not.
    dca: bool,
    /// Whether it is a script, JSON or a style sheet.
    script: bool,
}

/// The content of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    form: FragmentForm,
    content: Bytes,
    /// Until when it may be kept for everybody, in seconds since 1970; 0: it may not, or nobody said.
    pub(super) fresh_until: u64,
    /// How long that is, where it has just arrived: a page that began before it must not promise more.
    pub(super) fresh_s: u64,
    /// When it was changed last, likewise; 0 where that is not known.
    pub(super) modified: u64,
    /// Cookies that it sets. What is kept has none.
    pub(super) cookies: Vec<HeaderValue>,
    /// Its status and where it is, where it says that it is not here.
    pub(super) moved: Option<(u16, String)>,
}

impl FragmentForm {
    /// The form of the fragment that an answer holds. `None` where that is none, or is elsewhere.
    pub fn of(head: &ResponseHead) -> Option<FragmentForm> {
        let fragment = Fragment::from_response(head, Vec::new()).ok()?;
        fragment.moved.is_none().then_some(fragment.form)
    }

    /// The headers that say so.
    pub(super) fn headers(self) -> Vec<(String, String)> {
        let says = |says: bool, name: &str, value: &str| says.then(|| (name.to_owned(), value.to_owned()));
        let headers = [
            says(self.esi, "surrogate-control", "content=\"ESI/1.0\""),
            says(self.dca, "edge-control", if self.esi { "dca=esi" } else { "dca=none" }),
            says(self.script, "content-type", "application/json"),
        ];
        headers.into_iter().flatten().collect()
    }
}

impl Fragment {
    /// The fragment that an answer holds. Errs where the answer is none that can be inserted.
    pub fn from_response(head: &ResponseHead, content: Vec<u8>) -> Result<Fragment, FragmentFailure> {
        if let Some(to) = head.headers.get(header::LOCATION).filter(|_| head.status.is_redirection()) {
            let to = to.to_str().map_err(|_| FragmentFailure::NotAllowed)?.to_owned();
            let moved = Some((head.status.as_u16(), to));
            let (charset, esi, dca, script) = (Charset::Undeclared, false, false, false);
            let form = FragmentForm { charset, esi, dca, script };
            return Ok(Fragment { moved, ..Fragment::new(form, Bytes::new()) });
        }
        if !http::is_good_fragment(head.status) {
            return Err(FragmentFailure::Status(head.status.as_u16()));
        }
        if content.len() > MAX_FRAGMENT_BYTES {
            return Err(FragmentFailure::TooLarge);
        }
        let declared = content_charset(&head.headers);
        let charset = declared.and_then(|label| Charset::for_label(&label)).unwrap_or(Charset::Undeclared);
        if charset == Charset::Opaque || !http::is_identity(&head.headers) {
            return Err(FragmentFailure::Encoding);
        }
        let dca = http::edge_control_dca(&head.headers);
        let media_type =
            head.headers.get(header::CONTENT_TYPE).and_then(|media_type| media_type.to_str().ok());
        let form = FragmentForm {
            charset,
            esi: dca.unwrap_or_else(|| http::asks_for_esi(&head.headers)),
            dca: dca.is_some(),
            script: media_type.and_then(esi::Medium::of) == Some(esi::Medium::Script),
        };
        Ok(Fragment {
            modified: http::modified(&head.headers).unwrap_or_default(),
            cookies: head.headers.get_all(header::SET_COOKIE).iter().cloned().collect(),
            ..Fragment::new(form, content.into())
        })
    }

    fn new(form: FragmentForm, content: Bytes) -> Fragment {
        Fragment {
            form,
            content,
            fresh_until: 0,
            fresh_s: u64::MAX,
            modified: 0,
            cookies: Vec::new(),
            moved: None,
        }
    }

    /// The same, which may be kept for everybody for so long from now on, or not at all.
    pub fn kept(mut self, freshness: Option<Freshness>, now: UnixTime) -> Fragment {
        self.fresh_until = freshness.map_or(0, |freshness| now.plus_seconds(freshness.fresh_s).0);
        self.fresh_s = freshness.map_or(0, |freshness| freshness.fresh_s);
        self
    }

    /// The content as a document of ESI, in the page's charset.
    pub(super) fn document(&self, page: Charset) -> esi::Fragment {
        let body = match page.convert(&self.content, self.form.charset) {
            Cow::Borrowed(_) => self.content.clone(),
            Cow::Owned(converted) => converted.into(),
        };
        esi::Fragment { status: 200, headers: self.form.headers(), body }
    }

    /// The form in which a cache keeps it: length of the charset's name, whether it is a script, whether `Edge-Control` speaks of
    /// ESI, whether times follow, and whether it has ESI; the name, the times, the content.
    pub fn encode(&self) -> Vec<u8> {
        let FragmentForm { charset, esi, dca, script } = self.form;
        let name = charset.name().as_bytes();
        let mut out = Vec::with_capacity(1 + name.len() + self.content.len());
        let flags = u8::from(script) << 4 | u8::from(dca) << 5 | 0x40 | u8::from(esi) << 7;
        out.push(name.len() as u8 & 0x0f | flags);
        out.extend_from_slice(name);
        out.extend_from_slice(&self.fresh_until.to_le_bytes());
        out.extend_from_slice(&self.modified.to_le_bytes());
        out.extend_from_slice(&self.content);
        out
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` where it did not.
    pub fn decode(stored: &[u8]) -> Option<Fragment> {
        let (&len, rest) = stored.split_first()?;
        let (name, rest) = rest.split_at_checked((len & 0x0f).into())?;
        let charset = Charset::from_name(std::str::from_utf8(name).ok()?)?;
        // What an older version kept has no times.
        let (times, content) = rest.split_at_checked(if len & 0x40 == 0 { 0 } else { 16 })?;
        let time = |at: usize| Some(u64::from_le_bytes(times.get(at..at + 8)?.try_into().ok()?));
        let (fresh_until, modified) = (time(0).unwrap_or_default(), time(8).unwrap_or_default());
        let (esi, dca, script) = (len & 0x80 != 0, len & 0x20 != 0, len & 0x10 != 0);
        let form = FragmentForm { charset, esi, dca, script };
        Some(Fragment { fresh_until, modified, ..Fragment::new(form, Bytes::copy_from_slice(content)) })
    }

    /// Puts the content into a page: markup as it is, in an attribute as text. `poured`: how much of it stands there already.
    pub(super) fn insert(&self, out: &mut Vec<u8>, insertion: &Insertion, page: Charset, poured: usize) {
        let charset = self.form.charset;
        if poured > 0 {
            return out.extend_from_slice(self.content.get(poured..).unwrap_or_default());
        }
        if matches!(insertion, Insertion::Markup | Insertion::Raw) {
            return out.extend_from_slice(&page.convert(&self.content, charset));
        }
        let text = Charset::UTF_8.convert(&self.content, charset);
        super::insert::insert(out, &String::from_utf8_lossy(&text), insertion, page);
    }
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, HeaderName, StatusCode};

    use super::*;

    #[test]
    fn what_a_fragment_says_of_itself_is_kept_with_it() {
        let surrogate = ("surrogate-control", "content=\"ESI/1.0\"");
        let json = ("content-type", "application/json; charset=x-mac-cyrillic");
        let edge = |dca: &'static str| ("edge-control", dca);
        for (said, expect) in [
            (&[][..], &[][..]),
            (&[surrogate, ("content-type", "text/html")], &[surrogate]),
            (&[json], &[("content-type", "application/json")]),
            (&[edge("no-store, dca=esi")], &[surrogate, edge("dca=esi")]),
            (&[surrogate, edge("dca=noop, max-age=1")], &[edge("dca=none")]),
            (&[surrogate, edge("max-age=1m")], &[surrogate]),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in said {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let head = ResponseHead { status: StatusCode::OK, headers };
            let fragment = Fragment::from_response(&head, b"x".to_vec()).expect("a fragment");
            let again = Fragment::decode(&fragment.encode()).expect("what was encoded");
            assert_eq!(again, fragment);
            let shown = again.document(Charset::UTF_8).headers;
            let shown: Vec<(&str, &str)> =
                shown.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(shown, expect, "{said:?}");
        }
    }
}
