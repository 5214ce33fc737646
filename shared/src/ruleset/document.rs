//! The document as a whole: its four parts, and the references between them.

use super::code;
use super::condition::Condition;
use super::diagnostic::Findings;
use super::fields::{Fields, expect_object};
use super::form::objects;
use super::names::{BlockKind, Scope};
use super::source::{Json, Member, Node};
use super::{Audience, Block, Content, Experiment, Ruleset, Slot};
use super::{block, condition, dependencies, edit, experiment, gate, lint, order, rollout, rule, settings};
use crate::time::UnixTime;

/// Reads the document; `None` only where it is no object.
pub(super) fn read<'n>(root: &'n Node, now: Option<UnixTime>, findings: &mut Findings) -> Option<Ruleset> {
    let fields = Fields::of(root, &objects::RULESET, findings)?;
    fields.text("$schema", findings);
    let mut scope = Scope::new(findings, now);
    let audiences = by_name(fields.get("audiences"), "audiences", &mut scope);
    let blocks = by_name(fields.get("blocks"), "blocks", &mut scope);
    let experiments = by_name(fields.get("experiments"), "experiments", &mut scope);
    let slots = by_name(fields.get("slots"), "slots", &mut scope);
    scope.audiences = audiences.iter().map(|member| member.key.as_str()).collect();
    scope.blocks = blocks.iter().map(|member| (member.key.as_str(), kind_of(member))).collect();
    scope.texts = blocks.iter().filter_map(|member| Some((member.key.as_str(), text_of(member)?))).collect();
    scope.slots = slots.iter().map(|member| member.key.as_str()).collect();
    let keys =
        experiments.iter().map(|member| (member.key.as_str(), experiment::variation_keys(&member.value)));
    scope.experiments = keys.collect();
    let shown = |member: &&'n Member| (member.key.as_str(), experiment::variation_blocks(&member.value));
    scope.shown_by = experiments.iter().map(shown).collect();
    settings::read_facts(fields.get("facts"), &mut scope);
    settings::read_groups(fields.get("groups"), &mut scope);
    settings::read_settings(fields.get("settings"), &mut scope);
    let holdout = fields.get("holdout").map(|node| rollout::read_share(node, "holdout", &mut scope));
    let ruleset = Ruleset {
        facts: scope.facts.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
        audiences: read_audiences(&audiences, &mut scope),
        blocks: read_blocks(&blocks, &mut scope),
        experiments: read_experiments(&experiments, &mut scope),
        slots: read_slots(&slots, &mut scope),
        edits: fields
            .list("edits", scope.findings)
            .iter()
            .filter_map(|node| edit::read(node, &mut scope))
            .collect(),
        gates: gate::read_all(fields.list("gates", scope.findings), &mut scope),
        holdout,
    };
    dependencies::check(&ruleset, &audiences, &experiments, &slots, &mut scope);
    lint::check(&ruleset, root, &audiences, &blocks, &mut scope);
    Some(ruleset)
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

fn text_of(member: &Member) -> Option<&str> {
    let html = member.value.members().find(|field| field.key == "html")?;
    match &html.value.value {
        Json::Text(text) => Some(text),
        _ => None,
    }
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
            audience.condition.references(&mut |part| {
                if let Condition::Audience(name) = part {
                    names.push(name.as_str());
                }
            });
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
pub(super) fn in_order<'a>(
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

fn read_experiments<'n>(members: &[&'n Member], scope: &mut Scope<'n, '_>) -> Vec<Experiment> {
    let read_one = |member: &&'n Member| {
        scope.check_id(code::BAD_ID, "an experiment", &member.key, member.at);
        experiment::read(&member.key, &member.value, scope)
    };
    members.iter().filter_map(read_one).collect()
}

fn read_slots<'n>(members: &[&'n Member], scope: &mut Scope<'n, '_>) -> Vec<Slot> {
    let mut slots = Vec::new();
    for member in members {
        scope.check_id(code::BAD_SLOT_NAME, "a slot", &member.key, member.at);
        let Some(fields) = Fields::of(&member.value, &objects::SLOT, scope.findings) else { continue };
        let rules = rule::read_all(fields.list("rules", scope.findings), None, scope);
        let seed = format!("holdout:{}", member.key);
        let holdout = fields.get("holdout").map(|node| rollout::read_share(node, &seed, scope));
        slots.push(Slot { name: member.key.clone(), rules, holdout });
    }
    slots
}
