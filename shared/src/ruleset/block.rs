//! Blocks: inline HTML, or a fragment that is fetched.

use super::Content;
use super::code;
use super::fields::Fields;
use super::form::objects::BLOCK;
use super::names::Scope;
use super::source::Node;
use crate::esi::interpolation::{self, Part, Problem};
use std::ops::RangeInclusive;

/// How long a fragment may take, in milliseconds, and how long it may where the block does not say.
pub(super) const TIMEOUT_MS: RangeInclusive<u32> = 10..=10_000;
const USUAL_TIMEOUT_MS: u32 = 1_000;
/// How long a fragment may be reused, in seconds.
pub(super) const TTL_S: RangeInclusive<u32> = 0..=604_800;

pub(super) fn read<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Option<Content> {
    let fields = Fields::of(node, &BLOCK, scope.findings)?;
    match (fields.get("html"), fields.get("fragment")) {
        (Some(_), None) => {
            for name in ["timeout_ms", "ttl_s", "fallback"] {
                if let Some(node) = fields.get(name) {
                    let message = format!("`{name}` says something of fragments only");
                    scope.findings.report_with_help(code::BLOCK_CONTENT, node.at, message, "take it out");
                }
            }
            let (html, at) = fields.text("html", scope.findings)?;
            let parts = report(interpolation::parse(html), html, at, scope);
            for part in &parts {
                if let Part::Fact { name, .. } = part {
                    scope.use_fact(name, at);
                }
            }
            Some(match parts.as_slice() {
                [] => Content::Inline(String::new()),
                [Part::Literal(html)] => Content::Inline(html.clone()),
                _ => Content::Template(parts),
            })
        }
        (None, Some(_)) => read_fragment(&fields, scope),
        _ => {
            let message = "a block needs one of `html` and `fragment`".to_owned();
            scope.findings.report(code::BLOCK_CONTENT, fields.at(), message);
            None
        }
    }
}

/// What an edit shows as the value of an attribute is checked as such, too.
pub(super) fn check_value(html: &str, attribute: &str, at: usize, scope: &mut Scope) {
    report(interpolation::parse_value(html, None, attribute), html, at, scope);
}

/// The parts of a block, or what is wrong with it as findings.
fn report(parsed: Result<Vec<Part>, Vec<Problem>>, html: &str, at: usize, scope: &mut Scope) -> Vec<Part> {
    let problems = match parsed {
        Ok(parts) => return parts,
        Err(problems) => problems,
    };
    for problem in problems {
        let code = if problem.is_of_syntax() { code::BAD_INTERPOLATION } else { code::UNSAFE_INTERPOLATION };
        let before = html.get(..problem.at).unwrap_or(html).chars().count();
        let message = format!("{}, at character {} of the text", problem.kind, before + 1);
        scope.findings.report_with_help(code, at, message, problem.kind.help());
    }
    Vec::new()
}

fn read_fragment<'n>(fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> Option<Content> {
    let timeout_ms = fields.whole("timeout_ms", TIMEOUT_MS, scope.findings).unwrap_or(USUAL_TIMEOUT_MS);
    let ttl_s = fields.whole("ttl_s", TTL_S, scope.findings);
    let fallback = fields.text("fallback", scope.findings);
    if let Some((name, at)) = fallback {
        scope.check_block(name, at, &[]);
    }
    let (url, at) = fields.text("fragment", scope.findings)?;
    if let Err(help) = check_url(url) {
        let message = format!("`{}` cannot be fetched", url.escape_debug());
        scope.findings.report_with_help(code::FRAGMENT_URL, at, message, help);
    }
    let fallback = fallback.map(|(name, _)| name.to_owned());
    Some(Content::Fragment { url: url.to_owned(), timeout_ms, ttl_s, fallback })
}

fn check_url(url: &str) -> Result<(), &'static str> {
    const LONGEST: usize = 2_048;
    if url.len() > LONGEST {
        return Err("use at most 2048 bytes");
    }
    if url.chars().any(|character| character.is_control() || matches!(character, ' ' | '\\' | '#')) {
        return Err("take out blanks, control characters, `\\` and `#`");
    }
    if let Some(rest) = url.strip_prefix("https://") {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        return match host {
            "" => Err("name a host after `https://`"),
            host if host.contains('@') => Err("take out the user name"),
            _ => Ok(()),
        };
    }
    if url.starts_with("//") || !url.starts_with('/') {
        return Err("use a path that begins with one `/`, or a URL that begins with `https://`");
    }
    let path = url.split('?').next().unwrap_or_default();
    if path == "/_hs" || path.starts_with("/_hs/") {
        return Err("paths under `/_hs/` are Hemstitch's own");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn a_fragment_is_a_path_of_the_site_or_an_https_url() {
        for url in ["/f", "/a/b?c=//d", "/_hsx", "https://w.test", "https://w.test/x?y", "/"] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        let bad =
            ["", "f", "//w.test/x", "/_hs/blocks/x", "/_hs", "http://w.test/", "https://", "https:///x"];
        let worse = ["https://a@w.test/", "/a b", "/a\\b", "\\/x", "/x#y", "/\n", "javascript:alert(1)"];
        for url in bad.into_iter().chain(worse) {
            assert!(check_url(url).is_err(), "{url}");
        }
    }
}
