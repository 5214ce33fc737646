//! What settled a question, in words.

use serde_json::Value;

use crate::ruleset::rule::SHOWN;
use crate::ruleset::schedule::{NOW, OF_WEEK};
use crate::time::{UnixTime, time_of_week};

/// One of the things that settled whether a rule decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// A fact was compared.
    Fact {
        /// The fact's name.
        name: String,
        /// What it was; null where it is missing.
        value: Value,
        /// What was asked of it, so that `is` or `is not` may stand before it.
        test: String,
        /// Whether it was so.
        held: bool,
        /// Where its hash lies, from 0 up to 1, if that was what was asked.
        bucket: Option<f64>,
    },
    /// The visitor is in an audience, or not.
    Audience {
        /// Its name.
        name: String,
        /// Whether the visitor is in it.
        holds: bool,
        /// Why.
        causes: Vec<Cause>,
    },
    /// The visitor has one of some variations of an experiment, or not.
    Variation {
        /// The experiment's key.
        experiment: String,
        /// The keys of the variations.
        variations: Vec<String>,
        /// Whether it is so.
        holds: bool,
        /// Why the visitor is not in the experiment, if that is so.
        causes: Vec<Cause>,
    },
    /// A slot shows something, or not.
    Slot {
        /// Its name.
        name: String,
        /// A block, `default` or `nothing`.
        shows: String,
        /// Whether it is so.
        holds: bool,
    },
    /// Nobody passes this, whatever is known of them: a share of nothing, or a draft.
    Nobody,
    /// The visitor is not in the experiment that would choose.
    Outside {
        /// The experiment's key.
        experiment: String,
        /// Why, in words.
        because: String,
        /// What settled that.
        causes: Vec<Cause>,
    },
    /// The kill switch took it out.
    TurnedOff,
    /// A gate would lead to where the visitor is.
    LeadsBack,
    /// A gate leads visitors with this variation nowhere else.
    Stays {
        /// The experiment's key.
        experiment: String,
        /// The variation's key.
        variation: String,
    },
}

impl Cause {
    /// Several causes in words.
    pub fn spell(causes: &[Cause]) -> String {
        causes.iter().map(Cause::spelled).collect::<Vec<_>>().join("; ")
    }

    fn spelled(&self) -> String {
        let not = |holds: &bool| if *holds { "" } else { "not " };
        match self {
            Cause::Fact { name, value, test, held, bucket } => {
                if let Some(rule) = name.strip_prefix(SHOWN) {
                    return format!("`{rule}` was shown {value} times, {}{test}", not(held));
                }
                let is = match value {
                    Value::Null => format!("{name} is missing"),
                    value => format!("{name} is {}", spoken(name, value)),
                };
                let is = match bucket {
                    Some(bucket) => format!("{is}, which is hashed to {bucket}"),
                    None => is,
                };
                let test = test.trim_start_matches("hashed ");
                match held {
                    _ if test == "known" => is,
                    true if *test == spoken(name, value) => is,
                    true if bucket.is_some() => format!("{is}, {test}"),
                    true => format!("{is}, which is {test}"),
                    false => format!("{is}, not {test}"),
                }
            }
            Cause::Audience { name, holds, causes } => {
                format!("{}in the audience `{name}`{}", not(holds), nested(causes))
            }
            Cause::Variation { experiment, variations, holds, causes } => {
                let variations: Vec<String> = variations.iter().map(|key| format!("`{key}`")).collect();
                let variations = variations.join(" or ");
                format!("{}{variations} of the experiment `{experiment}`{}", not(holds), nested(causes))
            }
            Cause::Slot { name, shows, holds } => {
                format!("{}`{shows}` in the slot `{name}`", not(holds))
            }
            Cause::Nobody => "it is for nobody".to_owned(),
            Cause::Outside { experiment, because, causes } => {
                format!("not in the experiment `{experiment}`: {because}{}", nested(causes))
            }
            Cause::TurnedOff => "it is turned off".to_owned(),
            Cause::LeadsBack => "it leads to this page itself".to_owned(),
            Cause::Stays { experiment, variation } => {
                format!("whoever has `{variation}` of the experiment `{experiment}` stays here")
            }
        }
    }
}

fn nested(causes: &[Cause]) -> String {
    if causes.is_empty() { String::new() } else { format!(": {}", Cause::spell(causes)) }
}

/// A value of a fact as people read it: numbers that are times are times.
pub(in crate::pack) fn spoken(fact: &str, value: &Value) -> String {
    let whole = value.as_u64();
    match (fact, whole) {
        (NOW, Some(seconds)) => UnixTime(seconds).to_string(),
        (OF_WEEK, Some(seconds)) => time_of_week(seconds),
        _ => value.to_string(),
    }
}
