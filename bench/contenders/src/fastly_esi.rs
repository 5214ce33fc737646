//! The crate `esi` at work: it parses the page and puts the fragments in, on each request.

use bench_job::{block, esi_fragment};
use bytes::Bytes;
use esi::{Configuration, PendingFragmentContent, Processor};
use fastly::Response;

use crate::run::Bench;

/// Puts the fragments in. `sent`: how many bytes that has to give, where it is known.
pub fn run(page: &Bytes, sent: Option<usize>) -> Bench<'_> {
    let mut out: Vec<u8> = Vec::new();
    Box::new(move |watch| {
        out.clear();
        watch.time(|| {
            let dispatch = |request: fastly::Request, _| {
                // Every fragment is there as soon as it is asked for, so that nothing is waited for.
                let fragment = Response::from_body(block(esi_fragment(request.get_path())));
                Ok(PendingFragmentContent::CompletedRequest(Box::new(fragment)))
            };
            let mut processor = Processor::new(None, Configuration::default());
            let done = processor.process_stream(page.as_ref(), &mut out, Some(&dispatch), None);
            done.expect("a page of ESI that both know");
        });
        assert_eq!(out.len(), sent.unwrap_or(out.len()), "it sends what the page asks for");
        1
    })
}
