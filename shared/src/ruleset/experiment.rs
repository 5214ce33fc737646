//! Experiments: who is in them, and how they are split.

use super::code;
use super::condition::{self, Condition, Operand, Test};
use super::fields::{Fields, expect_text};
use super::form::objects;
use super::names::Scope;
use super::rollout::{self, Hashing, USUAL_ATTRIBUTE, USUAL_VERSION};
use super::source::{Json, Node};
use super::{Experiment, Status, Sticky, Variation, rule, schedule, weights};
use std::ops::RangeInclusive;

/// Most variations of one experiment.
pub(super) const MOST_VARIATIONS: usize = 32;
/// Versions that the buckets of an experiment may have.
pub(super) const BUCKET_VERSIONS: RangeInclusive<u32> = 0..=1_000;
/// What an experiment may be.
pub(super) const STATUSES: [&str; 3] = ["running", "draft", "stopped"];

/// The keys of an experiment's variations, before anything else of it is read.
pub(super) fn variation_keys(node: &Node) -> Vec<String> {
    let list = node.members().find(|member| member.key == "variations").map(|member| &member.value.value);
    let Some(Json::List(items)) = list else { return Vec::new() };
    items.iter().enumerate().map(|(index, item)| key_of(item, index)).collect()
}

/// The keys of an experiment's variations that name a block, and the blocks.
pub(super) fn variation_blocks(node: &Node) -> Vec<(String, &str)> {
    let list = node.members().find(|member| member.key == "variations").map(|member| &member.value.value);
    let Some(Json::List(items)) = list else { return Vec::new() };
    let block = |(index, item)| match &Node::members(item).find(|field| field.key == "block")?.value.value {
        Json::Text(block) => Some((key_of(item, index), block.as_str())),
        _ => None,
    };
    items.iter().enumerate().filter_map(block).collect()
}

fn key_of(node: &Node, index: usize) -> String {
    match node.members().find(|member| member.key == "key").map(|member| &member.value.value) {
        Some(Json::Text(key)) => key.clone(),
        _ => index.to_string(),
    }
}

/// Reads the experiment of that key.
pub(super) fn read<'n>(key: &'n str, node: &'n Node, scope: &mut Scope<'n, '_>) -> Option<Experiment> {
    let fields = Fields::of(node, &objects::EXPERIMENT, scope.findings)?;
    fields.text("name", scope.findings);
    let variations = read_variations(&fields, scope);
    let usual = Hashing { attribute: USUAL_ATTRIBUTE, seed: key, version: USUAL_VERSION };
    let hashing = Hashing::read(&fields, usual, scope);
    let fallback = fields.text("fallback_attribute", scope.findings).map(|(name, at)| {
        scope.use_fact(name, at);
        name.to_owned()
    });
    let (status, forced) = (read_status(&fields, scope), read_force(&fields, &variations, scope));
    let mut running =
        vec![Condition::Fact("device.bot".to_owned(), Test::Matches(Operand::Bool(true))).not()];
    if status == Status::Draft {
        running.push(Condition::Fact(hashing.attribute.to_owned(), Test::Never));
    }
    schedule::read(&fields, &mut running, scope);
    let mut admits = Vec::new();
    read_namespace(&fields, key, hashing, fallback.as_deref(), &mut admits, scope);
    rule::read_who(&fields, &mut admits, scope);
    for node in fields.list("prerequisites", scope.findings) {
        admits.push(condition::read_prerequisite(node, scope));
    }
    Some(Experiment {
        key: key.to_owned(),
        attribute: hashing.attribute.to_owned(),
        fallback,
        seed: hashing.seed.to_owned(),
        version: hashing.version,
        ranges: read_split(&fields, variations.len(), scope),
        variations,
        running: Condition::all(running),
        admits: Condition::all(admits),
        sticky: read_sticky(&fields, scope),
        status,
        forced,
    })
}

fn read_variations<'n>(fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> Vec<Variation> {
    let items = fields.list("variations", scope.findings);
    if items.len() < 2 {
        let message = format!("an experiment with {} variations splits nobody", items.len());
        let help = "give it two or more `variations`";
        scope.findings.report_with_help(code::TOO_FEW_VARIATIONS, fields.at(), message, help);
    }
    if let Some(extra) = items.get(MOST_VARIATIONS) {
        let message = format!("{} variations, of at most {MOST_VARIATIONS}", items.len());
        scope.findings.report(code::TOO_LARGE, extra.at, message);
    }
    let mut variations: Vec<Variation> = Vec::new();
    for (index, node) in items.iter().enumerate().take(MOST_VARIATIONS) {
        let Some(fields) = Fields::of(node, &objects::VARIATION, scope.findings) else { continue };
        fields.text("key", scope.findings);
        fields.text("name", scope.findings);
        let key = key_of(node, index);
        scope.check_id(code::BAD_ID, "a variation", &key, node.at);
        if variations.iter().any(|other| other.key == key) {
            let message = format!("there is already a variation `{key}`");
            let help = "give one of them another key";
            scope.findings.report_with_help(code::DUPLICATE_ID, node.at, message, help);
        }
        let passthrough = fields.flag("passthrough", scope.findings).unwrap_or(false);
        let outcome = match fields.text("block", scope.findings) {
            Some((block, at)) => rule::outcome(block, at, None, scope),
            None => super::Outcome::Default,
        };
        variations.push(Variation { key, outcome, passthrough });
    }
    variations
}

/// `ranges`, or `weights` and `coverage`.
fn read_split<'n>(fields: &Fields<'n>, count: usize, scope: &mut Scope<'n, '_>) -> Vec<[f64; 2]> {
    if fields.get("ranges").is_some() {
        let mut ranges = rollout::read_ranges(fields.list("ranges", scope.findings), scope);
        if ranges.len() != count {
            let message = format!("{} ranges for {count} variations", ranges.len());
            scope.findings.report_with_help(
                code::WEIGHTS,
                fields.at(),
                message,
                "write one for each of them",
            );
        }
        ranges.resize(count, [0.0, 0.0]);
        return ranges;
    }
    let coverage = fields.number("coverage", scope.findings);
    let coverage = coverage.map_or(1.0, |(coverage, at)| rollout::check_share(coverage, at, scope));
    let weights = fields.numbers("weights", scope.findings);
    if let Some((weights, at)) = &weights
        && !weights::fit(weights, count)
    {
        let total: f64 = weights.iter().sum();
        let message = if weights.len() == count {
            format!("the weights sum to {total}, not to 1, so all variations get the same")
        } else {
            format!("{} weights for {count} variations, so all variations get the same", weights.len())
        };
        let help = "write one weight for each variation, that sum to 1";
        scope.findings.report_with_help(code::WEIGHTS, *at, message, help);
    }
    if let Some((weights, at)) = &weights
        && let Some(negative) = weights.iter().find(|weight| **weight < 0.0)
    {
        let message = format!("{negative} is no share of the visitors");
        let help = "write 0 for a variation that nobody is to get";
        scope.findings.report_with_help(code::WEIGHTS, *at, message, help);
    }
    weights::ranges(count, coverage, weights.as_ref().map(|(weights, _)| weights.as_slice()))
}

/// The parts of everybody that the experiment is limited to: filters, or else a namespace.
fn read_namespace<'n>(
    fields: &Fields<'n>,
    key: &str,
    hashing: Hashing,
    fallback: Option<&str>,
    admits: &mut Vec<Condition>,
    scope: &mut Scope<'n, '_>,
) {
    let filters = fields.list("filters", scope.findings);
    admits.extend(filters.iter().map(|filter| rollout::read_filter(filter, scope)));
    let Some(node) = fields.get("namespace") else { return };
    let Some(namespace) = Fields::of(node, &objects::NAMESPACE, scope.findings) else { return };
    let name = namespace.required_text("name", scope.findings);
    let range = namespace.get("range").and_then(|range| rollout::read_range(range, scope));
    let (Some((name, at)), Some(range)) = (name, range) else {
        if namespace.get("range").is_none() {
            namespace.report_missing("range", scope.findings);
        }
        return;
    };
    scope.claim_namespace(name, range, key, at);
    if !filters.is_empty() {
        return;
    }
    let seed = format!("__{name}");
    let within =
        |attribute| rollout::bucket(vec![range], false, Hashing { attribute, seed: &seed, version: 1 });
    let own = within(hashing.attribute);
    admits.push(match fallback {
        None => own,
        Some(fallback) => {
            let known = Condition::Fact(hashing.attribute.to_owned(), Test::Matches(Operand::Bool(true)));
            let instead = Condition::All(vec![known.not(), within(fallback)]);
            Condition::Any(vec![own, instead])
        }
    });
}

fn read_sticky<'n>(fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> Sticky {
    let bucket_version = fields.whole("bucket_version", BUCKET_VERSIONS, scope.findings).unwrap_or(0);
    let least_version = fields.whole("min_bucket_version", BUCKET_VERSIONS, scope.findings).unwrap_or(0);
    match fields.flag("sticky", scope.findings) {
        Some(false) => Sticky::No,
        _ => Sticky::Since { bucket_version, least_version },
    }
}

fn read_status<'n>(fields: &Fields<'n>, scope: &mut Scope<'n, '_>) -> Status {
    let Some((word, at)) = fields.text("status", scope.findings) else { return Status::Running };
    match word {
        "running" => Status::Running,
        "draft" => Status::Draft,
        "stopped" => Status::Stopped,
        unknown => {
            let message = format!("an experiment is not `{}`", unknown.escape_debug());
            scope.findings.report_unknown(code::BAD_STATUS, at, message, unknown, STATUSES);
            Status::Draft
        }
    }
}

/// The variation that everybody gets who is in the experiment.
fn read_force<'n>(fields: &Fields<'n>, variations: &[Variation], scope: &mut Scope<'n, '_>) -> Option<u32> {
    let node = fields.get("force")?;
    let key = expect_text(node, "force", scope.findings)?;
    let place = variations.iter().zip(0..).find(|(variation, _)| variation.key == key);
    if place.is_none() {
        let message = format!("there is no variation `{}`", key.escape_debug());
        let known = variations.iter().map(|variation| variation.key.as_str());
        scope.findings.report_unknown(code::UNKNOWN_VARIATION, node.at, message, key, known);
    }
    place.map(|(_, index)| index)
}
