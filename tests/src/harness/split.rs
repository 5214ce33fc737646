//! Pages in pieces of uneven sizes, the same on every run.

/// The pieces of `page`, up to 20,000 bytes each; another seed gives other ones.
pub fn split(page: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = page;
    let mut state = seed;
    while !rest.is_empty() {
        // The constants of Knuth's MMIX generator; its high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = usize::try_from((state >> 33) % 20_000).map_or(1, |size| size + 1);
        let (piece, left) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = left;
    }
    pieces
}
