//! Decimal numbers, read exactly. The standard library's reader brings tables of 10 KB, which no compression makes smaller.

use std::cmp::Ordering;

/// Digits that can matter; of those beyond, it matters whether there is one that is not 0.
const DIGITS: usize = 800;

/// Powers of ten that a double holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The double nearest to a decimal number such as `-12.5e3`; digits may be missing on one side of the point.
pub fn parse(text: &str) -> Option<f64> {
    let (negative, rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mut digits, mut seen, mut fraction, mut power, mut at) = (Vec::new(), false, false, 0_i64, 0);
    let mut more = false;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                power -= i64::from(fraction);
                if digits.len() == DIGITS {
                    more |= *byte != b'0';
                    power += 1;
                } else if *byte != b'0' || !digits.is_empty() {
                    digits.push(byte - b'0');
                }
            }
            b'.' if !fraction => fraction = true,
            _ => break,
        }
        at += 1;
    }
    power = power.saturating_add(exponent(rest.get(at..).filter(|_| seen)?)?);
    if more {
        digits.push(1);
        power -= 1;
    }
    let size = nearest(&digits, power);
    Some(if negative { -size } else { size })
}

/// What stands behind the digits: nothing, or an exponent.
fn exponent(text: &[u8]) -> Option<i64> {
    let [b'e' | b'E', rest @ ..] = text else { return text.is_empty().then_some(0) };
    let (negative, digits) = match rest {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(1 << 32));
    Some(if negative { -size } else { size })
}

fn nearest(digits: &[u8], power: i64) -> f64 {
    let magnitude = digits.len() as i64 + power;
    if digits.is_empty() || magnitude < -330 {
        return 0.0;
    }
    if magnitude > 310 {
        return f64::INFINITY;
    }
    if digits.len() <= 15 && power.unsigned_abs() <= 22 {
        let whole = digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(*digit)) as f64;
        let scale = EXACT[power.unsigned_abs() as usize];
        return if power < 0 { whole / scale } else { whole * scale };
    }
    let mut above = Big(Vec::new());
    for digit in digits {
        above.times_plus(10, (*digit).into());
    }
    let mut below = Big(vec![1]);
    let scaled = if power < 0 { &mut below } else { &mut above };
    for _ in 0..power.unsigned_abs() {
        scaled.times_plus(10, 0);
    }
    // The quotient has 65 or 66 bits after this, which are 12 more than a double's.
    let shift = 65 - (above.bits() as i64 - below.bits() as i64);
    if shift > 0 {
        above.shift(shift as usize)
    } else {
        below.shift(shift.unsigned_abs() as usize)
    }
    let mut quotient = 0_u128;
    below.shift(66);
    for _ in 0..67 {
        quotient <<= 1;
        if above.order(&below) != Ordering::Less {
            above.minus(&below);
            quotient |= 1;
        }
        below.halve();
    }
    rounded(quotient, -shift, above.bits() > 0)
}

/// The double nearest to `quotient` times 2 to the `power`, and a bit above it where there is a rest; the even one of two.
fn rounded(quotient: u128, power: i64, rest: bool) -> f64 {
    const SMALLEST: i64 = -1022;
    let bits = 128 - i64::from(quotient.leading_zeros());
    let top = bits - 1 + power;
    if top > 1023 {
        return f64::INFINITY;
    }
    let kept = if top < SMALLEST { 53 - (SMALLEST - top) } else { 53 };
    let dropped = (bits - kept).clamp(0, 127) as u32;
    let (mut mantissa, tail) = ((quotient >> dropped) as u64, quotient & ((1_u128 << dropped) - 1));
    let half = 1_u128 << dropped >> 1;
    if tail > half || tail == half && (rest || mantissa & 1 == 1) {
        mantissa += 1;
    }
    let exponent = if top < SMALLEST { 0 } else { (top - SMALLEST) as u64 };
    // What is carried out of the mantissa belongs to the exponent. The first bit of a normal one is not written.
    f64::from_bits((exponent << 52) + mantissa)
}

/// A whole number, its lowest part first, without zeros on top.
struct Big(Vec<u32>);

impl Big {
    fn times_plus(&mut self, factor: u32, more: u32) {
        let mut carry = u64::from(more);
        for part in &mut self.0 {
            carry += u64::from(*part) * u64::from(factor);
            *part = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn bits(&self) -> usize {
        self.0.last().map_or(0, |top| self.0.len() * 32 - top.leading_zeros() as usize)
    }

    fn shift(&mut self, bits: usize) {
        self.times_plus(1 << (bits % 32), 0);
        self.0.splice(0..0, std::iter::repeat_n(0, bits / 32));
    }

    fn halve(&mut self) {
        let mut carry = 0;
        for part in self.0.iter_mut().rev() {
            let low = *part & 1;
            *part = *part >> 1 | carry << 31;
            carry = low;
        }
        self.trim();
    }

    fn order(&self, other: &Big) -> Ordering {
        let parts = || self.0.iter().rev().cmp(other.0.iter().rev());
        self.0.len().cmp(&other.0.len()).then_with(parts)
    }

    /// Takes away a number that is not larger.
    fn minus(&mut self, other: &Big) {
        let mut borrowed = false;
        for (index, part) in self.0.iter_mut().enumerate() {
            let (once, below) = part.overflowing_sub(other.0.get(index).copied().unwrap_or(0));
            let (twice, again) = once.overflowing_sub(borrowed.into());
            (*part, borrowed) = (twice, below | again);
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) {
        let expected = text.parse::<f64>().ok().map(f64::to_bits);
        assert_eq!(parse(text).map(f64::to_bits), expected, "{text}");
    }

    #[test]
    fn a_number_is_the_nearest_double() {
        let halfway = format!("0.{}", "5".repeat(900));
        let long = format!("1{}e-500", "0".repeat(510));
        for text in [
            "0",
            "-0",
            "1",
            "-1.5",
            "5.",
            ".5",
            "+.5e1",
            "1e22",
            "1e23",
            "0.1",
            "9007199254740993",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "1e309",
            "1e-400",
            "1e99999999999999999999",
            "-1e-99999999999999999999",
            "9007199254740992.99999999999999999999999999999999999999",
            "9007199254740993.00000000000000000000000000000000000001",
            "123456789012345678901234567890",
            &halfway,
            &long,
        ] {
            check(text);
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", ".", "-", "+-1", "e5", "1e", "1e+", "1e5x", "1.2.3", " 1", "1_0", "0x10", ".e1"] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_number_is_read_as_the_standard_library_does(
            (sign, whole, part, power) in ("[+-]?", "[0-9]{0,30}", "(\\.[0-9]{0,40})?", "(e[+-]?[0-9]{1,3})?"),
        ) {
            check(&format!("{sign}{whole}{part}{power}"));
        }

        #[test]
        fn any_double_is_read_back(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            check(&format!("{number:e}"));
            check(&format!("{number:.30e}"));
        }

        #[test]
        fn what_lies_between_two_doubles_is_rounded_to_even(bits in 0_u64..0x7fef_ffff_ffff_ffff, end in "[01]?") {
            // 17 digits and more of the middle of two neighbours, and a trace above it.
            let (low, high) = (f64::from_bits(bits), f64::from_bits(bits + 1));
            check(&format!("{:.800e}", low / 2.0 + high / 2.0).replace('e', &format!("{end}e")));
        }
    }
}
