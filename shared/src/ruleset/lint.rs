//! What a ruleset says without effect: blocks that nothing shows, rules that never decide, audiences of nobody. What has
//! an error in it is left alone, since it does not yet say what it means.

use std::collections::{BTreeMap, BTreeSet};

use super::code;
use super::condition::{Condition, Operand, Test};
use super::names::Scope;
use super::source::{Member, Node};
use super::{Rule, Ruleset, Shows};
use crate::facts::vocabulary::{self, Kind};

/// Rules of one slot that others are compared with, and comparisons in the whole ruleset: quadratic cost.
const MOST_COMPARED: usize = 500;
const MOST_COMPARISONS: usize = 1_000_000;

/// Where the errors are, in the order of the text.
struct Errors(Vec<usize>);

impl Errors {
    fn are_within(&self, first: usize, last: usize) -> bool {
        let before = self.0.partition_point(|at| *at < first);
        self.0.get(before).is_some_and(|at| *at <= last)
    }
}

/// Reports what has no effect.
pub(super) fn check(
    ruleset: &Ruleset,
    root: &Node,
    audiences: &[&Member],
    blocks: &[&Member],
    scope: &mut Scope,
) {
    let errors = Errors(scope.findings.error_places());
    let verdicts = check_audiences(ruleset, audiences, &errors, scope);
    check_blocks(root, blocks, &errors, scope);
    let of_slots = ruleset.slots.iter().map(|slot| &slot.rules);
    let mut left = MOST_COMPARISONS;
    for rules in of_slots.chain(ruleset.edits.iter().map(|edit| &edit.rules)) {
        check_rules(rules, &verdicts, &errors, &mut left, scope);
    }
}

fn check_blocks(root: &Node, blocks: &[&Member], errors: &Errors, scope: &mut Scope) {
    // Something that has an error may not have been read as far as where it names a block.
    let mut named = BTreeSet::new();
    if !errors.0.is_empty() {
        root.texts(&mut |text| {
            named.insert(text);
        });
    }
    let sound = |member: &&&Member| !errors.are_within(member.at, member.value.last_at());
    for member in blocks.iter().filter(sound) {
        if !scope.shown.contains(&member.key) && !named.contains(member.key.as_str()) {
            let message = format!("nothing shows the block `{}`", member.key);
            let help = "name it in a rule, or take it out";
            scope.findings.report_with_help(code::UNUSED_BLOCK, member.at, message, help);
        }
    }
}

fn check_audiences<'r>(
    ruleset: &'r Ruleset,
    members: &[&Member],
    errors: &Errors,
    scope: &mut Scope,
) -> BTreeMap<&'r str, bool> {
    let by_name: BTreeMap<&str, &Member> =
        members.iter().map(|member| (member.key.as_str(), *member)).collect();
    let mut verdicts = BTreeMap::new();
    for audience in &ruleset.audiences {
        let Some(member) = by_name.get(audience.name.as_str()) else { continue };
        if errors.are_within(member.at, member.value.last_at()) {
            continue;
        }
        let Some(verdict) = verdict(&audience.condition, &verdicts) else { continue };
        verdicts.insert(audience.name.as_str(), verdict);
        let (code, whom) =
            if verdict { (code::WHOLE_AUDIENCE, "everybody") } else { (code::EMPTY_AUDIENCE, "nobody") };
        let message = format!("`{}` is an audience of {whom}", audience.name);
        scope.findings.report_with_help(code, member.at, message, "look at its conditions once more");
    }
    verdicts
}

fn check_rules(
    rules: &[Rule],
    verdicts: &BTreeMap<&str, bool>,
    errors: &Errors,
    left: &mut usize,
    scope: &mut Scope,
) {
    let mut above: Vec<(&Rule, Vec<&Condition>)> = Vec::new();
    for rule in rules.iter().filter(|rule| !errors.are_within(rule.at, rule.last)) {
        if verdict(&rule.condition, verdicts) == Some(false) {
            let message = format!("the condition of `{}` holds for nobody", rule.id);
            let help = "look at its conditions once more";
            scope.findings.report_with_help(code::NEVER_DECIDES, rule.at, message, help);
            continue;
        }
        let parts = conjuncts(&rule.condition);
        let weaker = |(_, other): &&(&Rule, Vec<&Condition>)| {
            other.iter().all(|part| parts.iter().any(|own| implies(own, part)))
        };
        let compared = above.get(..*left).unwrap_or(&above);
        *left -= compared.len();
        if let Some((other, _)) = compared.iter().find(weaker) {
            let message = format!("`{}` above decides whenever `{}` would", other.id, rule.id);
            let help = "move it up, give it a higher priority, or take it out";
            scope.findings.report_with_help(code::SHADOWED_RULE, rule.at, message, help);
        }
        // Whoever is in no experiment, or has seen it too often, is left to the rules below.
        if matches!(rule.shows, Shows::Outcome(_)) && !rule.counted && above.len() < MOST_COMPARED {
            above.push((rule, parts));
        }
    }
}

/// Conditions of which all must hold.
fn conjuncts(condition: &Condition) -> Vec<&Condition> {
    match condition {
        Condition::All(parts) => parts.iter().flat_map(conjuncts).collect(),
        one => vec![one],
    }
}

/// Whether a condition holds for everybody, or for nobody, as far as can be seen.
fn verdict(condition: &Condition, audiences: &BTreeMap<&str, bool>) -> Option<bool> {
    match condition {
        Condition::All(_) => {
            let parts = conjuncts(condition);
            let verdicts: Vec<Option<bool>> = parts.iter().map(|part| verdict(part, audiences)).collect();
            if verdicts.contains(&Some(false)) || contradict(&parts) {
                Some(false)
            } else {
                verdicts.iter().all(|verdict| *verdict == Some(true)).then_some(true)
            }
        }
        Condition::Any(parts) if parts.is_empty() => Some(true),
        Condition::Any(parts) => {
            let verdicts: Vec<Option<bool>> = parts.iter().map(|part| verdict(part, audiences)).collect();
            if verdicts.contains(&Some(true)) || complement(parts) {
                Some(true)
            } else {
                verdicts.iter().all(|verdict| *verdict == Some(false)).then_some(false)
            }
        }
        Condition::Not(part) => verdict(part, audiences).map(|verdict| !verdict),
        Condition::Audience(name) => audiences.get(name.as_str()).copied(),
        Condition::Fact(_, Test::Never) => Some(false),
        Condition::Fact(_, Test::In(operands) | Test::InFolded(operands)) if operands.is_empty() => {
            Some(false)
        }
        Condition::Fact(..) | Condition::Variation { .. } | Condition::Shows { .. } => None,
    }
}

/// Conditions of one list that are compared with each other: quadratic cost.
const MOST_PARTS: usize = 64;

/// Whether one of the conditions holds wherever another does not.
fn complement(parts: &[Condition]) -> bool {
    let parts = parts.get(..MOST_PARTS).unwrap_or(parts);
    let negated = |part: &Condition| match part {
        Condition::Not(part) => parts.contains(part),
        _ => false,
    };
    parts.iter().any(negated)
}

/// Whether two of the conditions exclude each other.
fn contradict(parts: &[&Condition]) -> bool {
    let parts = parts.get(..MOST_PARTS).unwrap_or(parts);
    let pair = |one: &Condition, other: &Condition| match (one, other) {
        (Condition::Not(one), other) | (other, Condition::Not(one)) => **one == *other,
        (Condition::Fact(fact, one), Condition::Fact(other_fact, other)) => {
            fact == other_fact && exclude(one, other)
        }
        _ => false,
    };
    parts.iter().enumerate().any(|(at, one)| parts.iter().skip(at + 1).any(|other| pair(one, other)))
}

/// Whether a condition holds wherever another does, as far as can be seen.
fn implies(one: &Condition, other: &Condition) -> bool {
    match (one, other) {
        _ if one == other => true,
        (one, Condition::Any(parts)) => parts.iter().any(|part| implies(one, part)),
        (Condition::Fact(fact, one), Condition::Fact(other_fact, other)) if fact == other_fact => {
            let is_text = vocabulary::entry(fact).is_some_and(|entry| entry.kind == Kind::Text);
            match (one, other) {
                (Test::Is(operand), Test::In(list)) => list.contains(operand),
                (Test::Matches(operand @ Operand::Text(_)), Test::In(list)) => {
                    is_text && list.contains(operand)
                }
                (Test::In(list), Test::In(longer)) => list.iter().all(|operand| longer.contains(operand)),
                (one, other) => match (bound(one), bound(other)) {
                    (Some(one), Some(other)) => one.is_within(&other),
                    _ => false,
                },
            }
        }
        _ => false,
    }
}

/// The numbers that pass a comparison.
struct Bound {
    from: f64,
    to: f64,
    closed: bool,
}

impl Bound {
    fn is_within(&self, other: &Bound) -> bool {
        let side = |own: f64, others: f64| own == others && (other.closed || !self.closed);
        (self.from > other.from || side(self.from, other.from))
            && (self.to < other.to || side(self.to, other.to))
    }

    fn misses(&self, other: &Bound) -> bool {
        let (low, high) = (self.from.max(other.from), self.to.min(other.to));
        low > high || (low == high && !(self.closed && other.closed))
    }
}

fn bound(test: &Test) -> Option<Bound> {
    let below = |to: f64, closed| Bound { from: f64::NEG_INFINITY, to, closed };
    let above = |from: f64, closed| Bound { from, to: f64::INFINITY, closed };
    match test {
        Test::Less(Operand::Number(limit)) => Some(below(*limit, false)),
        Test::LessOrEqual(Operand::Number(limit)) => Some(below(*limit, true)),
        Test::Greater(Operand::Number(limit)) => Some(above(*limit, false)),
        Test::GreaterOrEqual(Operand::Number(limit)) => Some(above(*limit, true)),
        _ => None,
    }
}

/// Whether no value passes both.
fn exclude(one: &Test, other: &Test) -> bool {
    let single = |test: &Test| match test {
        Test::Is(operand) | Test::Matches(operand) => Some(operand.clone()),
        _ => None,
    };
    match (single(one), single(other)) {
        (Some(Operand::Text(one)), Some(Operand::Text(other))) => return one != other,
        (Some(Operand::Number(one)), Some(Operand::Number(other))) => return one != other,
        _ => {}
    }
    match (one, other) {
        (Test::Is(one), Test::In(list)) | (Test::In(list), Test::Is(one)) => return !list.contains(one),
        (Test::Exists, Test::Is(Operand::Null) | Test::Matches(Operand::Null))
        | (Test::Is(Operand::Null) | Test::Matches(Operand::Null), Test::Exists) => return true,
        _ => {}
    }
    match (bound(one), bound(other)) {
        (Some(one), Some(other)) => one.misses(&other),
        _ => false,
    }
}
