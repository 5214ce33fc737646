//! Bytes into text, all at once.

use crate::{Dice, encodings};

/// Nothing is more than a byte in it.
fn is_single(encoding: &'static slim::Encoding) -> bool {
    let several = ["UTF", "GB", "gb", "Big5", "EUC", "ISO-2022-JP", "Shift_JIS"];
    !several.into_iter().any(|several| encoding.name().starts_with(several))
}

fn check(here: &'static slim::Encoding, there: &'static whole::Encoding, bytes: &[u8]) {
    let (text, malformed) = here.decode_without_bom_handling(bytes);
    let (expected, expected_malformed) = there.decode_without_bom_handling(bytes);
    let shown = &bytes[..bytes.len().min(8)];
    assert!(text == expected && malformed == expected_malformed, "{} {shown:x?}", here.name());
}

/// All sequences of three bytes in which the first is not ASCII, eight of one lead at a time: whatever the ones before leave
/// behind is the same in both, or it shows.
#[test]
fn every_sequence_of_up_to_three_bytes_reads_the_same() {
    for (here, there) in encodings() {
        check(here, there, b"");
        for first in 0..=255 {
            check(here, there, &[first]);
            let mut pairs = Vec::new();
            for second in 0..=255 {
                check(here, there, &[first, second]);
                pairs.extend([first, second, b'<', b'\n']);
                if !matches!(first, 0x1B | 0x80..) || is_single(here) {
                    continue;
                }
                let triples: Vec<u8> =
                    (0..=255).flat_map(|third| [first, second, third, b'<', b'\n', b'\n']).collect();
                check(here, there, &triples);
                for third in
                    [0x00, 0x1B, 0x24, 0x30, 0x40, 0x42, 0x7F, 0x80, 0x81, 0xA1, 0xBF, 0xD8, 0xDC, 0xFE, 0xFF]
                {
                    check(here, there, &[first, second, third]);
                }
            }
            check(here, there, &pairs);
        }
    }
}

#[test]
fn every_character_of_four_bytes_in_gb18030_reads_the_same() {
    for label in ["gb18030", "gbk"] {
        let here = slim::Encoding::for_label(label.as_bytes()).expect("a label");
        let there = whole::Encoding::for_label(label.as_bytes()).expect("a label");
        for first in 0x81..=0xFE {
            let mut all = Vec::new();
            for second in 0x30..=0x39 {
                for third in 0x80..=0xFF {
                    all.extend((0x2F..=0x3A).flat_map(|fourth| [first, second, third, fourth]));
                    all.push(b'\n');
                }
            }
            check(here, there, &all);
        }
    }
}

#[test]
fn four_bytes_of_any_kind_read_the_same() {
    let mut dice = Dice(20);
    for (here, there) in encodings() {
        for _ in 0..60_000 {
            let bytes: Vec<u8> = (0..4 + dice.below(5)).map(|_| crate::byte(&mut dice)).collect();
            check(here, there, &bytes);
        }
    }
}

#[test]
fn byte_order_marks_are_seen_by_who_asks() {
    for (here, there) in encodings() {
        for bytes in [
            &b"\xEF\xBB\xBFa\xFF"[..],
            b"\xFF\xFEa\0",
            b"\xFE\xFF\0a",
            b"\xEF\xBB",
            b"\xFF",
            b"a",
            b"",
            b"caf\xE9",
        ] {
            let (text, encoding, malformed) = here.decode(bytes);
            let (expected, expected_encoding, expected_malformed) = there.decode(bytes);
            assert_eq!(
                (text, encoding.name()),
                (expected, expected_encoding.name()),
                "{} {bytes:x?}",
                here.name()
            );
            assert_eq!(malformed, expected_malformed, "{} {bytes:x?}", here.name());
            let mark = slim::Encoding::for_bom(bytes).map(|(encoding, length)| (encoding.name(), length));
            assert_eq!(
                mark,
                whole::Encoding::for_bom(bytes).map(|(encoding, length)| (encoding.name(), length))
            );
        }
    }
}

#[test]
fn ascii_is_as_long_as_it_is() {
    for length in 0..70 {
        for at in 0..=length {
            let mut bytes = vec![b'a'; length];
            bytes.iter_mut().skip(at).step_by(3).for_each(|byte| *byte = 0x80);
            assert_eq!(slim::Encoding::ascii_valid_up_to(&bytes), at);
        }
    }
}
