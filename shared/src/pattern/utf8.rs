//! Sets of characters as expressions over bytes.
//!
//! A text is UTF-8, so it does not matter to what an expression makes of bytes that are none. It takes what gives the
//! fewest states: a stray byte passes for a character of one byte, and the first byte of a character tells its length
//! and nothing else. Any character is then four short sequences.

use std::collections::BTreeMap;

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, Repetition};

/// Characters of one length: the first, the last, the largest number that as many bytes can spell, and what is added
/// to the topmost digits for the first byte. A number has six bits in each byte after the first.
struct Length {
    first: u32,
    last: u32,
    max: u32,
    lead: u8,
    tail: u32,
}

const LENGTHS: [Length; 4] = [
    Length { first: 0, last: 0x7F, max: 0xBF, lead: 0, tail: 0 },
    Length { first: 0x80, last: 0x7FF, max: 0x7FF, lead: 0xC0, tail: 1 },
    Length { first: 0x800, last: 0xFFFF, max: 0xFFFF, lead: 0xE0, tail: 2 },
    Length { first: 0x1_0000, last: 0x10_FFFF, max: 0x3F_FFFF, lead: 0xF0, tail: 3 },
];

/// Ranges of bytes, one after the other.
type Sequence = Vec<ClassBytesRange>;

/// One character out of the class.
pub(super) fn expression(class: &ClassUnicode) -> Hir {
    if let Some(literal) = class.literal() {
        return Hir::literal(literal);
    }
    let mut sequences = Vec::new();
    for length in &LENGTHS {
        for (low, high) in length.numbers(class) {
            split(low, high, length.lead, length.tail, &[], &mut sequences);
        }
    }
    let mut first_by_rest: BTreeMap<Sequence, ClassBytes> = BTreeMap::new();
    for sequence in sequences {
        if let Some((first, rest)) = sequence.split_first() {
            first_by_rest.entry(rest.to_vec()).or_insert_with(ClassBytes::empty).push(*first);
        }
    }
    let byte = |class: ClassBytes| Hir::class(Class::Bytes(class));
    let alternatives = first_by_rest.into_iter().map(|(rest, first)| {
        let rest = rest.into_iter().map(|range| byte(ClassBytes::new([range])));
        Hir::concat([byte(first)].into_iter().chain(rest).collect())
    });
    Hir::alternation(alternatives.collect())
}

/// As few characters as are needed, of any kind.
pub(super) fn any_text() -> Hir {
    let mut any = ClassUnicode::empty();
    any.negate();
    Hir::repetition(Repetition { min: 0, max: None, greedy: false, sub: Box::new(expression(&any)) })
}

impl Length {
    /// The ranges of the class among the characters of this length, widened over what is no character.
    fn numbers(&self, class: &ClassUnicode) -> Vec<(u32, u32)> {
        let numbers = class.ranges().iter().filter_map(|range| {
            let low = u32::from(range.start()).max(self.first);
            let high = u32::from(range.end()).min(self.last);
            let wide_low = if low == self.first { 0 } else { low };
            let wide_high = if high == self.last { self.max } else { high };
            (low <= high).then_some((wide_low, wide_high))
        });
        numbers.collect()
    }
}

/// Splits a range of numbers with `tail` digits of six bits after the first into sequences.
fn split(low: u32, high: u32, lead: u8, tail: u32, before: &[ClassBytesRange], out: &mut Vec<Sequence>) {
    let with = |low: u32, high: u32| {
        let byte = |digit: u32| lead.saturating_add(u8::try_from(digit).unwrap_or(u8::MAX));
        [before, &[ClassBytesRange::new(byte(low), byte(high))]].concat()
    };
    let Some(shorter) = tail.checked_sub(1) else { return out.push(with(low, high)) };
    let unit = 1 << (6 * tail);
    let (mut first, mut last) = (low / unit, high / unit);
    if first == last {
        return split(low % unit, high % unit, 0x80, shorter, &with(first, first), out);
    }
    if !low.is_multiple_of(unit) {
        split(low % unit, unit - 1, 0x80, shorter, &with(first, first), out);
        first += 1;
    }
    if high % unit != unit - 1 {
        split(0, high % unit, 0x80, shorter, &with(last, last), out);
        last -= 1;
    }
    if first <= last {
        let mut sequence = with(first, last);
        sequence.extend((0..tail).map(|_| ClassBytesRange::new(0x80, 0xBF)));
        out.push(sequence);
    }
}
