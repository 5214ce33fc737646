//! Rules: who sees which block.

use super::code;
use super::condition::{self, Condition};
use super::fields::Fields;
use super::names::{BlockKind, Scope};
use super::source::Node;
use super::{EditAction, Outcome, Rule};

/// What a rule may say instead of a block's name.
pub(super) const WORDS: [&str; 2] = ["default", "nothing"];

/// Reads a rule, of an edit with that action or of a slot.
pub(super) fn read<'n>(
    node: &'n Node,
    action: Option<EditAction>,
    scope: &mut Scope<'n, '_>,
) -> Option<Rule> {
    let fields = Fields::of(node, "a rule", &["id", "audience", "when", "block"], scope.findings)?;
    let id = fields.required_text("id", scope.findings);
    if let Some((id, at)) = id {
        scope.check_id(code::BAD_ID, "a rule", id, at);
        scope.claim_rule(id, at);
    }
    let mut parts = Vec::new();
    if let Some((name, at)) = fields.text("audience", scope.findings) {
        scope.check_audience(name, at);
        parts.push(Condition::Audience(name.to_owned()));
    }
    parts.extend(fields.get("when").map(|when| condition::read(when, scope)));
    let (block, at) = fields.required_text("block", scope.findings)?;
    let outcome = read_outcome(block, at, action, scope);
    Some(Rule { id: id?.0.to_owned(), condition: Condition::all(parts), outcome })
}

fn read_outcome(block: &str, at: usize, action: Option<EditAction>, scope: &mut Scope) -> Outcome {
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
