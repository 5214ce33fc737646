//! A page in the cache.

use bytes::Bytes;
use hemstitch::http::ResponseHead;
use hemstitch::page::{CompileOptions, Life, PageCompiler, StoredPage, compiled_digest};
use hemstitch::time::UnixTime;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The moment at which everything in a job happens.
pub const NOW: UnixTime = UnixTime(1_795_737_600);

/// A page with its plan, as the cache holds it.
pub fn stored(page: Vec<u8>) -> Bytes {
    let options =
        CompileOptions { charset: Some("utf-8".to_owned()), esi: true, ..CompileOptions::default() };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=600"));
    let head = ResponseHead { status: StatusCode::OK, headers };
    let life = Life { born: NOW, fresh_until: NOW, revalidate_until: NOW, stale_until: NOW };
    let digest = compiled_digest(&options.edits, &options.dialect);
    let compiler = PageCompiler::compile(page, options);
    let plan = compiler.plan().expect("a page that is complete has a plan");
    StoredPage::encode(&head, &life, true, plan, &digest, compiler.page()).into()
}
