//! Pieces become bytes, in the order of the document.

use bytes::Bytes;

use super::fetch::{Fill, REFUSED};
use super::{Machine, Piece, Root, State, Step, Trying, Verdict};
use crate::dialect::IncludeFailure;
use crate::value::{Taint, Text};

/// A sequence of pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Fiber(usize),
    Trial(usize),
    Section(usize),
}

/// What there is in the place of a piece.
enum There<'a> {
    Bytes(&'a [u8], Taint),
    Level(Level),
    Nothing,
    NotYet,
    Failed,
}

fn inclusion_code(machine: &Machine, index: usize) -> u16 {
    machine.inclusions.get(index).map_or(0, |inclusion| inclusion.code)
}

impl Machine {
    pub(super) fn document<'a>(&'a self, unit: usize, root: Root<'a>) -> &'a [u8] {
        match self.units.get(unit).and_then(|unit| unit.code.as_ref()) {
            Some((_, document)) => document,
            None => root.document,
        }
    }

    pub(super) fn pieces(&self, level: Level) -> &[Piece] {
        match level {
            Level::Fiber(index) => {
                self.fibers.get(index).and_then(|fiber| fiber.outs.first()).map_or(&[], Vec::as_slice)
            }
            Level::Trial(index) => self.trials.get(index).map_or(&[], |trial| &trial.pieces),
            Level::Section(index) => self.section_pieces(index),
        }
    }

    fn is_over(&self, level: Level) -> bool {
        match level {
            Level::Fiber(index) => {
                self.fibers.get(index).is_none_or(|fiber| matches!(fiber.state, State::Done | State::Failed))
            }
            Level::Trial(_) => true,
            Level::Section(index) => self.is_section_over(index),
        }
    }

    /// What runs in another fiber is shown once it is known to be good, or at once where it cannot fail.
    fn of_fiber(&self, index: usize) -> There<'_> {
        let Some(fiber) = self.fibers.get(index) else { return There::Nothing };
        match fiber.verdict {
            Some(Verdict::Good) => There::Level(Level::Fiber(index)),
            Some(Verdict::Bad(_)) => There::Failed,
            None if self.dialect.include_failure == IncludeFailure::Nothing
                && self.dialect.expression_failure == super::super::dialect::ExpressionFailure::Nothing =>
            {
                There::Level(Level::Fiber(index))
            }
            None => There::NotYet,
        }
    }

    fn there<'a>(&'a self, piece: &'a Piece, root: Root<'a>) -> There<'a> {
        match piece {
            Piece::Page(unit, range) => {
                There::Bytes(self.document(*unit, root).get(range.clone()).unwrap_or_default(), Taint::NONE)
            }
            Piece::Owned(bytes, taint) => There::Bytes(bytes, *taint),
            Piece::Made(range, taint) => {
                There::Bytes(self.made.get(range.clone()).unwrap_or_default(), *taint)
            }
            Piece::Include(index) => match self.inclusions.get(*index).map(|inclusion| &inclusion.fill) {
                None | Some(Fill::Empty) => There::Nothing,
                Some(Fill::Waiting) => There::NotYet,
                Some(Fill::Ready(bytes)) => There::Bytes(bytes, Taint::NONE),
                Some(Fill::Nested(fiber) | Fill::Body(fiber)) => match self.of_fiber(*fiber) {
                    // It goes on to the alternative.
                    There::Failed => There::NotYet,
                    there => there,
                },
                Some(Fill::Failed) if inclusion_code(self, *index) == REFUSED => There::Nothing,
                Some(Fill::Failed) => There::Failed,
            },
            Piece::Trial(index) => match self.trials.get(*index).map(|trial| trial.state) {
                None => There::Nothing,
                Some(Trying::Pending) => There::NotYet,
                Some(Trying::Good) => There::Level(Level::Trial(*index)),
                Some(Trying::Except(fiber)) => self.of_fiber(fiber),
            },
        }
    }

    /// Appends what can be sent, and says what is next.
    pub(super) fn send(&mut self, root: Root<'_>, out: &mut Vec<u8>) -> Step {
        if let Some(end) = &self.end {
            return end.clone();
        }
        let mut levels = std::mem::take(&mut self.levels);
        let step = self.send_levels(&mut levels, root, out);
        self.levels = levels;
        if step != Step::Wait {
            self.end = Some(step.clone());
        }
        step
    }

    pub(super) fn send_levels(
        &self,
        levels: &mut Vec<(Level, usize)>,
        root: Root<'_>,
        out: &mut Vec<u8>,
    ) -> Step {
        let failed = |index: usize| self.fibers.get(index).is_some_and(|fiber| fiber.state == State::Failed);
        while let Some((level, index)) = levels.last_mut() {
            let level = *level;
            let pieces = self.pieces(level);
            // The last piece of what still runs may grow.
            let growing = !self.is_over(level) && *index + 1 >= pieces.len();
            let Some(piece) = pieces
                .get(*index)
                .filter(|piece| !growing || !matches!(piece, Piece::Page(..) | Piece::Made(..)))
            else {
                if !self.is_over(level) {
                    return Step::Wait;
                }
                levels.pop();
                continue;
            };
            match self.there(piece, root) {
                There::Bytes(bytes, _) => out.extend_from_slice(bytes),
                There::Nothing => {}
                There::NotYet => return Step::Wait,
                There::Level(inner) => {
                    *index += 1;
                    levels.push((inner, 0));
                    continue;
                }
                There::Failed => match self.dialect.include_failure {
                    IncludeFailure::Nothing => out.extend_from_slice(self.dialect.failure_marker.as_bytes()),
                    IncludeFailure::Truncate => return Step::Truncated,
                    IncludeFailure::Fail => return Step::Failed,
                },
            }
            *index += 1;
        }
        if failed(0) { Step::Failed } else { Step::Done }
    }

    /// One text of pieces, `None` while one of them is outstanding.
    pub(super) fn collect(&self, pieces: &[Piece], root: Root<'_>) -> Option<Text> {
        let limit = self.dialect.budgets.value_bytes;
        let (mut out, mut taint) = (Vec::new(), Taint::NONE);
        let mut open: Vec<(&[Piece], usize, Option<Level>)> = vec![(pieces, 0, None)];
        while let Some((pieces, index, level)) = open.pop() {
            let Some(piece) = pieces.get(index) else {
                if level.is_some_and(|level| !self.is_over(level)) {
                    return None;
                }
                continue;
            };
            open.push((pieces, index + 1, level));
            match self.there(piece, root) {
                There::Bytes(bytes, more) => {
                    taint = taint.and(more);
                    let room = limit.saturating_sub(out.len());
                    out.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                }
                There::Nothing | There::Failed => {}
                There::NotYet => return None,
                There::Level(inner) => open.push((self.pieces(inner), 0, Some(inner))),
            }
        }
        Some(Text { bytes: Bytes::from(out), taint })
    }
}
