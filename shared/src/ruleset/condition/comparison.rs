//! What stands under a fact's name: a bare value, or operators.

use std::cmp::Ordering;

use super::{Condition, Nulls, Operand, Pattern, Side, Span, Subject, Test, network, operand, primitive};
use super::{Networks, read_about, time_of_day, values};
use crate::facts::Fact;
use crate::pack::coerce;
use crate::pattern::{self, Case, RefusalKind};
use crate::ruleset::code::{self, Code};
use crate::ruleset::fields::{expect_list, expect_text};
use crate::ruleset::form::operators::{self, LOGIC, OPERATORS, Operator};
use crate::ruleset::kinds;
use crate::ruleset::names::Scope;
use crate::ruleset::source::{Json, Node};

/// The types of JSON that a fact may be of.
pub(in crate::ruleset) const TYPES: [&str; 6] = ["string", "number", "boolean", "null", "array", "object"];

/// Reads what must hold for a fact.
pub(super) fn read<'n>(fact: &str, node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    let operators = node.members().filter(|member| member.key.starts_with('$')).count();
    let keys = node.members().count();
    if operators > 0 && operators < keys {
        let message =
            format!("operators and other keys are mixed under `{fact}`, so all of it is plain JSON");
        let help = "put the operators into an object of their own";
        scope.findings.report_with_help(code::MIXED_KEYS, node.at, message, help);
    }
    if operators == 0 || operators < keys {
        let test = Test::Matches(operand(node));
        kinds::check(fact, &test, node, scope);
        return Condition::Fact(fact.to_owned(), test);
    }
    let compare = |test: Test| Condition::Fact(fact.to_owned(), test);
    let mut parts = Vec::new();
    for member in node.members() {
        let (operator, argument) = (member.key.as_str(), &member.value);
        parts.push(match operator {
            "$not" => read(fact, argument, scope).not(),
            "$ne" => compare(identity(operator, argument, scope)).not(),
            "$nin" | "$nini" | "$notInGroup" => {
                // GrowthBook answers false, not true, where the argument is no list.
                match membership(operator, argument, scope) {
                    Test::Never => compare(Test::Never),
                    test => compare(test).not(),
                }
            }
            "$vne" => compare(version(Side::Equal, argument)).not(),
            "$notRegex" | "$notRegexi" => match pattern(operator, argument, scope) {
                Test::Never => compare(Test::Never),
                test => compare(test).not(),
            },
            "$notContains" => texts(operator, argument, Test::Contains, scope).on(fact).not(),
            "$notInCidr" => compare(networks(argument, operator, scope)).not(),
            "$notTimeBetween" => compare(time_between(argument, operator, scope)).not(),
            "$exists" if coerce::truth(Fact::from_json(&argument.to_json())) => compare(Test::Exists),
            "$exists" => compare(Test::Exists).not(),
            "$all" | "$alli" => all(fact, operator, argument, scope),
            "$contains" => texts(operator, argument, Test::Contains, scope).on(fact),
            "$startsWith" => texts(operator, argument, Test::StartsWith, scope).on(fact),
            "$endsWith" => texts(operator, argument, Test::EndsWith, scope).on(fact),
            known if operators::is_among(known, &OPERATORS) => {
                let test = test(known, argument, scope);
                kinds::check(fact, &test, argument, scope);
                compare(test)
            }
            unknown => {
                report_operator(
                    unknown,
                    member.at,
                    &OPERATORS,
                    &LOGIC,
                    "stands beside facts, not under one",
                    scope,
                );
                compare(Test::Never)
            }
        });
    }
    Condition::all(parts)
}

/// The operators that are one comparison.
fn test<'n>(operator: &str, argument: &'n Node, scope: &mut Scope<'n, '_>) -> Test {
    match operator {
        "$eq" => identity(operator, argument, scope),
        "$lt" => Test::Less(primitive(argument)),
        "$lte" => Test::LessOrEqual(primitive(argument)),
        "$gt" => Test::Greater(primitive(argument)),
        "$gte" => Test::GreaterOrEqual(primitive(argument)),
        "$in" | "$ini" | "$inGroup" => membership(operator, argument, scope),
        "$veq" => version(Side::Equal, argument),
        "$vlt" => version(Side::Less, argument),
        "$vlte" => version(Side::LessOrEqual, argument),
        "$vgt" => version(Side::Greater, argument),
        "$vgte" => version(Side::GreaterOrEqual, argument),
        "$regex" | "$regexi" => pattern(operator, argument, scope),
        "$type" => type_of(argument, scope),
        "$size" => Test::Size(Box::new(read("", argument, scope))),
        "$elemMatch" => any_item(argument, scope),
        "$inCidr" => networks(argument, operator, scope),
        "$timeBetween" => time_between(argument, operator, scope),
        _ => Test::Never,
    }
}

/// Reports an operator that does not stand where it was written.
pub(super) fn report_operator(
    operator: &str,
    at: usize,
    known: &'static [Operator],
    elsewhere: &[Operator],
    where_it_stands: &str,
    scope: &mut Scope,
) {
    let message = format!("there is no operator `{operator}` here");
    if operators::is_among(operator, elsewhere) {
        let help = format!("`{operator}` {where_it_stands}");
        scope.findings.report_with_help(code::UNKNOWN_OPERATOR, at, message, help);
    } else {
        let known = operators::names(known);
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

fn membership(operator: &str, node: &Node, scope: &mut Scope) -> Test {
    match (operator, &node.value) {
        ("$inGroup" | "$notInGroup", Json::Text(name)) => Test::In(scope.group(name, node.at)),
        ("$in" | "$nin", Json::List(items)) => Test::In(values(items)),
        ("$ini" | "$nini", Json::List(items)) => {
            Test::InFolded(values(items).into_iter().map(folded).collect())
        }
        _ => {
            let message = format!("`{operator}` with {} matches nobody", node.type_name());
            let help = if operator.ends_with("Group") { "name a group" } else { "give it a list" };
            scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, help);
            Test::Never
        }
    }
}

fn folded(operand: Operand) -> Operand {
    match operand {
        Operand::Text(text) => Operand::Text(text.to_lowercase()),
        other => other,
    }
}

fn version(side: Side, node: &Node) -> Test {
    Test::Version(side, coerce::version(Fact::from_json(&node.to_json())))
}

fn pattern(operator: &str, node: &Node, scope: &mut Scope) -> Test {
    let Some(written) = expect_text(node, operator, scope.findings) else { return Test::Never };
    let case = if operator.ends_with('i') { Case::Insensitive } else { Case::Sensitive };
    match pattern::compile(written, case) {
        Ok(automaton) => {
            let flags = if case == Case::Insensitive { "i" } else { "" };
            Test::Pattern(Pattern { written: format!("/{written}/{flags}"), automaton })
        }
        Err(refusal) => {
            let code: &'static Code = if refusal.kind <= RefusalKind::DuplicateName {
                code::BAD_PATTERN
            } else {
                code::UNSUPPORTED_PATTERN
            };
            let before = written.get(..refusal.at).unwrap_or(written).chars().count();
            let message = format!("{}, at character {}", refusal.kind.message(), before + 1);
            scope.findings.report_with_help(code, node.at, message, refusal.kind.help());
            Test::Never
        }
    }
}

fn type_of(node: &Node, scope: &mut Scope) -> Test {
    let Some(name) = expect_text(node, "$type", scope.findings) else { return Test::Never };
    if !TYPES.contains(&name) {
        let message = format!("no fact is of the type `{}`", name.escape_debug());
        scope.findings.report_unknown(code::NEVER_MATCHES, node.at, message, name, TYPES);
        return Test::Never;
    }
    Test::Type(name.to_owned())
}

/// An object of operators is about the item itself, any other about what is in it.
fn any_item<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Test {
    let mut members = node.members().peekable();
    let of_operators = members.peek().is_some() && members.all(|member| member.key.starts_with('$'));
    let condition = if of_operators { read("", node, scope) } else { read_about(Subject::Item, node, scope) };
    Test::AnyItem(Box::new(condition), Nulls::Skipped)
}

/// The fact is a list, and each of these holds for one of its items.
fn all<'n>(fact: &str, operator: &str, node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    let compare = |test| Condition::Fact(fact.to_owned(), test);
    let Json::List(items) = &node.value else {
        let message = format!("`{operator}` with {} matches nobody", node.type_name());
        scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, "give it a list");
        return compare(Test::Never);
    };
    let mut parts = vec![compare(Test::Type("array".to_owned()))];
    for item in items {
        let one = match &item.value {
            Json::Text(text) if operator == "$alli" => {
                Condition::Fact(String::new(), Test::MatchesFolded(text.to_lowercase()))
            }
            _ => read("", item, scope),
        };
        parts.push(compare(Test::AnyItem(Box::new(one), Nulls::Seen)));
    }
    Condition::all(parts)
}

/// Tests of which one has to hold.
struct AnyOf(Vec<Test>);

impl AnyOf {
    fn on(self, fact: &str) -> Condition {
        let mut parts: Vec<Condition> =
            self.0.into_iter().map(|test| Condition::Fact(fact.to_owned(), test)).collect();
        match parts.len() {
            0 => Condition::Fact(fact.to_owned(), Test::Never),
            1 => parts.remove(0),
            _ => Condition::Any(parts),
        }
    }
}

/// A text, or a list of texts.
fn texts(operator: &str, node: &Node, make: fn(String) -> Test, scope: &mut Scope) -> AnyOf {
    let single = std::slice::from_ref(node);
    let items = match &node.value {
        Json::List(items) => items.as_slice(),
        _ => single,
    };
    let read = items.iter().filter_map(|item| expect_text(item, operator, scope.findings));
    let tests: Vec<Test> = read.map(|text| make(text.to_owned())).collect();
    if items.is_empty() {
        let message = format!("`{operator}` with an empty list matches nobody");
        scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, "put a text into it");
    }
    AnyOf(tests)
}

fn networks(node: &Node, operator: &str, scope: &mut Scope) -> Test {
    let single = std::slice::from_ref(node);
    let items = match &node.value {
        Json::List(items) => items.as_slice(),
        _ => single,
    };
    let (mut spans, mut written) = (Vec::new(), Vec::new());
    for item in items {
        let Some(text) = expect_text(item, operator, scope.findings) else { continue };
        match network::span(text) {
            Some(span) => spans.push(span),
            None => {
                let message = format!("`{}` is no network", text.escape_debug());
                let help = "write an address and a length, such as `192.0.2.0/24` or `2001:db8::/32`";
                scope.findings.report_with_help(code::BAD_NETWORK, item.at, message, help);
            }
        }
        written.push(text);
    }
    Test::InNetwork(Networks { written: written.join(", "), spans: network::merged(spans) })
}

fn time_between(node: &Node, operator: &str, scope: &mut Scope) -> Test {
    let Some(items) = expect_list(node, operator, scope.findings) else { return Test::Never };
    let mut times = Vec::new();
    for item in items {
        let Some(text) = expect_text(item, operator, scope.findings) else { return Test::Never };
        match time_of_day::seconds(text) {
            Some(seconds) => times.push(seconds),
            None => {
                let message = format!("`{}` is no time of the day", text.escape_debug());
                let help = "write hours and minutes, such as `09:30`; the day ends at `24:00`";
                scope.findings.report_with_help(code::BAD_TIME, item.at, message, help);
            }
        }
    }
    if times.len() < items.len() {
        return Test::Never;
    }
    let &[from, to] = times.as_slice() else {
        let message = format!("`{operator}` has {} times", times.len());
        scope.findings.report_with_help(code::BAD_TIME, node.at, message, "give it two: from, and up to");
        return Test::Never;
    };
    if from.cmp(&to) == Ordering::Equal {
        let message = "a span that ends where it begins is empty".to_owned();
        scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, "write two different times");
    }
    Test::TimeBetween(Span { from, to })
}
