//! Every page case, on each edge: as it streams through on the first request, and from the cache.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use e2e::harness::patience::eventually;
use e2e::harness::{Ask, Case, EdgeKind, End, Stage, TestSite};
use e2e::on_each_edge;

/// Cases with a fragment that never answers wait together.
const AT_ONCE: usize = 8;

on_each_edge! {
    every_case_gives_its_page_streamed_and_from_the_cache
}

fn every_case_gives_its_page_streamed_and_from_the_cache(kind: EdgeKind) {
    let mut broken = Vec::new();
    let mut cases = Vec::new();
    for case in Case::all() {
        match case.site() {
            Ok(site) => cases.push((case, site)),
            Err(diagnostics) => broken.push(format!("- {}: {diagnostics}", case.name)),
        }
    }
    let stage = Stage::with_sites(kind, cases.iter().map(|(_, site)| site.clone()).collect());
    for (case, site) in &cases {
        case.put_on(&stage.origin, site);
    }
    let findings = Mutex::new(broken);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((case, site)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let found = findings_of(case, site, &stage);
                    findings.lock().expect("no holder of the lock panics").extend(found);
                }
            });
        }
    });
    let findings = findings.into_inner().expect("no holder of the lock panics");
    assert!(findings.is_empty(), "{} of {} cases:\n{}", findings.len(), cases.len(), findings.join("\n"));
}

fn findings_of(case: &Case, site: &TestSite, stage: &Stage) -> Option<String> {
    let ask = case.ask(Ask::get(stage.edge.address(), &site.host, &case.path), site);
    let finding = difference(case, &ask, Source::Streamed)
        .map(|finding| format!("streamed: {finding}"))
        .or_else(|| {
            let mut finding = None;
            // The page is stored a moment after its last byte went out; until then it streams through again.
            eventually(&format!("{} comes from the cache", case.name), || {
                let before = stage.origin.count(&site.host, &case.path_at_origin());
                finding = difference(case, &ask, Source::Cache);
                let cached = stage.origin.count(&site.host, &case.path_at_origin()) == before;
                (cached || finding.is_some() || !is_stored(case)).then_some(())
            });
            finding.map(|finding| format!("from the cache: {finding}"))
        });
    finding.map(|finding| format!("- {} ({})\n    {finding}", case.name, case.about))
}

/// Whether the answer is a page, which the edge keeps; anything else it passes on.
fn is_stored(case: &Case) -> bool {
    let content_type = case.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let html =
        ["text/html", "application/xhtml+xml"].iter().any(|html| content_type.trim_start().starts_with(html));
    let asks = case.headers.contains_key("surrogate-control") && !content_type.starts_with("image/");
    let forbids = |(name, value): (&String, &String)| match name.to_ascii_lowercase().as_str() {
        "cache-control" => value.contains("no-transform"),
        other => other == "content-encoding",
    };
    (html || asks) && !case.headers.iter().any(forbids)
}

/// Where the page may have come from.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// The origin: the headers go out before anybody knows what the page holds, so that it is taken for personal.
    Streamed,
    Cache,
}

fn difference(case: &Case, ask: &Ask, source: Source) -> Option<String> {
    let mut reply = match ask.try_send() {
        Ok(reply) => reply,
        Err(error) => return Some(format!("no answer: {error}")),
    };
    let end = reply.read_to_end();
    if reply.status != 200 {
        return Some(format!("status {}", reply.status));
    }
    if reply.so_far() != case.expected {
        return Some(shown_difference(reply.so_far(), &case.expected));
    }
    match case.personal {
        _ if end != End::Clean => Some("the body was cut".to_string()),
        Some(false) if source == Source::Streamed => None,
        Some(personal) if personal != reply.is_private() => {
            Some(format!("cache-control is {:?}", reply.header("cache-control")))
        }
        _ => None,
    }
}

fn shown_difference(found: &[u8], expected: &[u8]) -> String {
    let same = found.iter().zip(expected).take_while(|(one, other)| one == other).count();
    let around = |bytes: &[u8]| {
        let window = &bytes[same.saturating_sub(20)..bytes.len().min(same + 60)];
        format!("…{}… of {} bytes", window.escape_ascii(), bytes.len())
    };
    format!("at byte {same}: found {} where {} should be", around(found), around(expected))
}
