//! Sets of characters: the classes of JavaScript and its way to ignore case.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, Hir};

use super::{Case, utf8};

/// A set of code points as it is read, possibly overlapping and in any order.
#[derive(Clone, Debug, Default)]
pub(super) struct Set(Vec<ClassUnicodeRange>);

const SURROGATES: (u32, u32) = (0xD800, 0xDFFF);

impl Set {
    /// Adds a range of code points, surrogates among them; false where it cuts the surrogates in two.
    ///
    /// To JavaScript a character beyond U+FFFF is two surrogates, each of them in a set or not. A range of 16-bit
    /// units that has all surrogates has all those characters, so that `[\u0080-\uFFFF]` is `[^\x00-\x7F]`.
    pub(super) fn add(&mut self, low: u32, high: u32) -> bool {
        let (first, last) = SURROGATES;
        let whole = low <= first && high >= last;
        if !whole && low <= last && high >= first {
            return false;
        }
        self.add_scalars(low, high.min(first - 1));
        self.add_scalars(low.max(last + 1), high);
        if whole && high <= 0xFFFF {
            self.add_scalars(0x1_0000, 0x10_FFFF);
        }
        true
    }

    /// Adds the scalar values of a range that neither begins nor ends within the surrogates.
    fn add_scalars(&mut self, low: u32, high: u32) {
        if let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
            && low <= high
        {
            self.0.push(ClassUnicodeRange::new(low, high));
        }
    }

    pub(super) fn add_all(&mut self, other: Set) {
        self.0.extend(other.0);
    }

    fn of(ranges: &[(char, char)]) -> Set {
        Set(ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high)).collect())
    }

    pub(super) fn negated(self) -> Set {
        let mut class = self.class();
        class.negate();
        Set(class.ranges().to_vec())
    }

    /// The set in order. What ends before the surrogates and goes on behind them is one range, as no character is
    /// between: to be negated, a class must not have neighbours.
    fn class(self) -> ClassUnicode {
        let mut class = ClassUnicode::new(self.0);
        let ends_before = class.ranges().iter().any(|range| range.end() == '\u{D7FF}');
        let begins_behind = class.ranges().iter().any(|range| range.start() == '\u{E000}');
        if ends_before && begins_behind {
            class.push(ClassUnicodeRange::new('\u{D7FF}', '\u{E000}'));
        }
        class
    }

    /// The set `\d`, `\w` or `\s`, or with the letter in capitals what is not in it (ECMA-262 §22.2.2.9).
    pub(super) fn named(letter: char) -> Option<Set> {
        let set = match letter.to_ascii_lowercase() {
            'd' => Set::of(&[('0', '9')]),
            'w' => Set::of(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
            's' => Set::of(&[
                ('\t', '\r'),
                (' ', ' '),
                ('\u{A0}', '\u{A0}'),
                ('\u{1680}', '\u{1680}'),
                ('\u{2000}', '\u{200A}'),
                ('\u{2028}', '\u{2029}'),
                ('\u{202F}', '\u{202F}'),
                ('\u{205F}', '\u{205F}'),
                ('\u{3000}', '\u{3000}'),
                ('\u{FEFF}', '\u{FEFF}'),
            ]),
            _ => return None,
        };
        Some(if letter.is_ascii_uppercase() { set.negated() } else { set })
    }

    /// What `.` stands for: anything but a line terminator.
    pub(super) fn dot() -> Set {
        Set::of(&[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')]).negated()
    }

    /// The set as an expression, with all that is the same to `case`, and then turned around if `negated`.
    pub(super) fn into_hir(self, case: Case, negated: bool) -> Hir {
        let mut class = self.class();
        if case == Case::Insensitive {
            let ranges = class.ranges().to_vec();
            let contains = |member: &char| {
                let after = ranges.partition_point(|range| range.start() <= *member);
                after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| *member <= range.end())
            };
            let equals = FOLDS.values().filter(|fold| fold.iter().any(contains)).flatten();
            let equals = equals.map(|member| ClassUnicodeRange::new(*member, *member));
            class.union(&ClassUnicode::new(equals));
        }
        if negated {
            class.negate();
        }
        utf8::expression(&class)
    }
}

/// One character as an expression, with all that is the same to `case`.
pub(super) fn character(wanted: char, case: Case) -> Hir {
    let fold = match case {
        Case::Sensitive => None,
        Case::Insensitive => FOLDS.get(&canonical(wanted)),
    };
    match fold {
        Some(fold) => {
            let members = fold.iter().map(|member| ClassUnicodeRange::new(*member, *member));
            utf8::expression(&ClassUnicode::new(members))
        }
        None => Hir::literal(wanted.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// The characters that are the same when case is ignored, two or more each, by their canonical form.
static FOLDS: LazyLock<BTreeMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut folds = BTreeMap::<char, Vec<char>>::new();
    for member in '\0'..='\u{FFFF}' {
        let key = canonical(member);
        if key != member {
            folds.entry(key).or_default().push(member);
        }
    }
    for (key, members) in &mut folds {
        if canonical(*key) == *key {
            members.push(*key);
        }
    }
    folds
});

/// The characters that are the same when case is ignored.
#[cfg(test)]
pub(super) fn folds() -> impl Iterator<Item = &'static Vec<char>> {
    FOLDS.values()
}

/// `Canonicalize` without the flag `u` (ECMA-262 §22.2.2.7.3): capitals where they are one 16-bit unit, but never from
/// beyond ASCII into it. JavaScript sees the halves of what is beyond U+FFFF, which have no capitals.
pub(super) fn canonical(character: char) -> char {
    let mut capitals = character.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None)
            if character <= '\u{FFFF}'
                && capital <= '\u{FFFF}'
                && (character.is_ascii() || !capital.is_ascii()) =>
        {
            capital
        }
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn capitals_count_where_they_are_one_unit_and_stay_out_of_ascii() {
        for (character, expect) in [
            ('a', 'A'),
            ('Z', 'Z'),
            ('é', 'É'),
            ('ß', 'ß'),
            ('\u{1E9E}', '\u{1E9E}'),
            ('ſ', 'ſ'),
            ('ı', 'ı'),
            ('İ', 'İ'),
            ('\u{212A}', '\u{212A}'),
            ('ς', 'Σ'),
            ('ǆ', 'Ǆ'),
            ('ǅ', 'Ǆ'),
            ('µ', 'Μ'),
            ('ﬁ', 'ﬁ'),
            ('\u{1F80}', '\u{1F80}'),
            ('𐐨', '𐐨'),
        ] {
            assert_eq!(canonical(character), expect, "{character}");
        }
    }
}
