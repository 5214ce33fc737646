//! Edits: changes to pages that carry no markup of ours.

use super::code;
use super::fields::Fields;
use super::form::objects::EDIT;
use super::names::Scope;
use super::source::Node;
use super::{Edit, EditAction, Outcome, Rule, Shows, block, rule};

const ACTIONS: [(&str, EditAction); 8] = [
    ("replace", EditAction::Replace),
    ("inner", EditAction::Inner),
    ("before", EditAction::Before),
    ("after", EditAction::After),
    ("prepend", EditAction::Prepend),
    ("append", EditAction::Append),
    ("remove", EditAction::Remove),
    ("set-attribute", EditAction::SetAttribute),
];

/// The names of the actions.
pub(super) const WORDS: [&str; ACTIONS.len()] = {
    let mut words = [""; ACTIONS.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = ACTIONS[at].0;
        at += 1;
    }
    words
};

pub(super) fn read<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Option<Edit> {
    let fields = Fields::of(node, &EDIT, scope.findings)?;
    let id = fields.required_text("id", scope.findings);
    if let Some((id, at)) = id {
        scope.check_id(code::BAD_ID, "an edit", id, at);
        scope.claim_edit(id, at);
    }
    let url = fields.required_text("url", scope.findings);
    if let Some((url, at)) = url {
        check_url(url, at, scope);
    }
    let selector = fields.required_text("selector", scope.findings);
    if let Some((selector, at)) = selector {
        check_selector(selector, at, scope);
    }
    let action = read_action(&fields, scope);
    let attribute = fields.text("attribute", scope.findings);
    check_attribute(&fields, action, attribute, scope);
    let rules = fields.list("rules", scope.findings);
    let rules = rule::read_all(rules, action, scope);
    if let Some((name, at)) = attribute {
        for block in rules.iter().flat_map(|rule| shown(rule, scope)).collect::<Vec<String>>() {
            if let Some(html) = scope.texts.get(block.as_str()).copied() {
                block::check_value(html, name, at, scope);
            }
        }
    }
    Some(Edit {
        id: id?.0.to_owned(),
        url: url?.0.to_owned(),
        selector: selector?.0.to_owned(),
        action: action?,
        attribute: attribute.map(|(name, _)| name.to_owned()),
        rules,
    })
}

/// The blocks that a rule may show.
fn shown(rule: &Rule, scope: &Scope) -> Vec<String> {
    let block = |outcome: &Outcome| match outcome {
        Outcome::Block(name) => Some(name.clone()),
        _ => None,
    };
    match &rule.shows {
        Shows::Outcome(outcome) => block(outcome).into_iter().collect(),
        Shows::Experiment { key, instead } => {
            let own = scope.variation_blocks(key, instead).map(|(_, name)| (*name).to_owned());
            instead.iter().filter_map(|(_, outcome)| block(outcome)).chain(own).collect()
        }
    }
}

fn read_action(fields: &Fields, scope: &mut Scope) -> Option<EditAction> {
    let (word, at) = fields.required_text("action", scope.findings)?;
    let action = ACTIONS.iter().find(|(name, _)| *name == word).map(|(_, action)| *action);
    if action.is_none() {
        let message = format!("edits have no action `{word}`");
        scope.findings.report_unknown(code::UNKNOWN_ACTION, at, message, word, WORDS);
    }
    action
}

pub(super) fn check_url(url: &str, at: usize, scope: &mut Scope) {
    const LONGEST: usize = 2_048;
    let help = if !url.starts_with(['/', '*']) {
        "begin with `/` or `*`; the scheme and the host are not compared"
    } else if url.contains(['?', '#']) {
        "leave out what follows the path"
    } else if url.len() > LONGEST || url.chars().any(|character| character.is_control() || character == ' ') {
        "use at most 2048 bytes, percent-encoded as in a request"
    } else {
        return;
    };
    let message = format!("`{}` matches no page", url.escape_debug());
    scope.findings.report_with_help(code::BAD_URL_PATTERN, at, message, help);
}

fn check_selector(selector: &str, at: usize, scope: &mut Scope) {
    let refused = too_complex(selector).or_else(|| match selector.parse::<lol_html::Selector>() {
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    });
    if let Some(refused) = refused {
        let refused = refused.trim_end_matches('.');
        let message = format!("`{}` does not work as a selector: {refused}", selector.escape_debug());
        let help =
            "use elements, ids, classes and attributes, joined by blanks or `>`, such as `main > p.offer`";
        scope.findings.report_with_help(code::BAD_SELECTOR, at, message, help);
    }
}

/// Why a selector is not given to the parser, which recurses into parentheses; every part that is joined to another
/// multiplies what matching a deep page costs.
pub(crate) fn too_complex(selector: &str) -> Option<String> {
    const LONGEST: usize = 1_024;
    const PARENTHESES: usize = 16;
    const PARTS: usize = 16;
    let joints = [' ', '\t', '\n', '\r', '\u{c}', '>', '+', '~', ','];
    let parts = selector.split(joints).filter(|part| !part.is_empty()).count();
    if selector.len() > LONGEST || selector.matches('(').count() > PARENTHESES {
        Some(format!("it has more than {LONGEST} bytes or {PARENTHESES} parentheses"))
    } else if parts > PARTS {
        Some(format!("it has more than {PARTS} parts"))
    } else {
        None
    }
}

fn check_attribute(
    fields: &Fields,
    action: Option<EditAction>,
    attribute: Option<(&str, usize)>,
    scope: &mut Scope,
) {
    let sets = action == Some(EditAction::SetAttribute);
    if sets && fields.get("attribute").is_none() {
        let message = "`set-attribute` does not say which attribute".to_owned();
        scope.findings.report_with_help(
            code::ATTRIBUTE_NEEDED,
            fields.at(),
            message,
            "add an `attribute`, such as `href`",
        );
    }
    let Some((name, at)) = attribute else { return };
    if action.is_some() && !sets {
        let message = "only `set-attribute` has an attribute".to_owned();
        let help = "take it out, or use that action";
        scope.findings.report_with_help(code::ATTRIBUTE_NEEDED, at, message, help);
    }
    if !is_attribute(name) {
        let message = format!("`{}` cannot be the name of an attribute", name.escape_debug());
        let help = "begin with a letter, and use only letters, digits and `_ : . -`";
        scope.findings.report_with_help(code::BAD_ATTRIBUTE, at, message, help);
    } else if name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("on")) {
        let message = format!("`{name}` would run its value as a script");
        let help = "put a script into a block of an edit that adds an element";
        scope.findings.report_with_help(code::EVENT_ATTRIBUTE, at, message, help);
    }
}

fn is_attribute(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-');
    name.len() <= 64 && name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(inner)
}
