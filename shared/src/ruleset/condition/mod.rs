//! Conditions: the MongoDB-style language of GrowthBook, read from JSON.
//!
//! What an operator of GrowthBook means is what its JavaScript SDK does, coercions included; `comparison` has one arm for
//! each. `network` and `time_of_day` read the arguments of ours.

mod comparison;
pub(crate) mod network;
pub(crate) mod time_of_day;

pub(super) use comparison::TYPES;

use super::Outcome;
use super::code;
use super::fields::{Fields, expect_list, expect_object, expect_text};
use super::form::objects;
use super::form::operators::{self, LOGIC, OPERATORS};
use super::names::Scope;
use super::rule;
use super::source::{Json, Node};
use crate::facts::Fact;
use crate::pack::coerce;

/// A condition over facts, with every operator but the comparisons spelled out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// All of them hold; true of none.
    All(Vec<Condition>),
    /// One of them holds; true of none, as in GrowthBook.
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// A visitor is in the audience of that name.
    Audience(String),
    /// A visitor is in the experiment of that key, with one of these variations.
    Variation {
        experiment: String,
        variations: Vec<String>,
    },
    /// The slot of that name shows one of these.
    Shows {
        slot: String,
        outcomes: Vec<Outcome>,
    },
    /// A comparison with the fact of that name; within a list, with what stands at that path in an item, the item
    /// itself where the path is empty.
    Fact(String, Test),
}

/// A comparison with one fact. A missing fact compares as null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// A bare value: the fact is coerced to the operand's type, lists and objects are compared as JSON.
    Matches(Operand),
    /// As a bare text, in lower case.
    MatchesFolded(String),
    /// JavaScript's `===`.
    Is(Operand),
    Less(Operand),
    LessOrEqual(Operand),
    Greater(Operand),
    GreaterOrEqual(Operand),
    /// A comparison of versions with one that [`coerce::version`] has written.
    Version(Side, String),
    /// One of these is the fact, or is among its items.
    In(Vec<Operand>),
    /// The same, where texts are compared in lower case.
    InFolded(Vec<Operand>),
    Exists,
    /// The fact is of that type of JSON.
    Type(String),
    /// A pattern is found in the fact's text.
    Pattern(Pattern),
    /// The text holds that one; a list has it as an item.
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    /// The address is in one of these networks.
    InNetwork(Networks),
    /// The time of the day is in this span.
    TimeBetween(Span),
    /// The fact is a list, and this holds for its length.
    Size(Box<Condition>),
    /// The fact is a list, and this holds for one of its items.
    AnyItem(Box<Condition>, Nulls),
    /// Where the hash of the fact lies.
    Bucket(Bucket),
    /// The rule whose name the fact is has been shown less often than that.
    ShownLess {
        times: u32,
        period: Period,
    },
    /// True of nobody.
    Never,
}

/// How two things stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Whether items that are null are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    Skipped,
    Seen,
}

/// A regular expression of JavaScript, as it was written and as an automaton.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pub(crate) written: String,
    pub(crate) automaton: Vec<u8>,
}

/// Networks as they were written, and the addresses in them as sorted spans of first and last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Networks {
    pub(crate) written: String,
    pub(crate) spans: Vec<[u128; 2]>,
}

/// A span of the day in seconds since midnight, from the first up to the second; over midnight where that is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// A part of the numbers from 0 up to 1 that a hash gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) seed: String,
    pub(crate) version: u32,
    pub(crate) ranges: Vec<[f64; 2]>,
    /// Whether the end of a range belongs to it, as in GrowthBook's roll-outs.
    pub(crate) closed: bool,
}

/// After which time what has been shown counts as not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    /// The present visit.
    Visit,
    Seconds(u32),
    Ever,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A list or an object in canonical form.
    Json(String),
}

impl Condition {
    /// True of everybody.
    pub(crate) const ALWAYS: Condition = Condition::All(Vec::new());

    /// Calls `see` with every part of the condition that refers to something else by name.
    pub(super) fn references<'a>(&'a self, see: &mut impl FnMut(&'a Condition)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.references(see))
            }
            Condition::Not(part) => part.references(see),
            Condition::Audience(_) | Condition::Variation { .. } | Condition::Shows { .. } => see(self),
            Condition::Fact(..) => {}
        }
    }

    pub(super) fn not(self) -> Self {
        Condition::Not(Box::new(self))
    }

    pub(super) fn all(mut parts: Vec<Condition>) -> Self {
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                Condition::All(parts)
            }
            None => Condition::All(parts),
        }
    }
}

/// Whose facts a condition is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Visitor,
    /// An item of a list, of which nothing is known but itself.
    Item,
}

/// Reads a condition object. What is wrong with it is a finding, and true.
pub(super) fn read<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    read_about(Subject::Visitor, node, scope)
}

fn read_about<'n>(subject: Subject, node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    if !expect_object(node, "condition", scope.findings) {
        return Condition::ALWAYS;
    }
    let mut parts = Vec::new();
    for member in node.members() {
        let (key, value) = (member.key.as_str(), &member.value);
        parts.push(match key {
            "$and" => Condition::All(read_list(subject, value, key, scope)),
            "$or" => Condition::Any(read_list(subject, value, key, scope)),
            "$nor" => Condition::Any(read_list(subject, value, key, scope)).not(),
            "$not" => read_about(subject, value, scope).not(),
            "$audience" | "$experiment" | "$slot" if subject == Subject::Item => {
                let message = format!("`{key}` is about a visitor, not about an item of a list");
                scope.findings.report_with_help(
                    code::BAD_ARGUMENT,
                    member.at,
                    message,
                    "put it beside the facts",
                );
                continue;
            }
            "$audience" => {
                let Some(name) = expect_text(value, key, scope.findings) else { continue };
                scope.check_audience(name, value.at);
                Condition::Audience(name.to_owned())
            }
            "$experiment" => match read_experiment(value, scope) {
                Some(condition) => condition,
                None => continue,
            },
            "$slot" => match read_slot(value, scope) {
                Some(condition) => condition,
                None => continue,
            },
            operator if operator.starts_with('$') => {
                comparison::report_operator(
                    operator,
                    member.at,
                    &LOGIC,
                    &OPERATORS,
                    "stands under a fact's name",
                    scope,
                );
                // It is the name of a fact to GrowthBook, and there is no such fact.
                comparison::read(operator, value, scope)
            }
            fact => {
                if subject == Subject::Visitor {
                    scope.use_fact(fact, member.at);
                }
                comparison::read(fact, value, scope)
            }
        });
    }
    Condition::all(parts)
}

fn read_list<'n>(
    subject: Subject,
    node: &'n Node,
    operator: &str,
    scope: &mut Scope<'n, '_>,
) -> Vec<Condition> {
    let items = expect_list(node, operator, scope.findings).unwrap_or_default();
    items.iter().map(|item| read_about(subject, item, scope)).collect()
}

/// `{"key": "…", "variations": ["…"]}`, or the key alone for any of its variations.
fn read_experiment<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Option<Condition> {
    if let Json::Text(key) = &node.value {
        let variations = scope.check_experiment(key, node.at)?;
        return Some(Condition::Variation { experiment: key.clone(), variations });
    }
    let fields = Fields::of(node, &operators::MEMBERSHIP, scope.findings)?;
    variation_of("key", &fields, scope)
}

/// `{"name": "…", "shows": ["a block", "default", "nothing"]}`.
fn read_slot<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Option<Condition> {
    let fields = Fields::of(node, &operators::SHOWING, scope.findings)?;
    shows_of("name", &fields, scope)
}

/// Reads a prerequisite: `{"experiment": "…", "variations": […]}` or `{"slot": "…", "shows": […]}`.
pub(super) fn read_prerequisite<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    let is_slot = node.members().any(|member| member.key == "slot");
    let (object, what) =
        if is_slot { (&objects::SHOWN_IN, "slot") } else { (&objects::IN_EXPERIMENT, "experiment") };
    let fields = Fields::of(node, object, scope.findings);
    let read = if is_slot { shows_of } else { variation_of };
    fields.and_then(|fields| read(what, &fields, scope)).unwrap_or(Condition::ALWAYS)
}

fn variation_of<'n>(name: &str, fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> Option<Condition> {
    let (experiment, at) = fields.required_text(name, scope.findings)?;
    let known = scope.check_experiment(experiment, at)?;
    let variations = match fields.get("variations") {
        None => known,
        Some(list) => {
            let items = expect_list(list, "variations", scope.findings).unwrap_or_default();
            let texts = items.iter().filter_map(|item| {
                Some((expect_text(item, "a variation", scope.findings)?.to_owned(), item.at))
            });
            let texts: Vec<(String, usize)> = texts.collect();
            texts.iter().for_each(|(key, at)| scope.check_variation(experiment, &known, key, *at));
            texts.into_iter().map(|(key, _)| key).collect()
        }
    };
    Some(Condition::Variation { experiment: experiment.to_owned(), variations })
}

fn shows_of<'n>(name: &str, fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> Option<Condition> {
    let (slot, at) = fields.required_text(name, scope.findings)?;
    scope.check_slot(slot, at);
    let mut outcomes = Vec::new();
    for item in fields.list("shows", scope.findings) {
        let Some(block) = expect_text(item, "a block", scope.findings) else { continue };
        outcomes.push(rule::outcome(block, item.at, None, scope));
    }
    Some(Condition::Shows { slot: slot.to_owned(), outcomes })
}

fn operand(node: &Node) -> Operand {
    match &node.value {
        Json::Null => Operand::Null,
        Json::Bool(yes) => Operand::Bool(*yes),
        Json::Number(number) => Operand::Number(*number),
        Json::Text(text) => Operand::Text(text.clone()),
        Json::List(_) | Json::Object(_) => Operand::Json(coerce::canonical(&node.to_json())),
    }
}

/// The operand of `<` and its like, which JavaScript makes a primitive first.
fn primitive(node: &Node) -> Operand {
    match operand(node) {
        Operand::Json(_) => Operand::Text(coerce::text(Fact::from_json(&node.to_json())).into_owned()),
        operand => operand,
    }
}

/// The values of a list; lists and objects in it equal nothing.
pub(super) fn values(items: &[Node]) -> Vec<Operand> {
    items.iter().map(operand).filter(|operand| !matches!(operand, Operand::Json(_))).collect()
}
