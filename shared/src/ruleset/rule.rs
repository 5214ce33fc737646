//! Rules: who sees which block.

use super::code;
use super::condition::{self, Condition, Period, Test};
use super::fields::{Fields, expect_object, expect_text};
use super::form::objects;
use super::names::{BlockKind, Scope};
use super::source::Node;
use super::{EditAction, Outcome, Rule, Shows, rollout, schedule};
use std::ops::RangeInclusive;

/// What a rule may say instead of a block's name.
pub(super) const WORDS: [&str; 2] = ["default", "nothing"];

/// What the facts are called that say how often a rule has been shown; the rule's id follows.
pub(crate) const SHOWN: &str = "shown.";

/// Priorities that a rule may have; 0 where it says none, and the highest comes first.
pub(super) const PRIORITIES: RangeInclusive<i32> = -1_000_000..=1_000_000;

/// How often a capped rule may be shown.
pub(super) const CAP_TIMES: RangeInclusive<u32> = 1..=1_000;
/// Within what time that is counted.
pub(super) const PERIODS: [&str; 5] = ["visit", "day", "week", "month", "ever"];

/// The rules of a list, in the order in which they are asked.
pub(super) fn read_all<'n>(
    nodes: &'n [Node],
    action: Option<EditAction>,
    scope: &mut Scope<'n, '_>,
) -> Vec<Rule> {
    let mut rules: Vec<Rule> = nodes.iter().filter_map(|node| read(node, action, scope)).collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    rules
}

/// Reads a rule, of an edit with that action or of a slot.
fn read<'n>(node: &'n Node, action: Option<EditAction>, scope: &mut Scope<'n, '_>) -> Option<Rule> {
    let fields = Fields::of(node, &objects::RULE, scope.findings)?;
    let id = fields.required_text("id", scope.findings);
    if let Some((id, at)) = id {
        scope.check_id(code::BAD_ID, "a rule", id, at);
        scope.claim_rule(id, at);
    }
    let name = id.map(|(id, _)| id).unwrap_or_default();
    let mut parts = Vec::new();
    read_who(&fields, &mut parts, scope);
    schedule::read(&fields, &mut parts, scope);
    if let Some(share) = fields.get("rollout") {
        parts.push(rollout::read_share(share, name, scope));
    }
    let cap = fields.get("cap").and_then(|cap| read_cap(cap, scope));
    let counted = cap.is_some();
    parts.extend(cap.map(|cap| Condition::Fact(format!("{SHOWN}{name}"), cap)));
    let priority = fields.integer("priority", PRIORITIES, scope.findings).unwrap_or(0);
    let shows = read_shows(&fields, action, scope)?;
    Some(Rule {
        id: id?.0.to_owned(),
        condition: Condition::all(parts),
        shows,
        priority,
        counted,
        at: node.at,
        last: node.last_at(),
    })
}

/// Adds the audience and the condition of an object to the parts of its condition.
pub(super) fn read_who<'n>(fields: &Fields<'n>, parts: &mut Vec<Condition>, scope: &mut Scope<'n, '_>) {
    if let Some((name, at)) = fields.text("audience", scope.findings) {
        scope.check_audience(name, at);
        parts.push(Condition::Audience(name.to_owned()));
    }
    parts.extend(fields.get("when").map(|when| condition::read(when, scope)));
}

/// A block, or an experiment that chooses one.
fn read_shows<'n>(
    fields: &Fields<'n>,
    action: Option<EditAction>,
    scope: &mut Scope<'n, '_>,
) -> Option<Shows> {
    let Some((key, at)) = fields.text("experiment", scope.findings) else {
        if let Some(blocks) = fields.get("blocks") {
            let message = "`blocks` are those of an experiment's variations".to_owned();
            let help = "name the `experiment`, or one `block`";
            scope.findings.report_with_help(code::RULE_CONTENT, blocks.at, message, help);
        }
        let (block, at) = fields.required_text("block", scope.findings)?;
        return Some(Shows::Outcome(outcome(block, at, action, scope)));
    };
    if let Some(block) = fields.get("block") {
        let message = "a rule shows a block, or what an experiment chooses".to_owned();
        let help = "take one of `block` and `experiment` out";
        scope.findings.report_with_help(code::RULE_CONTENT, block.at, message, help);
    }
    let known = scope.check_experiment(key, at)?;
    let mut instead = Vec::new();
    if let Some(blocks) = fields.get("blocks").filter(|node| expect_object(node, "blocks", scope.findings)) {
        for member in blocks.members() {
            scope.check_variation(key, &known, &member.key, member.at);
            let Some(block) = expect_text(&member.value, &member.key, scope.findings) else { continue };
            instead.push((member.key.clone(), outcome(block, member.value.at, action, scope)));
        }
    }
    check_variations(key, at, &instead, action, scope);
    Some(Shows::Experiment { key: key.to_owned(), instead })
}

/// What the variations show by themselves has to suit an edit, too.
fn check_variations(
    key: &str,
    at: usize,
    instead: &[(String, Outcome)],
    action: Option<EditAction>,
    scope: &mut Scope,
) {
    let known = |(_, block): &&(String, &str)| scope.blocks.contains_key(block);
    let shown: Vec<String> =
        scope.variation_blocks(key, instead).filter(known).map(|(_, block)| (*block).to_owned()).collect();
    for block in shown {
        outcome(&block, at, action, scope);
    }
}

/// `{"times": 3, "per": "week"}`.
fn read_cap<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Option<Test> {
    const DAY_S: u32 = 86_400;
    let fields = Fields::of(node, &objects::CAP, scope.findings)?;
    if fields.get("times").is_none() {
        fields.report_missing("times", scope.findings);
    }
    let times = fields.whole("times", CAP_TIMES, scope.findings)?;
    let (word, at) = fields.required_text("per", scope.findings)?;
    let period = match word {
        "visit" => Period::Visit,
        "day" => Period::Seconds(DAY_S),
        "week" => Period::Seconds(7 * DAY_S),
        "month" => Period::Seconds(30 * DAY_S),
        "ever" => Period::Ever,
        unknown => {
            let message = format!("nothing is counted per `{}`", unknown.escape_debug());
            scope.findings.report_unknown(code::BAD_PERIOD, at, message, unknown, PERIODS);
            return None;
        }
    };
    Some(Test::ShownLess { times, period })
}

/// Reads what is shown: a block, or one of [`WORDS`].
pub(super) fn outcome(block: &str, at: usize, action: Option<EditAction>, scope: &mut Scope) -> Outcome {
    let outcome = match block {
        "default" => return Outcome::Default,
        "nothing" => return Outcome::Nothing,
        name => Outcome::Block(name.to_owned()),
    };
    let kind = scope.check_block(block, at, &WORDS);
    let unsuitable = match (action, kind) {
        (Some(EditAction::Remove), _) => Some(("an edit that removes has nothing to show", "use `nothing`")),
        (Some(EditAction::SetAttribute), Some(BlockKind::Fragment)) => {
            Some(("an attribute cannot hold a fragment", "use a block with `html`"))
        }
        _ => None,
    };
    if let Some((message, help)) = unsuitable {
        scope.findings.report_with_help(code::UNSUITABLE_BLOCK, at, message.to_owned(), help);
    }
    outcome
}
