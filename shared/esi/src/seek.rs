//! Where a byte is. `memchr` looks at 16 or 32 bytes at once where a processor can, but at four in wasm.

/// The offset of the first `byte` in `bytes`.
#[inline]
pub fn byte(byte: u8, bytes: &[u8]) -> Option<usize> {
    if cfg!(target_arch = "wasm32") { in_words(byte, bytes) } else { memchr::memchr(byte, bytes) }
}

/// Eight bytes at a time.
fn in_words(byte: u8, bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([128; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let differs = u64::from_le_bytes(*word) ^ (EACH * u64::from(byte));
        // The lowest byte that is zero, and perhaps some above it (Warren, Hacker's Delight, section 6-1).
        let zeros = differs.wrapping_sub(EACH) & !differs & HIGH;
        if zeros != 0 {
            return Some(index * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|one| *one == byte)?;
    Some(words.len() * 8 + found)
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn eight_bytes_at_a_time_find_what_one_at_a_time_finds() {
        let bytes = [0, 1, 127, 128, 129, 254, 255];
        let text: Vec<u8> = (0..64).map(|index: usize| bytes[index * index % 7]).collect();
        for from in 0..text.len() {
            for to in from..text.len() {
                for byte in [0, 1, 2, 127, 128, 129, 255] {
                    let bytes = &text[from..to];
                    let expect = bytes.iter().position(|one| *one == byte);
                    assert_eq!(in_words(byte, bytes), expect, "{byte} in {bytes:?}");
                }
            }
        }
    }
}
