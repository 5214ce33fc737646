//! What a backslash begins, with the leniency of ECMA-262 Annex B.1.2.

use super::refusal::RefusalKind;
use super::set::Set;

/// What an escape stands for.
pub(super) enum Escape {
    /// A code point, or one surrogate.
    Character(u32),
    /// `\d`, `\W` and the like.
    Set(Set),
}

/// Where an escape stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Atom,
    Class,
}

/// The groups of the whole pattern: what `\1` and `\k` mean depends on them.
#[derive(Clone, Copy)]
pub(super) struct Groups {
    capturing: usize,
    any_named: bool,
}

impl Groups {
    /// Counts the groups, of which those behind an escape count as well.
    pub(super) fn count(pattern: &str) -> Groups {
        let mut groups = Groups { capturing: 0, any_named: false };
        let mut in_class = false;
        let mut rest = pattern.chars();
        while let Some(next) = rest.next() {
            match next {
                '\\' => drop(rest.next()),
                '[' => in_class = true,
                ']' => in_class = false,
                '(' if !in_class => {
                    let inside = rest.as_str();
                    let is_look = inside.starts_with("?<=") || inside.starts_with("?<!");
                    let is_named = inside.starts_with("?<") && !is_look;
                    groups.any_named |= is_named;
                    groups.capturing += usize::from(is_named || !inside.starts_with('?'));
                }
                _ => {}
            }
        }
        groups
    }
}

impl Escape {
    /// Reads what follows a backslash, with its length. The length is 0 where the backslash stands for itself.
    pub(super) fn read(rest: &str, place: Place, groups: Groups) -> Result<(Escape, usize), RefusalKind> {
        let Some(first) = rest.chars().next() else { return Err(RefusalKind::TrailingBackslash) };
        if let Some(set) = Set::named(first) {
            return Ok((Escape::Set(set), 1));
        }
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let (code, length) = match first {
            't' => (0x09, 1),
            'n' => (0x0A, 1),
            'v' => (0x0B, 1),
            'f' => (0x0C, 1),
            'r' => (0x0D, 1),
            'b' if place == Place::Class => (0x08, 1),
            'c' => match after.bytes().next() {
                Some(control) if is_control(control, place) => (u32::from(control) % 32, 2),
                _ => (u32::from('\\'), 0),
            },
            'x' => hex(after, 2).map_or((u32::from('x'), 1), |code| (code, 3)),
            'u' => unicode(after).map_or((u32::from('u'), 1), |(code, length)| (code, length + 1)),
            'k' if groups.any_named => {
                let is_reference = place == Place::Atom && after.starts_with('<');
                return Err(if is_reference { RefusalKind::BackReference } else { RefusalKind::GroupName });
            }
            '1'..='9' if place == Place::Atom && is_reference(rest, groups) => {
                return Err(RefusalKind::BackReference);
            }
            '0'..='7' => octal(rest),
            other => (u32::from(other), other.len_utf8()),
        };
        Ok((Escape::Character(code), length))
    }
}

fn is_control(control: u8, place: Place) -> bool {
    control.is_ascii_alphabetic() || place == Place::Class && (control.is_ascii_digit() || control == b'_')
}

fn is_reference(rest: &str, groups: Groups) -> bool {
    let digits = rest.bytes().take_while(u8::is_ascii_digit);
    let number = digits
        .fold(0_usize, |number, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
    number <= groups.capturing
}

/// As many octal digits, up to three, as stay below 256.
fn octal(rest: &str) -> (u32, usize) {
    let digits = rest.bytes().take(3).take_while(|digit| matches!(digit, b'0'..=b'7'));
    digits.fold((0, 0), |(code, length), digit| {
        let longer = code * 8 + u32::from(digit - b'0');
        if longer < 256 { (longer, length + 1) } else { (code, length) }
    })
}

fn hex(text: &str, length: usize) -> Option<u32> {
    let digits = text.get(..length).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// Four digits after `\u`, or two such escapes that are a surrogate pair.
fn unicode(text: &str) -> Option<(u32, usize)> {
    let unit = hex(text, 4)?;
    let second = text.get(4..).and_then(|rest| rest.strip_prefix("\\u")).and_then(|rest| hex(rest, 4));
    Some(match (unit, second) {
        (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
            (0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00), 10)
        }
        _ => (unit, 4),
    })
}
