//! Pumps a session: sends what it gives, and fetches what it asks for.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use hemstitch::session::{FetchId, Fragment, FragmentFailure, PageSession, Step};
use http::{Method, header};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::authored::{respond, whole};
use crate::body::{Cut, Pieces, piecewise};
use crate::fragments::fetch;
use crate::origin::Origin;

/// Fetches that are under way. Dropping them, as when the visitor goes away, stops them.
type Fetches = JoinSet<(FetchId, Result<Fragment, FragmentFailure>)>;

/// The answer of a session whose page is all there. A page that needs no fragment is sent in one piece.
pub async fn stitch(origin: &Arc<Origin>, asked: &Method, mut session: PageSession) -> Response {
    let (mut out, mut fetches) = (Vec::new(), Fetches::new());
    let mut outcome = advance(origin, &mut session, &mut out, &mut fetches);
    let started = Instant::now();
    while outcome == Outcome::Waiting && session.is_held() {
        if !wait(&mut session, &mut fetches, started).await {
            break;
        }
        outcome = advance(origin, &mut session, &mut out, &mut fetches);
    }
    let mut head = session.head().clone();
    // A page gets older in caches; here, where it comes from, it has no age.
    head.headers.remove(header::AGE);
    match outcome {
        // The body of HEAD is empty, but that of GET is not, so nothing may derive a length from it.
        Outcome::Complete if *asked == Method::HEAD => respond(head, piecewise().1),
        Outcome::Complete if !head.headers.contains_key(header::CONTENT_LENGTH) => {
            whole(head, Bytes::from(out))
        }
        Outcome::Complete => respond(head, Bytes::from(out).into()),
        outcome => {
            let (pieces, body) = piecewise();
            tokio::spawn(send(Arc::clone(origin), session, out, outcome, fetches, pieces));
            respond(head, body)
        }
    }
}

/// How far a session has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Complete,
    Waiting,
    Broken,
}

/// Goes on as far as is possible, and starts every fetch on the way.
fn advance(
    origin: &Arc<Origin>,
    session: &mut PageSession,
    out: &mut Vec<u8>,
    fetches: &mut Fetches,
) -> Outcome {
    loop {
        match session.advance(out) {
            Step::Done => return Outcome::Complete,
            Step::Wait => return Outcome::Waiting,
            Step::Abort => return Outcome::Broken,
            Step::Fetch(request) => {
                let (origin, id) = (Arc::clone(origin), request.id);
                fetches.spawn(async move { (id, fetch(&origin, request).await) });
            }
        }
    }
}

/// Waits for a fragment, or until the page has had its time. Whether there was anything to wait for.
async fn wait(session: &mut PageSession, fetches: &mut Fetches, started: Instant) -> bool {
    let next = fetches.join_next();
    let arrived = match session.alarm_ms() {
        Some(ms) => timeout_at(started + Duration::from_millis(ms.into()), next).await,
        None => Ok(next.await),
    };
    match arrived {
        Ok(Some(Ok((id, fragment)))) => session.fragment(id, fragment),
        Ok(_) => return false,
        Err(_) => session.passed(started.elapsed().as_millis() as u64),
    }
    true
}

/// Sends the rest as it becomes possible.
async fn send(
    origin: Arc<Origin>,
    mut session: PageSession,
    mut out: Vec<u8>,
    mut outcome: Outcome,
    mut fetches: Fetches,
    pieces: Pieces,
) {
    let started = Instant::now();
    loop {
        let piece = Bytes::from(std::mem::take(&mut out));
        if !piece.is_empty() && pieces.send(Ok(piece)).await.is_err() {
            return;
        }
        if outcome == Outcome::Complete {
            return;
        }
        // Where nothing is under way, nothing can arrive any more.
        if outcome == Outcome::Broken || !wait(&mut session, &mut fetches, started).await {
            let _gone = pieces.send(Err(Cut)).await;
            return;
        }
        outcome = advance(&origin, &mut session, &mut out, &mut fetches);
    }
}
