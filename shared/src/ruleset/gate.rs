//! Gates: what is answered before any page is looked up.

use super::code;
use super::condition::Condition;
use super::fields::{Fields, expect_object, expect_text};
use super::form::objects;
use super::names::{BlockKind, Scope};
use super::source::Node;
use super::{Gate, GateAnswer, Query, rollout, rule, schedule};
use crate::pack::url_pattern;

/// Statuses that a gate may refuse with, and those it may redirect with.
pub(super) const REFUSALS: std::ops::RangeInclusive<u32> = 400..=599;
pub(super) const REDIRECTS: [u32; 5] = [301, 302, 303, 307, 308];
/// What becomes of the query of a request that is redirected.
pub(super) const QUERIES: [&str; 2] = ["keep", "drop"];

/// The gates of a list, in the order in which they are asked.
pub(super) fn read_all<'n>(nodes: &'n [Node], scope: &mut Scope<'n, '_>) -> Vec<Gate> {
    let mut gates: Vec<Gate> = nodes.iter().filter_map(|node| read(node, scope)).collect();
    gates.sort_by_key(|gate| std::cmp::Reverse(gate.priority));
    gates
}

fn read<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Option<Gate> {
    let fields = Fields::of(node, &objects::GATE, scope.findings)?;
    fields.text("name", scope.findings);
    let id = fields.required_text("id", scope.findings);
    if let Some((id, at)) = id {
        scope.check_id(code::BAD_ID, "a gate", id, at);
        scope.claim_rule(id, at);
    }
    let url = fields.text("url", scope.findings);
    if let Some((url, at)) = url {
        super::edit::check_url(url, at, scope);
    }
    let url = url.map_or("*", |(url, _)| url);
    let mut parts = Vec::new();
    rule::read_who(&fields, &mut parts, scope);
    schedule::read(&fields, &mut parts, scope);
    if let Some(share) = fields.get("rollout") {
        parts.push(rollout::read_share(share, id?.0, scope));
    }
    let priority = fields.integer("priority", rule::PRIORITIES, scope.findings).unwrap_or(0);
    let Some(then) = fields.get("then") else {
        fields.report_missing("then", scope.findings);
        return None;
    };
    let answer = read_answer(then, url, scope)?;
    Some(Gate {
        id: id?.0.to_owned(),
        url: url.to_owned(),
        condition: Condition::all(parts),
        priority,
        answer,
    })
}

/// `{"refuse": 451, "block": "…"}`, `{"redirect": "/…"}`, or `{"split": "experiment", "urls": {…}}`.
fn read_answer<'n>(node: &'n Node, pattern: &str, scope: &mut Scope<'n, '_>) -> Option<GateAnswer> {
    let fields = Fields::of(node, &objects::ANSWER, scope.findings)?;
    let kinds = ["refuse", "redirect", "split"].map(|kind| fields.get(kind));
    for (name, of) in [("block", "refuse"), ("urls", "split")] {
        if let Some(other) = fields.get(name).filter(|_| fields.get(of).is_none()) {
            let message = format!("`{name}` says something of `{of}` only");
            scope.findings.report_with_help(code::GATE_CONTENT, other.at, message, "take it out");
        }
    }
    match kinds {
        [Some(_), None, None] => {
            let status = fields.whole("refuse", REFUSALS, scope.findings)?;
            let block = fields.text("block", scope.findings).map(|(name, at)| {
                if scope.check_block(name, at, &[]) == Some(BlockKind::Fragment) {
                    let message = "a gate cannot wait for a fragment".to_owned();
                    let help = "use a block with `html`";
                    scope.findings.report_with_help(code::UNSUITABLE_BLOCK, at, message, help);
                }
                name.to_owned()
            });
            Some(GateAnswer::Refuse { status: status as u16, block })
        }
        [None, Some(_), None] => {
            let (to, at) = fields.text("redirect", scope.findings)?;
            let to = read_target(to, at, pattern, scope);
            Some(GateAnswer::Redirect {
                to,
                status: read_status(&fields, scope),
                query: read_query(&fields, scope),
            })
        }
        [None, None, Some(_)] => {
            let (experiment, at) = fields.text("split", scope.findings)?;
            let known = scope.check_experiment(experiment, at)?;
            let mut urls = Vec::new();
            let node = fields.get("urls").filter(|node| expect_object(node, "urls", scope.findings));
            if fields.get("urls").is_none() {
                fields.report_missing("urls", scope.findings);
            }
            for member in node.into_iter().flat_map(Node::members) {
                scope.check_variation(experiment, &known, &member.key, member.at);
                let Some(to) = expect_text(&member.value, &member.key, scope.findings) else { continue };
                urls.push((member.key.clone(), read_target(to, member.value.at, pattern, scope)));
            }
            let (status, query) = (read_status(&fields, scope), read_query(&fields, scope));
            Some(GateAnswer::Split { experiment: experiment.to_owned(), urls, status, query })
        }
        _ => {
            let message = "a gate does one thing".to_owned();
            let help = "write one of `refuse`, `redirect` and `split`";
            scope.findings.report_with_help(code::GATE_CONTENT, node.at, message, help);
            None
        }
    }
}

fn read_status<'n>(fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> u16 {
    let Some(status) = fields.whole("status", 300..=399, scope.findings) else { return 302 };
    if !REDIRECTS.contains(&status) {
        let message = format!("{status} is no redirect");
        let help = "use 302, or 301, 303, 307 or 308";
        scope.findings.report_with_help(code::OUT_OF_RANGE, fields.at(), message, help);
    }
    status as u16
}

fn read_query<'n>(fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> Query {
    match fields.text("query", scope.findings) {
        None | Some(("keep", _)) => Query::Keep,
        Some(("drop", _)) => Query::Drop,
        Some((word, at)) => {
            let message = format!("the query is kept or dropped, not `{}`", word.escape_debug());
            scope.findings.report_unknown(code::GATE_CONTENT, at, message, word, QUERIES);
            Query::Keep
        }
    }
}

/// A path of the site, or a URL whose host is among `settings.redirect_hosts`. Nothing of a request goes into it.
fn read_target<'n>(to: &'n str, at: usize, pattern: &str, scope: &mut Scope<'n, '_>) -> String {
    let unusable = |character: char| {
        character.is_control()
            || !character.is_ascii()
            || matches!(character, ' ' | '\\' | '"' | '<' | '>' | '{' | '}')
    };
    let help = if to.len() > 2_048 || to.chars().any(unusable) {
        Some(
            "percent-encode everything but ASCII, and leave out blanks, quotes, `\\`, `<`, `>`, `{` and `}`"
                .to_owned(),
        )
    } else if let Some(rest) = to.strip_prefix("https://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let allowed = scope.redirect_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
        (!allowed).then(|| format!("add `{host}` to `settings.redirect_hosts`, or redirect to a path"))
    } else if !to.starts_with('/') || to.starts_with("//") {
        Some("use a path that begins with one `/`, or a URL that begins with `https://`".to_owned())
    } else {
        None
    };
    if let Some(help) = help {
        let message = format!("`{}` is not where a gate may lead", to.escape_debug());
        scope.findings.report_with_help(code::BAD_TARGET, at, message, help);
    }
    let path = to.split(['?', '#']).next().unwrap_or_default();
    if to.starts_with('/') && url_pattern::matches(pattern, path) {
        let message = format!("`{}` is matched by the gate's own `url`", to.escape_debug());
        let help = "a redirect to where the visitor is already is left out";
        scope.findings.report_with_help(code::GATE_LOOP, at, message, help);
    }
    to.to_owned()
}
