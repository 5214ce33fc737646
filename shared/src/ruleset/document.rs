//! The document as a whole: its four parts, and the references between them.

use super::code;
use super::diagnostic::Findings;
use super::fields::{Fields, expect_object};
use super::names::{BlockKind, Scope};
use super::source::{Member, Node};
use super::{Audience, Block, Content, Ruleset, Slot, block, condition, edit, order, rule};

/// Reads the document; `None` only where it is no object.
pub(super) fn read(root: &Node, findings: &mut Findings) -> Option<Ruleset> {
    let fields = Fields::of(root, "a ruleset", &["audiences", "blocks", "slots", "edits"], findings)?;
    let mut scope = Scope::new(findings);
    let audiences = by_name(fields.get("audiences"), "audiences", &mut scope);
    let blocks = by_name(fields.get("blocks"), "blocks", &mut scope);
    scope.audiences = audiences.iter().map(|member| member.key.as_str()).collect();
    scope.blocks = blocks.iter().map(|member| (member.key.as_str(), kind_of(member))).collect();
    Some(Ruleset {
        audiences: read_audiences(&audiences, &mut scope),
        blocks: read_blocks(&blocks, &mut scope),
        slots: read_slots(fields.get("slots"), &mut scope),
        edits: fields
            .list("edits", scope.findings)
            .iter()
            .filter_map(|node| edit::read(node, &mut scope))
            .collect(),
    })
}

/// Members in the order of their names, so that the same ruleset written in another order gives the same pack.
fn by_name<'n>(node: Option<&'n Node>, what: &str, scope: &mut Scope<'n, '_>) -> Vec<&'n Member> {
    let Some(node) = node.filter(|node| expect_object(node, what, scope.findings)) else { return Vec::new() };
    let mut members: Vec<&Member> = node.members().collect();
    members.sort_by(|one, other| one.key.cmp(&other.key));
    members
}

fn kind_of(member: &Member) -> BlockKind {
    let is_fragment = member.value.members().any(|field| field.key == "fragment");
    if is_fragment { BlockKind::Fragment } else { BlockKind::Inline }
}

fn read_audiences<'n>(members: &[&'n Member], scope: &mut Scope<'n, '_>) -> Vec<Audience> {
    let read_one = |member: &&'n Member| {
        scope.check_name("an audience", &member.key, member.at);
        Audience { name: member.key.clone(), condition: condition::read(&member.value, scope) }
    };
    let audiences: Vec<Audience> = members.iter().map(read_one).collect();
    let refers = |at: usize| {
        let mut names = Vec::new();
        if let Some(audience) = audiences.get(at) {
            audience.condition.audiences(&mut names);
        }
        names
    };
    let sorted = in_order(members, refers, code::AUDIENCE_CYCLE, "an audience cannot refer to itself", scope);
    arrange(&audiences, &sorted)
}

fn read_blocks<'n>(members: &[&'n Member], scope: &mut Scope<'n, '_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut read = Vec::new();
    for member in members {
        scope.check_name("a block", &member.key, member.at);
        if rule::WORDS.contains(&member.key.as_str()) {
            let message = format!("`{}` is what a rule says instead of a block's name", member.key);
            let help = "call the block something else";
            scope.findings.report_with_help(code::RESERVED_NAME, member.at, message, help);
        }
        if let Some(content) = block::read(&member.value, scope) {
            blocks.push(Block { name: member.key.clone(), content });
            read.push(*member);
        }
    }
    let refers = |at: usize| match blocks.get(at).map(|block| &block.content) {
        Some(Content::Fragment { fallback: Some(fallback), .. }) => vec![fallback.as_str()],
        _ => Vec::new(),
    };
    let sorted = in_order(&read, refers, code::FALLBACK_CYCLE, "a block cannot fall back to itself", scope);
    arrange(&blocks, &sorted)
}

/// Indices of members in dependency order; every cycle is a finding at one of its members.
fn in_order<'a>(
    members: &[&Member],
    refers: impl Fn(usize) -> Vec<&'a str>,
    cycle_code: &'static code::Code,
    help: &str,
    scope: &mut Scope,
) -> Vec<usize> {
    let names: Vec<&str> = members.iter().map(|member| member.key.as_str()).collect();
    let index = order::index(&names);
    let sorted = order::order(names.len(), |at| {
        refers(at).into_iter().filter_map(|name| index.get(name).copied()).collect()
    });
    for cycle in &sorted.cycles {
        if let Some(member) = cycle.first().and_then(|at| members.get(*at)) {
            scope.findings.report_with_help(cycle_code, member.at, order::spell(cycle, &names), help);
        }
    }
    sorted.order
}

fn arrange<T: Clone>(items: &[T], order: &[usize]) -> Vec<T> {
    order.iter().filter_map(|at| items.get(*at)).cloned().collect()
}

fn read_slots<'n>(node: Option<&'n Node>, scope: &mut Scope<'n, '_>) -> Vec<Slot> {
    let mut slots = Vec::new();
    for member in by_name(node, "slots", scope) {
        scope.check_id(code::BAD_SLOT_NAME, "a slot", &member.key, member.at);
        let Some(fields) = Fields::of(&member.value, "a slot", &["rules"], scope.findings) else { continue };
        let rules = fields.list("rules", scope.findings);
        let rules = rules.iter().filter_map(|node| rule::read(node, None, scope)).collect();
        slots.push(Slot { name: member.key.clone(), rules });
    }
    slots
}
