//! The page compiler: bytes in, as they come, a plan out that grows.

use std::ops::Range;
use std::sync::Arc;

use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::MAX_PLACES;
use super::esi::{EsiItem, EsiScanner};
use super::html::{self, HtmlScanner};
use super::plan::{Insertion, PagePlan, PlanDraft};
use super::settle::Settling;
use crate::content;
use crate::edit::EditAction;
use hemstitch_esi::interpolation::MarkupReader;
use hemstitch_esi::{Charset, Dialect, Medium};

/// An edit as far as a page has to be compiled for it. Its rules are the pack's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageEdit {
    /// The edit's id, under which the pack decides it.
    pub id: String,
    /// A CSS selector that lol_html can stream.
    pub selector: String,
    /// What is done to the elements it selects.
    pub action: EditAction,
    /// The attribute that [`EditAction::SetAttribute`] sets.
    pub attribute: Option<String>,
}

/// The digest that says whether a stored plan was compiled for these edits and this dialect: the first 16 bytes of a
/// SHA-256, or nothing but zeros where there are no edits and the dialect is ours.
pub fn compiled_digest(edits: &[PageEdit], dialect: &Dialect) -> [u8; 16] {
    let ours = *dialect == Dialect::default();
    if edits.is_empty() && ours {
        return [0; 16];
    }
    let mut hash = Sha256::new();
    for edit in edits {
        hash.update([edit.action.code()]);
        for part in [&edit.id, &edit.selector, edit.attribute.as_deref().unwrap_or_default()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    if !ours {
        hash.update(dialect.fingerprint());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}

/// What a page is compiled for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// The charset of its `Content-Type`, if that names one.
    pub charset: Option<String>,
    /// Whether its ESI is processed.
    pub esi: bool,
    /// What its ESI means.
    pub dialect: Arc<Dialect>,
    /// The edits whose URL pattern matches the page.
    pub edits: Vec<PageEdit>,
    /// What kind of text it is. Only HTML has slots and elements to edit.
    pub medium: Medium,
}

impl CompileOptions {
    /// What a page with these headers is compiled for.
    pub fn of(headers: &HeaderMap, esi: bool, dialect: &Arc<Dialect>, edits: &[PageEdit]) -> CompileOptions {
        let medium = content::medium(headers).unwrap_or_default();
        let unsaid = || (medium != Medium::Html).then(|| "utf-8".to_owned());
        CompileOptions {
            charset: content::content_charset(headers).or_else(unsaid),
            esi,
            dialect: Arc::clone(dialect),
            edits: edits.to_vec(),
            medium,
        }
    }
}

/// What a page's author should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageWarning {
    /// What is wrong.
    pub warning: Warning,
    /// Offset in the page, in bytes.
    pub at: usize,
}

/// Why something in a page is not what it looks like. In each case what was authored stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A slot's name is empty, too long, or has characters other than `A-Z a-z 0-9 _ . -`.
    BadSlotName,
    /// A void or self-closed element has no content to replace.
    VoidSlot,
    /// The element has no end tag of its own.
    NotClosed,
    /// The element is longer than [`MAX_HELD`](super::MAX_HELD).
    TooLong,
    /// An edit needs an end tag that the element does not have.
    EditWithoutEnd,
    /// The page has more than [`MAX_PLACES`](super::MAX_PLACES) places, or as many again of ESI's.
    TooManyPlaces,
    /// From here on the markup has more than one meaning to a streaming parser.
    Ambiguous,
}

/// Compiles a page while it arrives.
///
/// Invariant: after [`finish`](Self::finish) the plan depends on the bytes, not on how they were cut; before, its
/// nodes are a prefix of that plan, but for the length of the last literal.
pub struct PageCompiler {
    options: CompileOptions,
    page: Vec<u8>,
    state: State,
}

enum State {
    /// The charset is not certain.
    Sniffing,
    Scanning(Box<Scanning>),
}

struct Scanning {
    settling: Settling,
    /// Whether the page is one that is not touched.
    opaque: bool,
    esi: Option<EsiScanner>,
    html: Html,
    /// What ESI takes out of the page that the HTML scanner sees, and how much of that it has been given.
    masks: Vec<Range<usize>>,
    masked: usize,
    standing: Standing,
    /// Includes and slots that ESI found, of which there may be [`MAX_PLACES`].
    esi_places: usize,
}

/// What of a page is markup. Only a page with slots of ESI is read for that.
#[derive(Default)]
struct Standing {
    reader: Option<MarkupReader>,
    /// The page has been read up to here, but for what ESI takes out.
    read: usize,
    /// What ESI takes out of what has not been read.
    taken: Vec<Range<usize>>,
}

impl Standing {
    /// Says of a slot of ESI how its block is inserted.
    fn place(&mut self, item: &mut EsiItem, page: &[u8]) {
        self.taken.push(item.range().clone());
        let EsiItem::Slot(_, _, insertion) = item else { return };
        let reader = self.reader.get_or_insert_with(MarkupReader::default);
        for taken in self.taken.drain(..) {
            reader.read(page.get(self.read..taken.start).unwrap_or_default());
            self.read = taken.end;
        }
        if reader.is_in_markup() {
            *insertion = Insertion::Markup;
        }
    }
}

enum Html {
    /// No slot's attribute starts before this offset, so nothing needs lol_html.
    Dormant(usize),
    Awake(Box<HtmlScanner>),
}

const SLOT_ATTRIBUTE: &[u8] = b"data-hs-slot";

impl PageCompiler {
    /// A compiler for one page.
    pub fn new(options: CompileOptions) -> PageCompiler {
        PageCompiler { options, page: Vec::new(), state: State::Sniffing }
    }

    /// Compiles a page that is all there.
    pub fn compile(page: Vec<u8>, options: CompileOptions) -> PageCompiler {
        let mut compiler = PageCompiler { options, page, state: State::Sniffing };
        compiler.finish();
        compiler
    }

    /// Takes the next bytes of the page.
    pub fn write(&mut self, bytes: &[u8]) {
        self.page.extend_from_slice(bytes);
        self.scan(false);
    }

    /// The page is complete. Calling it again changes nothing.
    pub fn finish(&mut self) {
        self.scan(true);
    }

    /// What was received so far.
    pub fn page(&self) -> &[u8] {
        &self.page
    }

    /// The plan as far as it is certain; `None` while the charset is not.
    pub fn plan(&self) -> Option<&PagePlan> {
        match &self.state {
            State::Sniffing => None,
            State::Scanning(scanning) => Some(&scanning.settling.draft.plan),
        }
    }

    /// What the page's author should know, in no particular order.
    pub fn warnings(&self) -> &[PageWarning] {
        match &self.state {
            State::Sniffing => &[],
            State::Scanning(scanning) => &scanning.settling.warnings.0,
        }
    }

    fn scan(&mut self, whole: bool) {
        if matches!(self.state, State::Sniffing) {
            match Charset::sniff(&self.page, self.options.charset.as_deref(), whole) {
                None => return,
                Some(charset) => {
                    self.state = State::Scanning(Box::new(Scanning::new(charset, &self.options)))
                }
            }
        }
        if let State::Scanning(scanning) = &mut self.state {
            scanning.scan(&self.page, whole, &self.options);
        }
    }
}

impl Html {
    fn awake(encoding: lol_html::AsciiCompatibleEncoding, options: &CompileOptions) -> Html {
        Html::Awake(Box::new(HtmlScanner::new(encoding, &options.edits)))
    }
}

impl Scanning {
    fn new(charset: Charset, options: &CompileOptions) -> Scanning {
        let html = match html::scanning(charset) {
            Some(encoding) if !options.edits.is_empty() && options.medium == Medium::Html => {
                Html::awake(encoding, options)
            }
            _ => Html::Dormant(0),
        };
        let opaque = charset == Charset::Opaque;
        let esi = (options.esi && !opaque).then(|| EsiScanner::new(&options.dialect, options.medium));
        let settling = Settling::new(PlanDraft::new(charset));
        Scanning {
            settling,
            opaque,
            esi,
            html,
            masks: Vec::new(),
            masked: 0,
            standing: Standing::default(),
            esi_places: 0,
        }
    }

    fn scan(&mut self, page: &[u8], whole: bool, options: &CompileOptions) {
        if self.opaque {
            return self.settling.settle(page.len());
        }
        let until = self.scan_esi(page, whole, options);
        let certain = self.scan_html(page, until, whole, options);
        self.settling.settle(certain);
    }

    /// Offset before which ESI is certain.
    fn scan_esi(&mut self, page: &[u8], whole: bool, options: &CompileOptions) -> usize {
        let Some(esi) = &mut self.esi else { return page.len() };
        let mut items = Vec::new();
        std::mem::swap(esi.program_mut(), self.settling.draft.program_mut());
        esi.scan(page, whole, &mut items);
        std::mem::swap(esi.program_mut(), self.settling.draft.program_mut());
        for item in items.iter_mut().filter(|item| !matches!(item, EsiItem::Skip(_))) {
            self.esi_places += 1;
            if self.esi_places > MAX_PLACES {
                self.settling.warnings.note(Warning::TooManyPlaces, item.range().start);
                *item = EsiItem::Skip(item.range().clone());
            }
        }
        if options.medium.has_markup() {
            items.iter_mut().for_each(|item| self.standing.place(item, page));
        }
        self.masks.extend(items.iter().map(|item| item.range().clone()));
        self.settling.esi.extend(items);
        esi.certain()
    }

    /// Offset before which both scanners are certain. `until` is where ESI is.
    fn scan_html(&mut self, page: &[u8], until: usize, whole: bool, options: &CompileOptions) -> usize {
        if options.medium != Medium::Html {
            return until;
        }
        if let Html::Dormant(looked) = self.html {
            let unseen = page.get(looked..).unwrap_or_default();
            if !has_slot_attribute(unseen) {
                // What has been sent of a tag whose attribute is still arriving is no loss: a slot begins behind its tag.
                let overlap = page.len().saturating_sub(SLOT_ATTRIBUTE.len() - 1);
                self.html = Html::Dormant(overlap.max(looked));
                return until;
            }
            let Some(encoding) = html::scanning(self.settling.draft.plan.charset()) else { return until };
            self.html = Html::awake(encoding, options);
        }
        let Html::Awake(html) = &mut self.html else { return until };
        if html.has_given_up() {
            return html.skip_to(until);
        }
        self.masked += feed(html, page, until, &self.masks[self.masked..]);
        if html.has_given_up() {
            self.settling.warnings.note(Warning::Ambiguous, html.certain());
        } else if whole {
            html.end();
        }
        self.settling.add(html.take_findings(), page);
        if html.has_given_up() {
            self.settling.give_up_on_open();
            return html.skip_to(until);
        }
        html.certain()
    }
}

/// Gives the scanner the page up to `until`, blank where `masks` lie. How many masks lay there.
fn feed(html: &mut HtmlScanner, page: &[u8], until: usize, masks: &[Range<usize>]) -> usize {
    for mask in masks {
        html.write(&page[html.fed()..mask.start]);
        html.write_blank(mask.len());
    }
    html.write(&page[html.fed()..until]);
    masks.len()
}

/// Looks for [`SLOT_ATTRIBUTE`] by its two dashes, at eight places at once: a page has a dash every few bytes, but seldom
/// another behind two letters.
fn has_slot_attribute(bytes: &[u8]) -> bool {
    const STEP: usize = 8;
    const DASHES: u64 = u64::from_ne_bytes([b'-'; STEP]);
    let is_at = |dash: usize| {
        let name = dash.checked_sub(4).and_then(|start| bytes.get(start..start + SLOT_ATTRIBUTE.len()));
        name.is_some_and(|name| name.eq_ignore_ascii_case(SLOT_ATTRIBUTE))
    };
    let difference =
        |eight: Option<&[u8; STEP]>| eight.map_or(0, |eight| u64::from_ne_bytes(*eight) ^ DASHES);
    let mut at = 0;
    while let Some(window) = bytes.get(at..at + STEP + 3) {
        let differ = difference(window.first_chunk()) | difference(window.last_chunk());
        // A byte of it is zero (Warren, Hacker's Delight, section 6-1).
        let any =
            differ.wrapping_sub(u64::from_ne_bytes([1; STEP])) & !differ & u64::from_ne_bytes([128; STEP]);
        if any != 0 && (at..at + STEP).any(is_at) {
            return true;
        }
        at += STEP;
    }
    (at..bytes.len()).any(is_at)
}
