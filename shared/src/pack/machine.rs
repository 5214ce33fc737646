//! Programs: conditions as they run.

use super::evaluate::{Evaluation, outcome_of};
use super::format::{Comparison, Instruction, NONE, RULE, Section};
use super::{ExperimentIndex, SlotIndex, coerce, items, predicate};
use crate::facts::Fact;
use crate::ruleset::rule::SHOWN;

/// An audience under evaluation, and the instruction to go on with when it is known. A stack of our own, as audiences
/// may refer to each other in long chains.
pub(super) struct Call {
    audience: u32,
    back: u32,
}

/// A fact as it is compared with texts.
#[derive(Clone, Copy)]
pub(super) struct Compared {
    /// The text that it is, if any predicate compares with that.
    text: Option<u32>,
    /// Whether it is a text without being made one.
    is_text: bool,
}

/// What happened on the way to a decision, for whoever explains it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// The program that begins there was run.
    Began(u32),
    /// A program asked, and this was the answer.
    Asked { instruction: Instruction, answer: bool },
    /// A visitor is not in an experiment.
    Outside { experiment: ExperimentIndex, because: Outside },
}

/// Why a visitor is not in an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outside {
    /// It has fewer than two variations.
    NoSplit,
    /// An operator turned it off.
    TurnedOff,
    HeldOut,
    /// It is a draft or stopped, its time has not come or is over, or the visitor is a crawler.
    NotRunning,
    /// The visitor lacks what is hashed.
    NoHash,
    /// The bucket that they were in has gone.
    Blocked,
    /// Its own condition does not hold.
    NotAdmitted,
    /// The hash lies in no variation's part.
    Uncovered(f64),
    /// A token names a variation that there is not.
    NoSuchVariation,
    /// The variation leaves it to the rules below.
    PassesThrough,
}

fn instruction(code: &[[u8; 4]], at: u32) -> Option<Instruction> {
    Instruction::from_word(u32::from_le_bytes(*code.get(at as usize)?))
}

/// The instruction that a program begins with, if the program is false wherever that is; else nothing. It stands in the
/// rule itself: there most rules end for most visitors.
pub(super) fn guard(code: &[[u8; 4]], program: u32) -> u32 {
    let guard = || {
        let first = instruction(code, program)?;
        let second = program.checked_add(1)?;
        let end = match instruction(code, second)? {
            Instruction::End => second,
            Instruction::SkipIfFalse(count) => second.checked_add(1)?.checked_add(count)?,
            _ => return None,
        };
        let guards = matches!(first, Instruction::Test(_) | Instruction::Audience(_))
            && instruction(code, end)? == Instruction::End;
        guards.then(|| first.to_word())
    };
    guard().unwrap_or(NONE)
}

impl<'a> Evaluation<'a> {
    /// The answer of the program that begins there.
    pub(super) fn run(&mut self, program: u32) -> Option<bool> {
        let code = self.pack.code();
        let mut next = program;
        let mut truth = true;
        let base = self.calls.len();
        if let Some(trace) = &mut self.trace {
            trace.push(Step::Began(program));
        }
        loop {
            self.left = self.left.checked_sub(1)?;
            let instruction = instruction(code, next)?;
            next = next.checked_add(1)?;
            match instruction {
                Instruction::Set(value) => truth = value,
                Instruction::Not => truth = !truth,
                Instruction::Test(predicate) => {
                    truth = self.test(predicate)?;
                    self.note(instruction, truth);
                }
                Instruction::Membership(membership) => {
                    truth = self.is_member(membership)?;
                    self.note(instruction, truth);
                }
                Instruction::Showing(showing) => {
                    truth = self.shows(showing)?;
                    self.note(instruction, truth);
                }
                Instruction::SkipIfTrue(count) if truth => next = next.checked_add(count)?,
                Instruction::SkipIfFalse(count) if !truth => next = next.checked_add(count)?,
                Instruction::SkipIfTrue(_) | Instruction::SkipIfFalse(_) => {}
                Instruction::Audience(audience) => match self.audiences.get(audience) {
                    Some(answer) => {
                        truth = answer;
                        self.note(instruction, truth);
                    }
                    None => {
                        self.calls.push(Call { audience, back: next });
                        next = self.pack.word(Section::Audiences, audience, 1)?;
                    }
                },
                Instruction::End if self.calls.len() > base => {
                    let call = self.calls.pop()?;
                    self.audiences.set(call.audience, truth);
                    self.note(Instruction::Audience(call.audience), truth);
                    next = call.back;
                }
                Instruction::End => return Some(truth),
            }
        }
    }

    /// The first of these rules, from number `at` on, whose guard does not settle that it does not match; as many as there are
    /// where there is none. Nothing is passed over for who explains.
    ///
    /// Here most rules end for most visitors, and edges are built for size: so what each of them takes stands here in full.
    pub(super) fn next_possible(&mut self, rules: &[[u8; RULE]], mut at: usize) -> Option<usize> {
        let tests = self.pack.predicates();
        while let Some([.., a, b, c, d]) = rules.get(at) {
            self.left = self.left.checked_sub(1)?;
            let guard = u32::from_le_bytes([*a, *b, *c, *d]);
            if self.trace.is_some() {
                return Some(at);
            }
            let compared_with_text = match (Instruction::tested(guard), self.recent_text) {
                (Some(number), Some((recent, compared))) => {
                    let test = tests.get(number as usize)?;
                    let [a0, a1, a2, a3, comparison, 0, 0, 0, v0, v1, v2, v3] = *test else { return None };
                    let (attribute, value) =
                        (u32::from_le_bytes([a0, a1, a2, a3]), u32::from_le_bytes([v0, v1, v2, v3]));
                    let is_matched = comparison == Comparison::MatchesText as u8;
                    let is_same = comparison == Comparison::IsText as u8;
                    let known = (is_matched || is_same) && recent == attribute;
                    known.then(|| compared.text == Some(value) && (is_matched || compared.is_text))
                }
                _ => None,
            };
            let possible = match compared_with_text {
                Some(answer) => answer,
                None => self.lets(guard)?,
            };
            if possible {
                return Some(at);
            }
            at += 1;
        }
        Some(at)
    }

    /// Whether a guard leaves it open that its rule matches.
    fn lets(&mut self, guard: u32) -> Option<bool> {
        Some(match Instruction::from_word(guard) {
            Some(Instruction::Test(predicate)) => self.test(predicate)?,
            Some(Instruction::Audience(audience)) => self.audiences.get(audience) != Some(false),
            _ => true,
        })
    }

    fn note(&mut self, instruction: Instruction, answer: bool) {
        if let Some(trace) = &mut self.trace {
            trace.push(Step::Asked { instruction, answer });
        }
    }

    /// Notes why a visitor is not in an experiment.
    pub(super) fn outside(&mut self, experiment: ExperimentIndex, because: Outside) {
        if let Some(trace) = &mut self.trace {
            trace.push(Step::Outside { experiment, because });
        }
    }

    fn test(&mut self, number: u32) -> Option<bool> {
        let [attribute, comparison, value] = self.pack.words(Section::Predicates, number)?;
        let comparison = Comparison::from_word(comparison)?;
        if let Comparison::MatchesText | Comparison::IsText = comparison {
            let compared = self.compared(attribute)?;
            return Some(
                compared.text == Some(value) && (compared.is_text || comparison == Comparison::MatchesText),
            );
        }
        if let Some(answer) = self.predicates.get(number) {
            return Some(answer);
        }
        let answer = match comparison {
            Comparison::ShownLess => self.shown_less(attribute, value)?,
            Comparison::Size | Comparison::AnyItem | Comparison::AnyItemOrNull => {
                let fact = self.fact(attribute)?;
                self.deeper(|evaluation| {
                    items::holds(evaluation.pack, comparison, fact, value, &mut evaluation.left, 0)
                })?
            }
            _ => predicate::holds(self.pack, comparison, self.fact(attribute)?, value)?,
        };
        self.predicates.set(number, answer);
        Some(answer)
    }

    /// Which of the texts that are compared with the fact of an attribute is.
    fn compared(&mut self, attribute: u32) -> Option<Compared> {
        if let Some((recent, compared)) = self.recent_text
            && recent == attribute
        {
            return Some(compared);
        }
        let compared = match self.compared.get(&attribute) {
            Some(compared) => *compared,
            None => {
                let fact = self.fact(attribute)?;
                let is_text = matches!(fact, Fact::Text(_));
                let compared = Compared { text: self.pack.compared(&coerce::text(fact)), is_text };
                self.compared.insert(attribute, compared);
                compared
            }
        };
        self.recent_text = Some((attribute, compared));
        Some(compared)
    }

    /// The fact of an attribute.
    pub(super) fn fact(&mut self, attribute: u32) -> Option<Fact<'a>> {
        if let Some(fact) = self.known.get(&attribute) {
            return Some(*fact);
        }
        let name = self.pack.text(self.pack.word(Section::Attributes, attribute, 0)?)?;
        let fact = predicate::resolve(self.facts, name);
        self.known.insert(attribute, fact);
        Some(fact)
    }

    /// Whether a rule has been shown less often than that in that time; `NONE` seconds are all time, 0 the present visit.
    fn shown_less(&mut self, attribute: u32, value: u32) -> Option<bool> {
        let name = self.pack.text(self.pack.word(Section::Attributes, attribute, 0)?)?;
        let [times, seconds] = [1, 2].map(|field| self.pack.word(Section::Values, value, field));
        let (times, seconds) = (times?, seconds?);
        let profile = self.facts.profile();
        let rule = name.strip_prefix(SHOWN).unwrap_or(name);
        let Some(shown) = profile.shown.get(rule) else { return Some(true) };
        let over = match seconds {
            NONE => false,
            0 => shown.since < profile.last_seen,
            seconds => self.facts.now().seconds_since(shown.since) >= seconds.into(),
        };
        if over {
            self.over.push(rule.to_owned());
        }
        Some(over || shown.times < times)
    }

    fn is_member(&mut self, membership: u32) -> Option<bool> {
        let experiment = ExperimentIndex(self.pack.word(Section::Memberships, membership, 0)?);
        let wanted = self.pack.word(Section::Memberships, membership, 1)?;
        let assigned = self.assign(experiment)?;
        Some(assigned.is_some_and(|assigned| wanted.checked_shr(assigned.variation).unwrap_or(0) & 1 == 1))
    }

    fn shows(&mut self, showing: u32) -> Option<bool> {
        let slot = SlotIndex(self.pack.word(Section::Showings, showing, 0)?);
        let wanted = self.pack.word(Section::Showings, showing, 1)?;
        Some(outcome_of(self.decide(slot).choice) == wanted)
    }
}
