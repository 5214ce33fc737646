//! A trace, read again beside the programs that it is of: which of the answers settled the last one.
//!
//! A program is conditions with skips between them. Where an answer does not skip, it waits for the place that it would
//! have skipped to; what it waited for has the same answer because of both, or another one without it.

use super::Cause;
use crate::facts::Facts;
use crate::pack::evaluate::choice;
use crate::pack::format::{Instruction, Section, experiment};
use crate::pack::machine::{Outside, Step};
use crate::pack::{ExperimentIndex, Pack, describe};

/// Audiences, and programs that wait for others, are followed this deep, since whoever reads it has to follow, too. A pack
/// that no compiler wrote can have them wait in a circle.
const MOST_NESTED: usize = 8;

/// What is left to read of a trace.
pub(super) struct Replay<'p> {
    pack: &'p Pack,
    facts: &'p Facts,
    steps: &'p [Step],
    /// How many programs are being read.
    depth: usize,
}

/// An answer that did not skip, and the place where that ends.
struct Waiting {
    place: u32,
    answer: bool,
    causes: Vec<Cause>,
}

/// A program that waits for the audience that it asked about.
struct Caller {
    audience: u32,
    back: u32,
    waiting: Vec<Waiting>,
}

impl<'p> Replay<'p> {
    pub(super) fn new(pack: &'p Pack, facts: &'p Facts, steps: &'p [Step]) -> Replay<'p> {
        Replay { pack, facts, steps, depth: 0 }
    }

    /// The answer of the next program in the trace, and what settled it; `None` where the trace ends before that.
    pub(super) fn program(&mut self) -> Option<(bool, Vec<Cause>)> {
        let Step::Began(program) = self.next()? else { return None };
        self.depth += 1;
        let (mut at, mut truth, mut causes) = (program, true, Vec::new());
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut callers: Vec<Caller> = Vec::new();
        loop {
            while let Some(mut one) = waiting.pop_if(|one| one.place <= at) {
                if one.answer == truth {
                    one.causes.append(&mut causes);
                    causes = one.causes;
                }
            }
            let instruction = Instruction::from_word(self.pack.word(Section::Code, at, 0)?)?;
            at = at.checked_add(1)?;
            match instruction {
                Instruction::Set(value) => (truth, causes) = (value, Vec::new()),
                Instruction::Not => truth = !truth,
                Instruction::Test(predicate) => {
                    truth = self.answer(instruction)?;
                    causes = describe::tested(self.pack, self.facts, predicate, truth).into_iter().collect();
                }
                Instruction::Membership(_) | Instruction::Showing(_) => {
                    let (answer, inner) = self.inner(instruction)?;
                    truth = answer;
                    causes = vec![self.named(instruction, answer, inner)?];
                }
                Instruction::SkipIfTrue(count) | Instruction::SkipIfFalse(count) => {
                    let place = at.checked_add(count)?;
                    if truth == matches!(instruction, Instruction::SkipIfTrue(_)) {
                        at = place;
                    } else {
                        waiting.push(Waiting { place, answer: truth, causes: std::mem::take(&mut causes) });
                    }
                }
                Instruction::Audience(audience) => {
                    if let Some(Step::Asked { instruction: asked, answer }) = self.steps.first()
                        && *asked == instruction
                    {
                        truth = *answer;
                        self.next();
                        causes = vec![self.named(instruction, truth, Vec::new())?];
                    } else {
                        let waiting = std::mem::take(&mut waiting);
                        callers.push(Caller { audience, back: at, waiting });
                        at = self.pack.word(Section::Audiences, audience, 1)?;
                    }
                }
                Instruction::End => {
                    let Some(caller) = callers.pop() else {
                        self.depth -= 1;
                        return Some((truth, causes));
                    };
                    let audience = Instruction::Audience(caller.audience);
                    self.answer(audience)?;
                    let inner = if callers.len() < MOST_NESTED { causes } else { Vec::new() };
                    causes = vec![self.named(audience, truth, inner)?];
                    (at, waiting) = (caller.back, caller.waiting);
                }
            }
        }
    }

    /// Why the visitor is not in the experiment of which the rest of the trace is.
    pub(super) fn outside(mut self) -> Option<Cause> {
        let (mut last, mut reason) = (Vec::new(), None);
        while let Some(step) = self.steps.first().copied() {
            match step {
                Step::Began(_) => last = self.program()?.1,
                Step::Asked { .. } => {
                    self.next();
                }
                Step::Outside { experiment, because } => {
                    self.next();
                    reason = Some(outside(self.pack, experiment, because, std::mem::take(&mut last)));
                }
            }
        }
        reason
    }

    fn next(&mut self) -> Option<Step> {
        let (first, rest) = self.steps.split_first()?;
        self.steps = rest;
        Some(*first)
    }

    fn answer(&mut self, of: Instruction) -> Option<bool> {
        match self.next()? {
            Step::Asked { instruction, answer } if instruction == of => Some(answer),
            _ => None,
        }
    }

    /// The answer about an experiment or a slot, and why the visitor is in none, if that is so.
    fn inner(&mut self, of: Instruction) -> Option<(bool, Vec<Cause>)> {
        let (mut last, mut reason) = (Vec::new(), Vec::new());
        // Of a slot only the name is told.
        let is_passed_over = self.depth >= MOST_NESTED || matches!(of, Instruction::Showing(_));
        loop {
            match *self.steps.first()? {
                Step::Began(_) | Step::Outside { .. } if is_passed_over => drop(self.next()),
                Step::Began(_) => last = self.program()?.1,
                Step::Asked { instruction, answer } => {
                    self.next();
                    if instruction == of {
                        return Some((answer, reason));
                    }
                }
                Step::Outside { experiment, because } => {
                    self.next();
                    reason = vec![outside(self.pack, experiment, because, std::mem::take(&mut last))];
                }
            }
        }
    }

    fn named(&self, instruction: Instruction, holds: bool, causes: Vec<Cause>) -> Option<Cause> {
        let pack = self.pack;
        Some(match instruction {
            Instruction::Membership(membership) => {
                let one = ExperimentIndex(pack.word(Section::Memberships, membership, 0)?);
                let wanted = pack.word(Section::Memberships, membership, 1)?;
                let count = pack.word(Section::Experiments, one.0, experiment::VARIATIONS)?;
                let is_wanted = |at: &u32| wanted.checked_shr(*at).unwrap_or(0) & 1 == 1;
                let variations =
                    (0..count).filter(is_wanted).map(|at| pack.variation_key(one, at).to_owned());
                let (experiment, variations) = (pack.experiment_key(one).to_owned(), variations.collect());
                Cause::Variation { experiment, variations, holds, causes }
            }
            Instruction::Showing(showing) => {
                let slot = pack.word(Section::Showings, showing, 0)?;
                let name = pack.text(pack.word(Section::Slots, slot, 0)?)?.to_owned();
                let shows = choice(pack.word(Section::Showings, showing, 1)?)?;
                Cause::Slot { name, shows: pack.choice_name(shows).to_owned(), holds }
            }
            Instruction::Audience(audience) => {
                let name = pack.text(pack.word(Section::Audiences, audience, 0)?)?.to_owned();
                Cause::Audience { name, holds, causes }
            }
            _ => return None,
        })
    }
}

fn outside(pack: &Pack, experiment: ExperimentIndex, because: Outside, causes: Vec<Cause>) -> Cause {
    let settled = matches!(because, Outside::NotRunning | Outside::NotAdmitted | Outside::HeldOut);
    Cause::Outside {
        experiment: pack.experiment_key(experiment).to_owned(),
        because: describe::outside(because),
        causes: if settled { causes } else { Vec::new() },
    }
}
