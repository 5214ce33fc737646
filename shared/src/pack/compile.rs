//! Ruleset to pack.

use super::format::{NONE, Section, experiment, gate, kind, outcome};
use super::writer::Writer;
use super::{MAX_PACK_BYTES, conditions, literals};
use crate::esi::interpolation::Part;
use crate::ruleset::condition::{Condition, Operand};
use crate::ruleset::{
    Content, Diagnostic, Edit, Experiment, Gate, GateAnswer, Outcome, Query, Rule, Ruleset, Severity, Shows,
    Status, Sticky,
};
use std::collections::BTreeMap;

/// Why a ruleset has no pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The pack would be longer than [`MAX_PACK_BYTES`].
    #[error("the pack would have {bytes} bytes, of at most {MAX_PACK_BYTES}")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
}

impl CompileError {
    /// The same as a finding in the ruleset's text, at its beginning.
    pub fn diagnostic(&self) -> Diagnostic {
        let help = "take out what is over, shorten blocks, or serve large ones as fragments";
        Diagnostic {
            code: "HS0009",
            severity: Severity::Error,
            pointer: String::new(),
            line: 1,
            column: 1,
            message: self.to_string(),
            help: Some(help.to_owned()),
        }
    }
}

/// The bytes of a ruleset's pack. The same ruleset gives the same bytes, whatever the order of its keys.
pub fn compile(ruleset: &Ruleset) -> Result<Vec<u8>, CompileError> {
    let mut compiler = Compiler::new(ruleset);
    for audience in &ruleset.audiences {
        let program = compiler.program(&audience.condition);
        let name = compiler.writer.text(&audience.name);
        let index = compiler.writer.push(Section::Audiences, &[name, program]);
        compiler.names.audiences.insert(&audience.name, index);
    }
    for block in &ruleset.blocks {
        let record = compiler.block(&block.name, &block.content);
        compiler.writer.push(Section::Blocks, &record);
    }
    ruleset.experiments.iter().for_each(|experiment| compiler.experiment(experiment));
    for slot in &ruleset.slots {
        let (first, count) = compiler.rules(&slot.rules);
        let holdout = slot.holdout.as_ref().map_or(NONE, |holdout| compiler.program(holdout));
        let name = compiler.writer.text(&slot.name);
        compiler.writer.push(Section::Slots, &[name, first, count, holdout]);
    }
    ruleset.edits.iter().for_each(|edit| compiler.edit(edit));
    let mut ids: Vec<(&str, u32)> = ruleset.edits.iter().map(|edit| edit.id.as_str()).zip(0..).collect();
    ids.sort();
    for (_, edit) in ids {
        compiler.writer.push(Section::EditIds, &[edit]);
    }
    ruleset.gates.iter().for_each(|gate| compiler.gate(gate));
    let patterns = ruleset.edits.iter().map(|edit| edit.url.as_str());
    let patterns = patterns.chain(ruleset.gates.iter().map(|gate| gate.url.as_str()));
    literals::write(patterns, &mut compiler.writer);
    if let Some(holdout) = &ruleset.holdout {
        let program = compiler.program(holdout);
        compiler.writer.push(Section::Holdout, &[program]);
    }
    let bytes = compiler.writer.finish();
    if bytes.len() > MAX_PACK_BYTES {
        return Err(CompileError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Where what is referred to by name will stand in its table.
pub(super) struct Names<'r> {
    pub(super) audiences: BTreeMap<&'r str, u32>,
    pub(super) blocks: BTreeMap<&'r str, u32>,
    pub(super) slots: BTreeMap<&'r str, u32>,
    pub(super) experiments: BTreeMap<&'r str, (u32, &'r Experiment)>,
}

impl Names<'_> {
    pub(super) fn outcome(&self, outcome: &Outcome) -> u32 {
        match outcome {
            Outcome::Default => outcome::DEFAULT,
            Outcome::Nothing => outcome::NOTHING,
            Outcome::Block(name) => {
                self.blocks.get(name.as_str()).map_or(outcome::DEFAULT, |block| block + outcome::BLOCK)
            }
        }
    }
}

struct Compiler<'r> {
    writer: Writer,
    names: Names<'r>,
}

impl<'r> Compiler<'r> {
    fn new(ruleset: &'r Ruleset) -> Self {
        let slots = ruleset.slots.iter().map(|slot| slot.name.as_str()).zip(0..);
        let experiments = ruleset.experiments.iter().zip(0..);
        let names = Names {
            audiences: BTreeMap::new(),
            blocks: ruleset.blocks.iter().map(|block| block.name.as_str()).zip(0..).collect(),
            slots: slots.collect(),
            experiments: experiments.map(|(one, index)| (one.key.as_str(), (index, one))).collect(),
        };
        Compiler { writer: Writer::default(), names }
    }

    fn block(&mut self, name: &str, content: &Content) -> [u32; 6] {
        let id = self.writer.text(name);
        match content {
            Content::Inline(html) => [id, kind::INLINE, self.writer.text(html), 0, NONE, NONE],
            Content::Template(parts) => {
                let first = self.writer.count(Section::Parts);
                for part in parts {
                    let record = match part {
                        Part::Literal(text) => [self.writer.text(text), NONE, NONE],
                        Part::Fact { name, default, escape } => {
                            let default = default.as_deref().map_or(NONE, |text| self.writer.text(text));
                            [self.writer.attribute(name), default, escape.code().into()]
                        }
                    };
                    self.writer.push(Section::Parts, &record);
                }
                [id, kind::TEMPLATE, first, parts.len() as u32, NONE, NONE]
            }
            Content::Fragment { url, timeout_ms, ttl_s, fallback } => {
                let url = self.writer.text(url);
                let fallback = fallback.as_deref().and_then(|name| self.names.blocks.get(name));
                let fallback = fallback.copied().unwrap_or(NONE);
                [id, kind::FRAGMENT, url, *timeout_ms, ttl_s.unwrap_or(NONE), fallback]
            }
        }
    }

    fn experiment(&mut self, one: &Experiment) {
        let first_variation = self.writer.count(Section::Variations);
        for variation in &one.variations {
            let key = self.writer.text(&variation.key);
            self.writer.push(Section::Variations, &[key, variation.passthrough.into()]);
        }
        let ranges: Vec<Operand> =
            one.ranges.iter().flatten().map(|number| Operand::Number(*number)).collect();
        let (bucket_version, least_version) = match one.sticky {
            Sticky::No => (NONE, 0),
            Sticky::Since { bucket_version, least_version } => (bucket_version, least_version),
        };
        let mut record = [0; Section::Experiments.record() / 4];
        for (field, word) in [
            (experiment::KEY, self.writer.text(&one.key)),
            (experiment::ATTRIBUTE, self.writer.attribute(&one.attribute)),
            (experiment::FALLBACK, one.fallback.as_deref().map_or(NONE, |name| self.writer.attribute(name))),
            (experiment::SEED, self.writer.text(&one.seed)),
            (experiment::HASH_VERSION, one.version),
            (experiment::RANGES, self.writer.tuple(&ranges)),
            (experiment::FIRST_VARIATION, first_variation),
            (experiment::VARIATIONS, one.variations.len() as u32),
            (experiment::RUNNING, self.program(&one.running)),
            (experiment::ADMITS, self.program(&one.admits)),
            (experiment::BUCKET_VERSION, bucket_version),
            (experiment::LEAST_VERSION, least_version),
            (experiment::FORCED, one.forced.unwrap_or(NONE)),
            (experiment::STOPPED, (one.status == Status::Stopped).into()),
        ] {
            if let Some(place) = record.get_mut(field) {
                *place = word;
            }
        }
        self.writer.push(Section::Experiments, &record);
    }

    fn edit(&mut self, edit: &Edit) {
        let (first, count) = self.rules(&edit.rules);
        let attribute = edit.attribute.as_deref().map_or(NONE, |name| self.writer.text(name));
        let record = [
            self.writer.text(&edit.id),
            self.writer.text(&edit.url),
            self.writer.text(&edit.selector),
            edit.action.code().into(),
            attribute,
            first,
            count,
        ];
        self.writer.push(Section::Edits, &record);
    }

    fn rules(&mut self, rules: &[Rule]) -> (u32, u32) {
        let mut records = Vec::with_capacity(rules.len());
        for rule in rules {
            let program = self.program(&rule.condition);
            let shown = match &rule.shows {
                Shows::Outcome(outcome) => self.names.outcome(outcome),
                Shows::Experiment { key, instead } => self.trial(key, instead),
            };
            let counted = if rule.counted { outcome::COUNTED } else { 0 };
            let guard = self.writer.guard(program);
            records.push([self.writer.text(&rule.id), program, shown | counted, guard]);
        }
        let first = self.writer.count(Section::Rules);
        records.iter().for_each(|record| {
            self.writer.push(Section::Rules, record);
        });
        (first, rules.len() as u32)
    }

    fn trial(&mut self, key: &str, instead: &[(String, Outcome)]) -> u32 {
        let Some(&(index, one)) = self.names.experiments.get(key) else { return outcome::DEFAULT };
        let outcomes = one.variations.iter().map(|variation| {
            let own = instead.iter().find(|(key, _)| *key == variation.key).map(|(_, outcome)| outcome);
            self.names.outcome(own.unwrap_or(&variation.outcome))
        });
        let outcomes: Vec<u32> = outcomes.collect();
        let first = self.writer.count(Section::Outcomes);
        outcomes.iter().for_each(|outcome| {
            self.writer.push(Section::Outcomes, &[*outcome]);
        });
        outcome::TRIAL | self.writer.push(Section::Trials, &[index, first])
    }

    fn gate(&mut self, one: &Gate) {
        let (first_target, mut targets) = (self.writer.count(Section::Targets), 0);
        let (kind, status, answer, query) = match &one.answer {
            GateAnswer::Refuse { status, block } => {
                let block = block.as_deref().and_then(|name| self.names.blocks.get(name)).copied();
                (gate::REFUSE, *status, block.unwrap_or(NONE), Query::Keep)
            }
            GateAnswer::Redirect { to, status, query } => {
                (gate::REDIRECT, *status, self.writer.text(to), *query)
            }
            GateAnswer::Split { experiment, urls, status, query } => {
                let found = self.names.experiments.get(experiment.as_str()).copied();
                for variation in found.iter().flat_map(|(_, one)| &one.variations) {
                    let target = urls.iter().find(|(key, _)| *key == variation.key);
                    let target = target.map_or(NONE, |(_, to)| self.writer.text(to));
                    self.writer.push(Section::Targets, &[target]);
                    targets += 1;
                }
                (gate::SPLIT, *status, found.map_or(NONE, |(index, _)| index), *query)
            }
        };
        let mut record = [0; Section::Gates.record() / 4];
        for (field, word) in [
            (gate::ID, self.writer.text(&one.id)),
            (gate::URL, self.writer.text(&one.url)),
            (gate::PROGRAM, self.program(&one.condition)),
            (gate::KIND, kind),
            (gate::STATUS, status.into()),
            (gate::ANSWER, answer),
            (gate::FIRST_TARGET, first_target),
            (gate::TARGETS, targets),
            (gate::DROPS_QUERY, (query == Query::Drop).into()),
        ] {
            if let Some(place) = record.get_mut(field) {
                *place = word;
            }
        }
        self.writer.push(Section::Gates, &record);
    }

    fn program(&mut self, condition: &Condition) -> u32 {
        conditions::program(condition, &self.names, &mut self.writer)
    }
}
