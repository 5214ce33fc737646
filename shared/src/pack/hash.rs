//! The name of a pack: the hash of its bytes.

use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 of a pack's bytes; displays as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackHash([u8; 32]);

impl PackHash {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        PackHash(Sha256::digest(bytes).into())
    }

    /// The hash of these bytes, one part after the other.
    pub(super) fn of_parts(parts: &[&[u8]]) -> Self {
        PackHash(parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into())
    }

    /// Reads what `Display` writes, and nothing else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().try_fold(0, |sum, digit| Some(sum << 4 | nibble(*digit)?))?;
        }
        Some(PackHash(hash))
    }

    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for PackHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for PackHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PackHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::PackHash;

    #[test]
    fn a_hash_reads_only_what_it_writes() {
        let hash = PackHash::of(b"abc");
        let text = hash.to_string();
        assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(PackHash::from_hex(&text), Some(hash));
        for bad in ["", &text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replace('b', "é")] {
            assert_eq!(PackHash::from_hex(bad), None, "{bad}");
        }
    }
}
