//! Passing through: what is no page goes to the origin and back as it is, piece by piece.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hemstitch::http::{self, RequestHead, ResponseHead};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use crate::answer::{Answered, bad_gateway};
use crate::body::{Passing, Pipe, ReplyBody, RequestBody, pipe};
use crate::compress;
use crate::convert;
use crate::gunzip::{Gunzip, is_gzip};
use crate::journal::Way;
use crate::origin::{PASS_FIRST_BYTE, PASS_SILENCE};
use crate::origin_body::OriginBody;
use crate::serving::{ServedSite, Serving};

/// How long an upload may be silent.
const UPLOAD_SILENCE: Duration = Duration::from_secs(60);

/// A request on its way through.
pub struct Passage {
    /// What all requests share.
    pub serving: Arc<Serving>,
    /// Whose origin is asked.
    pub site: Arc<ServedSite>,
    /// Who asks.
    pub peer: IpAddr,
    /// Their connection, if they want it to become another protocol's.
    pub upgrade: Option<OnUpgrade>,
}

/// Passes a request on, and the answer back.
pub async fn pass(passage: Passage, head: &RequestHead, body: Incoming) -> Answered {
    let Passage { serving, site, peer, upgrade } = passage;
    let most = serving.max_upload_bytes;
    let told =
        head.headers.get(&header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|length: u64| length > most) {
        let reply = convert::plain_reply(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.\n");
        return Answered::new(reply, Way::Refused);
    }
    let mut asked = http::pass_request(head, &site.site);
    convert::note_visitor(&mut asked.headers, peer);
    // What the origin was not asked to become, it cannot become.
    let upgrade = upgrade.filter(|_| asked.headers.contains_key(header::UPGRADE));
    let (body, sent) = RequestBody::new(Some(Passing::new(body, UPLOAD_SILENCE, most)));
    let Some(request) = convert::outgoing(asked, body) else {
        let reply = convert::plain_reply(StatusCode::BAD_REQUEST, "The request has no target.\n");
        return Answered::new(reply, Way::Refused);
    };
    let answer = match serving.origins.ask(&site.origin, request, sent, PASS_FIRST_BYTE).await {
        Ok(answer) => answer,
        Err(error) => {
            site.complain(&error);
            return Answered::new(bad_gateway(), Way::Failed);
        }
    };
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let upgrade = upgrade.filter(|_| is_websocket(answer.headers()));
        let reply = upgrade.map_or_else(bad_gateway, |visitor| tunnel(visitor, answer));
        return Answered::new(reply, Way::Pass);
    }
    let (parts, body) = answer.into_parts();
    let head = http::untouched_reply(convert::response_head(parts));
    let body = ReplyBody::passing(Passing::new(body, PASS_SILENCE, u64::MAX));
    Answered::new(convert::reply(head, body), Way::Pass)
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Joins both connections when both have agreed on WebSocket (RFC 9110, section 7.8).
fn tunnel(visitor: OnUpgrade, mut answer: Response<Incoming>) -> Response<ReplyBody> {
    let origin = hyper::upgrade::on(&mut answer);
    let (parts, _) = answer.into_parts();
    let mut head = http::untouched_reply(convert::response_head(parts));
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    tokio::spawn(async move {
        let (Ok(origin), Ok(visitor)) = (origin.await, visitor.await) else { return };
        // Either end may hang up at any time: that is how a tunnel ends.
        let _ = copy_bidirectional(&mut TokioIo::new(visitor), &mut TokioIo::new(origin)).await;
    });
    convert::reply(head, ReplyBody::empty())
}

/// Sends on what the core leaves untouched. It was asked for as gzip, so it is decoded for those who cannot.
pub fn untouched(
    mut head: ResponseHead,
    body: Incoming,
    visitor: &HeaderMap,
    is_head: bool,
) -> Response<ReplyBody> {
    let decode = is_gzip(&head.headers) && !compress::accepts_gzip(visitor);
    if decode {
        decoded(&mut head.headers);
        compress::vary_by_encoding(&mut head.headers);
    }
    if is_head {
        return convert::reply(head, ReplyBody::empty());
    }
    if !decode {
        return convert::reply(head, ReplyBody::passing(Passing::new(body, PASS_SILENCE, u64::MAX)));
    }
    let (pipe, piped) = pipe();
    tokio::spawn(copy(OriginBody::new(body, Some(Gunzip::new())), pipe));
    convert::reply(head, ReplyBody::piped(piped))
}

/// Takes off a head what it says of gzip.
pub fn decoded(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    compress::weaken(headers);
}

async fn copy(mut origin: OriginBody, pipe: Pipe) {
    while let Some(room) = pipe.room().await {
        match origin.next().await {
            Some(Ok(bytes)) => room.send(bytes),
            Some(Err(_)) => return,
            None => return room.end(),
        }
        origin.attend();
    }
}
