//! The ESI byte scanner. ESI is text-level: its elements stand in scripts, attributes and comments as well.
//!
//! The scanner reads the page as it arrives and says what it found and how far it is certain. What it found is masked
//! for the HTML scanner, which so sees the page that ESI leaves behind, at the same offsets.

use std::collections::HashMap;
use std::ops::Range;

use memchr::{memchr, memmem};

use super::MAX_HELD;
use super::plan::{Include, Insertion};

/// Longest tag of ESI, in bytes: more than any URL that a server takes.
const MAX_TAG: usize = 4096;

/// Something that ESI found. Ranges are in document order and do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EsiItem {
    /// Markup that nobody gets.
    Skip(Range<usize>),
    /// A fragment to include in the place of this markup.
    Include(Range<usize>, Include),
    /// `<esi:include src="/_hs/blocks/NAME"/>`: a slot of this name, with an empty default. ESI does not know whether
    /// it stands in markup.
    Slot(Range<usize>, String, Insertion),
}

impl EsiItem {
    pub(super) fn range(&self) -> &Range<usize> {
        match self {
            EsiItem::Skip(range) | EsiItem::Include(range, _) | EsiItem::Slot(range, ..) => range,
        }
    }
}

/// Finds ESI in a page that grows. All offsets count from the page's first byte.
#[derive(Default)]
pub(super) struct EsiScanner {
    /// Everything before is certain and reported.
    certain: usize,
    /// Where the look for the end of the tag at `certain` goes on, so that a slow page is not read again and again.
    resume: usize,
    /// The quote that is open at `resume`, inside a tag.
    quote: Option<u8>,
    /// The end of the tag at `certain`, once it has been found.
    tag_ends: Option<usize>,
    /// Up to where each terminator was looked for in vain. Without it, a page of openers alone would take quadratic time.
    absent: HashMap<&'static [u8], usize>,
    /// Where the `-->` of an opened `<!--esi` stands.
    unwrap_at: Option<usize>,
}

/// The outcome of looking for the end of a construct.
enum Look {
    Found(usize),
    /// Not there, and it cannot come any more.
    Absent,
    /// It may still arrive.
    Later,
}

impl EsiScanner {
    /// Offset before which nothing changes any more.
    pub(super) fn certain(&self) -> usize {
        self.certain
    }

    /// Scans on in `page` (all of it that has arrived) and appends to `items`. `whole`: nothing more arrives.
    pub(super) fn scan(&mut self, page: &[u8], whole: bool, items: &mut impl Extend<EsiItem>) {
        loop {
            let next = memchr(b'<', &page[self.certain..]).map_or(page.len(), |found| self.certain + found);
            if let Some(close) = self.unwrap_at.take_if(|close| *close <= next) {
                items.extend([EsiItem::Skip(close..close + 3)]);
                self.advance(close + 3);
                continue;
            }
            if next > self.certain {
                self.advance(next);
            }
            if next == page.len() || !self.construct(page, whole, items) {
                return;
            }
        }
    }

    /// Handles what starts at the `<` at `certain`. False: more bytes are needed.
    fn construct(&mut self, page: &[u8], whole: bool, items: &mut impl Extend<EsiItem>) -> bool {
        const OPENERS: [&[u8]; 3] = [b"<esi:", b"</esi:", b"<!--esi"];
        let rest = &page[self.certain..];
        if !whole && OPENERS.iter().any(|opener| opener.len() > rest.len() && opener.starts_with(rest)) {
            return false;
        }
        let look = if rest.starts_with(b"<!--esi") {
            self.unwrap(page, whole, items)
        } else if rest.starts_with(b"<esi:") || rest.starts_with(b"</esi:") {
            self.element(page, whole, items)
        } else {
            Look::Absent
        };
        match look {
            Look::Later => return false,
            Look::Found(end) => self.advance(end),
            Look::Absent => self.advance(self.certain + 1),
        }
        true
    }

    fn advance(&mut self, to: usize) {
        self.certain = to;
        self.resume = to;
        self.quote = None;
        self.tag_ends = None;
    }

    /// `<!--esi … -->`: the markers go, what stands between is scanned like the rest.
    fn unwrap(&mut self, page: &[u8], whole: bool, items: &mut impl Extend<EsiItem>) -> Look {
        let start = self.certain;
        if self.unwrap_at.is_some() {
            return Look::Absent;
        }
        match self.find(page, start + 7, b"-->", whole) {
            Look::Found(end) => {
                items.extend([EsiItem::Skip(start..start + 7)]);
                self.unwrap_at = Some(end - 3);
                Look::Found(start + 7)
            }
            other => other,
        }
    }

    fn element(&mut self, page: &[u8], whole: bool, items: &mut impl Extend<EsiItem>) -> Look {
        let start = self.certain;
        match known_name(&page[start..]) {
            None if !whole => return Look::Later,
            None | Some(false) => return Look::Absent,
            Some(true) => {}
        }
        let tag_end = match self.tag_end(page, whole) {
            Look::Found(end) => end,
            other => return other,
        };
        let tag = &page[start..tag_end];
        let (name, attributes) = split_tag(tag);
        let end = match name {
            b"remove" if !tag.ends_with(b"/>") => match self.find(page, tag_end, b"</esi:remove>", whole) {
                Look::Found(end) => end,
                other => return other,
            },
            _ => tag_end,
        };
        if self.unwrap_at.is_some_and(|close| close < end) {
            return Look::Absent;
        }
        items.extend([if name == b"include" {
            include(start..end, attributes)
        } else {
            EsiItem::Skip(start..end)
        }]);
        Look::Found(end)
    }

    /// The offset after `needle`, looked for from `from` on, within [`MAX_HELD`] of the construct's start.
    fn find(&mut self, page: &[u8], from: usize, needle: &'static [u8], whole: bool) -> Look {
        let limit = (self.certain + MAX_HELD).min(page.len());
        let absent = self.absent.entry(needle).or_default();
        let from = from.max(*absent);
        if let Some(found) = page.get(from..limit).and_then(|window| memmem::find(window, needle)) {
            return Look::Found(from + found + needle.len());
        }
        *absent = limit.saturating_sub(needle.len() - 1).max(from);
        if whole || page.len() >= self.certain + MAX_HELD { Look::Absent } else { Look::Later }
    }

    /// The offset after the `>` that ends the tag at `certain`, quotes respected, within [`MAX_TAG`].
    fn tag_end(&mut self, page: &[u8], whole: bool) -> Look {
        if let Some(end) = self.tag_ends {
            return Look::Found(end);
        }
        let limit = (self.certain + MAX_TAG).min(page.len());
        self.resume = self.resume.max(self.certain + 1);
        while self.resume < limit {
            let byte = page[self.resume];
            self.resume += 1;
            match (self.quote, byte) {
                (None, b'>') => {
                    self.tag_ends = Some(self.resume);
                    return Look::Found(self.resume);
                }
                (None, b'<') => return Look::Absent,
                (None, quote @ (b'"' | b'\'')) => self.quote = Some(quote),
                (Some(quote), _) if quote == byte => self.quote = None,
                _ => {}
            }
        }
        if whole || page.len() >= self.certain + MAX_TAG { Look::Absent } else { Look::Later }
    }
}

/// Whether an element of ours starts here; `None` where its name may still be arriving.
fn known_name(rest: &[u8]) -> Option<bool> {
    const NAMES: [&[u8]; 5] = [b"include", b"remove", b"comment", b"/include", b"/comment"];
    let name = match rest.strip_prefix(b"</esi:") {
        Some(_) => [b"/", &rest[6..rest.len().min(20)]].concat(),
        None => rest.get(5..rest.len().min(20)).unwrap_or_default().to_vec(),
    };
    let end = name.iter().skip(1).position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
    match end {
        Some(end) => Some(NAMES.contains(&&name[..=end])),
        None if name.len() > 8 => Some(false),
        None => None,
    }
}

/// `<esi:include src="a"/>` → `include`, ` src="a"`.
fn split_tag(tag: &[u8]) -> (&[u8], &[u8]) {
    let closing = usize::from(tag.starts_with(b"</"));
    let name = &tag[5 + closing..];
    let end = name
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
        .unwrap_or(name.len());
    let attributes = name[end..].strip_suffix(b">").unwrap_or(&name[end..]);
    let attributes = attributes.strip_suffix(b"/").unwrap_or(attributes);
    match (closing, &name[..end]) {
        (1, b"include") => (b"/include", attributes),
        (1, b"comment") => (b"/comment", attributes),
        (1, _) => (b"", attributes),
        (_, name) => (name, attributes),
    }
}

fn include(range: Range<usize>, attributes: &[u8]) -> EsiItem {
    let text = String::from_utf8_lossy(attributes);
    let (mut src, mut alt) = (None, None);
    for (name, value) in attribute_pairs(&text) {
        match name {
            "src" => src = src.or(Some(unescape(value))),
            "alt" => alt = alt.or(Some(unescape(value))),
            _ => {}
        }
    }
    match src {
        None => EsiItem::Skip(range),
        Some(src) => match crate::http::own_block_name(&src) {
            Some(name) => EsiItem::Slot(range, name.to_owned(), Insertion::Raw),
            None => EsiItem::Include(range, Include { src, alt }),
        },
    }
}

/// `name="value"` pairs; values may be in double or single quotes, or bare.
fn attribute_pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, left) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            _ => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        rest = left;
        Some((name.trim_end().rsplit(char::is_whitespace).next().unwrap_or(name), value))
    })
}

/// The five entities of XML, which is what ESI attributes are written in.
fn unescape(value: &str) -> String {
    const ENTITIES: [(&str, &str); 6] =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    ENTITIES.iter().fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan_in_steps(page: &[u8], step: usize) -> Vec<EsiItem> {
        let (mut scanner, mut items) = (EsiScanner::default(), Vec::new());
        for end in (0..page.len()).step_by(step.max(1)) {
            scanner.scan(&page[..end], false, &mut items);
        }
        scanner.scan(page, true, &mut items);
        assert_eq!(scanner.certain(), page.len());
        items
    }

    fn check(page: &str, expect: &[&str]) {
        for step in [1, 2, 3, 7, 64, page.len()] {
            let found = scan_in_steps(page.as_bytes(), step);
            let shown: Vec<String> = found
                .iter()
                .map(|item| match item {
                    EsiItem::Skip(range) => format!("skip {}", &page[range.clone()]),
                    EsiItem::Include(range, Include { src, alt }) => {
                        format!("include {src} {} of {}", alt.as_deref().unwrap_or("-"), &page[range.clone()])
                    }
                    EsiItem::Slot(_, name, _) => format!("slot {name}"),
                })
                .collect();
            assert_eq!(shown, expect, "in steps of {step}: {page}");
        }
    }

    #[test]
    fn includes_are_found_wherever_they_stand() {
        check(
            r#"<p title='<esi:include src="/a?x=1&amp;y=2"/>'>"#,
            &[r#"include /a?x=1&y=2 - of <esi:include src="/a?x=1&amp;y=2"/>"#],
        );
        check(
            "<script>var x = '<esi:include alt=/b src=/a />'</script>",
            &["include /a /b of <esi:include alt=/b src=/a />"],
        );
        check(
            "<esi:include src='/a>b'></esi:include>",
            &["include /a>b - of <esi:include src='/a>b'>", "skip </esi:include>"],
        );
        check("<esi:include src=\"/_hs/blocks/hero\"/>", &["slot hero"]);
        check("<esi:include alt='/x'/>", &["skip <esi:include alt='/x'/>"]);
    }

    #[test]
    fn removed_and_wrapped_parts_are_skipped() {
        check("a<esi:remove><b></esi:remove>c", &["skip <esi:remove><b></esi:remove>"]);
        check("<esi:comment text=\"a > b\"/>", &["skip <esi:comment text=\"a > b\"/>"]);
        check(
            "x<!--esi <p><esi:include src=\"/a\"/></p>-->y",
            &["skip <!--esi", "include /a - of <esi:include src=\"/a\"/>", "skip -->"],
        );
        check("<!--esi <esi:include src=\"/a-->b\"/> -->", &["skip <!--esi", "skip -->"]);
        check("<!--esi a--><!--esi b-->", &["skip <!--esi", "skip -->", "skip <!--esi", "skip -->"]);
    }

    #[test]
    fn what_never_ends_or_is_not_known_is_left_as_it_is() {
        check("<esi:remove>a", &[]);
        check("<!--esi a", &[]);
        check("<esi:include src=\"/a", &[]);
        check("<esi:unknown>a</esi:unknown><es", &[]);
        check("a < b <", &[]);
        check("<esi:remove>a<esi:include src='/i'/>", &["include /i - of <esi:include src='/i'/>"]);
    }

    #[test]
    fn a_page_of_openers_alone_is_read_in_linear_time() {
        for opener in ["<esi:include a='", "<esi:include ", "<esi:remove>", "<!--esi ", "<esi:x ", "</esi:"] {
            let page = opener.repeat(2 << 20 >> 3);
            assert_eq!(scan_in_steps(page.as_bytes(), 100_000), [], "{opener}");
        }
    }

    #[test]
    fn a_construct_longer_than_the_limit_is_left_however_it_arrives() {
        let at = |fill: usize| format!("<esi:remove>{}</esi:remove>z", "x".repeat(fill));
        let fits = MAX_HELD - 25;
        for step in [1000, 70_000] {
            assert_eq!(scan_in_steps(at(fits).as_bytes(), step).len(), 1);
            assert_eq!(scan_in_steps(at(fits + 1).as_bytes(), step).len(), 0);
        }
    }
}
