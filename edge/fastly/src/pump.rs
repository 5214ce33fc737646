//! Drives a [`PageSession`]: sends what it has, and hands it what arrives.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use fastly::handle::BodyHandle;
use fastly::http::body::StreamingBody;
use hemstitch::session::{PageSession, Step};

use crate::convert;
use crate::fragments::Fragments;

const PIECE: usize = 64 * 1024;
/// While a fragment is awaited, nothing behind it can be sent, but the page should be read on: more fragments may be
/// named there, and others wait for it in the cache. A body can only be read by waiting for it, so the fragment gets
/// this much time first, and less once that has been in vain.
const FIRST_PATIENCE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(5);
const PARTING: Duration = Duration::from_millis(20);

/// How a page that arrived from the origin ended.
pub enum Ending {
    /// All of it came; the object to store, if it may be.
    Whole(Option<Vec<u8>>),
    /// The origin broke off.
    Cut,
}

/// Answers with a page that is there as a whole.
pub fn send(mut session: PageSession, fragments: Fragments) {
    let mut out = Vec::new();
    let mut fragments = fragments;
    if run(&mut session, &mut fragments, &mut out) == Step::Done {
        convert::send_page(session.head(), &out);
        return complain(&session);
    }
    Pump::new(session, fragments, out).finish();
}

/// Answers with a page while it arrives. `ended` is called once, as soon as its end is known; without it a page that nobody
/// is sent is not read on.
pub fn stream<E: FnOnce(Ending)>(
    session: PageSession,
    fragments: Fragments,
    page: BodyHandle,
    ended: Option<E>,
) {
    let mut pump = Pump::new(session, fragments, Vec::new());
    pump.flush();
    let Some(ending) = pump.read(page, ended.is_some()) else { return };
    if let Some(ended) = ended {
        ended(ending);
    }
    pump.finish();
}

/// Reads a page to its end, for the sake of what is to be stored.
pub fn fill(session: &mut PageSession, mut page: BodyHandle) -> Ending {
    let mut piece = vec![0; PIECE];
    loop {
        if let Some(ending) = read_piece(session, &mut page, &mut piece) {
            return ending;
        }
    }
}

struct Pump<'i> {
    session: PageSession,
    fragments: Fragments<'i>,
    out: Vec<u8>,
    visitor: Visitor,
    started: Instant,
}

enum Visitor {
    /// For the head, which is not certain yet.
    Waits,
    Reads(StreamingBody),
    /// They have all that they asked for, or went away.
    Gone,
}

impl<'i> Pump<'i> {
    fn new(session: PageSession, fragments: Fragments<'i>, out: Vec<u8>) -> Pump<'i> {
        Pump { session, fragments, out, visitor: Visitor::Waits, started: Instant::now() }
    }

    /// Sends while the page arrives, up to its end, if that is wanted.
    fn read(&mut self, mut page: BodyHandle, to_its_end: bool) -> Option<Ending> {
        let (mut piece, mut patience) = (vec![0; PIECE], FIRST_PATIENCE);
        loop {
            if self.is_over() && !to_its_end {
                return None;
            }
            if let Some(ending) = read_piece(&mut self.session, &mut page, &mut piece) {
                return Some(ending);
            }
            while !self.is_over() {
                run(&mut self.session, &mut self.fragments, &mut self.out);
                if !self.out.is_empty() {
                    patience = FIRST_PATIENCE;
                }
                self.flush();
                if self.session.is_held() {
                    // Nothing of a fragment could be sent before more of the page is known.
                    match self.rings() {
                        true => continue,
                        false => break,
                    }
                }
                let patience = self.alarm().map_or(patience, |alarm| alarm.min(patience));
                if !self.hears(Some(patience)) {
                    break;
                }
            }
            patience = PATIENCE;
        }
    }

    /// Sends the rest of a page that has arrived, and ends the body as the page ended.
    fn finish(mut self) {
        while !self.is_over() {
            let step = run(&mut self.session, &mut self.fragments, &mut self.out);
            if step == Step::Wait {
                self.flush();
                if !self.hears(self.alarm()) {
                    return;
                }
                continue;
            }
            if let Visitor::Waits = self.visitor
                && step == Step::Done
            {
                convert::send_page(self.session.head(), &self.out);
                return complain(&self.session);
            }
            self.open();
            self.flush();
            match (step, std::mem::replace(&mut self.visitor, Visitor::Gone)) {
                (Step::Done, Visitor::Reads(visitor)) => {
                    drop(visitor.finish());
                    complain(&self.session);
                }
                (_, Visitor::Reads(visitor)) => abort(visitor),
                _ => {}
            }
        }
    }

    /// Hears what there is of fragments within `patience`, and how late it is. Whether there was either.
    fn hears(&mut self, patience: Option<Duration>) -> bool {
        let news = self.fragments.next(patience, self.session.first_in_line());
        let has_news = news.is_some();
        if let Some((id, news)) = news {
            self.session.fragment_news(id, news);
        }
        self.rings() || has_news
    }

    /// How long it is until the session wants to be told of the time.
    fn alarm(&self) -> Option<Duration> {
        let ms = self.session.alarm_ms()?;
        Some(Duration::from_millis(ms.into()).saturating_sub(self.started.elapsed()))
    }

    /// Tells the session of the time, if it wants to know. Whether it did.
    fn rings(&mut self) -> bool {
        let rings = self.alarm().is_some_and(|alarm| alarm.is_zero());
        if rings {
            self.session.passed(self.started.elapsed().as_millis() as u64);
        }
        rings
    }

    fn is_over(&self) -> bool {
        matches!(self.visitor, Visitor::Gone)
    }

    /// Sends the head.
    fn open(&mut self) {
        let Visitor::Waits = self.visitor else { return };
        let response = convert::page_response(self.session.head());
        self.visitor = match self.session.is_bodiless() {
            true => {
                response.send_to_client();
                Visitor::Gone
            }
            false => Visitor::Reads(response.stream_to_client()),
        };
    }

    /// Sends what there is, if the head is certain.
    fn flush(&mut self) {
        if !self.session.is_held() {
            self.open();
        }
        let Visitor::Reads(visitor) = &mut self.visitor else { return };
        if self.out.is_empty() {
            return;
        }
        let sent = visitor.write_all(&self.out).and_then(|()| visitor.flush());
        self.out.clear();
        if sent.is_err() {
            self.visitor = Visitor::Gone;
        }
    }
}

fn complain(session: &PageSession) {
    session.complaints().iter().for_each(|line| eprintln!("{line}"));
}

/// Breaks the connection off: the visitor must not take what was sent for the whole page. What was sent is given time
/// to leave, since the platform discards with the body what it has not sent on.
fn abort(visitor: StreamingBody) {
    thread::sleep(PARTING);
    drop(visitor.abandon());
}

/// Takes the session as far as it goes without waiting.
fn run(session: &mut PageSession, fragments: &mut Fragments, out: &mut Vec<u8>) -> Step {
    loop {
        match session.advance(out) {
            Step::Fetch(request) => fragments.start(request),
            Step::Wait => match fragments.at_hand() {
                Some((id, news)) => session.fragment_news(id, news),
                None => return Step::Wait,
            },
            end => return end,
        }
    }
}

fn read_piece(session: &mut PageSession, page: &mut BodyHandle, piece: &mut [u8]) -> Option<Ending> {
    match page.read(piece) {
        Ok(0) => {
            session.page_end();
            Some(Ending::Whole(session.take_object()))
        }
        Ok(count) => {
            session.page(piece.get(..count).unwrap_or_default());
            None
        }
        Err(_) => {
            session.page_cut();
            Some(Ending::Cut)
        }
    }
}
