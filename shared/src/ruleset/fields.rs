//! The fields of an object: which there may be, and of which type.

use super::code;
use super::diagnostic::Findings;
use super::form::Object;
use super::source::{Json, Node};
use std::ops::RangeInclusive;

/// An object none of whose fields is unknown, or has been reported.
pub(super) struct Fields<'n> {
    node: &'n Node,
}

impl<'n> Fields<'n> {
    /// A value that is no object is a finding, and `None`.
    pub(super) fn of(node: &'n Node, object: &Object, findings: &mut Findings) -> Option<Self> {
        let what = object.what;
        if !expect_object(node, what.trim_matches('`'), findings) {
            return None;
        }
        for member in node.members() {
            if !object.known().any(|known| known == member.key) {
                let message = format!("{what} has no field `{}`", member.key);
                findings.report_unknown(code::UNKNOWN_FIELD, member.at, message, &member.key, object.known());
            }
        }
        Some(Fields { node })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.node.members().find(|member| member.key == name).map(|member| &member.value)
    }

    /// Where the object itself begins.
    pub(super) fn at(&self) -> usize {
        self.node.at
    }

    pub(super) fn text(&self, name: &str, findings: &mut Findings) -> Option<(&'n str, usize)> {
        let node = self.get(name)?;
        Some((expect_text(node, name, findings)?, node.at))
    }

    pub(super) fn required_text(&self, name: &str, findings: &mut Findings) -> Option<(&'n str, usize)> {
        if self.get(name).is_none() {
            self.report_missing(name, findings);
        }
        self.text(name, findings)
    }

    pub(super) fn report_missing(&self, name: &str, findings: &mut Findings) {
        findings.report(code::MISSING_FIELD, self.node.at, format!("`{name}` is missing here"));
    }

    /// A whole number in a range.
    pub(super) fn whole(
        &self,
        name: &str,
        range: RangeInclusive<u32>,
        findings: &mut Findings,
    ) -> Option<u32> {
        let node = self.get(name)?;
        let number = expect_number(node, name, findings)?;
        let whole = number as u32;
        if f64::from(whole) != number || !range.contains(&whole) {
            let message = format!("`{name}` is {number}");
            let help = format!("use a whole number from {} to {}", range.start(), range.end());
            findings.report_with_help(code::OUT_OF_RANGE, node.at, message, help);
            return None;
        }
        Some(whole)
    }

    /// A whole number in a range, negative ones among them.
    pub(super) fn integer(
        &self,
        name: &str,
        range: RangeInclusive<i32>,
        findings: &mut Findings,
    ) -> Option<i32> {
        let (number, at) = self.number(name, findings)?;
        let whole = number as i32;
        if f64::from(whole) != number || !range.contains(&whole) {
            let message = format!("`{name}` is {number}");
            let help = format!("use a whole number from {} to {}", range.start(), range.end());
            findings.report_with_help(code::OUT_OF_RANGE, at, message, help);
            return None;
        }
        Some(whole)
    }

    /// Any number.
    pub(super) fn number(&self, name: &str, findings: &mut Findings) -> Option<(f64, usize)> {
        let node = self.get(name)?;
        Some((expect_number(node, name, findings)?, node.at))
    }

    /// A list of numbers; what is none is a finding, and left out.
    pub(super) fn numbers(&self, name: &str, findings: &mut Findings) -> Option<(Vec<f64>, usize)> {
        let node = self.get(name)?;
        let items = expect_list(node, name, findings)?;
        Some((items.iter().filter_map(|item| expect_number(item, name, findings)).collect(), node.at))
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str, findings: &mut Findings) -> Option<bool> {
        let node = self.get(name)?;
        let Json::Bool(yes) = node.value else {
            wrong_type(node, name, "true or false", findings);
            return None;
        };
        Some(yes)
    }

    /// The items of a list; a field that is missing has none.
    pub(super) fn list(&self, name: &str, findings: &mut Findings) -> &'n [Node] {
        self.get(name).and_then(|node| expect_list(node, name, findings)).unwrap_or_default()
    }
}

pub(super) fn expect_object(node: &Node, what: &str, findings: &mut Findings) -> bool {
    let fits = matches!(node.value, Json::Object(_));
    if !fits {
        wrong_type(node, what, "an object", findings);
    }
    fits
}

pub(super) fn expect_text<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Option<&'n str> {
    let Json::Text(text) = &node.value else {
        wrong_type(node, what, "a text", findings);
        return None;
    };
    Some(text)
}

fn expect_number(node: &Node, what: &str, findings: &mut Findings) -> Option<f64> {
    let Json::Number(number) = node.value else {
        wrong_type(node, what, "a number", findings);
        return None;
    };
    Some(number)
}

pub(super) fn expect_list<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Option<&'n [Node]> {
    let Json::List(items) = &node.value else {
        wrong_type(node, what, "a list", findings);
        return None;
    };
    Some(items)
}

fn wrong_type(node: &Node, what: &str, expected: &str, findings: &mut Findings) {
    let message = format!("`{what}` is {} and should be {expected}", node.type_name());
    findings.report(code::WRONG_TYPE, node.at, message);
}
