//! What is decided once fragments have come: attempts, fragments that run, includes that failed.

use super::fetch::{Fill, REFUSED};
use super::{Machine, Piece, State, Trying, Verdict};
use crate::dialect::IncludeFailure;

impl Machine {
    /// Decides what can be decided. True: something was.
    pub(super) fn settle(&mut self) -> bool {
        let mut any = false;
        loop {
            let moved = self.settle_trials() | self.settle_fibers() | self.settle_inclusions();
            if !moved {
                return any;
            }
            any = true;
        }
    }

    fn settle_trials(&mut self) -> bool {
        let mut moved = false;
        for index in 0..self.trials.len() {
            let Some(trial) = self.trials.get(index) else { continue };
            if trial.state != Trying::Pending {
                continue;
            }
            let state = match self.verdict(&trial.pieces) {
                None => continue,
                Some(Verdict::Good) => Trying::Good,
                Some(Verdict::Bad(code)) => {
                    let (unit, except, space) = (trial.unit, trial.except, trial.space.clone());
                    let arguments = trial.arguments.clone();
                    let fiber = self.spawn(unit, except, space, arguments);
                    // `Except` looks for the code on the stack.
                    if let Some(fiber) = self.fibers.get_mut(fiber) {
                        fiber.stack.push(super::Value::Int(code.into()));
                    }
                    Trying::Except(fiber)
                }
            };
            if let Some(trial) = self.trials.get_mut(index) {
                trial.state = state;
                moved = true;
            }
        }
        moved
    }

    fn settle_fibers(&mut self) -> bool {
        let mut moved = false;
        for index in 0..self.fibers.len() {
            let Some(fiber) = self.fibers.get(index).filter(|fiber| fiber.verdict.is_none()) else {
                continue;
            };
            let verdict = match fiber.state {
                State::Ready | State::Blocked => continue,
                State::Failed => Some(Verdict::Bad(0)),
                State::Done => fiber.outs.first().map_or(Some(Verdict::Good), |pieces| self.verdict(pieces)),
            };
            let Some(mut verdict) = verdict else { continue };
            let refused = verdict == Verdict::Bad(REFUSED);
            if fiber.state == State::Done && (refused || self.dialect.include_failure != IncludeFailure::Fail)
            {
                verdict = Verdict::Good;
            }
            if let Some(fiber) = self.fibers.get_mut(index) {
                fiber.verdict = Some(verdict);
                moved = true;
            }
        }
        moved
    }

    fn settle_inclusions(&mut self) -> bool {
        let mut moved = false;
        for index in 0..self.inclusions.len() {
            let Some(Fill::Nested(fiber) | Fill::Body(fiber)) = self.inclusions.get(index).map(|it| &it.fill)
            else {
                continue;
            };
            if let Some(Some(Verdict::Bad(code))) = self.fibers.get(*fiber).map(|fiber| fiber.verdict) {
                self.fail(index, code);
                moved = true;
            }
        }
        moved
    }

    /// How these pieces ended; `None` while that is open.
    pub(super) fn verdict(&self, pieces: &[Piece]) -> Option<Verdict> {
        let mut open = false;
        for piece in pieces {
            match self.piece_verdict(piece) {
                Some(Verdict::Good) => {}
                bad @ Some(Verdict::Bad(_)) => return bad,
                None => open = true,
            }
        }
        (!open).then_some(Verdict::Good)
    }

    fn piece_verdict(&self, piece: &Piece) -> Option<Verdict> {
        let of_fiber = |index: usize| self.fibers.get(index).and_then(|fiber| fiber.verdict);
        match piece {
            Piece::Page(..) | Piece::Owned(..) | Piece::Made(..) => Some(Verdict::Good),
            Piece::Include(index) => match self.inclusions.get(*index).map(|it| (&it.fill, it.code)) {
                None | Some((Fill::Ready(_) | Fill::Empty, _)) => Some(Verdict::Good),
                Some((Fill::Waiting, _)) => None,
                Some((Fill::Nested(fiber) | Fill::Body(fiber), _)) => {
                    // A bad one is about to go on to the alternative.
                    of_fiber(*fiber).filter(|verdict| *verdict == Verdict::Good)
                }
                Some((Fill::Failed, code)) => Some(Verdict::Bad(code)),
            },
            Piece::Trial(index) => match self.trials.get(*index).map(|trial| trial.state) {
                None | Some(Trying::Good) => Some(Verdict::Good),
                Some(Trying::Pending) => None,
                Some(Trying::Except(fiber)) => of_fiber(fiber),
            },
        }
    }
}
