//! Finds ESI in a page: what it takes out, what it includes, and the constructs that a program runs.
//!
//! The events come from the ESI reader, as they become certain. An include of a fixed URL that asks for nothing else is a
//! node of the plan, so that a page which does no more has no program; everything else is compiled to one. What was found is
//! masked for the HTML scanner, which so sees the page that ESI leaves behind, at the same offsets.

use std::ops::Range;
use std::sync::Arc;

use super::plan::{Include, Insertion};
use hemstitch_esi::{Attributes, Compiler, Dialect, Event, Kind, Medium, Program, Reader, What};

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
    /// A construct, and which instructions run it.
    Construct(Range<usize>, (u32, u32)),
}

impl EsiItem {
    pub(super) fn range(&self) -> &Range<usize> {
        match self {
            EsiItem::Skip(range)
            | EsiItem::Include(range, _)
            | EsiItem::Slot(range, ..)
            | EsiItem::Construct(range, _) => range,
        }
    }
}

/// Finds ESI in a page that grows. All offsets count from the page's first byte.
pub(super) struct EsiScanner {
    /// Whether an include of a fixed URL can be a node: its fragment is inert, and leaves nothing where it fails.
    plain_includes: bool,
    reader: Reader,
    compiler: Compiler,
}

impl EsiScanner {
    pub(super) fn new(dialect: &Arc<Dialect>, medium: Medium) -> EsiScanner {
        EsiScanner {
            plain_includes: dialect.has_plain_includes(),
            reader: Reader::new(Arc::clone(dialect)),
            compiler: Compiler::new(Arc::clone(dialect), medium),
        }
    }

    /// Offset before which nothing changes any more.
    pub(super) fn certain(&self) -> usize {
        self.reader.certain()
    }

    /// What new constructs are added to: it is here while the page is scanned, and else in the plan.
    pub(super) fn program_mut(&mut self) -> &mut Program {
        self.compiler.program_mut()
    }

    /// Reads on in `page` (all of it that has arrived) and appends to `items`. `whole`: nothing more arrives.
    pub(super) fn scan(&mut self, page: &[u8], whole: bool, items: &mut impl Extend<EsiItem>) {
        let mut events = Vec::new();
        self.reader.read(page, whole, &mut events);
        let mut rest = events.as_slice();
        while let Some(first) = rest.first() {
            let (construct, after) = rest.split_at(extent(rest));
            rest = after;
            let end = construct.last().map_or(first.range.end, |last| last.range.end);
            items.extend([self.item(page, construct, first.range.start..end)]);
        }
    }

    fn item(&mut self, page: &[u8], construct: &[Event], range: Range<usize>) -> EsiItem {
        match construct {
            [Event { what: What::Gone | What::Open(Kind::Wrap, _) | What::Close(_), .. }] => {
                EsiItem::Skip(range)
            }
            [Event { what: What::Raw(Kind::Remove | Kind::Comment, ..), .. }]
            | [Event { what: What::Leaf(Kind::Comment | Kind::Debug | Kind::Param, _), .. }] => {
                EsiItem::Skip(range)
            }
            [Event { what: What::Leaf(Kind::Include, attributes), .. }] => {
                self.include(page, construct, range, attributes)
            }
            [Event { what: What::Open(Kind::Include, attributes), range: tag }, Event { range: end, .. }]
                if page.get(tag.end..end.start).unwrap_or_default().trim_ascii().is_empty() =>
            {
                self.include(page, construct, range, attributes)
            }
            _ => self.compiled(page, construct, range),
        }
    }

    fn include(
        &mut self,
        page: &[u8],
        construct: &[Event],
        range: Range<usize>,
        attributes: &Attributes,
    ) -> EsiItem {
        let Some((src, alt)) = attributes.fixed_include() else {
            return self.compiled(page, construct, range);
        };
        let Some(src) = src else { return EsiItem::Skip(range) };
        match super::plan::own_block_name(&src) {
            Some(name) => EsiItem::Slot(range, name.to_owned(), Insertion::Raw),
            None if self.plain_includes => EsiItem::Include(range, Include { src, alt }),
            None => self.compiled(page, construct, range),
        }
    }

    fn compiled(&mut self, page: &[u8], construct: &[Event], range: Range<usize>) -> EsiItem {
        let (start, end) = self.compiler.construct(page, construct, range.clone());
        if start == end { EsiItem::Skip(range) } else { EsiItem::Construct(range, (start, end)) }
    }
}

/// How many events the construct at the front has. The marks of `<!--esi … -->` are constructs of their own.
fn extent(events: &[Event]) -> usize {
    let mut depth = 0;
    for (index, event) in events.iter().enumerate() {
        match &event.what {
            What::Open(Kind::Wrap, _) | What::Close(Kind::Wrap) if depth == 0 => return index + 1,
            What::Open(..) => depth += 1,
            What::Close(_) => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return index + 1;
        }
    }
    events.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_HELD;

    fn scan_in_steps(page: &[u8], step: usize) -> Vec<EsiItem> {
        let (mut scanner, mut items) = (EsiScanner::new(&Arc::default(), Medium::Html), Vec::new());
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
                    EsiItem::Construct(range, _) => format!("run {}", &page[range.clone()]),
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
            &["include /a>b - of <esi:include src='/a>b'></esi:include>"],
        );
        check("<esi:include src=\"/_hs/blocks/hero\"/>", &["slot hero"]);
        check("<esi:include alt='/x'/>", &["skip <esi:include alt='/x'/>"]);
    }

    #[test]
    fn an_include_whose_fragment_may_run_or_fail_the_page_is_run() {
        for (preset, plain) in [("hemstitch", true), ("w3c", false), ("goesi", false), ("varnish", false)] {
            let dialect = Arc::new(Dialect::preset(preset).unwrap());
            let (mut scanner, mut items) = (EsiScanner::new(&dialect, Medium::Html), Vec::new());
            scanner.scan(b"<p><esi:include src='/a'/>", true, &mut items);
            assert_eq!(matches!(items[..], [EsiItem::Include(..)]), plain, "{preset}");
            assert_eq!(items.len(), 1, "{preset}");
        }
    }

    #[test]
    fn removed_and_wrapped_parts_are_skipped() {
        check("a<esi:remove><b></esi:remove>c", &["skip <esi:remove><b></esi:remove>"]);
        check("<esi:comment text=\"a > b\"/>", &["skip <esi:comment text=\"a > b\"/>"]);
        check(
            "x<!--esi <p><esi:include src=\"/a\"/></p>-->y",
            &["skip <!--esi", "include /a - of <esi:include src=\"/a\"/>", "skip -->"],
        );
        check(
            "<!--esi <esi:include src=\"/a-->b\"/> -->",
            &["skip <!--esi", "include /a-->b - of <esi:include src=\"/a-->b\"/>", "skip -->"],
        );
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
