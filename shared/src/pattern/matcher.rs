//! Runs a compiled pattern over a text.
//!
//! All numbers are 16 bits, little-endian. The first is the state to begin with; states follow:
//!
//! | number | meaning |
//! |---|---|
//! | head | how many exceptions follow, plus 0x8000 if a text that ends here matches |
//! | usual | the state for bytes without an exception |
//! | exceptions | first byte, last byte, and the state for this range of bytes; in order |
//!
//! A state is the offset of its head, or one of two that have none: 0xFFFF where there is a match whatever follows,
//! 0xFFFE where there can be none any more.

pub(super) const MATCHED: u16 = 0xFFFF;
pub(super) const DEAD: u16 = 0xFFFE;
pub(super) const ENDS: u16 = 0x8000;

/// A compiled pattern. Invariant: every state in it that can be reached is there.
#[derive(Clone, Copy, Debug)]
pub struct Matcher<'b>(&'b [u8]);

struct State<'b> {
    ends: bool,
    usual: u16,
    exceptions: &'b [[u8; 4]],
}

impl<'b> Matcher<'b> {
    /// Opens what [`compile`](super::compile) wrote, in one pass over it; `None` where it is damaged.
    pub fn open(bytes: &'b [u8]) -> Option<Matcher<'b>> {
        let matcher = Matcher(bytes);
        let mut offsets = Vec::new();
        let mut targets = vec![matcher.number(0)?];
        let mut end = 2;
        while end < bytes.len() {
            let offset = u16::try_from(end).ok().filter(|offset| *offset < DEAD)?;
            let state = matcher.state(offset)?;
            offsets.push(offset);
            end += 4 + 4 * state.exceptions.len();
            let mut free = Some(0);
            targets.push(state.usual);
            for [first, last, target @ ..] in state.exceptions {
                if free.is_none_or(|free| *first < free) || last < first {
                    return None;
                }
                free = last.checked_add(1);
                targets.push(u16::from_le_bytes(*target));
            }
        }
        let is_there = |target: &u16| *target >= DEAD || offsets.binary_search(target).is_ok();
        targets.iter().all(is_there).then_some(matcher)
    }

    /// What [`Matcher::open`] has once opened, without another look at it.
    pub fn of_checked(bytes: &'b [u8]) -> Matcher<'b> {
        Matcher(bytes)
    }

    /// Whether the pattern matches anywhere in a text: one step for each byte, up to the end of the first match.
    pub fn is_match(&self, text: &str) -> bool {
        self.run(text).unwrap_or(false)
    }

    fn run(&self, text: &str) -> Option<bool> {
        let mut at = self.number(0)?;
        for byte in text.bytes() {
            match at {
                MATCHED => return Some(true),
                DEAD => return Some(false),
                _ => at = self.state(at)?.next(byte),
            }
        }
        match at {
            MATCHED => Some(true),
            DEAD => Some(false),
            _ => Some(self.state(at)?.ends),
        }
    }

    fn number(&self, at: usize) -> Option<u16> {
        self.0.get(at..)?.first_chunk().map(|number| u16::from_le_bytes(*number))
    }

    fn state(&self, offset: u16) -> Option<State<'b>> {
        let at = usize::from(offset);
        let head = self.number(at)?;
        let count = usize::from(head & !ENDS);
        let exceptions = self.0.get(at + 4..)?.get(..4 * count)?;
        let (exceptions, _) = exceptions.as_chunks();
        Some(State { ends: head & ENDS != 0, usual: self.number(at + 2)?, exceptions })
    }
}

impl State<'_> {
    fn next(&self, byte: u8) -> u16 {
        let candidate = self.exceptions.iter().find(|exception| byte <= exception[1]);
        match candidate {
            Some([first, _, target @ ..]) if *first <= byte => u16::from_le_bytes(*target),
            _ => self.usual,
        }
    }
}
