//! What others do: memory, lol_html and serde_json.

use bench_job::block;
use bytes::Bytes;
use lol_html::html_content::ContentType;
use lol_html::{HtmlRewriter, Settings, element};

use crate::run::Bench;

/// How often a short task is done in a round.
const SHORT: u32 = 32;

pub fn copy(page: &Bytes) -> Bench<'_> {
    let mut out: Vec<u8> = Vec::new();
    Box::new(move |watch| {
        watch.time(|| {
            for _ in 0..SHORT {
                out.clear();
                out.extend_from_slice(std::hint::black_box(page));
                std::hint::black_box(&out);
            }
        });
        SHORT
    })
}

pub fn scan(page: &Bytes) -> Bench<'_> {
    Box::new(move |watch| {
        watch.time(|| rewrite_with(Settings::new(), page, |_| {}));
        1
    })
}

pub fn select(page: &Bytes) -> Bench<'_> {
    Box::new(move |watch| {
        watch.time(|| {
            let handler = element!("[data-hs-slot]", |_| Ok(()));
            let settings = Settings::new().append_element_content_handler(handler);
            rewrite_with(settings, page, |_| {});
        });
        1
    })
}

pub fn rewrite(page: &Bytes) -> Bench<'_> {
    let mut out: Vec<u8> = Vec::new();
    let blocks: Vec<String> = (0..1_024).map(block).collect();
    Box::new(move |watch| {
        out.clear();
        watch.time(|| {
            let handler = element!("[data-hs-slot]", |slot| {
                let name = slot.get_attribute("data-hs-slot").unwrap_or_default();
                let index: usize = name.trim_start_matches("b-").parse()?;
                slot.set_inner_content(&blocks[index], ContentType::Html);
                Ok(())
            });
            let settings = Settings::new().append_element_content_handler(handler);
            rewrite_with(settings, page, |chunk| out.extend_from_slice(chunk));
        });
        assert!(out.len() > page.len(), "blocks have been filled in");
        1
    })
}

fn rewrite_with(settings: Settings<'_, '_>, page: &[u8], sink: impl FnMut(&[u8])) {
    let mut rewriter = HtmlRewriter::new(settings, sink);
    let ended = rewriter.write(page).and_then(|()| rewriter.end());
    ended.expect("a page that has one meaning");
}

pub fn parse_json(ruleset: &Bytes) -> Bench<'_> {
    Box::new(move |watch| {
        watch.time(|| serde_json::from_slice::<serde_json::Value>(ruleset).expect("a ruleset is JSON"));
        1
    })
}
