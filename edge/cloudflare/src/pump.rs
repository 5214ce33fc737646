//! The pump: drives a session, from the origin's body and the fragments to the visitor.
//!
//! Every piece costs a crossing into the platform, so what arrives while one is being sent goes out as the next. A
//! visitor who is slow, or goes away, holds up nothing but what is sent to them.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use hemstitch::page::Life;
use hemstitch::session::{PageSession, Step};
use worker::console_error;

use crate::clock;
use crate::fills::Lead;
use crate::fragments::{Fetcher, Fragments};
use crate::origin::OriginBody;
use crate::platform::Timer;
use crate::visitor::{Sending, Visitor};

/// Bytes that wait for a visitor before the session is asked for more.
const MOST_WAITING: usize = 256 * 1024;
/// How long a page may be silent, in milliseconds. The platform gives work half a minute after a visitor went away.
const SILENCE_MS: u32 = 15_000;

/// A page that is stored when it is complete.
pub struct Keep {
    /// Its key.
    pub key: String,
    /// How long it may be served.
    pub life: Life,
    /// The right to fetch it for everybody, given back when it is stored or will not be.
    pub lead: Option<Lead>,
}

/// Drives one session.
pub struct Pump {
    fetcher: Rc<Fetcher>,
    session: Box<PageSession>,
    fragments: Fragments,
    /// Who waits for the head, which is not certain yet.
    waiting: Option<Visitor>,
    /// `None` for nobody, or once they went away.
    sending: Option<Sending>,
    origin: Option<OriginBody>,
    keep: Option<Keep>,
    /// What the session has said and the visitor has not been sent.
    out: Vec<u8>,
    step: Step,
    received: usize,
    limit: usize,
    /// Whether anything came from the origin since the watch was set.
    heard: bool,
    watch: Timer,
    started_ms: u64,
    /// When the session wants to be told of the time.
    alarm: Option<(u32, Timer)>,
}

/// Answers with a page that is here.
pub async fn send(fetcher: Rc<Fetcher>, session: Box<PageSession>, visitor: Visitor) {
    let mut pump = Pump::new(fetcher, session, None, None);
    pump.advance();
    if pump.step == Step::Done {
        visitor.send(pump.session.head(), &pump.out);
        return pump.complain();
    }
    pump.to(visitor).run().await;
}

impl Pump {
    /// A pump for one session, from an origin to whoever is set with [`to`](Self::to).
    pub fn new(
        fetcher: Rc<Fetcher>,
        session: Box<PageSession>,
        origin: Option<OriginBody>,
        keep: Option<Keep>,
    ) -> Pump {
        let limit = fetcher.served.site.max_page_bytes;
        Pump {
            fragments: Fragments::new(Rc::clone(&fetcher)),
            fetcher,
            session,
            waiting: None,
            sending: None,
            origin,
            keep,
            out: Vec::new(),
            step: Step::Wait,
            received: 0,
            limit,
            heard: false,
            watch: Timer::after(SILENCE_MS),
            started_ms: clock::ms(),
            alarm: None,
        }
    }

    /// Answers a visitor with the page, as soon as its head is certain.
    pub fn to(mut self, visitor: Visitor) -> Pump {
        self.waiting = Some(visitor);
        self.open();
        self
    }

    fn open(&mut self) {
        let is_known = !self.session.is_held();
        let Some(visitor) = self.waiting.take_if(|_| is_known) else { return };
        let head = self.session.head();
        if self.session.is_bodiless() {
            visitor.send(head, &[]);
        } else if self.step == Step::Done {
            // It is here as a whole, and some statuses have no body.
            visitor.send(head, &self.out);
            self.complain();
        } else {
            self.sending = visitor.stream(head);
        }
    }

    /// Pumps until the visitor, if there is one, has everything, and what is to be kept is stored.
    pub async fn run(mut self) {
        std::future::poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let moved = self.send_on(context) | self.take_fragments(context) | self.read_on(context);
            let is_kept = self.keep.is_some() && self.origin.is_some();
            if self.sending.is_none() && self.waiting.is_none() && !is_kept {
                return Poll::Ready(());
            }
            if !moved {
                break;
            }
        }
        self.look_at_the_clock(context);
        while Pin::new(&mut self.watch).poll(context).is_ready() {
            self.watch = Timer::after(SILENCE_MS);
            if self.origin.is_some() && !std::mem::take(&mut self.heard) && self.listens() {
                self.cut();
                context.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    fn look_at_the_clock(&mut self, context: &mut Context<'_>) {
        let wanted = self.session.alarm_ms();
        if self.alarm.as_ref().map(|(ms, _)| *ms) != wanted {
            let elapsed = clock::ms().saturating_sub(self.started_ms) as u32;
            self.alarm = wanted.map(|ms| (ms, Timer::after(ms.saturating_sub(elapsed))));
        }
        let Some((ms, timer)) = &mut self.alarm else { return };
        if Pin::new(timer).poll(context).is_ready() {
            self.session.passed(u64::from(*ms));
            self.alarm = None;
            self.open();
            context.waker().wake_by_ref();
        }
    }

    /// Goes on as far as is possible, and starts what has to be fetched.
    fn advance(&mut self) {
        loop {
            match self.session.advance(&mut self.out) {
                Step::Fetch(request) => self.fragments.start(request),
                step => {
                    self.step = step;
                    return;
                }
            }
        }
    }

    /// Sends what there is. Whether anything changed.
    fn send_on(&mut self, context: &mut Context<'_>) -> bool {
        let is_wanted = self.waiting.is_some() || (self.sending.is_some() && self.out.len() < MOST_WAITING);
        if is_wanted && self.step == Step::Wait {
            self.advance();
            self.open();
        }
        let Some(sending) = &mut self.sending else { return false };
        match sending.poll_idle(context) {
            Poll::Pending => return false,
            Poll::Ready(Err(_)) => self.give_up(),
            Poll::Ready(Ok(())) if !self.out.is_empty() => {
                sending.write(&self.out);
                self.out.clear();
            }
            Poll::Ready(Ok(())) => match (&self.step, self.sending.take()) {
                (Step::Done, Some(mut sending)) => {
                    // Nobody waits for the end to be taken.
                    sending.close();
                    let _ = sending.poll_idle(context);
                    self.complain();
                }
                (Step::Abort, Some(sending)) => sending.abort(),
                (_, sending) => {
                    self.sending = sending;
                    return false;
                }
            },
        }
        true
    }

    fn complain(&self) {
        self.session.complaints().iter().for_each(|line| console_error!("{line}"));
    }

    fn take_fragments(&mut self, context: &mut Context<'_>) -> bool {
        let Poll::Ready((id, news)) = self.fragments.poll_next(context) else { return false };
        self.session.fragment_news(id, news);
        true
    }

    fn read_on(&mut self, context: &mut Context<'_>) -> bool {
        if !self.listens() {
            return false;
        }
        let Some(origin) = &mut self.origin else { return false };
        match origin.poll_next(context) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(piece))) => {
                self.heard = true;
                #[cfg(feature = "forced-panic")]
                assert!(!piece.windows(10).any(|window| window == b"PANIC-HERE"), "a panic was asked for");
                self.received += piece.len();
                self.session.page(&piece);
                if self.received > self.limit {
                    self.keep = None;
                }
            }
            Poll::Ready(Some(Err(_))) => self.cut(),
            Poll::Ready(None) => {
                self.origin = None;
                self.session.page_end();
                if let Some(Keep { key, life, lead }) = self.keep.take() {
                    if let Some(object) = self.session.take_object() {
                        self.fetcher.store.put(&key, object, life);
                    }
                    drop(lead);
                }
            }
        }
        true
    }

    /// Beyond its limit the session holds what it cannot send, so it is given no more than it can.
    fn listens(&self) -> bool {
        self.received < self.limit || (self.out.is_empty() && self.fragments.is_empty())
    }

    fn cut(&mut self) {
        self.origin = None;
        self.keep = None;
        self.session.page_cut();
    }

    /// The visitor has gone: nothing is made for them any more.
    fn give_up(&mut self) {
        self.sending = None;
        self.fragments.clear();
        self.out = Vec::new();
    }
}
