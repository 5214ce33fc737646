//! Any bytes out of a cache are refused, or read without trusting them.
#![no_main]

use hemstitch::http::Marker;
use hemstitch::page::StoredPage;
use hemstitch::session::Fragment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Vec<u8>| {
    let _ = Marker::decode(&input);
    let _ = Fragment::decode(&input);
    if let Ok(page) = StoredPage::decode([b"HSPG\x02\0\0\0".to_vec(), input].concat()) {
        let _ = page.page().len();
    }
});
