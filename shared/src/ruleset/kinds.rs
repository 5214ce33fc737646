//! Comparisons that a fact of its kind can never pass.

use super::code;
use super::condition::{Operand, Test};
use super::names::Scope;
use super::source::Node;
use crate::facts::vocabulary::{self, Kind};

/// Reports a comparison that holds for no value that the fact can have.
pub(super) fn check(fact: &str, test: &Test, node: &Node, scope: &mut Scope) {
    let Some(kind) = scope.facts.get(fact).copied().or_else(|| Some(vocabulary::entry(fact)?.kind)) else {
        return;
    };
    if let Some(help) = country(fact, test) {
        let message = format!("`{fact}` never has that value");
        return scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, help);
    }
    if !can_hold(kind, test) {
        let message = format!("`{fact}` is a {} and never passes that", spoken(kind));
        let help = match kind {
            Kind::Number => "compare it with a number",
            Kind::Boolean => "compare it with true or false",
            Kind::List => "use an operator for lists, such as `$elemMatch`",
            Kind::Text | Kind::Any => "compare it with a text, in quotes",
        };
        scope.findings.report_with_help(code::NEVER_MATCHES, node.at, message, help);
    }
}

/// What a value of a kind is.
pub(super) fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text",
        Kind::Number => "a number",
        Kind::Boolean => "true or false",
        Kind::List => "a list",
        Kind::Any => "anything",
    }
}

fn spoken(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "yes or no",
        other => other.name(),
    }
}

fn can_hold(kind: Kind, test: &Test) -> bool {
    match test {
        Test::Is(operand) => is(kind, operand),
        Test::In(operands) | Test::InFolded(operands) => {
            operands.is_empty() || operands.iter().any(|operand| is(kind, operand))
        }
        Test::Matches(operand) => matches(kind, operand),
        Test::Size(_) | Test::AnyItem(..) => matches!(kind, Kind::List | Kind::Any),
        Test::StartsWith(_) | Test::EndsWith(_) | Test::InNetwork(_) | Test::TimeBetween(_) => {
            matches!(kind, Kind::Text | Kind::Any)
        }
        Test::Type(name) => match kind {
            Kind::Any => true,
            Kind::Text => matches!(name.as_str(), "string" | "null"),
            Kind::Number => matches!(name.as_str(), "number" | "null"),
            Kind::Boolean => matches!(name.as_str(), "boolean" | "null"),
            Kind::List => matches!(name.as_str(), "array" | "null"),
        },
        _ => true,
    }
}

/// Whether a value of that kind can be identical with the operand; of a list, one of its items.
fn is(kind: Kind, operand: &Operand) -> bool {
    match operand {
        Operand::Null => true,
        Operand::Text(_) => matches!(kind, Kind::Text | Kind::List | Kind::Any),
        Operand::Number(_) => matches!(kind, Kind::Number | Kind::Any),
        Operand::Bool(_) => matches!(kind, Kind::Boolean | Kind::Any),
        Operand::Json(_) => matches!(kind, Kind::List | Kind::Any),
    }
}

/// Whether a value of that kind can be the operand once it is of its type.
fn matches(kind: Kind, operand: &Operand) -> bool {
    match (kind, operand) {
        (Kind::Number, Operand::Text(text)) => text.parse::<f64>().is_ok() || text == "null",
        (Kind::Boolean, Operand::Text(text)) => matches!(text.as_str(), "true" | "false" | "null"),
        (Kind::Boolean, Operand::Number(number)) => *number == 0.0 || *number == 1.0,
        (Kind::Text | Kind::Number | Kind::Boolean, Operand::Json(_)) => false,
        _ => true,
    }
}

/// Codes of countries and continents are in capitals.
fn country(fact: &str, test: &Test) -> Option<String> {
    if !matches!(fact, "place.country" | "place.continent") {
        return None;
    }
    let operands = match test {
        Test::Matches(operand) | Test::Is(operand) => std::slice::from_ref(operand),
        Test::In(operands) => operands.as_slice(),
        _ => return None,
    };
    let wrong = operands.iter().find_map(|operand| match operand {
        Operand::Text(text) if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Some(text)
        }
        _ => None,
    })?;
    let capitals = wrong.to_ascii_uppercase();
    let help = if wrong.len() == 2 {
        format!("write `{capitals}`")
    } else {
        "write two capitals, such as `DE` (ISO 3166-1 alpha-2)".to_owned()
    };
    Some(help)
}
