//! Hashes that split visitors, as all of GrowthBook's SDKs make them (SDK specification, "Hashing").

/// FNV-1a of 32 bits over UTF-16 units, which for ASCII is the usual one over bytes.
fn fnv1a(text: impl Iterator<Item = u16>) -> u32 {
    text.fold(0x811c_9dc5, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}

/// A number from 0 up to 1, in steps of a thousandth (version 1) or a ten-thousandth (version 2), which is the same
/// for the same seed and value. `None` for a version that there is not.
pub(super) fn hash(seed: &str, value: &str, version: u32) -> Option<f64> {
    match version {
        1 => Some(f64::from(fnv1a(value.encode_utf16().chain(seed.encode_utf16())) % 1_000) / 1_000.0),
        2 => {
            let once = fnv1a(seed.encode_utf16().chain(value.encode_utf16()));
            Some(f64::from(fnv1a(once.to_string().encode_utf16()) % 10_000) / 10_000.0)
        }
        _ => None,
    }
}

/// Eight hexadecimal digits that stand for a value, where it shall not be seen.
pub(super) fn digest(attribute: &str, value: &str) -> String {
    let text = attribute.encode_utf16().chain("||".encode_utf16()).chain(value.encode_utf16());
    format!("{:08x}", fnv1a(text))
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn a_version_that_there_is_not_has_no_hash() {
        assert_eq!(hash("", "a", 3), None);
        assert_eq!(hash("", "a", 1), Some(0.22));
    }
}
