//! The fragments of one page on their way: side by side, each within its time.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastly::handle::{BodyHandle, PendingRequestHandle, PollHandleResult};
use fastly::http::request::SendErrorCause;
use hemstitch::http::{self, FragmentSource, ResponseHead};
use hemstitch::session::{
    Caching, FetchId, Fragment, FragmentFailure, FragmentForm, FragmentNews, FragmentRequest,
    MAX_FRAGMENT_BYTES,
};
use hemstitch::site::Site;
use hemstitch::time::UnixTime;

use crate::duty::Duty;
use crate::origin::{self, Arrived, FragmentBackends};
use crate::store::{self, FragmentLookup, HeldFragment};

/// How often is looked whether one has come. The library waits for one kind of thing at a time, and never for a time.
const TICK: Duration = Duration::from_millis(1);

const PIECE: usize = 16 * 1024;
/// How long the fragment that is first in line has to begin before another is read, whose next bytes may keep it waiting.
const HEAD_START: Duration = Duration::from_millis(50);

/// What is heard of a fetch.
pub type News = (FetchId, FragmentNews);

/// The fetches that have been started and have not ended.
pub struct Fragments<'i> {
    site: &'i Site,
    backends: &'i mut FragmentBackends,
    now: UnixTime,
    under_way: Vec<UnderWay>,
    piece: Vec<u8>,
}

struct UnderWay {
    request: FragmentRequest,
    started: Instant,
    deadline: Instant,
    state: State,
}

enum State {
    /// In the cache, or filled by another.
    Looking(FragmentLookup),
    Asking(PendingRequestHandle, Option<Duty>),
    Arriving(Arriving),
    Failed,
}

/// An answer whose head is here.
struct Arriving {
    head: ResponseHead,
    body: BodyHandle,
    content: Vec<u8>,
    duty: Option<Duty>,
}

enum Progress {
    Ended(Result<Fragment, FragmentFailure>),
    Waits(State),
}

impl<'i> Fragments<'i> {
    pub fn new(site: &'i Site, backends: &'i mut FragmentBackends, now: UnixTime) -> Self {
        Fragments { site, backends, now, under_way: Vec::new(), piece: Vec::new() }
    }

    /// Starts a fetch; what comes of it is told by [`next`](Self::next).
    pub fn start(&mut self, request: FragmentRequest) {
        let started = Instant::now();
        let deadline = started + Duration::from_millis(request.timeout_ms.into());
        let lookup = match request.caching {
            Caching::Shared => store::fragment(&request.target.cache_key()),
            Caching::Apart => None,
        };
        let state = match lookup {
            Some(lookup) => State::Looking(lookup),
            None => self.ask(&request, None),
        };
        self.under_way.push(UnderWay { request, started, deadline, state });
    }

    /// The next news, if there are any within `patience`; `None` is for ever, since each fetch ends in its time. While the
    /// fragment that is `first` in line arrives, no other is read: the library does not say whether a body has anything to be
    /// read, and waits until it has.
    pub fn next(&mut self, patience: Option<Duration>, first: Option<FetchId>) -> Option<News> {
        let until = patience.map(|patience| Instant::now() + patience);
        while !self.under_way.is_empty() {
            if let Some(news) = self.at_hand().or_else(|| self.read(first)) {
                return Some(news);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return None;
            }
            thread::sleep(TICK);
        }
        None
    }

    /// The next fetch that has ended, as far as can be told without waiting.
    pub fn at_hand(&mut self) -> Option<News> {
        for _ in 0..self.under_way.len() {
            let UnderWay { request, started, deadline, state } = self.under_way.remove(0);
            match self.advance(&request, deadline, state) {
                Progress::Ended(outcome) => return Some((request.id, FragmentNews::Ended(outcome))),
                Progress::Waits(state) => {
                    self.under_way.push(UnderWay { request, started, deadline, state });
                }
            }
        }
        None
    }

    /// Takes a fetch as far as it goes without waiting.
    fn advance(&mut self, request: &FragmentRequest, deadline: Instant, mut state: State) -> Progress {
        let failed = Progress::Ended(Err(FragmentFailure::Unreachable));
        if let State::Looking(lookup) = state {
            if lookup.is_pending() {
                let late = Instant::now() >= deadline;
                return if late { failed } else { Progress::Waits(State::Looking(lookup)) };
            }
            state = match lookup.held() {
                HeldFragment::Fresh(fragment) => return Progress::Ended(Ok(fragment)),
                HeldFragment::Vacant(duty) => self.ask(request, Some(duty)),
                HeldFragment::Unknown => self.ask(request, None),
            };
        }
        let (pending, duty) = match state {
            State::Asking(pending, duty) => (pending, duty),
            State::Arriving(_) => return Progress::Waits(state),
            State::Looking(_) | State::Failed => return failed,
        };
        match pending.poll() {
            PollHandleResult::Pending(pending) if Instant::now() < deadline => {
                return Progress::Waits(State::Asking(pending, duty));
            }
            PollHandleResult::Pending(_) => {}
            PollHandleResult::Done(Ok(response)) => {
                let Arrived { head, body } = response.into();
                return Progress::Waits(State::Arriving(Arriving { head, body, content: Vec::new(), duty }));
            }
            PollHandleResult::Done(Err(error)) => self.learn_from(&error, request),
        }
        self.put_failure(duty);
        failed
    }

    /// Reads on in the answer that is first in line, or else in one of those that have begun.
    fn read(&mut self, first: Option<FetchId>) -> Option<News> {
        let arrives = |fetch: &UnderWay| matches!(fetch.state, State::Arriving(_));
        let awaited = self.under_way.iter().position(|fetch| Some(fetch.request.id) == first);
        let index = match awaited.and_then(|index| self.under_way.get(index)) {
            Some(fetch) if arrives(fetch) => awaited?,
            Some(fetch) if fetch.started.elapsed() < HEAD_START => return None,
            _ => self.under_way.iter().position(arrives)?,
        };
        let UnderWay { request, started, deadline, state } = self.under_way.remove(index);
        let State::Arriving(mut arriving) = state else { return None };
        match self.read_piece(&mut arriving, deadline) {
            Ok(0) => Some((request.id, FragmentNews::Ended(self.whole(&request, arriving)))),
            Ok(count) => {
                let form = FragmentForm::of(&arriving.head);
                let piece = Bytes::copy_from_slice(self.piece.get(..count).unwrap_or_default());
                let id = request.id;
                let state = State::Arriving(arriving);
                self.under_way.push(UnderWay { request, started, deadline, state });
                form.map(|form| (id, FragmentNews::Piece(form, piece)))
            }
            Err(failure) => {
                self.put_failure(arriving.duty);
                Some((request.id, FragmentNews::Ended(Err(failure))))
            }
        }
    }

    /// How many bytes came; none at the end. The backend breaks its answer off if it stalls.
    fn read_piece(&mut self, arriving: &mut Arriving, deadline: Instant) -> Result<usize, FragmentFailure> {
        self.piece.resize(PIECE, 0);
        let begun = Instant::now();
        let count = arriving.body.read(&mut self.piece).map_err(|_| FragmentFailure::Unreachable)?;
        // What was there before anybody read it is not late.
        if count > 0 && Instant::now() >= deadline && begun.elapsed() > TICK {
            return Err(FragmentFailure::Unreachable);
        }
        arriving.content.extend_from_slice(self.piece.get(..count).unwrap_or_default());
        match arriving.content.len() > MAX_FRAGMENT_BYTES {
            true => Err(FragmentFailure::TooLarge),
            false => Ok(count),
        }
    }

    /// The fragment that an answer held, all of which has been read.
    fn whole(&self, request: &FragmentRequest, arrived: Arriving) -> Result<Fragment, FragmentFailure> {
        let Arriving { head, content, duty, .. } = arrived;
        let freshness = http::fragment_freshness(&head, request.ttl_s, self.now);
        let outcome =
            Fragment::from_response(&head, content).map(|fragment| fragment.kept(freshness, self.now));
        match (&outcome, duty) {
            (Ok(fragment), Some(duty)) => duty.put_fragment(fragment, freshness, self.site),
            (Err(_), duty) => self.put_failure(duty),
            (Ok(_), None) => {}
        }
        outcome
    }

    fn put_failure(&self, duty: Option<Duty>) {
        if let Some(duty) = duty {
            duty.put_failure(&self.site.name);
        }
    }

    fn ask(&mut self, request: &FragmentRequest, duty: Option<Duty>) -> State {
        let backend = self.backends.within(backend(request, self.site), request.timeout_ms);
        let outgoing = request.outgoing(self.site);
        let entity = request.entity.as_deref().unwrap_or_default();
        match backend.and_then(|backend| origin::begin(outgoing, entity, &backend)) {
            Some(pending) => State::Asking(pending, duty),
            None => State::Failed,
        }
    }

    fn learn_from(&mut self, error: &SendErrorCause, request: &FragmentRequest) {
        let tls = matches!(
            error,
            SendErrorCause::TlsCertificateError
                | SendErrorCause::TlsProtocolError
                | SendErrorCause::TlsConfigurationError
        );
        if tls {
            self.backends.distrust(backend(request, self.site));
        }
    }
}

/// The name of the backend that is asked.
fn backend<'r>(request: &'r FragmentRequest, site: &'r Site) -> &'r str {
    match request.target.source() {
        FragmentSource::Origin => &site.origin,
        FragmentSource::Host(backend) => backend,
    }
}
