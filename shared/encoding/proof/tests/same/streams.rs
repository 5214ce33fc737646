//! Text that comes in pieces, and goes where there is little room. A stream may stop elsewhere than there, when there is no
//! more room; what it says and writes in all is the same.

use crate::{Dice, encodings};

/// Reads `bytes` in pieces, each into as little room as `rooms` says.
fn read(
    encoding: &'static slim::Encoding,
    pieces: &[&[u8]],
    mut room: impl FnMut() -> usize,
) -> (String, bool) {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (mut text, mut malformed) = (String::new(), false);
    for (number, piece) in pieces.iter().enumerate() {
        let (mut rest, last) = (*piece, number + 1 == pieces.len());
        loop {
            // What was in the buffer before may be anything.
            let mut buffer = "é漢\u{1F600}".repeat(8);
            let room = (room()..).find(|room| buffer.is_char_boundary(*room)).expect("there is an end");
            let into = buffer.get_mut(..room).expect("a boundary");
            let (result, read, written, bad) = decoder.decode_to_str(rest, into, last);
            assert!(buffer.is_char_boundary(written));
            text.push_str(&buffer[..written]);
            malformed |= bad;
            rest = &rest[read..];
            if result == slim::CoderResult::InputEmpty {
                assert!(rest.is_empty());
                break;
            }
            assert!(read > 0 || written > 0, "{} stalls", encoding.name());
        }
    }
    (text, malformed)
}

#[test]
fn bytes_in_pieces_read_as_they_do_at_once() {
    let mut dice = Dice(77);
    for (here, there) in encodings() {
        for _ in 0..10_000 {
            let bytes: Vec<u8> = (0..dice.below(40)).map(|_| crate::byte(&mut dice)).collect();
            let (one, other) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
            let pieces =
                [&bytes[..one.min(other)], &bytes[one.min(other)..one.max(other)], &bytes[one.max(other)..]];
            let expected = there.decode_without_bom_handling(&bytes);
            let (text, malformed) = read(here, &pieces, || 7 + dice.below(20));
            assert_eq!((text.as_str(), malformed), (&*expected.0, expected.1), "{} {pieces:x?}", here.name());
        }
    }
}

#[test]
fn text_in_pieces_is_written_as_it_is_at_once() {
    let mut dice = Dice(78);
    for (here, there) in encodings() {
        for _ in 0..5_000 {
            let characters: Vec<char> = (0..dice.below(20)).map(|_| crate::character(&mut dice)).collect();
            let cut = dice.below(characters.len() + 1);
            let pieces: [String; 2] =
                [characters[..cut].iter().collect(), characters[cut..].iter().collect()];
            let mut encoder = here.new_encoder();
            let (mut bytes, mut lacking) = (Vec::new(), false);
            for (piece, last) in pieces.iter().zip([false, true]) {
                let mut rest = piece.as_str();
                loop {
                    let mut buffer = vec![0; 16 + dice.below(20)];
                    let (result, read, written, lacks) = encoder.encode_from_utf8(rest, &mut buffer, last);
                    bytes.extend_from_slice(&buffer[..written]);
                    lacking |= lacks;
                    rest = &rest[read..];
                    if result == slim::CoderResult::InputEmpty {
                        assert!(rest.is_empty());
                        break;
                    }
                    assert!(read > 0 || written > 0, "{} stalls", here.name());
                }
                // Only ISO-2022-JP has a state, and leaves it at the end.
                assert!(!encoder.has_pending_state() || (!last && here.name() == "ISO-2022-JP"));
            }
            let text = pieces.concat();
            let (expected, _, expected_lacking) = there.encode(&text);
            assert_eq!((&*bytes, lacking), (&*expected, expected_lacking), "{} {text:?}", here.name());
        }
    }
}
