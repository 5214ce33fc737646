//! Text into bytes, all at once.

use crate::{Dice, encodings};

fn check(here: &'static slim::Encoding, there: &'static whole::Encoding, text: &str) {
    let (bytes, encoding, lacking) = here.encode(text);
    let (expected, expected_encoding, expected_lacking) = there.encode(text);
    let shown = text.chars().take(8).collect::<String>();
    assert!(bytes == expected && lacking == expected_lacking, "{} {shown:?}", here.name());
    assert_eq!(encoding.name(), expected_encoding.name(), "{}", here.name());
}

fn all_characters() -> impl Iterator<Item = char> {
    (0..=0x10_FFFF).filter_map(char::from_u32)
}

#[test]
fn every_character_is_written_the_same() {
    let all: Vec<char> = all_characters().collect();
    for (here, there) in encodings() {
        for some in all.chunks(256) {
            let lines: String = some.iter().flat_map(|character| [*character, '\n']).collect();
            check(here, there, &lines);
            check(here, there, &some.iter().collect::<String>());
        }
    }
}

#[test]
fn text_of_any_kind_is_written_the_same() {
    let mut dice = Dice(4);
    for (here, there) in encodings() {
        for _ in 0..20_000 {
            let text: String = (0..dice.below(12)).map(|_| crate::character(&mut dice)).collect();
            check(here, there, &text);
        }
    }
}
