//! What the Fastly edge weighs.

use std::fs;
use std::io::Write;

use e2e::harness::fastly_wasm;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Of the wasm, gzipped, in bytes.
const MOST: usize = 600 * 1024;

#[test]
fn the_fastly_edge_is_small() {
    let wasm = fs::read(fastly_wasm()).expect("the built edge");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&wasm).expect("memory takes it");
    let bytes = gzip.finish().expect("memory takes it").len();
    assert!(bytes <= MOST, "{bytes} bytes gzipped, of at most {MOST}");
}
