//! The fragments of one page on their way: side by side, each within its time.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use fastly::handle::{PendingRequestHandle, PollHandleResult};
use fastly::http::request::SendErrorCause;
use hemstitch::http::{self, FragmentSource, Freshness};
use hemstitch::session::{Caching, FetchId, Fragment, FragmentFailure, FragmentRequest, MAX_FRAGMENT_BYTES};
use hemstitch::site::Site;
use hemstitch::time::UnixTime;

use crate::duty::Duty;
use crate::origin::{self, Arrived, FragmentBackends};
use crate::store::{self, FragmentLookup, HeldFragment};

/// How often is looked whether one has come. The library waits for one kind of thing at a time, and never for a time.
const TICK: Duration = Duration::from_millis(1);

/// What came of a fetch.
pub type Outcome = (FetchId, Result<Fragment, FragmentFailure>);

/// The fetches that have been started and have not ended.
pub struct Fragments<'i> {
    site: &'i Site,
    backends: &'i mut FragmentBackends,
    now: UnixTime,
    under_way: Vec<UnderWay>,
}

struct UnderWay {
    request: FragmentRequest,
    deadline: Instant,
    state: State,
}

enum State {
    /// In the cache, or filled by another.
    Looking(FragmentLookup),
    Asking(PendingRequestHandle, Option<Duty>),
    Failed,
}

enum Progress {
    Ended(Result<Fragment, FragmentFailure>),
    Waits(State),
}

impl<'i> Fragments<'i> {
    pub fn new(site: &'i Site, backends: &'i mut FragmentBackends, now: UnixTime) -> Self {
        Fragments { site, backends, now, under_way: Vec::new() }
    }

    /// Starts a fetch; what comes of it is told by [`next`](Self::next).
    pub fn start(&mut self, request: FragmentRequest) {
        let deadline = Instant::now() + Duration::from_millis(request.timeout_ms.into());
        let lookup = match request.caching {
            Caching::Shared => store::fragment(&request.target.cache_key()),
            Caching::Apart => None,
        };
        let state = match lookup {
            Some(lookup) => State::Looking(lookup),
            None => self.ask(&request, None),
        };
        self.under_way.push(UnderWay { request, deadline, state });
    }

    /// The next fetch to end, if one does within `patience`; `None` is for ever, since each ends in its time.
    pub fn next(&mut self, patience: Option<Duration>) -> Option<Outcome> {
        let until = patience.map(|patience| Instant::now() + patience);
        while !self.under_way.is_empty() {
            if let Some(outcome) = self.poll() {
                return Some(outcome);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return None;
            }
            thread::sleep(TICK);
        }
        None
    }

    fn poll(&mut self) -> Option<Outcome> {
        for _ in 0..self.under_way.len() {
            let UnderWay { request, deadline, state } = self.under_way.remove(0);
            match self.advance(&request, deadline, state) {
                Progress::Ended(outcome) => return Some((request.id, outcome)),
                Progress::Waits(state) => self.under_way.push(UnderWay { request, deadline, state }),
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
        let State::Asking(pending, duty) = state else { return failed };
        let outcome = match pending.poll() {
            PollHandleResult::Pending(pending) if Instant::now() < deadline => {
                return Progress::Waits(State::Asking(pending, duty));
            }
            PollHandleResult::Pending(_) => Err(FragmentFailure::Unreachable),
            PollHandleResult::Done(Ok(response)) => self.take(request, deadline, response.into()),
            PollHandleResult::Done(Err(error)) => {
                self.learn_from(&error, request);
                Err(FragmentFailure::Unreachable)
            }
        };
        match (&outcome, duty) {
            (Ok((fragment, freshness)), Some(duty)) => duty.put_fragment(fragment, *freshness, self.site),
            (Err(_), Some(duty)) => duty.put_failure(&self.site.name),
            (_, None) => {}
        }
        Progress::Ended(outcome.map(|(fragment, _)| fragment))
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

    /// Reads an answer whose head has arrived. Its backend breaks it off if it stalls.
    fn take(
        &self,
        request: &FragmentRequest,
        deadline: Instant,
        arrived: Arrived,
    ) -> Result<(Fragment, Option<Freshness>), FragmentFailure> {
        let Arrived { head, mut body } = arrived;
        let (mut content, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            match body.read(&mut piece) {
                Ok(0) => break,
                Ok(_) if Instant::now() >= deadline => return Err(FragmentFailure::Unreachable),
                Ok(count) => content.extend_from_slice(piece.get(..count).unwrap_or_default()),
                Err(_) => return Err(FragmentFailure::Unreachable),
            }
            if content.len() > MAX_FRAGMENT_BYTES {
                return Err(FragmentFailure::TooLarge);
            }
        }
        let freshness = http::fragment_freshness(&head, request.ttl_s, self.now);
        Ok((Fragment::from_response(&head, content)?.kept(freshness, self.now), freshness))
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
