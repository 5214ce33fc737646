//! The stored form of a page: what an edge keeps in its cache, page and plan in one object so that they cannot come apart.
//!
//! ```text
//! envelope  "HSPG" · format u8 · 3 × 0 · head bytes u32 · plan bytes u32 · page bytes u32 · sum of head u32 · sum of plan u32
//! head      status u16 · born u64 · fresh until u64 · revalidate until u64 · stale until u64 · esi u8 · header count u16 · (name · value)*
//! plan      compiler u16 · digest of edits 16 · charset · places · includes · nodes · program
//! page      the bytes as the origin sent them
//! ```
//! Little-endian throughout; strings have a u32 length before them. The envelope and the head are stable, so that a plan
//! of another compiler, or a damaged one, is made again from the page that lies beside it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Charset, Include, Insertion, Node, PagePlan, Place};
use crate::esi::Program;
use crate::http::{ResponseHead, personal_reply};
use crate::time::UnixTime;

const MAGIC: &[u8; 4] = b"HSPG";
const FORMAT: u8 = 2;
const ENVELOPE: usize = 28;
/// Raised with every change in what a page compiles to.
const COMPILER: u16 = 6;

/// Why a stored object cannot be used. The page is then fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredPageError {
    /// It is not a stored page, or of another format.
    #[error("not a stored page of this format")]
    Foreign,
    /// Its parts do not add up to its length.
    #[error("stored page is truncated")]
    Truncated,
    /// Its head does not match its sum or cannot be read.
    #[error("head of a stored page is damaged")]
    Damaged,
}

/// How long a page may be served from a cache (RFC 9111, section 4.2; RFC 5861).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When the origin made it, which its `Age` counts from.
    pub born: UnixTime,
    /// Until when it is fresh.
    pub fresh_until: UnixTime,
    /// Until when it may be served while a fresh one is fetched.
    pub revalidate_until: UnixTime,
    /// Until when it may be served where the origin fails.
    pub stale_until: UnixTime,
}

/// A page out of a cache.
#[derive(Clone, Debug)]
pub struct StoredPage {
    /// Status and headers that the origin sent, less what never leaves a cache.
    pub head: ResponseHead,
    /// How long it may be served.
    pub life: Life,
    /// Whether its ESI is processed.
    pub esi: bool,
    /// The plan, with the digest of the edits that it was compiled for; `None` if it must be compiled again.
    pub plan: Option<(Arc<PagePlan>, [u8; 16])>,
    object: Bytes,
    page_start: usize,
    personal_head: OnceLock<ResponseHead>,
}

impl StoredPage {
    /// The bytes of the page.
    pub fn page(&self) -> &[u8] {
        self.object.get(self.page_start..).unwrap_or_default()
    }

    /// The head of an answer that is one visitor's alone, worked out once.
    pub(crate) fn personal_head(&self) -> &ResponseHead {
        self.personal_head.get_or_init(|| personal_reply(&self.head))
    }

    /// What the page takes in memory, roughly, in bytes.
    pub(crate) fn size(&self) -> usize {
        // What was read of head and plan is larger than what it was read from.
        self.object.len() + 3 * self.page_start
    }

    /// Serializes a page with its plan.
    pub fn encode(
        head: &ResponseHead,
        life: &Life,
        esi: bool,
        plan: &PagePlan,
        digest: &[u8; 16],
        page: &[u8],
    ) -> Vec<u8> {
        let head = encode_head(head, life, esi);
        let plan = encode_plan(plan, digest);
        let mut out = Vec::with_capacity(ENVELOPE + head.len() + plan.len() + page.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[FORMAT, 0, 0, 0]);
        for number in [head.len() as u32, plan.len() as u32, page.len() as u32, sum(&head), sum(&plan)] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&head);
        out.extend_from_slice(&plan);
        out.extend_from_slice(page);
        out
    }

    /// Reads an object out of a cache. Never trusts it: a plan that does not check out is left out.
    pub fn decode(object: impl Into<Bytes>) -> Result<StoredPage, StoredPageError> {
        let object: Bytes = object.into();
        let mut reader = Reader(&object);
        if reader.take(4) != Some(&MAGIC[..]) || reader.take(4).is_none_or(|format| format[0] != FORMAT) {
            return Err(StoredPageError::Foreign);
        }
        let mut lengths = [0u32; 5];
        for length in &mut lengths {
            *length = reader.u32().ok_or(StoredPageError::Truncated)?;
        }
        let [head_len, plan_len, page_len, head_sum, plan_sum] = lengths;
        let head = reader.take(head_len as usize).ok_or(StoredPageError::Truncated)?;
        let plan = reader.take(plan_len as usize).ok_or(StoredPageError::Truncated)?;
        if reader.0.len() != page_len as usize {
            return Err(StoredPageError::Truncated);
        }
        if sum(head) != head_sum {
            return Err(StoredPageError::Damaged);
        }
        let (head, life, esi) = decode_head(head).ok_or(StoredPageError::Damaged)?;
        let plan = if sum(plan) == plan_sum { decode_plan(plan, &object, page_len) } else { None };
        let plan = plan.map(|(plan, digest)| (Arc::new(plan), digest));
        let page_start = object.len() - page_len as usize;
        let personal_head = OnceLock::new();
        Ok(StoredPage { head, life, esi, plan, object, page_start, personal_head })
    }
}

fn encode_head(head: &ResponseHead, life: &Life, esi: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(&head.status.as_u16().to_le_bytes());
    for time in [life.born, life.fresh_until, life.revalidate_until, life.stale_until] {
        out.extend_from_slice(&time.0.to_le_bytes());
    }
    out.push(esi.into());
    out.extend_from_slice(&(head.headers.len() as u16).to_le_bytes());
    for (name, value) in &head.headers {
        put(&mut out, name.as_str().as_bytes());
        put(&mut out, value.as_bytes());
    }
    out
}

fn decode_head(bytes: &[u8]) -> Option<(ResponseHead, Life, bool)> {
    let mut reader = Reader(bytes);
    let status = StatusCode::from_u16(reader.u16()?).ok()?;
    let mut time = || reader.u64().map(UnixTime);
    let life = Life { born: time()?, fresh_until: time()?, revalidate_until: time()?, stale_until: time()? };
    let esi = reader.u8()? == 1;
    let count = reader.u16()?;
    let mut headers = HeaderMap::with_capacity(count.min(256).into());
    for _ in 0..count {
        let name = HeaderName::from_bytes(reader.bytes()?).ok()?;
        headers.append(name, HeaderValue::from_bytes(reader.bytes()?).ok()?);
    }
    reader.0.is_empty().then_some((ResponseHead { status, headers }, life, esi))
}

fn encode_plan(plan: &PagePlan, digest: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + plan.nodes().len() * 13);
    out.extend_from_slice(&COMPILER.to_le_bytes());
    out.extend_from_slice(digest);
    put(&mut out, plan.charset().name().as_bytes());
    put_count(&mut out, plan.places().len());
    for place in plan.places() {
        let (kind, lead, attribute) = match &place.insertion {
            Insertion::Markup => (0, "", ""),
            Insertion::AttributeValue => (1, "", ""),
            Insertion::Attribute { lead, name } => (2, lead.as_str(), name.as_str()),
            Insertion::Raw => (3, "", ""),
        };
        out.extend_from_slice(&[place.edit.into(), kind]);
        for text in [place.name.as_str(), lead, attribute] {
            put(&mut out, text.as_bytes());
        }
    }
    put_count(&mut out, plan.includes().len());
    for include in plan.includes() {
        put(&mut out, include.src.as_bytes());
        out.push(include.alt.is_some().into());
        put(&mut out, include.alt.as_deref().unwrap_or_default().as_bytes());
    }
    put_count(&mut out, plan.nodes().len());
    for node in plan.nodes() {
        let (kind, numbers) = match *node {
            Node::Literal(len) => (0, [len, 0, 0]),
            Node::Skip(len) => (1, [len, 0, 0]),
            Node::Slot { place, end, covers } => (2, [place, end, covers]),
            Node::Include { include, covers } => (3, [include, covers, 0]),
            Node::Esi { start, end, covers } => (4, [start, end, covers]),
        };
        out.push(kind);
        numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
    }
    plan.program().write(&mut out);
    out
}

fn decode_plan(bytes: &[u8], object: &Bytes, page_len: u32) -> Option<(PagePlan, [u8; 16])> {
    let mut reader = Reader(bytes);
    if reader.u16()? != COMPILER {
        return None;
    }
    let digest: [u8; 16] = reader.take(16)?.try_into().ok()?;
    let charset = Charset::from_name(&reader.text()?)?;
    let places = reader.list(14, |reader| {
        let (edit, kind) = (reader.u8()? == 1, reader.u8()?);
        let (name, lead, attribute) = (reader.text()?, reader.text()?, reader.text()?);
        let insertion = match kind {
            0 => Insertion::Markup,
            1 => Insertion::AttributeValue,
            2 => Insertion::Attribute { lead, name: attribute },
            3 => Insertion::Raw,
            _ => return None,
        };
        Some(Place { name, edit, insertion })
    })?;
    let includes = reader.list(9, |reader| {
        let (src, has_alt, alt) = (reader.text()?, reader.u8()? == 1, reader.text()?);
        Some(Include { src, alt: has_alt.then_some(alt) })
    })?;
    let nodes = reader.list(13, |reader| {
        let (kind, a, b, c) = (reader.u8()?, reader.u32()?, reader.u32()?, reader.u32()?);
        match kind {
            0 => Some(Node::Literal(a)),
            1 => Some(Node::Skip(a)),
            2 => Some(Node::Slot { place: a, end: b, covers: c }),
            3 => Some(Node::Include { include: a, covers: b }),
            4 => Some(Node::Esi { start: a, end: b, covers: c }),
            _ => None,
        }
    })?;
    let mut rest = object.slice_ref(reader.0);
    let program = Program::read(&mut rest, page_len as usize).ok()?;
    if !rest.is_empty() {
        return None;
    }
    Some((PagePlan::from_parts(nodes, places, includes, program, charset, page_len)?, digest))
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

/// FNV-1a over words of eight bytes, every other of which goes into a hash of its own, since a processor multiplies two at
/// a time: against damage, not against an attacker, who cannot write to the cache.
fn sum(bytes: &[u8]) -> u32 {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    let (pairs, rest) = bytes.as_chunks::<16>();
    let (mut even, mut odd) = (0xcbf2_9ce4_8422_2325u64, bytes.len() as u64);
    for pair in pairs {
        let pair = u128::from_le_bytes(*pair);
        even = mix(even, pair as u64);
        odd = mix(odd, (pair >> 64) as u64);
    }
    for byte in rest {
        even = mix(even, (*byte).into());
    }
    let hash = mix(even, odd);
    (hash ^ (hash >> 32)) as u32
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let len = self.u32()?;
        self.take(len as usize)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// A counted list whose items take `least` bytes each, so that a false count cannot ask for much memory.
    fn list<T>(&mut self, least: usize, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()? as usize;
        if count.checked_mul(least)? > self.0.len() {
            return None;
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Some(items)
    }
}
