//! A draft in the browser that holds a token for it, and in no other.
//!
//! ```text
//! link ?hs_preview=TOKEN ─► 303 and a cookie ─► pages of the site, by the draft ─► ?hs_preview=off ─► 303, no cookie
//! ```
//! A token that does not verify is none: the page is that of everybody, and says nothing.

use ::http::{Method, header};

use crate::http::{self, PreviewCookie, RequestHead, ResponseHead};
use crate::pack::PackHash;
use crate::pointer::draft_key;
use crate::site::Site;
use crate::time::UnixTime;
use crate::token::{Keyring, PreviewToken};

/// How long a draft is waited for, in milliseconds: longer than the pack of everybody, since whoever previews came to
/// see it.
pub const DRAFT_DEADLINE_MS: u64 = 2_000;

/// The parameter that is exchanged for the cookie, and that takes it back.
const PARAMETER: &str = "hs_preview";
/// What takes it back.
const LEAVE: &str = "off";

/// A draft that is to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The hash of its pack.
    pub hash: PackHash,
    /// Where it lies in KV.
    pub key: String,
    /// The token that permits to read it.
    pub token: String,
}

/// What one browser is shown.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) shows: PreviewToken,
    pub(super) draft: Draft,
}

/// What a request asks for that is no page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// The cookie of this token, for so many seconds.
    Enter { token: String, seconds: u64 },
    /// No cookie any more.
    Leave,
}

impl Preview {
    /// What the cookie of a request shows.
    pub(super) fn of(
        request: &RequestHead,
        keyring: Option<&Keyring>,
        site: &Site,
        now: UnixTime,
    ) -> Option<Preview> {
        let token = http::only_cookie(request, PreviewToken::COOKIE)?;
        let shows = PreviewToken::decode(token.as_bytes(), keyring?, &site.name, now).ok()?;
        let hash = shows.draft;
        let draft = Draft { hash, key: draft_key(&site.name, &hash), token: token.to_owned() };
        Some(Preview { shows, draft })
    }
}

impl Exchange {
    /// What the parameter of a request asks for. Only a reader who goes to a page gets a cookie: what another page
    /// embeds does not bring one about.
    pub(super) fn of(
        request: &RequestHead,
        keyring: Option<&Keyring>,
        site: &Site,
        now: UnixTime,
    ) -> Option<Exchange> {
        let asked = http::own_parameter(&request.path_and_query, PARAMETER)?;
        if request.method != Method::GET || !is_document(request) {
            return None;
        }
        if asked == LEAVE {
            return http::has_cookie(request, PreviewToken::COOKIE).then_some(Exchange::Leave);
        }
        let shows = PreviewToken::decode(asked.as_bytes(), keyring?, &site.name, now).ok()?;
        Some(Exchange::Enter { token: asked.to_owned(), seconds: shows.expires.seconds_since(now) })
    }

    /// The redirect to the page itself.
    #[cold]
    pub(super) fn reply(&self, request: &RequestHead) -> ResponseHead {
        let cookie = match self {
            Exchange::Enter { token, seconds } => PreviewCookie::Hold { token, seconds: *seconds },
            Exchange::Leave => PreviewCookie::Drop,
        };
        http::preview_reply(&request.path_and_query, cookie)
    }
}

/// Whether the answer becomes a page of its own, as far as the browser says (Fetch Metadata, W3C).
pub(super) fn is_document(request: &RequestHead) -> bool {
    request.headers.get(&http::SEC_FETCH_DEST).is_none_or(|destination| destination == "document")
}

/// Where the way out leads: the page itself, by a URL that no `<base>` of the page turns elsewhere.
#[cold]
pub(super) fn way_out(request: &RequestHead, site: &Site, host: &str) -> String {
    let port =
        request.headers.get(&header::HOST).and_then(|host| host.to_str().ok()).unwrap_or(&request.host);
    let port = port.rsplit_once(':').map(|(_, port)| port);
    let port = port.filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let target = http::local_target(&request.path_and_query);
    let joint = if target.contains('?') { '&' } else { '?' };
    format!("{}://{host}{port}{target}{joint}{PARAMETER}={LEAVE}", site.scheme.as_str())
}
