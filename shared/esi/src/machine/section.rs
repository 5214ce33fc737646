//! A page runs construct by construct: what lies between them is not the program's business, and which of them are reached
//! is decided elsewhere. They share one namespace, in the order in which they are entered.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::output::Level;
use super::{Call, Fiber, Machine, Piece, Root, State, Step};
use crate::dialect::Dialect;
use crate::facts::Facts;

/// The constructs that were entered.
#[derive(Default)]
pub(super) struct Sections {
    /// What all of them wrote, one after the other, and where each of those that are over ends.
    written: Vec<Piece>,
    ends: Vec<usize>,
    queue: VecDeque<Range<usize>>,
    /// The end of the one that is being run.
    pub(super) until: Option<usize>,
}

/// How sending a construct ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// All of it is sent.
    All,
    /// A fragment is outstanding.
    Waiting,
}

impl Machine {
    /// A run over a page, of which constructs are [`enter`](Self::enter)ed one by one.
    pub fn of_page(dialect: Arc<Dialect>, facts: Facts, url: &str) -> Machine {
        let mut machine = Machine::new(dialect, facts, url);
        machine.sections = Some(Sections::default());
        machine
    }

    /// Runs the construct of these instructions next; the number by which it is [sent](Self::send_section).
    pub fn enter(&mut self, start: u32, end: u32) -> usize {
        let sections = self.sections.get_or_insert_default();
        sections.queue.push_back(start as usize..end as usize);
        sections.ends.len() + sections.queue.len() - 1 + usize::from(sections.until.is_some())
    }

    /// Runs what was entered as far as it goes.
    pub fn run_ahead(&mut self, root: Root<'_>) {
        self.run_all(root);
    }

    /// A fragment to fetch that was not asked for before.
    pub fn next_call(&mut self) -> Option<Call> {
        self.to_start.pop_front()
    }

    /// Appends what can be sent of a construct.
    pub fn send_section(&mut self, section: usize, root: Root<'_>, out: &mut Vec<u8>) -> Sent {
        if self.sending != Some(section) {
            if self.send_bytes(section, root, out) {
                return Sent::All;
            }
            self.sending = Some(section);
            self.levels.clear();
            self.levels.push((Level::Section(section), 0));
        }
        let mut levels = std::mem::take(&mut self.levels);
        let step = self.send_levels(&mut levels, root, out);
        self.levels = levels;
        if step == Step::Wait { Sent::Waiting } else { Sent::All }
    }

    /// The same where it is over and has nothing but bytes, as most have. False: it has more.
    fn send_bytes(&self, section: usize, root: Root<'_>, out: &mut Vec<u8>) -> bool {
        let pieces = self.section_pieces(section);
        let is_bytes = |piece: &Piece| matches!(piece, Piece::Page(..) | Piece::Owned(..) | Piece::Made(..));
        if !self.is_section_over(section) || !pieces.iter().all(is_bytes) {
            return false;
        }
        for piece in pieces {
            let bytes = match piece {
                Piece::Page(unit, range) => self.document(*unit, root).get(range.clone()),
                Piece::Made(range, _) => self.made.get(range.clone()),
                Piece::Owned(bytes, _) => Some(&bytes[..]),
                Piece::Include(_) | Piece::Trial(_) => None,
            };
            out.extend_from_slice(bytes.unwrap_or_default());
        }
        true
    }

    pub(super) fn section_pieces(&self, section: usize) -> &[Piece] {
        let Some(Sections { written, ends, .. }) = &self.sections else { return &[] };
        let start = section.checked_sub(1).map_or(0, |before| ends.get(before).copied().unwrap_or_default());
        ends.get(section).and_then(|end| written.get(start..*end)).unwrap_or_default()
    }

    pub(super) fn is_section_over(&self, section: usize) -> bool {
        self.sections.as_ref().is_none_or(|sections| section < sections.ends.len())
    }

    /// Whether a page's fiber, at this instruction, may have to [turn](Self::turn_section) to another construct.
    pub(super) fn is_at_turn(&self, at: usize) -> bool {
        self.sections.as_ref().is_some_and(|sections| sections.until.is_none_or(|until| at >= until))
    }

    /// Where the construct of a page ends that its fiber is in, as far as that can be reached from there.
    pub(super) fn section_end(&self, fiber: &Fiber) -> usize {
        let inside = fiber.unit == 0 && fiber.frames.is_empty();
        let sections = self.sections.as_ref().filter(|_| inside);
        sections.and_then(|sections| sections.until).unwrap_or(usize::MAX)
    }

    /// Where the page's fiber stands among the constructs: true where it was moved, and may go on.
    pub(super) fn turn_section(&mut self, fiber: &mut Fiber) -> bool {
        let Some(sections) = &mut self.sections else { return false };
        match sections.until {
            None => {
                let Some(next) = sections.queue.pop_front() else {
                    fiber.state = State::Blocked;
                    return false;
                };
                fiber.at = next.start;
                sections.until = Some(next.end);
                true
            }
            Some(until) if fiber.unit == 0 && fiber.frames.is_empty() && fiber.at >= until => {
                if let Some(written) = fiber.outs.first_mut() {
                    sections.written.append(written);
                }
                sections.ends.push(sections.written.len());
                fiber.stack.clear();
                let next = sections.queue.pop_front();
                sections.until = next.as_ref().map(|next| next.end);
                fiber.at = next.map_or(fiber.at, |next| next.start);
                true
            }
            Some(_) => false,
        }
    }

    /// A construct that failed shows what it had written, and the page goes on behind it.
    pub(super) fn skip_section(&mut self, fiber: &mut Fiber) {
        let Some(until) = self.sections.as_ref().and_then(|sections| sections.until) else { return };
        if matches!(fiber.state, State::Failed | State::Done) {
            fiber.state = State::Ready;
            fiber.frames.clear();
            fiber.outs.truncate(1);
            (fiber.unit, fiber.at) = (0, until);
        }
    }
}
