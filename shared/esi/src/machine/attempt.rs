//! Instructions whose outcome depends on fragments: attempts, and `eval`.

use super::fetch::Fill;
use super::run::Next;
use super::{Fiber, Frame, Machine, Piece, Root, State, Trial, Trying, Verdict};
use crate::medium::Medium;
use crate::program::{Dca, IncludeSpec};
use crate::value::{Text, Value};

impl Machine {
    /// The attempt that this is in fails, or else the document.
    pub(super) fn fail_fiber(&mut self, fiber: &mut Fiber) {
        while let Some(frame) = fiber.frames.pop() {
            match frame {
                Frame::Attempt { except, space, stack, .. } => {
                    fiber.outs.pop();
                    fiber.stack.truncate(stack);
                    fiber.space = space;
                    fiber.stack.push(Value::Int(0));
                    let trial = self.except(fiber, except, 0);
                    fiber.write(Piece::Trial(trial));
                    // Where the attempt ends is known to the instruction before its exceptions.
                    fiber.at = except.saturating_sub(1);
                    fiber.stack.pop();
                    fiber.frames.push(Frame::Attempt {
                        except,
                        waits: true,
                        space: fiber.space.clone(),
                        stack,
                        trial: Some(trial),
                    });
                    fiber.outs.push(Vec::new());
                    return;
                }
                Frame::Capture => {
                    fiber.outs.pop();
                }
                Frame::Call { arguments, .. } => {
                    fiber.outs.pop();
                    fiber.arguments = arguments;
                }
                Frame::Unit { unit, .. } => fiber.unit = unit,
                Frame::Loop { .. } => {}
            }
        }
        fiber.state = State::Failed;
    }

    /// Runs the exceptions of an attempt that has failed.
    pub(super) fn except(&mut self, fiber: &Fiber, except: usize, code: u16) -> usize {
        let runs = self.spawn(fiber.unit, except, fiber.space.clone(), fiber.arguments.clone());
        if let Some(runs) = self.fibers.get_mut(runs) {
            runs.stack.push(Value::Int(code.into()));
        }
        self.trials.push(Trial {
            pieces: Vec::new(),
            unit: fiber.unit,
            except,
            space: fiber.space.clone(),
            arguments: Vec::new(),
            state: Trying::Except(runs),
        });
        self.trials.len() - 1
    }

    pub(super) fn end_attempt(&mut self, fiber: &mut Fiber, end: usize) -> Next {
        let Some(Frame::Attempt { except, waits, space, stack, trial }) = fiber.frames.pop() else {
            return Next::To(end);
        };
        fiber.stack.truncate(stack);
        if let Some(index) = trial {
            let Some(Trying::Except(runs)) = self.trials.get(index).map(|trial| trial.state) else {
                return Next::To(end);
            };
            let done = self.fibers.get(runs).filter(|runs| matches!(runs.state, State::Done | State::Failed));
            let Some(space_after) = done.map(|runs| runs.space.clone()) else {
                fiber.frames.push(Frame::Attempt { except, waits, space, stack, trial });
                return Next::Wait;
            };
            fiber.space = space_after;
            fiber.outs.pop();
            return Next::To(end);
        }
        let pieces = fiber.outs.pop().unwrap_or_default();
        match self.verdict(&pieces) {
            Some(Verdict::Good) => {
                fiber.write_all(pieces);
                Next::To(end)
            }
            Some(Verdict::Bad(code)) => {
                fiber.space = space.clone();
                let trial = self.except(fiber, except, code);
                fiber.write(Piece::Trial(trial));
                if waits {
                    fiber.outs.push(Vec::new());
                    fiber.frames.push(Frame::Attempt { except, waits, space, stack, trial: Some(trial) });
                    return Next::Wait;
                }
                Next::To(end)
            }
            None if waits => {
                fiber.outs.push(pieces);
                fiber.frames.push(Frame::Attempt { except, waits, space, stack, trial: None });
                Next::Wait
            }
            None => {
                let arguments = fiber.arguments.clone();
                self.trials.push(Trial {
                    pieces,
                    unit: fiber.unit,
                    except,
                    space,
                    arguments,
                    state: Trying::Pending,
                });
                fiber.write(Piece::Trial(self.trials.len() - 1));
                Next::To(end)
            }
        }
    }

    pub(super) fn include_or_eval(
        &mut self,
        fiber: &mut Fiber,
        spec: &IncludeSpec,
        end: usize,
        root: Root<'_>,
    ) -> Next {
        let Some(index) = fiber.eval else {
            let Some(index) = self.include(fiber, spec, fiber.at + 1) else { return Next::To(end) };
            if spec.eval {
                fiber.eval = Some(index);
                return Next::Wait;
            }
            fiber.write(Piece::Include(index));
            return Next::To(end);
        };
        let body = match self.inclusions.get(index).map(|inclusion| &inclusion.fill) {
            Some(Fill::Waiting) => return Next::Wait,
            Some(Fill::Ready(body)) => body.clone(),
            // Its output is run again, among the page's own variables.
            Some(Fill::Nested(nested)) => {
                let Some(nested) =
                    self.fibers.get(*nested).filter(|nested| nested.verdict == Some(Verdict::Good))
                else {
                    return Next::Wait;
                };
                match self.collect(nested.outs.first().map_or(&[][..], Vec::as_slice), root) {
                    Some(text) => text.bytes,
                    None => return Next::Wait,
                }
            }
            _ => {
                fiber.eval = None;
                fiber.write(Piece::Include(index));
                return Next::To(end);
            }
        };
        fiber.eval = None;
        let url = self.units.get(fiber.unit).map_or_else(|| "".into(), |unit| unit.url.clone());
        let medium = Medium::of_fragment(spec.place, &[]);
        let unit = self.load(fiber.unit, (body, medium), url, spec.dca == Dca::Esi);
        fiber.frames.push(Frame::Unit { unit: fiber.unit, at: end });
        Next::Into(unit, 0)
    }

    /// What the innermost collection holds; `None` while an include in it is outstanding.
    pub(super) fn collected(&self, fiber: &Fiber, root: Root<'_>) -> Option<Text> {
        self.collect(fiber.outs.last().map_or(&[][..], Vec::as_slice), root)
    }
}
