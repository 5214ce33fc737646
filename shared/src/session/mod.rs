//! The session: one page for one visitor, as a machine that a driver pumps. It does no IO and knows no clock.
//!
//! ```text
//!            ┌──────────── advance(&mut out) ────────────┐
//!            ▼                                           │
//!   Fetch(request) ─► the driver starts it, and goes on ─┤
//!   Wait ─► the driver sends `out`, waits for anything,  │
//!           hands it back: page, page_end, page_cut,     │
//!           fragment_news                                ┘
//!   Done ─► the driver sends `out` and ends the body
//!   Abort ─► the driver sends `out` and breaks the connection: the origin did not finish the page
//! ```
//! A stored page and one that still arrives run through the same code; the second is a plan that grows.

mod arriving;
mod choose;
mod esi;
pub(crate) mod explain;
mod fragment;
mod gather;
mod hold;
mod insert;
mod seen;
mod source;

use std::collections::VecDeque;
use std::sync::Arc;

pub use arriving::FragmentNews;
pub use choose::Personalization;
pub(crate) use explain::Explained;
pub use fragment::{
    Caching, FRAGMENT_TIMEOUT_MS, FetchId, Fragment, FragmentFailure, FragmentForm, FragmentRequest,
    MAX_FRAGMENT_BYTES,
};
pub use source::Keep;
use source::Source;

use crate::esi::{Root, Sent};
use crate::http::ResponseHead;
use crate::pack::Learned;
use crate::page::{CompileOptions, Insertion, Node, PagePlan, PageWarning, StoredPage};
use crate::sorted::Sorted;
use choose::{Fetch, Fill, Then};
use esi::EsiRun;
use hold::Hold;

/// Most fragments that are fetched for one page, failures apart. Fastly allows 32 requests to backends for one of a
/// visitor's.
pub const MAX_FRAGMENTS: usize = 24;

/// Most bytes that blocks and fragments put into one page; places beyond show their default, includes nothing.
pub const MAX_INSERTED_BYTES: usize = 8 * 1024 * 1024;

/// How much of a page beyond its limit may wait for a fragment, in bytes.
const MAX_WAITING: usize = 1024 * 1024;

/// What the driver has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start this fetch and go on; fetches run side by side.
    Fetch(FragmentRequest),
    /// Nothing more can be sent until something arrives.
    Wait,
    /// The page is complete.
    Done,
    /// The origin broke off: the visitor must not take what was sent for the whole page.
    Abort,
}

/// How much of a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Head and body, for GET.
    Whole,
    /// The head alone, for HEAD; the page is compiled and stored all the same.
    Head,
}

/// One page on its way to one visitor.
pub struct PageSession {
    head: ResponseHead,
    extent: Extent,
    source: Source,
    personal: Arc<Personalization>,
    /// Nodes before this one are looked through for what has to be fetched.
    scouted: usize,
    /// What is put for nodes, by their index.
    fills: Sorted<usize, Fill>,
    fetches: Vec<Fetch>,
    to_start: VecDeque<FetchId>,
    /// What sending waits for.
    first: Option<FetchId>,
    /// The run of the page's ESI, once a construct is reached.
    esi: Option<Box<EsiRun>>,
    /// What was decided adds this to what is known of the visitor.
    learned: Learned,
    /// The answer says why the page is as it is.
    explaining: Option<explain::Report>,
    hold: Hold,
    /// What follows the page, once.
    coda: Option<String>,
    cursor: Cursor,
}

/// Where sending stands.
#[derive(Default)]
struct Cursor {
    node: usize,
    /// Bytes of the page that lie behind.
    at: usize,
    /// Bytes of the present node that lie behind: the last literal of a growing plan may grow itself.
    within: usize,
    /// Bytes that were inserted.
    inserted: usize,
    /// Where the fill of the last node was looked for.
    filled: usize,
    /// Bytes of the fragment at the present node that were inserted.
    poured: usize,
}

/// Why sending stopped.
enum Stop {
    /// A fragment is outstanding.
    Fragment,
    /// The plan ends here, so far or for good.
    End,
}

impl PageSession {
    /// A session over a page out of the cache, with its plan.
    pub(crate) fn stored(
        head: ResponseHead,
        page: Arc<StoredPage>,
        plan: Arc<PagePlan>,
        extent: Extent,
        personal: Personalization,
    ) -> PageSession {
        PageSession::new(head, Source::stored(page, plan), extent, personal)
    }

    /// A session over a page that arrives, or has to be compiled again. `keep`: how it is stored when it is complete.
    pub(crate) fn compiling(
        head: ResponseHead,
        options: CompileOptions,
        max_page_bytes: usize,
        keep: Option<Keep>,
        extent: Extent,
        personal: Personalization,
    ) -> PageSession {
        PageSession::new(head, Source::compiling(options, max_page_bytes, keep), extent, personal)
    }

    fn new(head: ResponseHead, source: Source, extent: Extent, personal: Personalization) -> PageSession {
        let hold = Hold::over(&source, &personal.site.esi.budgets);
        PageSession {
            head,
            extent,
            source,
            hold,
            personal: Arc::new(personal),
            scouted: 0,
            fills: Sorted::default(),
            fetches: Vec::new(),
            to_start: VecDeque::new(),
            first: None,
            esi: None,
            learned: Learned::default(),
            explaining: None,
            coda: None,
            cursor: Cursor::default(),
        }
    }

    /// Status and headers of the answer. They are certain as soon as the session is not [held](Self::is_held).
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// Decides what can be decided, so that the head can tell the visitor what to keep of it. Who asks for the head
    /// alone is shown nothing, so there is nothing to keep.
    pub(crate) fn decide_ahead(&mut self) -> (&mut ResponseHead, &Learned) {
        if self.extent == Extent::Whole {
            self.scout();
        }
        (&mut self.head, &self.learned)
    }

    /// Has something follow the page when it has been sent whole, which is in no stored object. In ASCII, since it is
    /// not for the page's charset to change it.
    pub(crate) fn follow_with(&mut self, coda: String) {
        self.coda = Some(coda);
    }

    /// The next bytes of the page arrived from the origin.
    pub fn page(&mut self, bytes: &[u8]) {
        self.source.write(bytes);
    }

    /// The origin has sent the whole page.
    pub fn page_end(&mut self) {
        self.source.end();
    }

    /// The origin broke off in the middle of the page.
    pub fn page_cut(&mut self) {
        self.source.cut();
    }

    /// A fragment arrived, or will not.
    pub fn fragment(&mut self, id: FetchId, outcome: Result<Fragment, FragmentFailure>) {
        let waits = self.fetches.get(id.0).is_some_and(|fetch| fetch.outcome.is_none());
        let outcome = match outcome {
            Ok(Fragment { moved: Some((status, to)), .. }) => {
                if waits && self.follow(id, &to) {
                    return;
                }
                Err(FragmentFailure::Status(status))
            }
            outcome => outcome,
        };
        let Some(fetch) = self.fetches.get_mut(id.0).filter(|_| waits) else { return };
        let failed = outcome.is_err();
        fetch.settle(outcome);
        self.hand_to_esi(id);
        if failed {
            self.refill(id);
        }
    }

    /// The object to store, once the whole page has arrived and if it may be stored. It is handed out once.
    pub fn take_object(&mut self) -> Option<Vec<u8>> {
        self.source.take_object()
    }

    /// What the page's author should know, as far as the page has been compiled here.
    pub fn warnings(&self) -> &[PageWarning] {
        self.source.warnings()
    }

    /// Goes on as far as is possible and appends to `out` what can be sent.
    pub fn advance(&mut self, out: &mut Vec<u8>) -> Step {
        let before = out.len();
        let step = if self.explains_instead() {
            self.advance_report(out)
        } else if self.extent == Extent::Head && !self.answer_is_in_the_page() {
            self.source.drop_overflow();
            self.source.step_at_end()
        } else {
            self.advance_page(out)
        };
        if self.is_held() {
            self.let_go();
        }
        if self.extent == Extent::Head {
            out.truncate(before);
        }
        step
    }

    fn advance_page(&mut self, out: &mut Vec<u8>) -> Step {
        loop {
            self.scout();
            if let Some(request) = self.next_fetch() {
                return Step::Fetch(request);
            }
            match self.send(out) {
                Stop::Fragment if self.source.overflow_len() > MAX_WAITING => self.give_up_on_fragments(),
                Stop::Fragment => return Step::Wait,
                Stop::End => {
                    self.source.send_overflow(out);
                    let step = self.source.step_at_end();
                    if let Some(coda) = self.coda.take_if(|_| step == Step::Done) {
                        out.extend_from_slice(coda.as_bytes());
                    }
                    if self.source.is_settled() && self.is_held() {
                        self.settle_answer(out);
                    }
                    return step;
                }
            }
        }
    }

    /// Takes every fragment that is outstanding for failed.
    fn give_up_on_fragments(&mut self) {
        // What a failure brings about is given up as well.
        let mut index = 0;
        while index < self.fetches.len() {
            self.fragment(FetchId(index), Err(FragmentFailure::Unreachable));
            index += 1;
        }
        self.to_start.clear();
    }

    /// Appends what can be sent, in document order.
    fn send(&mut self, out: &mut Vec<u8>) -> Stop {
        let sends_pieces = self.sends_pieces();
        let PageSession { source, personal, fills, fetches, cursor, esi, first, .. } = self;
        *first = None;
        let (Some(plan), page) = (source.plan(), source.page()) else { return Stop::End };
        if cursor.node == 0 && source.is_complete() {
            out.reserve(page.len() + page.len() / 8);
        }
        while let Some(node) = plan.nodes().get(cursor.node) {
            let (insertion, covers, next) = match *node {
                Node::Literal(len) | Node::Skip(len) => {
                    let end = cursor.at + len as usize - cursor.within;
                    if matches!(node, Node::Literal(_)) {
                        insert::copy(out, page.get(cursor.at..end).unwrap_or_default());
                    }
                    cursor.at = end;
                    cursor.within = len as usize;
                    if cursor.node + 1 == plan.nodes().len() && !source.is_settled() {
                        return Stop::End;
                    }
                    cursor.enter(cursor.node + 1);
                    continue;
                }
                Node::Slot { place, end, covers } => {
                    let place = plan.places().get(place as usize);
                    (place.map_or(&Insertion::Markup, |place| &place.insertion), covers, end as usize)
                }
                Node::Include { covers, .. } | Node::Esi { covers, .. } => {
                    (&Insertion::Markup, covers, cursor.node + 1)
                }
            };
            let before = out.len();
            let shown = match fills.get_next(cursor.node, &mut cursor.filled) {
                None => !matches!(node, Node::Slot { .. }),
                Some(Fill::Default) => false,
                Some(_) if cursor.inserted > MAX_INSERTED_BYTES && cursor.poured == 0 => {
                    !matches!(node, Node::Slot { .. })
                }
                Some(Fill::Esi(section)) => {
                    let root = Root { program: plan.program(), document: page, whole: source.is_settled() };
                    match esi.as_mut().map(|run| (run.send(section, root, out), run)) {
                        Some((Sent::Waiting, run)) => {
                            if run.pour(fetches, sends_pieces, first, out) {
                                return Stop::Fragment;
                            }
                            continue;
                        }
                        Some((Sent::All, _)) | None => true,
                    }
                }
                Some(Fill::Nothing) => {
                    insert::insert(out, "", insertion, plan.charset());
                    true
                }
                Some(Fill::Inline(block)) => {
                    let text = personal.inline(block, insertion);
                    insert::insert(out, &text, insertion, plan.charset());
                    true
                }
                Some(Fill::Fetched { id, then }) => {
                    let fetch = fetches.get_mut(id.0);
                    match fetch.as_ref().and_then(|fetch| fetch.outcome.as_ref()) {
                        None => {
                            *first = Some(id);
                            let is_alone = sends_pieces && matches!(then, Then::Nothing);
                            if let Some(bytes) = fetch.and_then(|fetch| fetch.pour(|_| is_alone)) {
                                out.extend_from_slice(&bytes);
                                cursor.poured += bytes.len();
                                cursor.inserted += bytes.len();
                            }
                            return Stop::Fragment;
                        }
                        Some(Ok(fragment)) => fragment.insert(out, insertion, plan.charset(), cursor.poured),
                        Some(Err(_)) => {}
                    }
                    true
                }
            };
            cursor.inserted += out.len() - before;
            if shown {
                cursor.at += covers as usize;
                cursor.enter(next);
            } else {
                cursor.enter(cursor.node + 1);
            }
        }
        Stop::End
    }
}

impl Cursor {
    fn enter(&mut self, node: usize) {
        self.node = node;
        (self.within, self.poured) = (0, 0);
    }
}

#[cfg(test)]
mod tests;
