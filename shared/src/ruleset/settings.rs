//! What a ruleset says about itself: the facts of its site, groups of values, and where gates may lead.

use super::code;
use super::condition;
use super::fields::{Fields, expect_list, expect_object, expect_text};
use super::form::objects;
use super::names::Scope;
use super::source::Node;
use crate::facts::vocabulary::{self, Kind};

/// Reads the facts that a site declares: `{"trait.plan": {"type": "text", "about": "…"}}`.
pub(super) fn read_facts<'n>(node: Option<&'n Node>, scope: &mut Scope<'n, '_>) {
    let Some(node) = node.filter(|node| expect_object(node, "facts", scope.findings)) else { return };
    for member in node.members() {
        let fields = Fields::of(&member.value, &objects::FACT, scope.findings);
        let named = fields.and_then(|fields| {
            fields.text("unit", scope.findings);
            fields.text("about", scope.findings);
            fields.required_text("type", scope.findings)
        });
        let kind = named.and_then(|(name, _)| Kind::named(name)).unwrap_or(Kind::Any);
        if let Some((name, at)) = named.filter(|(name, _)| Kind::named(name).is_none()) {
            let message = format!("there is no type `{}`", name.escape_debug());
            scope.findings.report_unknown(code::BAD_DECLARATION, at, message, name, Kind::NAMES);
        }
        if vocabulary::NAMES.contains(&member.key.as_str()) || !vocabulary::may_be_declared(&member.key) {
            let message = format!("`{}` cannot be declared", member.key.escape_debug());
            let help = "choose a name that is not ours, such as `trait.plan`";
            scope.findings.report_with_help(code::BAD_DECLARATION, member.at, message, help);
        }
        scope.facts.insert(&member.key, kind);
    }
}

/// Reads the groups: lists of values by name.
pub(super) fn read_groups<'n>(node: Option<&'n Node>, scope: &mut Scope<'n, '_>) {
    let Some(node) = node.filter(|node| expect_object(node, "groups", scope.findings)) else { return };
    for member in node.members() {
        scope.check_name("a group", &member.key, member.at);
        let items = expect_list(&member.value, &member.key, scope.findings).unwrap_or_default();
        scope.groups.insert(&member.key, condition::values(items));
    }
}

/// Reads the settings: `redirect_hosts`.
pub(super) fn read_settings<'n>(node: Option<&'n Node>, scope: &mut Scope<'n, '_>) {
    let Some(node) = node else { return };
    let Some(fields) = Fields::of(node, &objects::SETTINGS, scope.findings) else { return };
    for item in fields.list("redirect_hosts", scope.findings) {
        let Some(host) = expect_text(item, "a host", scope.findings) else { continue };
        let usable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
        if host.is_empty() || !host.bytes().all(usable) {
            let message = format!("`{}` is no host", host.escape_debug());
            let help = "write a host as it stands in a URL, such as `shop.example`";
            scope.findings.report_with_help(code::BAD_TARGET, item.at, message, help);
        }
        scope.redirect_hosts.push(host);
    }
}
