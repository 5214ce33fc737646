//! Shares of the visitors: roll-outs, holdouts, namespaces and filters, all by the hash of a fact.

use super::code;
use super::condition::{Bucket, Condition, Test};
use super::fields::{Fields, expect_list};
use super::form::objects;
use super::names::Scope;
use super::source::{Json, Node};
use std::ops::RangeInclusive;

/// The fact that is hashed where nothing else is named.
pub(crate) const USUAL_ATTRIBUTE: &str = "visitor.id";
/// The versions of the hash that there are.
pub(super) const HASH_VERSIONS: RangeInclusive<u32> = 1..=2;
/// The version of the hash where none is named.
pub(crate) const USUAL_VERSION: u32 = 2;

/// Reads a share: its coverage as a number, or an object of `coverage` or `range`, and how to hash.
pub(super) fn read_share<'n>(node: &'n Node, usual_seed: &str, scope: &mut Scope<'n, '_>) -> Condition {
    let usual = Hashing { attribute: USUAL_ATTRIBUTE, seed: usual_seed, version: USUAL_VERSION };
    if let Json::Number(coverage) = node.value {
        return covered(check_share(coverage, node.at, scope), usual);
    }
    let Some(fields) = Fields::of(node, &objects::PORTION, scope.findings) else { return Condition::ALWAYS };
    let hashing = Hashing::read(&fields, usual, scope);
    match (fields.number("coverage", scope.findings), fields.get("range")) {
        (_, Some(range)) => within(read_range(range, scope).into_iter().collect(), hashing),
        (Some((coverage, at)), None) => covered(check_share(coverage, at, scope), hashing),
        (None, None) => {
            fields.report_missing("coverage", scope.findings);
            Condition::ALWAYS
        }
    }
}

/// Reads a filter: `ranges` of the hash of a fact.
pub(super) fn read_filter<'n>(node: &'n Node, scope: &mut Scope<'n, '_>) -> Condition {
    let Some(fields) = Fields::of(node, &objects::FILTER, scope.findings) else { return Condition::ALWAYS };
    let seed = fields.required_text("seed", scope.findings).map(|(seed, _)| seed).unwrap_or_default();
    let usual = Hashing { attribute: USUAL_ATTRIBUTE, seed, version: USUAL_VERSION };
    let hashing = Hashing::read(&fields, usual, scope);
    within(read_ranges(fields.list("ranges", scope.findings), scope), hashing)
}

/// How a hash is made.
#[derive(Clone, Copy)]
pub(super) struct Hashing<'n> {
    pub(super) attribute: &'n str,
    pub(super) seed: &'n str,
    pub(super) version: u32,
}

impl<'n> Hashing<'n> {
    /// Reads `attribute`, `seed` and `hash_version`, each as usual where it is not said.
    pub(super) fn read<'u>(fields: &Fields<'n>, usual: Hashing<'u>, scope: &mut Scope<'n, '_>) -> Hashing<'u>
    where
        'n: 'u,
    {
        let attribute = fields.text("attribute", scope.findings).map(|(name, at)| {
            scope.use_fact(name, at);
            name
        });
        Hashing {
            attribute: attribute.unwrap_or(usual.attribute),
            seed: fields.text("seed", scope.findings).map_or(usual.seed, |(seed, _)| seed),
            version: fields.whole("hash_version", HASH_VERSIONS, scope.findings).unwrap_or(usual.version),
        }
    }
}

/// GrowthBook counts the end of a roll-out in, and takes 0 for nobody.
fn covered(coverage: f64, hashing: Hashing) -> Condition {
    if coverage <= 0.0 {
        return Condition::Fact(hashing.attribute.to_owned(), Test::Never);
    }
    bucket(vec![[0.0, coverage]], true, hashing)
}

fn within(ranges: Vec<[f64; 2]>, hashing: Hashing) -> Condition {
    bucket(ranges, false, hashing)
}

/// A condition on the hash of a fact.
pub(super) fn bucket(ranges: Vec<[f64; 2]>, closed: bool, hashing: Hashing) -> Condition {
    let Hashing { attribute, seed, version } = hashing;
    Condition::Fact(
        attribute.to_owned(),
        Test::Bucket(Bucket { seed: seed.to_owned(), version, ranges, closed }),
    )
}

/// A share has to be from 0 to 1; what is not is a finding, and taken for the nearer of the two.
pub(super) fn check_share(share: f64, at: usize, scope: &mut Scope) -> f64 {
    if !(0.0..=1.0).contains(&share) {
        let message = format!("a share is from 0 to 1, not {share}");
        let help = if share > 1.0 && share <= 100.0 {
            format!("for {share} percent write {}", share / 100.0)
        } else {
            "write 0.25 for a quarter".to_owned()
        };
        scope.findings.report_with_help(code::BAD_SHARE, at, message, help);
    }
    share.clamp(0.0, 1.0)
}

/// Reads a list of ranges.
pub(super) fn read_ranges(items: &[Node], scope: &mut Scope) -> Vec<[f64; 2]> {
    items.iter().filter_map(|item| read_range(item, scope)).collect()
}

/// Reads `[from, to]`.
pub(super) fn read_range(node: &Node, scope: &mut Scope) -> Option<[f64; 2]> {
    let items = expect_list(node, "a range", scope.findings)?;
    if let [Node { value: Json::Number(from), .. }, Node { value: Json::Number(to), .. }] = items
        && from <= to
    {
        return Some([*from, *to]);
    }
    let message = "a range is two numbers, the smaller one first".to_owned();
    scope.findings.report_with_help(code::BAD_SHARE, node.at, message, "write `[0, 0.5]`");
    None
}
