//! Sessions as scripts of steps: what arrives, and what must have been sent or asked for by then.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue, StatusCode};

use super::*;
use crate::facts::{Facts, Sources};
use crate::http::{RequestHead, ResponseHead};
use crate::kill_switch::KillSwitch;
use crate::pack::Pack;
use crate::page::Life;
use crate::profile::Profile;
use crate::ruleset::Ruleset;
use crate::site::Site;
use crate::time::UnixTime;

const RULESET: &str = r#"{
  "blocks": {
    "hello": {"html": "<b>hello</b>"},
    "far": {"fragment": "/far", "fallback": "near"},
    "near": {"fragment": "/near"},
    "safe": {"fragment": "/far", "fallback": "hello"},
    "link": {"html": "/a?b=1&c=\"2\""}
  },
  "slots": {
    "inline": {"rules": [{"id": "r1", "block": "hello"}]},
    "empty": {"rules": [{"id": "r2", "block": "nothing"}]},
    "far": {"rules": [{"id": "r3", "block": "far"}]},
    "safe": {"rules": [{"id": "r4", "block": "safe"}]}
  },
  "edits": [
    {"id": "e1", "url": "*", "selector": "a", "action": "set-attribute", "attribute": "href",
     "rules": [{"id": "r5", "block": "link"}]}
  ]
}"#;

fn site(esi: &str) -> Site {
    let json = format!(r#"{{"site": "acme", "hosts": ["acme.test"], "origin": "origin", "esi": {esi}}}"#);
    Site::parse(json.as_bytes()).expect("a valid site")
}

fn personalization(site: Site) -> Personalization {
    let (ruleset, findings) = Ruleset::parse(RULESET);
    let ruleset = ruleset.unwrap_or_else(|| panic!("{findings:?}"));
    let pack = Pack::open(crate::pack::compile(&ruleset).expect("it compiles")).expect("it opens");
    let profile = Profile::new([1; 16], UnixTime(1));
    Personalization {
        caching: Caching::Shared,
        pack: Some(Arc::new(pack)),
        facts: Arc::new(Facts::new(profile, Sources { host: "acme.test", path: "/", ..Sources::default() })),
        kill: KillSwitch::On,
        site: Arc::new(site),
        host: "acme.test".into(),
        path: "/".into(),
        request: Arc::new(RequestHead {
            method: ::http::Method::GET,
            host: "acme.test".into(),
            path_and_query: "/?a=1".into(),
            headers: ::http::HeaderMap::new().into(),
        }),
    }
}

pub(super) struct Script {
    pub(super) session: PageSession,
    pub(super) fetches: Vec<FragmentRequest>,
    pub(super) out: Vec<u8>,
    pub(super) last: Step,
}

impl Script {
    pub(super) fn streaming() -> Script {
        Script::with_limit(usize::MAX)
    }

    fn with_limit(max_page_bytes: usize) -> Script {
        Script::of(site("{}"), max_page_bytes)
    }

    pub(super) fn with_esi(esi: &str) -> Script {
        Script::of(site(esi), usize::MAX)
    }

    fn of(site: Site, max_page_bytes: usize) -> Script {
        let edits = vec![crate::page::PageEdit {
            id: "e1".into(),
            selector: "a".into(),
            action: crate::ruleset::EditAction::SetAttribute,
            attribute: Some("href".into()),
        }];
        let (charset, dialect) = (Some("utf-8".into()), Arc::clone(&site.esi));
        let options = CompileOptions { charset, esi: true, edits, dialect, ..CompileOptions::default() };
        let life = Life {
            born: UnixTime(1),
            fresh_until: UnixTime(9),
            revalidate_until: UnixTime(9),
            stale_until: UnixTime(9),
        };
        let keep = Some(Keep { head: head(StatusCode::OK), life });
        let session = PageSession::compiling(
            head(StatusCode::OK),
            options,
            max_page_bytes,
            keep,
            Extent::Whole,
            personalization(site),
        );
        Script { session, fetches: Vec::new(), out: Vec::new(), last: Step::Wait }
    }

    pub(super) fn run(mut self) -> Script {
        loop {
            self.last = self.session.advance(&mut self.out);
            match &self.last {
                Step::Fetch(request) => self.fetches.push(request.clone()),
                _ => return self,
            }
        }
    }

    pub(super) fn page(mut self, bytes: &str) -> Script {
        self.session.page(bytes.as_bytes());
        self.run()
    }

    pub(super) fn end(mut self) -> Script {
        self.session.page_end();
        self.run()
    }

    pub(super) fn cut(mut self) -> Script {
        self.session.page_cut();
        self.run()
    }

    /// The fragment at `path` arrives with this status and content.
    pub(super) fn fragment(self, path: &str, status: u16, content: &str) -> Script {
        let head = head(StatusCode::from_u16(status).expect("a status"));
        self.hear(path, FragmentNews::Ended(Fragment::from_response(&head, content.into())))
    }

    /// Something is heard of the fragment at `path`.
    pub(super) fn hear(mut self, path: &str, news: FragmentNews) -> Script {
        self.session.fragment_news(self.id_of(path), news);
        self.run()
    }

    pub(super) fn id_of(&self, path: &str) -> FetchId {
        let request = self.fetches.iter().find(|request| request.target.path_and_query() == path);
        request.unwrap_or_else(|| panic!("{path} was not asked for: {:?}", self.fetches)).id
    }

    pub(super) fn expect(self, sent: &str, asked: &[&str], step: &Step) -> Script {
        assert_eq!(String::from_utf8_lossy(&self.out), sent);
        let paths: Vec<&str> = self.fetches.iter().map(|request| request.target.path_and_query()).collect();
        assert_eq!(paths, asked);
        assert_eq!(&self.last, step);
        self
    }
}

pub(super) fn head(status: StatusCode) -> ResponseHead {
    let mut headers = HeaderMap::new();
    headers.append("content-type", HeaderValue::from_static("text/html; charset=utf-8"));
    ResponseHead { status, headers }
}

#[test]
fn inline_blocks_replace_defaults() {
    let page = "<p data-hs-slot=inline>x</p><i data-hs-slot=empty>y</i><u data-hs-slot=other>z</u><a href=\"u\">l</a>";
    let sent = "<p data-hs-slot=inline><b>hello</b></p><i data-hs-slot=empty></i><u data-hs-slot=other>z</u>\
                <a href=\"/a?b=1&amp;c=&quot;2&quot;\">l</a>";
    Script::streaming().page(page).end().expect(sent, &[], &Step::Done);
}

#[test]
fn the_head_is_sent_before_a_slow_fragment_and_fetches_start_at_once() {
    Script::streaming()
        .page("<h1>a</h1><esi:include src='/one'/>b<esi:include src='/two'/>c")
        .expect("<h1>a</h1>", &["/one", "/two"], &Step::Wait)
        .fragment("/two", 200, "2")
        .expect("<h1>a</h1>", &["/one", "/two"], &Step::Wait)
        .fragment("/one", 200, "1")
        .expect("<h1>a</h1>1b2c", &["/one", "/two"], &Step::Wait)
        .page("d<p data-hs-slot=inline>x")
        .expect("<h1>a</h1>1b2cd<p data-hs-slot=inline>", &["/one", "/two"], &Step::Wait)
        .page("</p>")
        .end()
        .expect("<h1>a</h1>1b2cd<p data-hs-slot=inline><b>hello</b></p>", &["/one", "/two"], &Step::Done);
}

#[test]
fn a_fragment_that_fails_leaves_its_fallback_and_then_the_default() {
    let page = "<p data-hs-slot=far>x<esi:include src='/in-default'/></p>";
    Script::streaming()
        .page(page)
        .end()
        .expect("<p data-hs-slot=far>", &["/far"], &Step::Wait)
        .fragment("/far", 500, "error page")
        .expect("<p data-hs-slot=far>", &["/far", "/near"], &Step::Wait)
        .fragment("/near", 404, "")
        .expect("<p data-hs-slot=far>x", &["/far", "/near", "/in-default"], &Step::Wait)
        .fragment("/in-default", 200, "y")
        .expect("<p data-hs-slot=far>xy</p>", &["/far", "/near", "/in-default"], &Step::Done);
    Script::streaming().page("<p data-hs-slot=safe>x</p>").fragment("/far", 503, "").end().expect(
        "<p data-hs-slot=safe><b>hello</b></p>",
        &["/far"],
        &Step::Done,
    );
}

#[test]
fn one_url_is_fetched_once_and_an_alt_stands_in() {
    Script::streaming()
        .page("<esi:include src='/a' alt='/b'/>-<esi:include src='/a' alt='/b'/>-<esi:include src='http://evil.test/'/>")
        .end()
        .fragment("/a", 404, "no")
        .fragment("/b", 200, "B")
        .expect("B-B-", &["/a", "/b"], &Step::Done);
}

#[test]
fn a_page_that_the_origin_cut_is_aborted_and_not_stored() {
    let mut script = Script::streaming().page("<h1>a</h1>b").cut().expect("<h1>a</h1>b", &[], &Step::Abort);
    assert_eq!(script.session.take_object(), None);
}

#[test]
fn a_page_beyond_the_limit_is_sent_whole_but_not_stitched_from_there_on() {
    let script = Script::with_limit(60)
        .page("<p data-hs-slot=inline>x</p>")
        .page("<b>......</b><p data-hs-slot=inline>x</p>")
        .page("tail")
        .end();
    let sent = "<p data-hs-slot=inline><b>hello</b></p><b>......</b><p data-hs-slot=inline>x</p>tail";
    let mut script = script.expect(sent, &[], &Step::Done);
    assert_eq!(script.session.take_object(), None);
}

#[test]
fn a_page_has_no_more_fragments_than_it_may() {
    let page: String = (0..MAX_FRAGMENTS + 3).map(|index| format!("<esi:include src='/{index}'/>")).collect();
    let script = Script::streaming().page(&page).end();
    assert_eq!(script.fetches.len(), MAX_FRAGMENTS);
}

#[test]
fn which_fragments_are_fetched_does_not_depend_on_which_answer_came_first() {
    let includes: String =
        (0..MAX_FRAGMENTS - 1).map(|index| format!("<esi:include src='/{index}'/>")).collect();
    let page = format!("<p data-hs-slot=far>x</p>{includes}");
    let whole = Script::streaming().page(&page).end().fragment("/far", 500, "").fragment("/near", 500, "");
    let early = Script::streaming()
        .page("<p data-hs-slot=far>x</p>")
        .fragment("/far", 500, "")
        .fragment("/near", 500, "");
    let streamed = early.page(&includes).end();
    let asked = |script: &Script| {
        let mut paths: Vec<String> =
            script.fetches.iter().map(|request| request.target.path_and_query().to_owned()).collect();
        paths.sort_unstable();
        paths
    };
    assert_eq!(asked(&whole), asked(&streamed));
    assert_eq!(whole.fetches.len(), MAX_FRAGMENTS + 1);
}

#[test]
fn a_page_does_not_grow_without_bound() {
    let many = "<esi:include src='/f'/>".repeat(100);
    let script = Script::streaming().page(&many).end().fragment("/f", 200, &"x".repeat(1 << 20));
    assert_eq!(script.last, Step::Done);
    assert!(script.out.len() <= MAX_INSERTED_BYTES + (2 << 20));
}

#[test]
fn what_waits_behind_a_fragment_is_bounded() {
    let script = Script::with_limit(30).page("<esi:include src='/f'/>").page(&"y".repeat(100)).expect(
        "",
        &["/f"],
        &Step::Wait,
    );
    let script = script.page(&"y".repeat(2 << 20));
    assert_eq!((script.out.len(), &script.last), (100 + (2 << 20), &Step::Wait));
}

#[test]
fn what_was_stored_is_sent_like_what_was_streamed() {
    let page = "<h1>a</h1><p data-hs-slot=inline>x</p><esi:include src='/f'/><a>l</a>";
    let mut streamed = Script::streaming().page(page).end().fragment("/f", 200, "F");
    assert_eq!(streamed.last, Step::Done);
    let object = streamed.session.take_object().expect("a complete page is stored");
    assert_eq!(streamed.session.take_object(), None);
    let mut page = StoredPage::decode(object).expect("it was just encoded");
    let (plan, _) = page.plan.take().expect("its plan is whole");
    let page = Arc::new(page);
    let personal = personalization(site("{}"));
    let session = PageSession::stored(head(StatusCode::OK), page, plan, Extent::Whole, personal);
    let script = Script { session, fetches: Vec::new(), out: Vec::new(), last: Step::Wait };
    let sent = String::from_utf8_lossy(&streamed.out).into_owned();
    script.run().fragment("/f", 200, "F").expect(&sent, &["/f"], &Step::Done);
}

#[test]
fn head_sends_nothing_and_fetches_nothing() {
    let mut script = Script::streaming();
    script.session.extent = Extent::Head;
    let mut script = script.page("<esi:include src='/f'/>").expect("", &[], &Step::Wait).end().expect(
        "",
        &[],
        &Step::Done,
    );
    assert!(script.session.take_object().is_some());
}

#[test]
fn an_arriving_head_waits_for_functions_that_change_it_and_for_no_longer_than_it_may() {
    let function = "<esi:vars>$set_response_code(404)</esi:vars>";
    let script = Script::streaming().page("<h1>a</h1>");
    assert!(script.session.is_held());
    let script = script.page(function).end().expect("<h1>a</h1>", &[], &Step::Done);
    assert_eq!((script.session.is_held(), script.session.head().status), (false, StatusCode::NOT_FOUND));

    let script = Script::streaming().page("<h1>a</h1>").end();
    assert_eq!((script.session.is_held(), script.session.head().status), (false, StatusCode::OK));

    let mut script = Script::streaming().page("<h1>a</h1>");
    let ms = script.session.alarm_ms().expect("it wants to know");
    script.session.passed(u64::from(ms) - 1);
    assert!(script.session.is_held());
    script.session.passed(ms.into());
    assert!(!script.session.is_held() && script.session.alarm_ms().is_none());
    let script = script.page(function).end().expect("<h1>a</h1>", &[], &Step::Done);
    assert_eq!(script.session.head().status, StatusCode::OK);
    assert!(script.session.complaints()[0].contains("had gone out"), "{:?}", script.session.complaints());

    // What is seen in time is waited for.
    let mut script = Script::streaming().page(function);
    script.session.passed(ms.into());
    assert!(script.session.is_held());
    let script = script.cut();
    assert_eq!((script.session.is_held(), &script.last), (false, &Step::Abort));
}

#[test]
fn head_is_told_what_get_would_be() {
    let mut script = Script::streaming();
    script.session.extent = Extent::Head;
    let page = "<p>a</p><esi:eval src='/f'/><esi:vars>$add_header('x-n', $(n))</esi:vars>";
    let script = script.page(page).end().expect("", &["/f"], &Step::Wait);
    assert!(script.session.is_held());
    let script =
        script.fragment("/f", 200, "<esi:assign name='n' value='7'/>").expect("", &["/f"], &Step::Done);
    assert_eq!(script.session.head().headers["x-n"], "7");
}

#[test]
fn what_eval_brings_may_change_the_answer_and_a_fragment_may_not() {
    let function = "<esi:vars>$set_response_code(404)</esi:vars>";
    let script = Script::streaming().page("<p>a</p><esi:eval src='/f'/>").end();
    assert!(script.session.is_held());
    let script = script.fragment("/f", 200, function).expect("<p>a</p>", &["/f"], &Step::Done);
    assert_eq!((script.session.is_held(), script.session.head().status), (false, StatusCode::NOT_FOUND));

    // Whether it comes before the page is whole, or behind it.
    let page = "<p>a</p><esi:include src='/f' dca='esi'/>";
    let early = Script::streaming().page(page).fragment("/f", 200, function).end();
    let late = Script::streaming().page(page).end();
    assert!(!late.session.is_held());
    for script in [early, late.fragment("/f", 200, function)] {
        let script = script.expect("<p>a</p>", &["/f"], &Step::Done);
        assert_eq!(script.session.head().status, StatusCode::OK);
        let said = script.session.complaints();
        assert!(said.len() == 1 && said[0].contains("change nothing"), "{said:?}");
    }
}

#[test]
fn after_its_time_a_page_is_sent_without_what_is_outstanding() {
    let page = "<p>a</p><esi:include src='/f' alt='/g'/><p>b</p>";
    let mut script = Script::streaming().page(page).expect("<p>a</p>", &["/f"], &Step::Wait);
    script.session.passed(10_000);
    let script =
        script.page("<esi:include src='/late'/>c").end().expect("<p>a</p><p>b</p>c", &["/f"], &Step::Done);
    assert!(script.session.complaints()[0].contains("took too long"), "{:?}", script.session.complaints());
}
