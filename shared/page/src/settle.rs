//! Merges what the two scanners found into the plan, as far as it is certain.

use std::collections::VecDeque;
use std::ops::Range;

use super::compile::{PageWarning, Warning};
use super::esi::EsiItem;
use super::html::{AttributeAt, Finding, Key};
use super::plan::{Insertion, Place, PlanDraft};
use super::{MAX_HELD, MAX_PLACES};

/// A range of the page that may become a slot node. An insertion point is an empty range.
struct Candidate {
    key: Key,
    /// Where its element starts, which the limit on its length counts from.
    tag_start: usize,
    start: usize,
    fate: Fate,
    place: Place,
}

enum Fate {
    /// Its end has not come.
    Open,
    /// Everything with a key between the candidate's and `close` lies inside.
    Closed { close: Key, end: usize },
    /// It is none after all.
    Dropped,
}

/// The merge of both scanners' findings, in document order.
pub(super) struct Settling {
    pub(super) draft: PlanDraft,
    pub(super) warnings: Warnings,
    candidates: VecDeque<Candidate>,
    pub(super) esi: VecDeque<EsiItem>,
    /// The page is in the plan up to here.
    settled: usize,
    places: usize,
}

/// What is told of a page; the first ones, since one cause can have many.
#[derive(Default)]
pub(super) struct Warnings(pub(super) Vec<PageWarning>);

impl Warnings {
    const MOST: usize = 64;

    pub(super) fn note(&mut self, warning: Warning, at: usize) {
        if self.0.len() < Self::MOST {
            self.0.push(PageWarning { warning, at });
        }
    }
}

impl Settling {
    pub(super) fn new(draft: PlanDraft) -> Settling {
        let (candidates, esi) = (VecDeque::new(), VecDeque::new());
        Settling { draft, warnings: Warnings::default(), candidates, esi, settled: 0, places: 0 }
    }

    /// Takes in what the HTML scanner found in `page`.
    pub(super) fn add(&mut self, findings: Vec<Finding>, page: &[u8]) {
        for finding in findings {
            match finding {
                Finding::Opened { key, tag_start, start, place } => {
                    self.insert(Candidate { key, tag_start, start, fate: Fate::Open, place });
                }
                Finding::Closed { opened, key, end, tag_end } => self.close(opened, key, end, tag_end),
                Finding::Unclosed(key) => self.drop_open(|candidate| candidate.key == key),
                Finding::Range { key, close, range, place } => {
                    let fate = Fate::Closed { close, end: range.end };
                    self.insert(Candidate { key, tag_start: range.start, start: range.start, fate, place });
                }
                Finding::Attribute { key, edit, name, at } => {
                    let (range, insertion) = attribute_range(at, name, page);
                    let fate = Fate::Closed { close: key, end: range.end };
                    let place = Place { name: edit, edit: true, insertion };
                    self.insert(Candidate { key, tag_start: range.start, start: range.start, fate, place });
                }
                Finding::Refused { at, warning } => self.warnings.note(warning, at),
            }
        }
    }

    fn insert(&mut self, candidate: Candidate) {
        self.places += 1;
        if self.places > MAX_PLACES {
            self.warnings.note(Warning::TooManyPlaces, candidate.start);
            return;
        }
        let at = self.candidates.partition_point(|other| other.key < candidate.key);
        self.candidates.insert(at, candidate);
    }

    fn close(&mut self, opened: Key, close: Key, end: usize, tag_end: usize) {
        let Ok(at) = self.candidates.binary_search_by(|candidate| candidate.key.cmp(&opened)) else { return };
        let candidate = &mut self.candidates[at];
        if matches!(candidate.fate, Fate::Dropped) {
            return;
        }
        if tag_end - candidate.tag_start > MAX_HELD {
            candidate.fate = Fate::Dropped;
            self.warnings.note(Warning::TooLong, candidate.tag_start);
        } else {
            candidate.fate = Fate::Closed { close, end };
        }
    }

    fn drop_open(&mut self, which: impl Fn(&Candidate) -> bool) {
        for candidate in self.candidates.iter_mut() {
            if matches!(candidate.fate, Fate::Open) && which(candidate) {
                candidate.fate = Fate::Dropped;
                self.warnings.note(Warning::NotClosed, candidate.tag_start);
            }
        }
    }

    /// No candidate that is open will be closed any more.
    pub(super) fn give_up_on_open(&mut self) {
        self.drop_open(|_| true);
    }

    /// Puts everything before `certain` into the plan that can be put there.
    pub(super) fn settle(&mut self, certain: usize) {
        if self.candidates.is_empty() {
            return self.plain(certain);
        }
        for candidate in self.candidates.iter_mut() {
            if matches!(candidate.fate, Fate::Open) && certain.saturating_sub(candidate.tag_start) > MAX_HELD
            {
                candidate.fate = Fate::Dropped;
                self.warnings.note(Warning::TooLong, candidate.tag_start);
            }
        }
        while let Some(next) = self.candidates.front() {
            match next.fate {
                Fate::Dropped => {
                    self.candidates.pop_front();
                }
                Fate::Open => return self.plain(certain.min(next.start)),
                Fate::Closed { .. } => self.closed(),
            }
        }
        self.plain(certain);
    }

    /// Puts the first candidate, which is closed, into the plan with everything in it.
    fn closed(&mut self) {
        let mut open: Vec<(Key, usize, usize, usize)> = Vec::new();
        loop {
            let next = self.candidates.front().map(|candidate| candidate.key);
            if let Some((_, end, slot, from)) =
                open.pop_if(|(close, ..)| next.is_none_or(|key| key >= *close))
            {
                self.plain(end);
                self.draft.close(slot, self.settled.saturating_sub(from));
                if open.is_empty() {
                    return;
                }
                continue;
            }
            let Some(candidate) = self.candidates.pop_front() else { return };
            match candidate.fate {
                // It began inside an element that has closed, so its own end tag, if any, is not its own.
                Fate::Open => self.warnings.note(Warning::NotClosed, candidate.tag_start),
                Fate::Dropped => {}
                Fate::Closed { close, end } => {
                    self.plain(candidate.start);
                    let slot = self.draft.open(candidate.place);
                    open.push((close, end, slot, self.settled));
                }
            }
        }
    }

    /// Puts the page up to `until` into the plan: literals, and what ESI found there.
    fn plain(&mut self, until: usize) {
        while let Some(item) = self.esi.front() {
            let Range { start, end } = item.range().clone();
            if start >= until {
                break;
            }
            self.literal(start);
            if end > until {
                return;
            }
            let covers = end.saturating_sub(self.settled);
            match self.esi.pop_front() {
                Some(EsiItem::Skip(_)) => self.draft.skip(covers),
                Some(EsiItem::Include(_, include)) => self.draft.include(include, covers),
                Some(EsiItem::Construct(_, span)) => self.draft.esi(span, covers),
                Some(EsiItem::Slot(_, name, insertion)) => {
                    let place = Place { name, edit: false, insertion };
                    let slot = self.draft.open(place);
                    self.draft.skip(covers);
                    self.draft.close(slot, covers);
                }
                None => {}
            }
            self.settled = self.settled.max(end);
        }
        self.literal(until);
    }

    fn literal(&mut self, until: usize) {
        if until > self.settled {
            self.draft.literal(until - self.settled);
            self.settled = until;
        }
    }
}

/// Which bytes to replace, and by what, so that an attribute has a value in double quotes.
fn attribute_range(at: AttributeAt, name: String, page: &[u8]) -> (Range<usize>, Insertion) {
    let (written, value) = match at {
        AttributeAt::Missing(tag) => {
            let at = after_tag_name(page, tag);
            return (at..at, Insertion::Attribute { lead: " ".to_owned(), name });
        }
        AttributeAt::Written { name, value } => (name, value),
    };
    let spelled = page.get(written.clone()).map_or(name, |bytes| String::from_utf8_lossy(bytes).into_owned());
    let whole = Insertion::Attribute { lead: String::new(), name: spelled };
    let Some(value) = value else { return (written, whole) };
    match value.start.checked_sub(1).and_then(|quote| page.get(quote)) {
        Some(b'"') => (value, Insertion::AttributeValue),
        Some(b'\'') => (written.start..value.end + 1, whole),
        _ => (written.start..value.end, whole),
    }
}

/// The offset after the tag's name, by the page's own bytes: decoded, a name can have another length.
fn after_tag_name(page: &[u8], tag: Range<usize>) -> usize {
    let inside = page.get(tag.clone()).unwrap_or_default();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
    inside.iter().position(ends).map_or(tag.end, |len| tag.start + len)
}
