//! The pump: drives a session, from the origin's body and the fragments to the visitor.
//!
//! ```text
//!  OriginBody ──page──► PageSession ──out──► Encoder ──► Pipe ──► visitor
//!  fragments ──news──►       │
//!                            └─ take_object ─► cache, as soon as the origin has sent everything
//! ```
//! A visitor who is slow, or goes away, holds up nothing but what is sent to them: a page that is to be stored is read
//! to its end meanwhile, and no more of it lies in memory than `max_page_bytes` and a few pieces. One that is not to be
//! stored is read no faster than they take it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hemstitch::http::ResponseHead;
use hemstitch::page::Life;
use hemstitch::session::{FetchId, Fragment, FragmentFailure, FragmentNews, PageSession, Step};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::body::{BodyError, Pipe, ReplyBody, Room, pipe};
use crate::clock::unix_now;
use crate::compress::{Coding, Encoder};
use crate::fills::Turn;
use crate::fragments::{FragmentFetch, Told};
use crate::journal::warn;
use crate::origin_body::OriginBody;
use crate::serving::{ServedSite, Serving};

/// Bytes that wait for a visitor before the session is asked for more, and the origin, where nothing is to be stored.
const MOST_WAITING: usize = 256 * 1024;

/// Drives one session.
pub struct Pump {
    serving: Arc<Serving>,
    site: Arc<ServedSite>,
    session: Box<PageSession>,
    encoder: Encoder,
    running: JoinSet<Result<Fragment, FragmentFailure>>,
    asked: HashMap<Id, FetchId>,
    /// What is told of fragments before they end, once any has been asked for.
    news: Option<(Told, UnboundedReceiver<(FetchId, FragmentNews)>)>,
    /// What the session has said and the visitor has not been sent.
    out: Vec<u8>,
    started: Instant,
    /// Answers the visitor with the head, once it is certain, and with the body that this pump sends.
    answer: Option<Box<dyn FnOnce(ResponseHead) + Send>>,
}

/// A page that is stored when it is complete.
pub struct Keep {
    /// Its key.
    pub key: String,
    /// How long it may be served.
    pub life: Life,
    /// The right to fetch it for everybody, given back when it is stored or will not be.
    pub turn: Turn,
}

impl Pump {
    /// A pump for one session, which codes what it sends.
    pub fn new(
        serving: Arc<Serving>,
        site: Arc<ServedSite>,
        session: Box<PageSession>,
        coding: Coding,
    ) -> Pump {
        let (running, asked) = (JoinSet::new(), HashMap::new());
        let (encoder, out, started, answer) = (Encoder::new(coding), Vec::new(), Instant::now(), None);
        Pump { serving, site, session, encoder, running, asked, news: None, out, started, answer }
    }

    /// Has the visitor answered by this as soon as the head is certain, which may be now.
    pub fn answering(mut self, answer: impl FnOnce(ResponseHead) + Send + 'static) -> Pump {
        self.answer = Some(Box::new(answer));
        self.answer_if_certain();
        self
    }

    fn answer_if_certain(&mut self) {
        let is_known = !self.session.is_held();
        if let Some(answer) = self.answer.take_if(|_| is_known) {
            answer(self.session.head().clone());
        }
    }

    /// Goes on to the end without sending anything, and gives what the head has become.
    pub async fn hold(&mut self) -> ResponseHead {
        while self.advance() == Step::Wait {
            tokio::select! {
                joined = self.running.join_next_with_id() => match joined {
                    Some(joined) => self.joined(joined),
                    None => break,
                },
                () = alarm(self.started, self.session.alarm_ms()) => self.ring(),
            }
        }
        self.session.head().clone()
    }

    /// The body of a page that is here already: whole where no fragment is missing.
    pub fn stored(mut self) -> ReplyBody {
        let (pipe, piped) = pipe();
        if self.advance() != Step::Done {
            tokio::spawn(self.run(None, Some(pipe), None));
        } else if let Ok(bytes) = self.encoder.last(std::mem::take(&mut self.out)) {
            self.complain();
            return ReplyBody::whole(bytes);
        }
        ReplyBody::piped(piped)
    }

    /// Pumps until the visitor, if there is one, has everything, and what is to be kept is stored.
    pub async fn run(
        mut self,
        mut origin: Option<OriginBody>,
        mut pipe: Option<Pipe>,
        mut keep: Option<Keep>,
    ) {
        let limit = self.site.site.max_page_bytes;
        let (mut received, mut step) = (0, Step::Wait);
        // Since the visitor was last sent something.
        let mut ahead = 0;
        loop {
            let (is_held, is_wanted) = (self.session.is_held(), pipe.is_some() || self.answer.is_some());
            if !is_wanted && (keep.is_none() || origin.is_none()) {
                return;
            }
            if is_wanted && step == Step::Wait && (is_held || self.out.len() < MOST_WAITING) {
                step = self.advance();
                self.answer_if_certain();
            }
            let has_news = !self.session.is_held() && (!self.out.is_empty() || step != Step::Wait);
            // Beyond the limit the session holds what it cannot send, so it is given no more than it can.
            let holds = received < limit && (keep.is_some() || is_held || ahead < MOST_WAITING);
            let listens = holds || (self.out.is_empty() && self.running.is_empty());
            if !has_news && origin.is_none() && self.running.is_empty() {
                return;
            }
            tokio::select! {
                room = room_of(pipe.as_ref()), if has_news => match room {
                    None => pipe = self.give_up(),
                    Some(room) => {
                        if self.send(room, &step).is_err() {
                            return;
                        }
                        ahead = 0;
                        match step {
                            Step::Done => {
                                self.complain();
                                return end(pipe).await;
                            }
                            Step::Abort => return,
                            Step::Wait | Step::Fetch(_) => {}
                        }
                        if let Some(origin) = origin.as_mut().filter(|_| !listens) {
                            origin.attend();
                        }
                    }
                },
                () = closed(pipe.as_ref()) => pipe = self.give_up(),
                () = alarm(self.started, self.session.alarm_ms()) => {
                    self.ring();
                    self.answer_if_certain();
                }
                arrived = next_of(&mut origin), if listens => {
                    if let Some(Ok(bytes)) = &arrived {
                        received += bytes.len();
                        ahead += bytes.len();
                        self.session.page(bytes);
                        if received > limit {
                            keep = None;
                        }
                    } else {
                        self.finish(arrived, keep.take());
                        origin = None;
                    }
                }
                (id, news) = next_news(&mut self.news) => self.session.fragment_news(id, news),
                Some(joined) = self.running.join_next_with_id() => {
                    self.joined(joined);
                    if let Some(origin) = origin.as_mut().filter(|_| !listens) {
                        origin.attend();
                    }
                }
            }
        }
    }

    /// Goes on as far as is possible, and starts what has to be fetched.
    fn advance(&mut self) -> Step {
        loop {
            match self.session.advance(&mut self.out) {
                Step::Fetch(request) => {
                    let (serving, site) = (Arc::clone(&self.serving), Arc::clone(&self.site));
                    let id = request.id;
                    let fetch = FragmentFetch { serving, site, request };
                    if let Some(fragment) = fetch.at_hand() {
                        self.session.fragment(id, Ok(fragment));
                        continue;
                    }
                    let (told, _) = self.news.get_or_insert_with(unbounded_channel);
                    let task = self.running.spawn(fetch.run(told.clone()));
                    self.asked.insert(task.id(), id);
                }
                step => return step,
            }
        }
    }

    fn ring(&mut self) {
        self.session.passed(self.started.elapsed().as_millis() as u64);
    }

    fn send(&mut self, room: Room, step: &Step) -> std::io::Result<()> {
        let out = std::mem::take(&mut self.out);
        let coded = if *step == Step::Done { self.encoder.last(out)? } else { self.encoder.piece(out)? };
        if !coded.is_empty() {
            room.send(coded);
        }
        Ok(())
    }

    fn complain(&self) {
        self.session.complaints().iter().for_each(|line| warn(line));
    }

    /// The visitor has gone: nothing is made for them any more.
    fn give_up(&mut self) -> Option<Pipe> {
        self.running.abort_all();
        self.out = Vec::new();
        None
    }

    /// The origin has sent everything, or broken off.
    fn finish(&mut self, arrived: Option<Result<Bytes, BodyError>>, keep: Option<Keep>) {
        if arrived.is_some() {
            if let Some(Keep { key, .. }) = keep {
                // What is stale is better than what may be cut again.
                self.serving.cache.pause(&key, unix_now());
            }
            return self.session.page_cut();
        }
        self.session.page_end();
        let Some(Keep { key, life, turn }) = keep else { return };
        if let Some(object) = self.session.take_object() {
            self.serving.cache.store(&key, object, life);
        }
        drop(turn);
    }

    fn joined(&mut self, joined: Result<(Id, Result<Fragment, FragmentFailure>), JoinError>) {
        let (task, outcome) = match joined {
            Ok((task, outcome)) => (task, outcome),
            Err(died) => (died.id(), Err(FragmentFailure::Unreachable)),
        };
        if let Some(id) = self.asked.remove(&task) {
            self.session.fragment(id, outcome);
        }
    }
}

async fn room_of(pipe: Option<&Pipe>) -> Option<Room> {
    match pipe {
        Some(pipe) => pipe.room().await,
        None => std::future::pending().await,
    }
}

async fn alarm(started: Instant, ms: Option<u32>) {
    match ms {
        Some(ms) => sleep_until(started + Duration::from_millis(ms.into())).await,
        None => std::future::pending().await,
    }
}

async fn closed(pipe: Option<&Pipe>) {
    match pipe {
        Some(pipe) => pipe.closed().await,
        None => std::future::pending().await,
    }
}

async fn next_of(origin: &mut Option<OriginBody>) -> Option<Result<Bytes, BodyError>> {
    match origin {
        Some(origin) => origin.next().await,
        None => std::future::pending().await,
    }
}

async fn next_news(
    news: &mut Option<(Told, UnboundedReceiver<(FetchId, FragmentNews)>)>,
) -> (FetchId, FragmentNews) {
    let Some((_, told)) = news else { return std::future::pending().await };
    match told.recv().await {
        Some(news) => news,
        // One who tells is kept beside it, so there is no end of it.
        None => std::future::pending().await,
    }
}

async fn end(pipe: Option<Pipe>) {
    if let Some(room) = room_of(pipe.as_ref()).await {
        room.end();
    }
}
