//! What the author of a document should know: what is wrong with it, and what processors disagree on.
//!
//! It reads the document once more than those do who run it, so that they carry nothing of it.

mod hosts;
mod tokens;
mod written;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use super::builder::Builder;
use super::compile::{Origin, compile_in};
use super::diagnostic::{Diagnostic, Disagreement, MAX_DIAGNOSTICS, Mistake};
use super::dialect::Dialect;
use super::element::{Kind, unescape};
use super::expression;
use super::medium::Medium;
use super::program::{Binary, Op};
use super::read::{Event, Reader, What};
use hosts::Hosts;
use written::{Written, attributes};

/// Everything that is to be said of a document, in its order.
pub fn check(document: &[u8], dialect: &Dialect) -> Vec<Diagnostic> {
    let dialect = Arc::new(dialect.clone());
    let (_, mut found) = compile_in(document, &dialect, Medium::Html, Origin::Page);
    let mut reader = Reader::new(Arc::clone(&dialect));
    let mut events = Vec::new();
    reader.read(document, true, &mut events);
    let mut walk = Walk {
        document,
        hosts: Hosts::of(document, &events, &dialect),
        dialect,
        open: Vec::new(),
        hidden: Hidden::No,
        warned: false,
        values: HashMap::new(),
        found: Vec::new(),
    };
    walk.run(&events);
    for diagnostic in &mut found {
        let of_value = matches!(
            diagnostic.mistake,
            Mistake::BadExpression | Mistake::BadPattern | Mistake::UnknownFunction
        );
        if let Some(value) = walk.values.get(&diagnostic.at).filter(|_| of_value) {
            diagnostic.at = *value;
        }
    }
    found.extend(walk.found);
    found.sort_by_key(|diagnostic| diagnostic.at);
    found.dedup();
    found.truncate(MAX_DIAGNOSTICS);
    found
}

struct Walk<'a> {
    document: &'a [u8],
    dialect: Arc<Dialect>,
    hosts: Hosts,
    open: Vec<Kind>,
    hidden: Hidden,
    /// Whether variables outside of `vars` were reported in what is open at the top.
    warned: bool,
    /// Where expressions stand in tags, by where the tags begin: whoever compiles knows no more than that.
    values: HashMap<usize, usize>,
    found: Vec<Diagnostic>,
}

/// Whether what is read stands in a comment or a CDATA section.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    No,
    Until(&'static str),
    /// Likewise, and that has been said.
    Said(&'static str),
}

impl Walk<'_> {
    fn run(&mut self, events: &[Event]) {
        let mut at = 0;
        for event in events {
            self.text(at..event.range.start);
            at = at.max(event.range.end);
            self.event(event);
        }
        self.text(at..self.document.len());
    }

    fn report(&mut self, mistake: Mistake, at: usize) {
        // The most that are shown may be the first ones of another kind.
        if self.found.len() < MAX_DIAGNOSTICS {
            self.found.push(Diagnostic { mistake, at });
        }
    }

    fn differs(&mut self, what: Disagreement, at: usize) {
        self.report(Mistake::DialectDependent(what), at);
    }

    fn event(&mut self, event: &Event) {
        let start = event.range.start;
        if let (Hidden::Until(end), false) = (self.hidden, matches!(event.what, What::Close(_))) {
            self.differs(Disagreement::InComment, start);
            self.hidden = Hidden::Said(end);
        }
        match &event.what {
            What::Open(Kind::Wrap, _) => {
                if self.open.contains(&Kind::Wrap) {
                    self.differs(Disagreement::NestedComment, start);
                }
                self.open.push(Kind::Wrap);
            }
            What::Open(kind, _) => {
                self.tag(*kind, event.range.clone());
                self.open.push(*kind);
            }
            What::Leaf(kind, _) => {
                let tag = self.document.get(event.range.clone()).unwrap_or_default();
                if !tag.ends_with(b"/>") {
                    self.differs(Disagreement::Open, start);
                }
                self.tag(*kind, event.range.clone());
            }
            What::Raw(kind, _, content) => self.tag(*kind, start..content.start),
            What::Close(kind) => {
                self.open.pop();
                if *kind == Kind::Wrap {
                    self.hidden = Hidden::No;
                }
                self.warned &= !self.open.is_empty();
            }
            What::Gone => {}
        }
    }

    fn tag(&mut self, kind: Kind, tag: Range<usize>) {
        let start = tag.start;
        let written = attributes(self.document, tag, self.dialect.backslash_in_attributes);
        let mut names: Vec<&[u8]> = Vec::new();
        for attribute in &written {
            let name = self.document.get(attribute.name.clone()).unwrap_or_default();
            if names.contains(&name) {
                self.differs(Disagreement::Duplicate, attribute.name.start);
                continue;
            }
            names.push(name);
            if attribute.bare {
                self.differs(Disagreement::Unquoted, attribute.value.start);
            }
            let expression = matches!(name, b"test" | b"value" | b"name" | b"collection" | b"src");
            if expression && (name != b"name" || matches!(kind, Kind::Vars)) {
                self.values.entry(start).or_insert(attribute.value.start);
            }
            match (kind, name) {
                (Kind::When, b"test") => self.test(attribute),
                (Kind::Assign | Kind::Return, b"value")
                | (Kind::Vars, b"name")
                | (Kind::Foreach, b"collection") => self.expression(attribute),
                (Kind::Include | Kind::Eval, b"src" | b"alt") => self.url(attribute),
                _ => {}
            }
        }
        let needed: &[u8] = match kind {
            Kind::When => b"test",
            Kind::Function | Kind::Param => b"name",
            _ => return,
        };
        if !names.contains(&needed) {
            self.report(Mistake::MissingAttribute, start);
        }
    }

    /// An attribute's value, and whether offsets in it are offsets in the document.
    fn value(&self, attribute: &Written) -> (String, bool) {
        let bytes = self.document.get(attribute.value.clone()).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let value = unescape(&text);
        let same = value.as_bytes() == bytes;
        (value, same)
    }

    fn expression(&mut self, attribute: &Written) {
        let (text, same) = self.value(attribute);
        for (what, at) in tokens::disagreements(text.as_bytes()) {
            self.differs(what, attribute.value.start + if same { at } else { 0 });
        }
    }

    fn test(&mut self, attribute: &Written) {
        self.expression(attribute);
        let (text, _) = self.value(attribute);
        let mut builder = Builder::new(Arc::clone(&self.dialect));
        let parses = expression::whole(&mut builder, &text).is_ok();
        if parses && tests_a_lone_value(&builder.program.ops) {
            self.differs(Disagreement::LoneValue, attribute.value.start);
        }
    }

    fn url(&mut self, attribute: &Written) {
        let (text, same) = self.value(attribute);
        if let Some(at) = self.hosts.visitor_in_host(&text, &self.dialect) {
            self.report(Mistake::Unsafe, attribute.value.start + if same { at } else { 0 });
        }
    }

    /// What stands between tags.
    fn text(&mut self, range: Range<usize>) {
        let text = self.document.get(range.clone()).unwrap_or_default();
        if text.is_empty() {
            return;
        }
        self.hide(text);
        let parent = self.open.iter().rev().find(|kind| **kind != Kind::Wrap);
        if let Some(Kind::Choose | Kind::Try) = parent
            && let Some(stray) = text.iter().position(|byte| !byte.is_ascii_whitespace())
        {
            return self.differs(Disagreement::Stray, range.start + stray);
        }
        if self.open.contains(&Kind::Wrap)
            && let Some(nested) = memmem::find(text, b"<!--esi")
        {
            self.differs(Disagreement::NestedComment, range.start + nested);
        }
        self.variables(text, range.start);
    }

    /// Follows comments and CDATA sections, which ESI does not see.
    fn hide(&mut self, text: &[u8]) {
        let mut rest = text;
        loop {
            match self.hidden {
                Hidden::No => {
                    let comment = memmem::find(rest, b"<!--").map(|at| (at, 4, "-->"));
                    let section = memmem::find(rest, b"<![CDATA[").map(|at| (at, 9, "]]>"));
                    let Some((at, length, end)) = comment.into_iter().chain(section).min() else { return };
                    rest = rest.get(at + length..).unwrap_or_default();
                    self.hidden = Hidden::Until(end);
                }
                Hidden::Until(end) | Hidden::Said(end) => {
                    let Some(at) = memmem::find(rest, end.as_bytes()) else { return };
                    rest = rest.get(at + end.len()..).unwrap_or_default();
                    self.hidden = Hidden::No;
                }
            }
        }
    }

    /// Variables outside of what replaces them everywhere. At the top, only names of ESI: scripts have `$(…)` of their own.
    fn variables(&mut self, text: &[u8], start: usize) {
        let replaces = |kind: &Kind| matches!(kind, Kind::Vars | Kind::Assign | Kind::Function);
        if self.warned || self.open.iter().any(replaces) {
            return;
        }
        let runs = |kind: &Kind| {
            matches!(kind, Kind::When | Kind::Otherwise | Kind::Attempt | Kind::Except | Kind::Foreach)
        };
        let runs = self.open.iter().any(runs);
        for at in memmem::find_iter(text, b"$(") {
            let rest = text.get(at..).unwrap_or_default();
            let mut builder = Builder::new(Arc::clone(&self.dialect));
            if expression::operand(&mut builder, rest).is_err() {
                continue;
            }
            if runs || hosts::variables_of(&builder.program).any(is_of_esi) {
                self.warned = runs;
                return self.differs(Disagreement::OutsideVars, start + at);
            }
        }
    }
}

fn is_of_esi(name: &str) -> bool {
    let own = [
        "QUERY_STRING",
        "REQUEST_METHOD",
        "REQUEST_PATH",
        "REMOTE_ADDR",
        "GEO",
        "PROFILE",
        "AUDIENCE",
        "EXPERIMENT",
    ];
    name.starts_with("HTTP_") || own.contains(&name)
}

/// Whether a test, or a part of it, is a value that is compared with nothing.
fn tests_a_lone_value(ops: &[Op]) -> bool {
    let is_lone = |op: Option<&Op>| match op {
        Some(Op::Var { .. } | Op::Str(_) | Op::Int(_) | Op::Float(_)) => true,
        Some(Op::List(_) | Op::Dict(_) | Op::Negate | Op::Concat(_)) => true,
        Some(Op::Binary(operator)) => {
            use Binary::{Has, HasI, Like, Matches, MatchesI};
            !operator.compares() && !matches!(operator, Has | HasI | Like | Matches | MatchesI)
        }
        _ => false,
    };
    let tested = ops.iter().enumerate().filter_map(|(at, op)| match op {
        Op::And { .. } | Op::Or { .. } | Op::Truth | Op::Not => ops.get(at.checked_sub(1)?),
        _ => None,
    });
    tested.chain(ops.last()).any(|op| is_lone(Some(op)))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::{Dialect, Disagreement, Mistake};

    /// Code, place and what is said, of everything that is said.
    fn said(document: &str) -> Vec<String> {
        let found = check(document.as_bytes(), &Dialect::default());
        let shown = found.iter().map(|it| {
            let (line, column) = it.position(document.as_bytes());
            format!("{} {line}:{column} {}", it.mistake.code(), it.mistake)
        });
        shown.collect()
    }

    #[test]
    fn a_document_that_all_read_alike_gives_nothing_to_say() {
        for document in [
            "",
            "plain text",
            "<p>$(document).ready(f); a && b; x == '' ? true : false</p><!-- <p> --><script>$(this)</script>",
            "<!--esi <esi:vars>$(HTTP_COOKIE{a}|'b')</esi:vars> -->",
            "<esi:choose> <esi:when test=\"$(HTTP_COOKIE{a}) == 'b' & $exists($(QUERY_STRING{c}))\">x</esi:when>\n \
             <esi:otherwise><esi:include src=\"/a?x=$(QUERY_STRING{x})\" onerror='continue'/></esi:otherwise></esi:choose>",
            "<esi:assign name=\"a\" value=\"[1..5]\"/><esi:foreach collection=\"$(a)\"><esi:vars>$(item)</esi:vars></esi:foreach>",
            "<esi:remove>$(HTTP_COOKIE{a}) <!-- <esi:include src=/a> --></esi:remove>",
            "<esi:try><esi:attempt>a</esi:attempt><esi:except>b</esi:except></esi:try>",
            "<esi:include src=\"/a\">$(shown)</esi:include><!-- x --><esi:vars/>",
        ] {
            assert_eq!(said(document), Vec::<String>::new(), "{document}");
        }
    }

    #[test]
    fn disagreements_are_said_where_they_stand() {
        let when = |test: &str| format!("<esi:choose><esi:when test=\"{test}\">x</esi:when></esi:choose>");
        for (document, place, what) in [
            (when("$(HTTP_COOKIE{a})"), "1:29", Disagreement::LoneValue),
            (when("!$(HTTP_COOKIE{a}|'x')"), "1:29", Disagreement::LoneValue),
            (when("1 == 1 | $(GEO{city})"), "1:29", Disagreement::LoneValue),
            (when("$(HTTP_X) == gold"), "1:42", Disagreement::Bareword),
            (when("$(HTTP_X) == 'ä' &amp;&amp; 1 == 1"), "1:29", Disagreement::Doubled),
            (when("true"), "1:29", Disagreement::Boolean),
            ("ä\n<esi:assign name=\"a\" value=\"hello\"/>".to_owned(), "2:29", Disagreement::Bareword),
            ("<esi:include src=\"/a\">".to_owned(), "1:1", Disagreement::Open),
            ("<esi:include src=/a />".to_owned(), "1:18", Disagreement::Unquoted),
            ("<esi:include src=\"/a\" src=\"/b\"/>".to_owned(), "1:23", Disagreement::Duplicate),
            (
                "<!-- <esi:include src=\"/a\"/><esi:include src=\"/b\"/> -->".to_owned(),
                "1:6",
                Disagreement::InComment,
            ),
            ("<![CDATA[ <esi:include src=\"/a\"/> ]]>".to_owned(), "1:11", Disagreement::InComment),
            ("<!--esi <!--esi a --> -->".to_owned(), "1:9", Disagreement::NestedComment),
            ("<p>$(HTTP_COOKIE{a})$(HTTP_HOST)</p>".to_owned(), "1:4", Disagreement::OutsideVars),
            (
                "<esi:choose>\n or <esi:when test=\"1 == 1\"></esi:when></esi:choose>".to_owned(),
                "2:2",
                Disagreement::Stray,
            ),
            (when("1 == 1").replace('x', "<script>$(document)</script>"), "1:45", Disagreement::OutsideVars),
        ] {
            let expect = format!("HS6012 {place} {}", Mistake::DialectDependent(what));
            let found: Vec<String> = said(&document)
                .into_iter()
                .filter(|it| {
                    !it.contains(&Disagreement::Boolean.to_string()) || what == Disagreement::Boolean
                })
                .collect();
            assert!(found.contains(&expect), "{document}: {found:?}");
            assert!(found.len() <= 2, "{document}: {found:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_expression_is_said_where_it_stands() {
        let when = |test: &str| format!("<esi:choose><esi:when test=\"{test}\">x</esi:when></esi:choose>");
        for (document, mistake) in [
            (when("$(A"), Mistake::BadExpression),
            (when("'a' matches '('"), Mistake::BadPattern),
            (when("$nope() == 1"), Mistake::UnknownFunction),
        ] {
            assert_eq!(said(&document), [format!("{} 1:29 {mistake}", mistake.code())], "{document}");
        }
    }

    #[test]
    fn attributes_that_a_tag_needs_are_missed() {
        for (document, place) in [
            ("<esi:choose><esi:when>x</esi:when></esi:choose>", "1:13"),
            ("<esi:function>x</esi:function>", "1:1"),
            ("<esi:include src=\"/a\"><esi:param value=\"'x'\"/></esi:include>", "1:23"),
        ] {
            let expect = format!("HS6006 {place} {}", Mistake::MissingAttribute);
            assert_eq!(said(document), [expect], "{document}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_document_is_checked(document in "(<esi:|</esi:|<!--|esi |-->|vars|choose|when|include|assign|foreach| test=| src=| value=|'|\"|>|/>|\\$\\(|\\)|\\$substr\\(|\\|&&|,|''|==|//|http:|HTTP_X|\\PC){0,40}") {
            for preset in ["hemstitch", "akamai", "varnish"] {
                check(document.as_bytes(), &Dialect::preset(preset).expect("a preset"));
            }
        }
    }
}
