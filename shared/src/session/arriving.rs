//! Fragments that arrive piece by piece. One that is first in line goes out as it comes, if nothing would stand in its place
//! should it fail in its midst, and if it is put in as it is; what comes of others before that is gathered.

use bytes::Bytes;

use super::choose::{Fetch, Fill, Then};
use super::fragment::{FetchId, Fragment, FragmentFailure, FragmentForm};
use super::{Extent, PageSession};

/// What is heard of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FragmentNews {
    /// More of it is here. Nobody need tell, but then it is shown when all of it is.
    Piece(FragmentForm, Bytes),
    /// It is here as a whole, or will not be.
    Ended(Result<Fragment, FragmentFailure>),
}

/// What has arrived of a fragment that is not here as a whole.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Somebody may be shown it before it is whole.
    form: Option<FragmentForm>,
    gathered: Vec<u8>,
    /// How many bytes before those have been sent.
    sent: usize,
}

impl PageSession {
    /// Something was heard of a fragment.
    pub fn fragment_news(&mut self, id: FetchId, news: FragmentNews) {
        match news {
            FragmentNews::Piece(form, bytes) => self.fragment_piece(id, form, &bytes),
            FragmentNews::Ended(outcome) => self.fragment(id, outcome),
        }
    }

    /// The fragment that all others wait for, since what is behind it cannot be sent.
    pub fn first_in_line(&self) -> Option<FetchId> {
        self.first
    }

    fn fragment_piece(&mut self, id: FetchId, form: FragmentForm, bytes: &[u8]) {
        let is_first = self.fetches.get(id.0).is_some_and(|fetch| fetch.pieces.is_none());
        let form = Some(form).filter(|form| is_first && self.streams(id, *form));
        let Some(fetch) = self.fetches.get_mut(id.0).filter(|fetch| fetch.outcome.is_none()) else { return };
        let pieces = fetch.pieces.get_or_insert_with(|| Pieces { form, ..Pieces::default() });
        if pieces.form.is_some() {
            pieces.gathered.extend_from_slice(bytes);
        }
    }

    /// Whether anybody may be shown this fragment piece by piece.
    fn streams(&self, id: FetchId, form: FragmentForm) -> bool {
        let Some((fetch, plan)) = self.fetches.get(id.0).zip(self.source.plan()) else { return false };
        let as_it_is = plan.charset().takes_as_it_is(form.charset);
        let alone = |fill| matches!(fill, Fill::Fetched { id: of, then: Then::Nothing } if of == id);
        let called =
            || fetch.calls.iter().any(|call| self.esi.as_ref().is_some_and(|run| run.streams(*call, form)));
        as_it_is && (self.fills.iter().any(|(_, fill)| alone(fill)) || called())
    }

    /// Whether pieces of fragments are of any use: what is held back may still show something else.
    pub(super) fn sends_pieces(&self) -> bool {
        !self.is_held() && self.extent == Extent::Whole
    }
}

impl Fetch {
    /// What has been gathered, to be sent now if `streams` allows it for a fragment of this form.
    pub(super) fn pour(&mut self, streams: impl FnOnce(FragmentForm) -> bool) -> Option<Vec<u8>> {
        let pieces = self.pieces.as_mut()?;
        pieces.form.filter(|form| streams(*form))?;
        pieces.sent += pieces.gathered.len();
        Some(std::mem::take(&mut pieces.gathered))
    }

    /// Forgets what has been gathered: the fragment is here as a whole, or never will be.
    pub(super) fn settle(&mut self, outcome: Result<Fragment, FragmentFailure>) {
        self.outcome = Some(outcome);
        if let Some(pieces) = &mut self.pieces {
            pieces.gathered = Vec::new();
        }
    }

    /// How much of it was sent, where it failed after that, and why.
    pub(super) fn broke_off(&self) -> Option<(usize, FragmentFailure)> {
        let sent = self.pieces.as_ref().map(|pieces| pieces.sent).filter(|sent| *sent > 0)?;
        self.outcome.as_ref()?.as_ref().err().map(|failure| (sent, *failure))
    }
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderValue, StatusCode, header};
    use proptest::prelude::*;

    use super::super::tests::{Script, head};
    use super::super::{MAX_FRAGMENT_BYTES, Step};
    use super::*;

    impl Script {
        /// More of the fragment at `path` arrives.
        fn piece(self, path: &str, text: &str) -> Script {
            self.piece_of(path, &head(StatusCode::OK), text)
        }

        fn piece_of(self, path: &str, head: &crate::http::ResponseHead, text: &str) -> Script {
            let form = FragmentForm::of(head).expect("a fragment");
            self.hear(path, FragmentNews::Piece(form, Bytes::copy_from_slice(text.as_bytes())))
        }

        /// The fragment at `path` fails.
        fn fails(self, path: &str, failure: FragmentFailure) -> Script {
            self.hear(path, FragmentNews::Ended(Err(failure)))
        }

        fn has_sent(self, sent: &str) -> Script {
            assert_eq!(String::from_utf8_lossy(&self.out), sent);
            self
        }
    }

    /// One that the plan includes, and one that the page's ESI asks for.
    const INCLUDES: [&str; 2] =
        ["<esi:include src='/f'/>", "<esi:include src='/f' ttl='9' onerror='continue'/>"];

    #[test]
    fn what_is_first_in_line_goes_out_as_it_comes_and_what_is_not_is_gathered() {
        for first in INCLUDES {
            for second in INCLUDES.map(|include| include.replace("/f", "/g")) {
                let script = Script::streaming().page(&format!("a{first}b{second}c")).end();
                let (f, g) = (script.id_of("/f"), script.id_of("/g"));
                assert_eq!(script.session.first_in_line(), Some(f));
                let script = script.piece("/g", "3").has_sent("a").piece("/f", "1").has_sent("a1");
                let script = script.piece("/g", "4").has_sent("a1").piece("/f", "2").has_sent("a12");
                let script = script.fragment("/f", 200, "12+").has_sent("a12+b34");
                assert_eq!(script.session.first_in_line(), Some(g));
                let script = script.piece("/g", "5").has_sent("a12+b345").fragment("/g", 200, "345");
                let script = script.has_sent("a12+b345c");
                assert_eq!(script.last, Step::Done);
                assert!(script.session.complaints().is_empty(), "{:?}", script.session.complaints());
            }
        }
    }

    #[test]
    fn what_breaks_off_leaves_what_was_sent_and_the_page_goes_on_and_the_log_says_so() {
        for include in INCLUDES {
            for (failure, why) in [
                (FragmentFailure::Unreachable, "no answer, or not all of it"),
                (FragmentFailure::TooLarge, "larger than 1048576 bytes"),
            ] {
                let page = format!("a{include}b{include}c");
                let script = Script::streaming().page(&page).end().piece("/f", "half");
                let script = script.has_sent("ahalf").fails("/f", failure).piece("/f", "late");
                let script = script.expect("ahalfbc", &["/f"], &Step::Done);
                let said = format!(
                    "https://acme.test/: esi: https://acme.test/f broke off behind 4 bytes that were sent: {why}"
                );
                assert!(script.session.complaints().contains(&said), "{:?}", script.session.complaints());
            }
        }
    }

    #[test]
    fn what_fails_before_it_is_first_in_line_shows_nothing_of_itself() {
        for include in INCLUDES {
            let page = format!("<esi:include src='/one'/>,{include}.");
            let script = Script::streaming().page(&page).end().piece("/f", "half");
            let script = script.fails("/f", FragmentFailure::Unreachable).fragment("/one", 200, "1");
            script.expect("1,.", &["/one", "/f"], &Step::Done);
        }
    }

    /// What stands there in the end is what stood there when fragments came as a whole.
    #[test]
    fn what_something_else_would_stand_for_is_not_shown_before_it_is_whole() {
        for (page, shown, failed) in [
            ("<esi:include src='/f' alt='/g'/>", "whole", "G"),
            ("<esi:include src='/f' alt='/g' ttl='9'/>", "whole", "G"),
            ("<esi:include src='/f'>body</esi:include>", "whole", "body"),
            ("<esi:include src='/f'><esi:comment text='whole'/></esi:include>", "whole", ""),
            ("<esi:include src='/f' fragment='p'/>", "", ""),
            (
                "<esi:try><esi:attempt>x<esi:include src='/f'/></esi:attempt><esi:except>E</esi:except></esi:try>",
                "xwhole",
                "E",
            ),
            ("<esi:eval src='/f'/>", "whole", ""),
            ("<esi:include src='/f' dca='esi'/>", "whole", ""),
            (
                "<esi:assign name='v'><esi:include src='/f'/></esi:assign><esi:vars>$(v)</esi:vars>",
                "whole",
                "",
            ),
            (
                "<p data-hs-slot=safe>x</p>",
                "<p data-hs-slot=safe>whole</p>",
                "<p data-hs-slot=safe><b>hello</b></p>",
            ),
            ("<esi:include src='/f'/><esi:vars>$set_response_code(404)</esi:vars>", "whole", ""),
        ] {
            let path = if page.contains("slot") { "/far" } else { "/f" };
            let start = || Script::streaming().page(page).end().piece(path, "ha");
            let before = start();
            let sent = String::from_utf8_lossy(&before.out).into_owned();
            assert!(!sent.contains("ha"), "{page}: {sent}");
            let ended = before.piece(path, "lf").fragment(path, 200, "whole");
            assert_eq!(
                (String::from_utf8_lossy(&ended.out).as_ref(), &ended.last),
                (shown, &Step::Done),
                "{page}"
            );
            let mut ended = start().fails(path, FragmentFailure::Unreachable);
            if ended.last == Step::Wait {
                ended = ended.piece("/g", "G");
                assert!(ended.out.ends_with(b"G"), "nothing stands in for what stands in: {page}");
                ended = ended.fragment("/g", 200, "G");
            }
            assert_eq!(
                (String::from_utf8_lossy(&ended.out).as_ref(), &ended.last),
                (failed, &Step::Done),
                "{page}"
            );
        }
    }

    #[test]
    fn a_dialect_that_puts_something_in_the_place_of_a_failed_include_shows_it_whole() {
        for (esi, failed) in [
            (r#"{"failure_marker": "-"}"#, "a-b"),
            (r#"{"include_failure": "truncate"}"#, "ab"),
            (r#"{"fragments": "always"}"#, "ab"),
        ] {
            let script = Script::with_esi(esi).page("a<esi:include src='/f'/>b").end().piece("/f", "half");
            script.has_sent("a").fails("/f", FragmentFailure::Unreachable).has_sent(failed);
        }
        let script = Script::with_esi(r#"{"fragments": "header"}"#).page("<esi:include src='/f'/>").end();
        let mut processed = head(StatusCode::OK);
        let control = HeaderValue::from_static("content=\"ESI/1.0\"");
        processed.headers.insert("surrogate-control", control);
        script.piece_of("/f", &processed, "half").has_sent("");
    }

    #[test]
    fn a_fragment_in_another_charset_is_shown_when_all_of_it_is_there() {
        for include in INCLUDES {
            let mut latin = head(StatusCode::OK);
            latin.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=latin1"));
            let script = Script::streaming().page(include).end().piece_of("/f", &latin, "abc").has_sent("");
            let whole = Fragment::from_response(&latin, b"abc\xe9".to_vec());
            script.hear("/f", FragmentNews::Ended(whole)).has_sent("abc\u{e9}");
        }
    }

    #[test]
    fn budgets_hold_for_pieces() {
        let mut script = Script::with_esi(r#"{"budgets": {"bytes": 5, "page_ms": 10}}"#)
            .page("a<esi:include src='/f'/>b<esi:include src='/g'/>c")
            .end()
            .piece("/f", "1234")
            .piece("/f", "56")
            .has_sent("a1234b")
            .piece("/g", "7")
            .has_sent("a1234b7");
        script.session.passed(10);
        let script = script.run().expect("a1234b7c", &["/f", "/g"], &Step::Done);
        let said = script.session.complaints();
        assert!(said.iter().any(|line| line.contains("too many bytes")), "{said:?}");
        assert!(said.iter().any(|line| line.contains("/g broke off behind 1 bytes")), "{said:?}");
        let large = Fragment::from_response(&head(StatusCode::OK), vec![b'x'; MAX_FRAGMENT_BYTES + 1]);
        assert_eq!(large, Err(FragmentFailure::TooLarge));
    }

    const FRAGMENTS: [&str; 4] = ["first", "\u{e9}", "", "third and last"];

    fn page_of_parts() -> String {
        let plain = |index: usize| format!("<esi:include src='/{index}'/>");
        let run = |index: usize| format!("<esi:include src='/{index}' ttl='9'/>");
        format!(
            "a{}b{}<esi:vars>c{}</esi:vars>{}d<esi:try><esi:attempt>{}</esi:attempt><esi:except/></esi:try>{}e{}",
            plain(0),
            run(1),
            run(2),
            plain(1),
            run(3),
            plain(3),
            run(0)
        )
    }

    proptest! {
        #[test]
        fn pieces_split_anywhere_in_any_order_give_the_same_bytes(
            turns in prop::collection::vec((0..4usize, 0..9usize), 0..40),
            page_cut in 0..400usize,
        ) {
            let page = page_of_parts();
            let whole = (0..4).fold(Script::streaming().page(&page).end(), |script, index| {
                script.fragment(&format!("/{index}"), 200, FRAGMENTS[index])
            });
            prop_assert_eq!(&whole.last, &Step::Done);

            let (front, back) = page.split_at(page_cut.min(page.len()));
            let mut script = Script::streaming().page(front);
            script.session.passed(1000);
            let mut sent = [0; 4];
            let known = |script: &Script, path: &str| {
                script.fetches.iter().any(|request| request.target.path_and_query() == path)
            };
            let mut back = Some(back);
            for (turn, (index, len)) in turns.into_iter().enumerate() {
                if turn == 9 && let Some(back) = back.take() {
                    script = script.page(back).end();
                }
                let path = format!("/{index}");
                if known(&script, &path) {
                    let text = FRAGMENTS[index].as_bytes();
                    let end = (sent[index] + len).min(text.len());
                    let form = FragmentForm::of(&head(StatusCode::OK)).expect("a fragment");
                    let piece = Bytes::copy_from_slice(&text[sent[index]..end]);
                    script = script.hear(&path, FragmentNews::Piece(form, piece));
                    sent[index] = end;
                }
            }
            if let Some(back) = back {
                script = script.page(back).end();
            }
            for index in [2, 0, 3, 1] {
                script = script.fragment(&format!("/{index}"), 200, FRAGMENTS[index]);
            }
            prop_assert_eq!(String::from_utf8_lossy(&script.out), String::from_utf8_lossy(&whole.out));
            prop_assert_eq!(script.last, Step::Done);
        }
    }
}
