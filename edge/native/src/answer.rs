//! Answering: one request, by the way that the core says it goes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ::http::{Request, Response, StatusCode, header};
use hemstitch::http::{self, CacheKey, OwnPath, RequestHead, Route};
use hemstitch::status::{self, Platform};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use crate::body::ReplyBody;
use crate::clock::unix_now;
use crate::convert;
use crate::journal::{Entry, Way};
use crate::page::PageRequest;
use crate::pass::{self, Passage};
use crate::serving::{ServedSite, Serving};

/// An answer, and what the journal says of it.
pub struct Answered {
    reply: Response<ReplyBody>,
    way: Way,
    key: Option<CacheKey>,
    pack: Option<String>,
}

impl Answered {
    /// An answer that came about that way.
    pub fn new(reply: Response<ReplyBody>, way: Way) -> Answered {
        Answered { reply, way, key: None, pack: None }
    }

    /// For this key.
    pub fn with_key(self, key: CacheKey) -> Answered {
        Answered { key: Some(key), ..self }
    }

    /// By this pack.
    pub fn with_pack(self, pack: Option<String>) -> Answered {
        Answered { pack, ..self }
    }
}

/// The answer to one request.
pub async fn answer(
    serving: Arc<Serving>,
    peer: IpAddr,
    mut request: Request<Incoming>,
) -> Response<ReplyBody> {
    let arrived = Instant::now();
    let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let log = serving.log;
    let answered = match convert::request_head(&parts) {
        Some(head) => route(serving, head, body, peer, upgrade).await,
        None => refuse(StatusCode::BAD_REQUEST, "The request has no target, or more than one host.\n"),
    };
    if log {
        let Answered { reply, way, key, pack } = &answered;
        let key = key.as_ref().map(CacheKey::as_str);
        Entry::new(reply.status(), *way, key, pack.as_deref(), arrived).write();
    }
    answered.reply
}

async fn route(
    serving: Arc<Serving>,
    head: RequestHead,
    body: Incoming,
    peer: IpAddr,
    upgrade: Option<OnUpgrade>,
) -> Answered {
    const STRANGE: &str = "No site here has this name.\n";
    let Some(site) = serving.site(&head.host).cloned() else {
        return refuse(StatusCode::MISDIRECTED_REQUEST, STRANGE);
    };
    match http::route(&head, &site.site) {
        Route::Refuse => refuse(StatusCode::MISDIRECTED_REQUEST, STRANGE),
        Route::Own(OwnPath::Unknown) => nothing_here(),
        Route::Own(OwnPath::Status) => status(&serving, &site, &head).unwrap_or_else(nothing_here),
        Route::Own(OwnPath::Block(name)) => match PageRequest::arrive(serving, site, head, peer).await {
            Ok(page) => page.block(&name).unwrap_or_else(nothing_here),
            Err(_) => no_randomness(),
        },
        Route::Pass => pass::pass(Passage { serving, site, peer, upgrade }, &head, body).await,
        Route::Page(lookup) => match PageRequest::arrive(serving, site, head, peer).await {
            Ok(page) => page.answer(lookup, body).await,
            Err(_) => no_randomness(),
        },
    }
}

/// What this process holds, for an operator.
fn status(serving: &Serving, site: &ServedSite, head: &RequestHead) -> Option<Answered> {
    let keys = site.keys.now();
    let operator = keys.as_ref().and_then(|keys| keys.operator.as_ref());
    let (holding, kill) = (site.packs.holding(), serving.switch.now());
    let name = &site.site.name;
    let (head, text) = status::answer(head, operator, name, Platform::Native, &holding, &kill, unix_now())?;
    Some(Answered::new(convert::reply(head, ReplyBody::whole(text)), Way::Status))
}

/// The answer where the origin gives none.
pub fn bad_gateway() -> Response<ReplyBody> {
    convert::plain_reply(StatusCode::BAD_GATEWAY, "The origin does not answer.\n")
}

fn nothing_here() -> Answered {
    refuse(StatusCode::NOT_FOUND, "There is nothing here.\n")
}

/// Without randomness there are no ids for visitors; an operating system that has none is out of order.
fn no_randomness() -> Answered {
    refuse(StatusCode::SERVICE_UNAVAILABLE, "The edge is out of order.\n")
}

fn refuse(status: StatusCode, text: &'static str) -> Answered {
    Answered::new(convert::plain_reply(status, text), Way::Refused)
}
