//! Conditions: the MongoDB-style language of GrowthBook, read from JSON.

use super::code;
use super::fields::{expect_list, expect_object, expect_text};
use super::names::Scope;
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
    /// A comparison with the fact of that name.
    Fact(String, Test),
}

/// A comparison with one fact. A missing fact compares as null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// A bare value: the fact is coerced to the operand's type, lists and objects are compared as JSON.
    Matches(Operand),
    /// JavaScript's `===`.
    Is(Operand),
    Less(Operand),
    LessOrEqual(Operand),
    Greater(Operand),
    GreaterOrEqual(Operand),
    /// One of these is the fact, or is among its items.
    In(Vec<Operand>),
    Exists,
    /// True of nobody.
    Never,
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

const LOGIC: [&str; 5] = ["$and", "$or", "$nor", "$not", "$audience"];
const COMPARISONS: [&str; 10] =
    ["$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$in", "$nin", "$exists", "$not"];

impl Condition {
    /// The names of the audiences that it refers to.
    pub(super) fn audiences<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.audiences(into));
            }
            Condition::Not(part) => part.audiences(into),
            Condition::Audience(name) => into.push(name),
            Condition::Fact(..) => {}
        }
    }

    fn not(self) -> Self {
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

/// Reads a condition object. What is wrong with it is a finding, and true.
pub(super) fn read<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    if !expect_object(node, "condition", scope.findings) {
        return Condition::All(Vec::new());
    }
    let mut parts = Vec::new();
    for member in node.members() {
        let value = &member.value;
        parts.push(match member.key.as_str() {
            "$and" => Condition::All(read_list(value, "$and", scope)),
            "$or" => Condition::Any(read_list(value, "$or", scope)),
            "$nor" => Condition::Any(read_list(value, "$nor", scope)).not(),
            "$not" => read(value, scope).not(),
            "$audience" => {
                let Some(name) = expect_text(value, "$audience", scope.findings) else { continue };
                scope.check_audience(name, value.at);
                Condition::Audience(name.to_owned())
            }
            operator if operator.starts_with('$') => {
                report_operator(
                    operator,
                    member.at,
                    &LOGIC,
                    &COMPARISONS,
                    "stands under a fact's name",
                    scope,
                );
                continue;
            }
            fact => read_comparisons(fact, value, scope),
        });
    }
    Condition::all(parts)
}

fn read_list<'n>(node: &'n Node, operator: &str, scope: &mut Scope<'n, '_>) -> Vec<Condition> {
    let items = expect_list(node, operator, scope.findings).unwrap_or_default();
    items.iter().map(|item| read(item, scope)).collect()
}

fn read_comparisons<'n>(fact: &str, node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    let operators = node.members().filter(|member| member.key.starts_with('$')).count();
    let keys = node.members().count();
    if operators > 0 && operators < keys {
        let message =
            format!("operators and other keys are mixed under `{fact}`, so all of it is plain JSON");
        let help = "put the operators into an object of their own";
        scope.findings.report_with_help(code::MIXED_KEYS, node.at, message, help);
    }
    if operators == 0 || operators < keys {
        return Condition::Fact(fact.to_owned(), Test::Matches(operand(node)));
    }
    let members = node.members();
    Condition::all(
        members
            .filter_map(|member| read_comparison(fact, &member.key, member.at, &member.value, scope))
            .collect(),
    )
}

fn read_comparison<'n>(
    fact: &str,
    operator: &str,
    at: usize,
    node: &'n Node,
    scope: &mut Scope<'n, '_>,
) -> Option<Condition> {
    let compare = |test: Test| Condition::Fact(fact.to_owned(), test);
    Some(match operator {
        "$eq" => compare(identity(operator, node, scope)),
        "$ne" => compare(identity(operator, node, scope)).not(),
        "$lt" => compare(Test::Less(primitive(node))),
        "$lte" => compare(Test::LessOrEqual(primitive(node))),
        "$gt" => compare(Test::Greater(primitive(node))),
        "$gte" => compare(Test::GreaterOrEqual(primitive(node))),
        "$in" => compare(membership(operator, node, scope)?),
        // GrowthBook answers false, not true, where the argument of `$nin` is no list.
        "$nin" => match membership(operator, node, scope)? {
            Test::Never => compare(Test::Never),
            test => compare(test).not(),
        },
        "$exists" if coerce::truth(Fact::from_json(&node.to_json())) => compare(Test::Exists),
        "$exists" => compare(Test::Exists).not(),
        "$not" => read_comparisons(fact, node, scope).not(),
        unknown => {
            report_operator(unknown, at, &COMPARISONS, &LOGIC, "stands beside facts, not under one", scope);
            return None;
        }
    })
}

fn report_operator(
    operator: &str,
    at: usize,
    known: &[&'static str],
    elsewhere: &[&str],
    where_it_stands: &str,
    scope: &mut Scope,
) {
    let message = format!("there is no operator `{operator}` here");
    if elsewhere.contains(&operator) {
        let help = format!("`{operator}` {where_it_stands}");
        scope.findings.report_with_help(code::UNKNOWN_OPERATOR, at, message, help);
    } else {
        let known = known.iter().copied();
        scope.findings.report_unknown(code::UNKNOWN_OPERATOR, at, message, operator, known);
    }
}

fn identity(operator: &str, node: &Node, scope: &mut Scope) -> Test {
    match operand(node) {
        Operand::Json(_) => {
            let message = format!("`{operator}` never equals {}", node.type_name());
            let help = "write the list or object without an operator";
            scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, help);
            Test::Never
        }
        operand => Test::Is(operand),
    }
}

fn membership(operator: &str, node: &Node, scope: &mut Scope) -> Option<Test> {
    let Json::List(items) = &node.value else {
        let message = format!("`{operator}` with {} matches nobody", node.type_name());
        scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, "give it a list");
        return Some(Test::Never);
    };
    let operands = items.iter().map(operand);
    Some(Test::In(operands.filter(|operand| !matches!(operand, Operand::Json(_))).collect()))
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
