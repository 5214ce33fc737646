//! The crate `esi` at work: it parses the page and puts the fragments in, on each request.

use bench_job::block;
use bytes::Bytes;
use esi::{Configuration, PendingFragmentContent, Processor};
use fastly::Response;

use crate::run::Bench;

pub fn stitch(page: &Bytes) -> Bench<'_> {
    let mut out: Vec<u8> = Vec::new();
    Box::new(move |watch| {
        out.clear();
        watch.time(|| {
            let dispatch = |request: fastly::Request, _| {
                let name = request.get_path().trim_start_matches("/b/").trim_end_matches(".html");
                // Every fragment is there as soon as it is asked for, so that nothing is waited for.
                let fragment = Response::from_body(block(name.parse().unwrap_or_default()));
                Ok(PendingFragmentContent::CompletedRequest(Box::new(fragment)))
            };
            let mut processor = Processor::new(None, Configuration::default());
            let done = processor.process_stream(page.as_ref(), &mut out, Some(&dispatch), None);
            done.expect("a page with includes and nothing else");
        });
        assert!(!out.is_empty());
        1
    })
}
