//! A case without any process: the test is the driver of the core.

use std::sync::Arc;

use hemstitch::facts::Place;
use hemstitch::http::{RequestHead, ResponseHead};
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::Pack;
use hemstitch::session::{
    Fragment, FragmentFailure, FragmentForm, FragmentNews, FragmentRequest, PageSession, Step,
};
use hemstitch::site::Site;
use hemstitch::time::UnixTime;
use hemstitch::token::Keyring;
use hemstitch::visit::{Answer, Cached, Fetched, KeyPurpose, Keys, Retain, Visit};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::case::Case;
use super::publication::Publication;
use super::site::TestSite;
use super::visitor::now;

/// When fragments arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrival {
    /// As soon as they are asked for.
    AtOnce,
    /// Likewise, but piece by piece, and all that can be is sent in between.
    InPieces,
    /// When nothing else is left to do, the one asked for last first.
    LastFirst,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Run {
    /// Status and headers.
    pub head: ResponseHead,
    /// What the visitor received.
    pub body: Vec<u8>,
    /// What the cache was given.
    pub object: Option<Vec<u8>>,
}

/// The core, set up for a case.
pub struct InProcess<'a> {
    case: &'a Case,
    site: Arc<Site>,
    keys: Keys,
    pack: Option<Arc<Pack>>,
    request: RequestHead,
    response: ResponseHead,
    /// One moment for all runs, since a stored page holds when it was born.
    now: UnixTime,
}

impl<'a> InProcess<'a> {
    /// Reads the configuration, opens the pack and writes down request and answer.
    pub fn of(case: &'a Case, test_site: &TestSite) -> InProcess<'a> {
        let configuration = test_site.configuration("origin", "nobody").to_string();
        let keyring = |purpose: KeyPurpose| {
            let ring = test_site.secrets().keyring(purpose.name());
            Some(Keyring::parse(ring.as_bytes()).expect("a keyring"))
        };
        let pack = case.ruleset.as_ref().map(|ruleset| {
            let publication = Publication::of(&case.name, 1, ruleset);
            Arc::new(Pack::open(publication.pack).expect("a pack that was just compiled opens"))
        });
        InProcess {
            case,
            site: Arc::new(Site::parse(configuration.as_bytes()).expect("a configuration")),
            keys: Keys::gather(keyring).expect("a ring of each"),
            pack,
            request: RequestHead {
                method: Method::GET,
                host: test_site.host.clone(),
                path_and_query: case.path.clone(),
                headers: header_map(case.request_headers_for(test_site)).into(),
            },
            response: ResponseHead { status: StatusCode::OK, headers: header_map(case.response_headers()) },
            now: UnixTime(now()),
        }
    }

    /// The page as it streams through on a first request, in these pieces.
    pub fn stream<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>, arrival: Arrival) -> Run {
        match self.visit().from_origin(self.response.clone(), Fetched::Shared) {
            Answer::Page { mut session, retain } => {
                let mut driver = Driver::new(self.case, arrival);
                for piece in pieces {
                    session.page(piece);
                    driver.pump(&mut session);
                }
                session.page_end();
                driver.finish(&mut session);
                let object = session.take_object().filter(|_| matches!(retain, Retain::Page(_)));
                Run { head: session.head().clone(), body: driver.sent, object }
            }
            Answer::Untouched { head, .. } => {
                Run { head, body: pieces.into_iter().flatten().copied().collect(), object: None }
            }
            Answer::FetchOwn { .. } => panic!("{}: not a page for everybody", self.case.name),
        }
    }

    /// The page from an object out of the cache; `None` where the object cannot be used.
    pub fn from_object(&self, object: Vec<u8>, arrival: Arrival) -> Option<Run> {
        match self.visit().from_cache(object) {
            Cached::Page { mut session, again } => {
                let mut driver = Driver::new(self.case, arrival);
                driver.finish(&mut session);
                Some(Run { head: session.head().clone(), body: driver.sent, object: again })
            }
            Cached::Unusable => None,
            Cached::NotModified(_) => panic!("{}: nothing was conditional", self.case.name),
            Cached::Marker(_) => panic!("{}: a page was stored, not a marker", self.case.name),
        }
    }

    fn visit(&self) -> Visit {
        let request = self.request.clone();
        let site = Arc::clone(&self.site);
        let mut visit =
            Visit::arrive(site, Some(&self.keys), request, Place::default(), self.now, || Some([7; 16]));
        visit.equip(self.pack.clone(), KillSwitch::On);
        visit
    }
}

/// Pumps one session.
struct Driver<'a> {
    case: &'a Case,
    arrival: Arrival,
    waiting: Vec<FragmentRequest>,
    sent: Vec<u8>,
}

impl<'a> Driver<'a> {
    fn new(case: &'a Case, arrival: Arrival) -> Driver<'a> {
        Driver { case, arrival, waiting: Vec::new(), sent: Vec::new() }
    }

    /// Goes on as far as the page that has arrived allows.
    fn pump(&mut self, session: &mut PageSession) -> Step {
        loop {
            match session.advance(&mut self.sent) {
                Step::Fetch(request) => self.waiting.push(request),
                Step::Wait if self.arrival != Arrival::LastFirst && !self.waiting.is_empty() => {
                    self.hand_in(session)
                }
                step => return step,
            }
        }
    }

    /// Goes on to the end of the page.
    fn finish(&mut self, session: &mut PageSession) {
        loop {
            match self.pump(session) {
                Step::Done => return,
                Step::Wait if !self.waiting.is_empty() => self.hand_in(session),
                step => panic!("{}: {step:?} with nothing to wait for", self.case.name),
            }
        }
    }

    fn hand_in(&mut self, session: &mut PageSession) {
        let Some(request) = self.waiting.pop() else { return };
        let answer = answer(self.case, &request);
        if self.arrival == Arrival::InPieces
            && let Ok((head, body)) = &answer
            && let Some(form) = FragmentForm::of(head)
        {
            for piece in body.chunks(3) {
                session.fragment_news(request.id, FragmentNews::Piece(form, piece.to_vec().into()));
                while let Step::Fetch(request) = session.advance(&mut self.sent) {
                    self.waiting.push(request);
                }
            }
        }
        let outcome = answer.and_then(|(head, body)| Fragment::from_response(&head, body));
        session.fragment_news(request.id, FragmentNews::Ended(outcome));
    }
}

/// What the origin of the case answers to a fetch.
fn answer(case: &Case, request: &FragmentRequest) -> Result<(ResponseHead, Vec<u8>), FragmentFailure> {
    let asked = &request.target;
    let found =
        case.fragments.iter().find(|fragment| fragment.is_at(asked.host(), asked.path_and_query(), case));
    let Some(fragment) = found else { return Err(FragmentFailure::Status(404)) };
    if fragment.fail.is_some() {
        return Err(FragmentFailure::Unreachable);
    }
    let content_type = ("content-type".to_string(), fragment.content_type.clone());
    let head = ResponseHead {
        status: StatusCode::from_u16(fragment.status).expect("a status"),
        headers: header_map([content_type]),
    };
    Ok((head, fragment.body.clone()))
}

fn header_map(headers: impl IntoIterator<Item = (String, String)>) -> HeaderMap {
    let pairs = headers.into_iter().map(|(name, value)| {
        let name = HeaderName::try_from(name).expect("a header name");
        (name, HeaderValue::try_from(value).expect("a header value"))
    });
    pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
        map.append(name, value);
        map
    })
}
