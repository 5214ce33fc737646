//! The HTML scanner: lol_html, used for offsets only. Nothing is rewritten here.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use lol_html::html_content::EndTag;
use lol_html::send::{Element, ElementContentHandlers, HtmlRewriter, Settings};
use lol_html::{AsciiCompatibleEncoding, Selector};

use super::compile::{PageEdit, Warning};
use super::plan::{Insertion, Place};
use crate::edit::EditAction;
use hemstitch_esi::{Charset, interpolation};

/// Where in document order something stands: the tag it was found at, what it is to that tag, and the rank of its edit.
///
/// Comparing keys orders everything that can be inserted at one offset as a reader of the ruleset expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    tag: usize,
    phase: Phase,
    rank: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Before,
    ElementOpens,
    Attribute,
    SlotOpens,
    Prepend,
    ContentOpens,
    ContentCloses,
    Append,
    SlotCloses,
    ElementCloses,
    After,
}

/// What the HTML scanner found. Offsets count from the page's first byte.
#[derive(Clone, Debug)]
pub(super) enum Finding {
    /// A range that starts here and ends where its element does.
    Opened { key: Key, tag_start: usize, start: usize, place: Place },
    /// The range that was opened with `opened` ends before `end`; its element ends before `tag_end`.
    Closed { opened: Key, key: Key, end: usize, tag_end: usize },
    /// The range that was opened with this key has no end tag of its own.
    Unclosed(Key),
    /// A range that is known at once: an insertion point (empty), an attribute, a void element.
    Range { key: Key, close: Key, range: Range<usize>, place: Place },
    /// An attribute that an edit sets.
    Attribute { key: Key, edit: String, name: String, at: AttributeAt },
    /// Something that looks like a slot and is none.
    Refused { at: usize, warning: Warning },
}

/// Where an attribute stands in its tag.
#[derive(Clone, Debug)]
pub(super) enum AttributeAt {
    /// It is missing from this tag.
    Missing(Range<usize>),
    /// Its name, and its value without quotes.
    Written { name: Range<usize>, value: Option<Range<usize>> },
}

#[derive(Default)]
struct Seen {
    findings: Vec<Finding>,
    /// How many bytes lol_html has let go of: no later finding starts before.
    certain: usize,
}

type Shared = Arc<Mutex<Seen>>;
type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// Finds slots and the elements that edits select.
pub(super) struct HtmlScanner {
    /// `None` once lol_html has met markup that it cannot tell the meaning of: from there on nothing is found.
    rewriter: Option<HtmlRewriter<'static, Sink>>,
    seen: Shared,
    fed: usize,
}

impl HtmlScanner {
    pub(super) fn new(encoding: lol_html::AsciiCompatibleEncoding, edits: &[PageEdit]) -> HtmlScanner {
        let seen = Shared::default();
        let mut settings = Settings::new_send().with_encoding(encoding);
        for (rank, watch) in
            std::iter::once(Watch::Slot).chain(edits.iter().cloned().map(Watch::Edit)).enumerate()
        {
            let Some(selector) = watch.selector() else { continue };
            let seen = Arc::clone(&seen);
            let handler = move |element: &mut Element<'_, '_>| {
                watch.found(element, rank as u32, &seen);
                Ok(())
            };
            settings = settings.append_element_content_handler((
                Cow::Owned(selector),
                ElementContentHandlers::default().element(handler),
            ));
        }
        let count = Arc::clone(&seen);
        let sink: Sink = Box::new(move |chunk: &[u8]| lock(&count).certain += chunk.len());
        HtmlScanner { rewriter: Some(HtmlRewriter::new(settings, sink)), seen, fed: 0 }
    }

    /// How many bytes it was given.
    pub(super) fn fed(&self) -> usize {
        self.fed
    }

    /// Offset before which nothing more will be found.
    pub(super) fn certain(&self) -> usize {
        lock(&self.seen).certain
    }

    /// For a scanner that has stopped looking: nothing will be found before `until` either.
    pub(super) fn skip_to(&mut self, until: usize) -> usize {
        self.fed = self.fed.max(until);
        self.fed
    }

    /// Whether it has stopped looking.
    pub(super) fn has_given_up(&self) -> bool {
        self.rewriter.is_none()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.fed += bytes.len();
        self.rewriter.take_if(|rewriter| rewriter.write(bytes).is_err());
    }

    /// Like [`write`](Self::write) with so many spaces: what ESI takes out of the page.
    pub(super) fn write_blank(&mut self, mut len: usize) {
        const BLANK: [u8; 1024] = [b' '; 1024];
        while len > 0 {
            let step = len.min(BLANK.len());
            self.write(&BLANK[..step]);
            len -= step;
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(rewriter) = self.rewriter.take() {
            // An error here means an ambiguity in the last tag: what was found before it stands.
            let _ = rewriter.end();
        }
    }

    /// What was found since the last call, in no particular order.
    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut lock(&self.seen).findings)
    }
}

/// A poisoned lock is as good as any: a scanner belongs to one page and its findings are only appended to.
/// The encoding in which lol_html reads names and attribute values of a page in `charset`.
pub(super) fn scanning(charset: Charset) -> Option<AsciiCompatibleEncoding> {
    match charset {
        Charset::Known(encoding) => AsciiCompatibleEncoding::new(encoding),
        Charset::Undeclared => Some(AsciiCompatibleEncoding::utf_8()),
        Charset::Opaque => None,
    }
}

fn lock(seen: &Shared) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one selector looks for.
#[derive(Clone)]
enum Watch {
    Slot,
    Edit(PageEdit),
}

impl Watch {
    fn selector(&self) -> Option<Selector> {
        match self {
            Watch::Slot => "[data-hs-slot]".parse().ok(),
            Watch::Edit(edit) => edit.selector.parse().ok(),
        }
    }

    fn found(&self, element: &mut Element<'_, '_>, rank: u32, seen: &Shared) {
        let tag = element.source_location().bytes();
        match self {
            Watch::Slot => slot_found(element, tag, seen),
            Watch::Edit(edit) => edit_found(edit, element, tag, rank, seen),
        }
    }
}

fn slot_found(element: &mut Element<'_, '_>, tag: Range<usize>, seen: &Shared) {
    let name = element.get_attribute("data-hs-slot").unwrap_or_default();
    let refused = if !super::plan::is_slot_name(&name) {
        Some(Warning::BadSlotName)
    } else if !element.can_have_content() {
        Some(Warning::VoidSlot)
    } else {
        None
    };
    if let Some(warning) = refused {
        lock(seen).findings.push(Finding::Refused { at: tag.start, warning });
        return;
    }
    let place = Place { name, edit: false, insertion: within(element) };
    open(element, &tag, tag.end, (Phase::SlotOpens, Phase::SlotCloses), 0, place, seen);
}

fn edit_found(edit: &PageEdit, element: &mut Element<'_, '_>, tag: Range<usize>, rank: u32, seen: &Shared) {
    let place = |insertion| Place { name: edit.id.clone(), edit: true, insertion };
    let range = |phase, close, range: Range<usize>, insertion| {
        let key = Key { tag: tag.start, phase, rank };
        let close = Key { tag: tag.start, phase: close, rank };
        lock(seen).findings.push(Finding::Range { key, close, range, place: place(insertion) });
    };
    let point = |phase, at| range(phase, phase, at..at, Insertion::Markup);
    let content = element.can_have_content();
    match edit.action {
        EditAction::Before => point(Phase::Before, tag.start),
        EditAction::Prepend if content => {
            range(Phase::Prepend, Phase::Prepend, tag.end..tag.end, within(element));
        }
        EditAction::After if !content => point(Phase::After, tag.end),
        EditAction::Replace | EditAction::Remove if !content => {
            range(Phase::ElementOpens, Phase::ElementCloses, tag.clone(), Insertion::Markup);
        }
        EditAction::SetAttribute => {
            let Some(name) = &edit.attribute else { return };
            let at = attribute_found(element, name, &tag);
            let key = Key { tag: tag.start, phase: Phase::Attribute, rank };
            lock(seen).findings.push(Finding::Attribute {
                key,
                edit: edit.id.clone(),
                name: name.clone(),
                at,
            });
        }
        EditAction::Replace | EditAction::Remove => {
            let phases = (Phase::ElementOpens, Phase::ElementCloses);
            open(element, &tag, tag.start, phases, rank, place(Insertion::Markup), seen);
        }
        EditAction::Inner => {
            let phases = (Phase::ContentOpens, Phase::ContentCloses);
            let place = place(within(element));
            open(element, &tag, tag.end, phases, rank, place, seen);
        }
        EditAction::Append | EditAction::After => at_end(edit, element, rank, seen),
        EditAction::Prepend => {}
    }
}

/// How something is inserted into an element's content.
fn within(element: &Element<'_, '_>) -> Insertion {
    if interpolation::is_markup_in(&element.tag_name()) { Insertion::Markup } else { Insertion::Raw }
}

/// Notes a range that starts at `start` and, if the element has an end tag of its own, its end.
fn open(
    element: &mut Element<'_, '_>,
    tag: &Range<usize>,
    start: usize,
    (opens, closes): (Phase, Phase),
    rank: u32,
    place: Place,
    seen: &Shared,
) {
    let key = Key { tag: tag.start, phase: opens, rank };
    lock(seen).findings.push(Finding::Opened { key, tag_start: tag.start, start, place });
    let within = closes != Phase::ElementCloses;
    on_own_end_tag(element, seen, move |end, own| match (end, own) {
        (end, true) => {
            let close = Key { tag: end.start, phase: closes, rank };
            let at = if within { end.start } else { end.end };
            Finding::Closed { opened: key, key: close, end: at, tag_end: end.end }
        }
        (_, false) => Finding::Unclosed(key),
    });
}

fn at_end(edit: &PageEdit, element: &mut Element<'_, '_>, rank: u32, seen: &Shared) {
    let inside = edit.action == EditAction::Append;
    let insertion = if inside { within(element) } else { Insertion::Markup };
    let place = Place { name: edit.id.clone(), edit: true, insertion };
    on_own_end_tag(element, seen, move |end, own| {
        if !own {
            return Finding::Refused { at: end.start, warning: Warning::EditWithoutEnd };
        }
        let (phase, at) = if inside { (Phase::Append, end.start) } else { (Phase::After, end.end) };
        let key = Key { tag: end.start, phase, rank };
        Finding::Range { key, close: key, range: at..at, place }
    });
}

/// lol_html also calls an element's end tag handler for the end tag of an ancestor that closes it. Such an end tag has
/// another name, since the nearest open element of that name is the one it closes.
fn on_own_end_tag(
    element: &mut Element<'_, '_>,
    seen: &Shared,
    finding: impl FnOnce(Range<usize>, bool) -> Finding + Send + 'static,
) {
    let (name, seen) = (element.tag_name(), Arc::clone(seen));
    let handler = move |end: &mut EndTag<'_>| {
        let own = end.name() == name;
        let found = finding(end.source_location().bytes(), own);
        lock(&seen).findings.push(found);
        Ok(())
    };
    if let Some(handlers) = element.end_tag_handlers() {
        handlers.push(Box::new(handler));
    }
}

/// Where in a start tag attribute `name` is written, or else can be.
fn attribute_found(element: &Element<'_, '_>, name: &str, tag: &Range<usize>) -> AttributeAt {
    let existing = element.attributes().iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name));
    match existing.and_then(|attribute| Some((attribute, attribute.name_source_location()?.bytes()))) {
        None => AttributeAt::Missing(tag.clone()),
        Some((attribute, name)) => {
            let value = attribute.value_source_location().map(|location| location.bytes());
            AttributeAt::Written { name, value }
        }
    }
}
