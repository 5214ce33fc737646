//! Who is in which experiment, with which variation, in the order in which GrowthBook's SDKs ask (SDK specification,
//! "Running experiments").

use super::evaluate::Evaluation;
use super::format::{NONE, Section, experiment};
use super::machine::Outside;
use super::{ExperimentIndex, Pack, bucket, coerce, predicate};
use crate::facts::Fact;
use crate::ruleset::rollout::USUAL_ATTRIBUTE;
use serde_json::Value;

/// A visitor's place in an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assigned {
    /// Which experiment.
    pub experiment: ExperimentIndex,
    /// The place of the variation in it.
    pub variation: u32,
    /// Where the visitor's hash lies, from 0 up to 1, if it counted.
    pub bucket: Option<f64>,
    /// What chose the variation.
    pub by: By,
}

/// What chose a variation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The hash.
    Hash,
    /// An earlier choice that the profile keeps.
    Sticky,
    /// A token.
    Token,
    /// The experiment itself, for everybody.
    Experiment,
}

/// What decisions add to what is known of a visitor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Buckets to keep, and the key of the variation in each.
    pub buckets: Vec<(String, String)>,
    /// Buckets of experiments that there are no more.
    pub forgotten: Vec<String>,
    /// Rules that have been shown and are counted.
    pub shown: Vec<Showing>,
}

/// One showing of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Showing {
    /// The rule's id.
    pub rule: String,
    /// Whether counting begins anew.
    pub anew: bool,
}

impl Learned {
    /// Whether there is nothing to add.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty() && self.shown.is_empty()
    }

    /// Adds what else was learned.
    pub(crate) fn append(&mut self, mut more: Learned) {
        self.buckets.append(&mut more.buckets);
        self.forgotten.append(&mut more.forgotten);
        self.shown.append(&mut more.shown);
    }
}

/// What a visitor is hashed by.
struct Hashed {
    attribute: u32,
    value: String,
}

/// What an earlier choice says.
enum Kept {
    Nothing,
    Variation(u32),
    /// It was made for buckets that are no longer in the experiment.
    Blocked,
}

impl Evaluation<'_> {
    /// What these decisions add to what is known of the visitor.
    pub fn learned(&self) -> Learned {
        let mut learned = Learned::default();
        self.assigned.values().flatten().for_each(|one| self.learn_bucket(*one, &mut learned));
        learned.shown.extend(self.counted.iter().map(|rule| {
            let rule = self.pack.rule_id(*rule).to_owned();
            let anew = self.over.contains(&rule);
            Showing { rule, anew }
        }));
        let known = self.facts.profile().buckets.keys();
        let is_gone = |bucket: &&String| {
            let name = parse_bucket(bucket).0;
            self.pack.experiment(name.split('~').next().unwrap_or(name)).is_none()
        };
        if !learned.buckets.is_empty() {
            learned.forgotten = known.filter(is_gone).cloned().collect();
        }
        learned
    }

    /// The visitor's place in an experiment, if they are in it.
    pub(crate) fn assign(&mut self, one: ExperimentIndex) -> Option<Option<Assigned>> {
        if let Some(known) = self.assigned.get(&one) {
            return Some(*known);
        }
        let assigned = self.deeper(|evaluation| evaluation.find_place(one))?;
        self.assigned.insert(one, assigned);
        Some(assigned)
    }

    fn find_place(&mut self, one: ExperimentIndex) -> Option<Option<Assigned>> {
        let pack = self.pack;
        let word = |field| pack.word(Section::Experiments, one.0, field);
        let key = pack.experiment_key(one);
        if word(experiment::VARIATIONS)? < 2 {
            return self.stays_outside(one, Outside::NoSplit);
        }
        if !self.kill_switch.lets_experiment(key) {
            return self.stays_outside(one, Outside::TurnedOff);
        }
        if self.is_held_out()? {
            return self.stays_outside(one, Outside::HeldOut);
        }
        let place = |variation, bucket, by| Assigned { experiment: one, variation, bucket, by };
        if let Some(forced) = self.facts.forced(key) {
            return match pack.variation_of(one, forced) {
                Some(variation) => Some(Some(place(variation, None, By::Token))),
                None => self.stays_outside(one, Outside::NoSuchVariation),
            };
        }
        if !self.run(word(experiment::RUNNING)?)? {
            return self.stays_outside(one, Outside::NotRunning);
        }
        let Some(hashed) = self.hashed(one)? else { return self.stays_outside(one, Outside::NoHash) };
        let kept = self.kept(one)?;
        if matches!(kept, Kept::Blocked) {
            return self.stays_outside(one, Outside::Blocked);
        }
        if matches!(kept, Kept::Nothing) && !self.run(word(experiment::ADMITS)?)? {
            return self.stays_outside(one, Outside::NotAdmitted);
        }
        let bucket = pack.bucket(one, &hashed.value);
        let chosen = match kept {
            Kept::Variation(variation) => Some((variation, By::Sticky)),
            _ => bucket.and_then(|bucket| Some((pack.variation_at(one, bucket)?, By::Hash))),
        };
        let Some((variation, by)) = chosen else {
            return self.stays_outside(one, Outside::Uncovered(bucket.unwrap_or_default()));
        };
        let forced = word(experiment::FORCED)?;
        if forced != NONE {
            return Some(Some(place(forced, None, By::Experiment)));
        }
        if word(experiment::STOPPED)? != 0 {
            return self.stays_outside(one, Outside::NotRunning);
        }
        Some(Some(place(variation, bucket, by)))
    }

    fn stays_outside(&mut self, one: ExperimentIndex, because: Outside) -> Option<Option<Assigned>> {
        self.outside(one, because);
        Some(None)
    }

    /// The fact that a visitor is hashed by: the attribute, or else the fallback where buckets are kept.
    fn hashed(&mut self, one: ExperimentIndex) -> Option<Option<Hashed>> {
        let word = |field| self.pack.word(Section::Experiments, one.0, field);
        let (attribute, fallback) = (word(experiment::ATTRIBUTE)?, word(experiment::FALLBACK)?);
        let keeps = word(experiment::BUCKET_VERSION)? != NONE;
        if let Some(value) = self.hash_value(attribute)? {
            return Some(Some(Hashed { attribute, value }));
        }
        if fallback == NONE || !keeps {
            return Some(None);
        }
        Some(self.hash_value(fallback)?.map(|value| Hashed { attribute: fallback, value }))
    }

    fn hash_value(&mut self, attribute: u32) -> Option<Option<String>> {
        let fact = self.fact(attribute)?;
        Some(coerce::truth(fact).then(|| coerce::text(fact).into_owned()))
    }

    /// What the profile says of an earlier choice, by the attribute before the fallback.
    fn kept(&mut self, one: ExperimentIndex) -> Option<Kept> {
        let word = |field| self.pack.word(Section::Experiments, one.0, field);
        let [version, least, attribute, fallback] = [
            experiment::BUCKET_VERSION,
            experiment::LEAST_VERSION,
            experiment::ATTRIBUTE,
            experiment::FALLBACK,
        ]
        .map(word);
        let (version, least) = (version?, least?);
        if version == NONE || self.facts.profile().buckets.is_empty() {
            return Some(Kept::Nothing);
        }
        let mut kept = Kept::Nothing;
        for attribute in [attribute?, fallback?] {
            if attribute == NONE {
                continue;
            }
            let Some(value) = self.hash_value(attribute)? else { continue };
            let name = self.bucket_name(one, Hashed { attribute, value })?;
            for (bucket, variation) in self.facts.profile().buckets.iter() {
                let (bucket, of_version) = parse_bucket(bucket);
                if bucket != name {
                    continue;
                }
                if of_version < least {
                    return Some(Kept::Blocked);
                }
                if of_version == version && matches!(kept, Kept::Nothing) {
                    let variation = self.pack.variation_of(one, Fact::Text(variation));
                    kept = variation.map_or(Kept::Nothing, Kept::Variation);
                }
            }
        }
        Some(kept)
    }

    /// Adds the bucket that a choice is to be kept in, unless the profile has it already.
    fn learn_bucket(&self, assigned: Assigned, learned: &mut Learned) {
        if !matches!(assigned.by, By::Hash | By::Sticky) {
            return;
        }
        let one = assigned.experiment;
        let word = |field| self.pack.word(Section::Experiments, one.0, field);
        let known = |attribute: Option<u32>| {
            let attribute = attribute.filter(|attribute| *attribute != NONE)?;
            let fact = self.known.get(&attribute).copied().filter(|fact| coerce::truth(*fact))?;
            Some(Hashed { attribute, value: coerce::text(fact).into_owned() })
        };
        let hashed = known(word(experiment::ATTRIBUTE)).or_else(|| known(word(experiment::FALLBACK)));
        let version = word(experiment::BUCKET_VERSION).filter(|version| *version != NONE);
        let name = hashed.and_then(|hashed| self.bucket_name(one, hashed));
        if let (Some(name), Some(version)) = (name, version) {
            let bucket = format!("{name}__{version}");
            let key = self.pack.variation_key(one, assigned.variation);
            if self.facts.profile().buckets.get(&bucket).is_none_or(|known| known != key) {
                learned.buckets.push((bucket, key.to_owned()));
            }
        }
    }

    fn bucket_name(&self, one: ExperimentIndex, hashed: Hashed) -> Option<String> {
        let attribute = self.pack.text(self.pack.word(Section::Attributes, hashed.attribute, 0)?)?;
        Some(bucket_name(self.pack.experiment_key(one), attribute, &hashed.value))
    }
}

/// The name under which a profile keeps the variation of an experiment, for a visitor who is hashed by this value of this
/// fact. The value itself is not in it, since it may name a person.
pub fn kept_bucket(experiment: &str, attribute: &str, value: &Value, version: u32) -> String {
    let name = bucket_name(experiment, attribute, &coerce::text(Fact::from_json(value)));
    format!("{name}__{version}")
}

/// The same without its version: the experiment's key, and what stands for the visitor's value where that is not the
/// profile's own id.
fn bucket_name(experiment: &str, attribute: &str, value: &str) -> String {
    if attribute == USUAL_ATTRIBUTE {
        return experiment.to_owned();
    }
    format!("{experiment}~{}", bucket::digest(attribute, value))
}

/// The name of a bucket, and its version.
fn parse_bucket(bucket: &str) -> (&str, u32) {
    let parts = bucket.rsplit_once("__");
    parts.and_then(|(name, version)| Some((name, version.parse().ok()?))).unwrap_or((bucket, 0))
}

impl Pack {
    /// The experiment of that key.
    pub fn experiment(&self, key: &str) -> Option<ExperimentIndex> {
        self.find(Section::Experiments, key, Some).map(ExperimentIndex)
    }

    /// Where a value's hash lies for an experiment, from 0 up to 1.
    pub fn bucket(&self, one: ExperimentIndex, value: &str) -> Option<f64> {
        let word = |field| self.word(Section::Experiments, one.0, field);
        bucket::hash(self.text(word(experiment::SEED)?)?, value, word(experiment::HASH_VERSION)?)
    }

    /// From where up to where each variation of an experiment reaches, of 0 to 1.
    pub fn ranges(&self, one: ExperimentIndex) -> Vec<[f64; 2]> {
        let ranges = self.word(Section::Experiments, one.0, experiment::RANGES).unwrap_or(NONE);
        let word = |field| self.word(Section::Values, ranges, field).unwrap_or_default();
        let number = |at: u32| predicate::number(self, word(1).saturating_add(at)).unwrap_or_default();
        (0..word(2) / 2).map(|range| [number(2 * range), number(2 * range + 1)]).collect()
    }

    /// The variation in whose range a hash lies.
    pub fn variation_at(&self, one: ExperimentIndex, hash: f64) -> Option<u32> {
        let ranges = self.ranges(one);
        let within = |[from, to]: &[f64; 2]| hash >= *from && hash < *to;
        ranges.iter().zip(0..).find(|(range, _)| within(range)).map(|(_, variation)| variation)
    }

    /// The variation that a text or a number names, by its key or its place.
    fn variation_of(&self, one: ExperimentIndex, named: Fact) -> Option<u32> {
        let count = self.word(Section::Experiments, one.0, experiment::VARIATIONS)?;
        match named {
            Fact::Text(key) => (0..count).find(|variation| self.variation_key(one, *variation) == key),
            Fact::Number(place) => (0..count).find(|variation| f64::from(*variation) == place),
            _ => None,
        }
    }

    /// Whether the rules below decide for whoever has this place.
    pub(super) fn passes_through(&self, assigned: Assigned) -> Option<bool> {
        let first = self.word(Section::Experiments, assigned.experiment.0, experiment::FIRST_VARIATION)?;
        Some(self.word(Section::Variations, first.checked_add(assigned.variation)?, 1)? != 0)
    }
}
