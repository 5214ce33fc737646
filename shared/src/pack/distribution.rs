//! How experiments split visitors, over so many of them that chance has no say.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{By, Evaluation, Pack, Reason, compile};
use crate::facts::{Facts, Sources};
use crate::kill_switch::KillSwitch;
use crate::profile::{Profile, VisitorId};
use crate::ruleset::Ruleset;
use crate::time::UnixTime;

const VISITORS: u64 = 1_000_000;
/// Visitors who go the whole way of a request.
const SERVED: u64 = 5_000;
/// What the chi-square statistic exceeds by chance once in a hundred samples, by degrees of freedom from 1.
const CRITICAL: [f64; 8] = [6.635, 9.210, 11.345, 13.277, 15.086, 16.812, 18.475, 20.090];

fn pack(experiments: Value) -> Pack {
    let rules = |(key, _): (&String, &Value)| {
        let rule = json!({ "id": key, "experiment": key });
        (key.clone(), json!({ "rules": [rule] }))
    };
    let slots: serde_json::Map<String, Value> = experiments.as_object().unwrap().iter().map(rules).collect();
    let ruleset = json!({ "experiments": experiments, "slots": slots });
    let (ruleset, findings) = Ruleset::parse(&ruleset.to_string());
    Pack::open(compile(&ruleset.unwrap_or_else(|| panic!("{findings:?}"))).unwrap()).unwrap()
}

/// Ids as edges make them, from entropy that is the same in every run (SplitMix64, Steele, Lea and Flood, 2014).
fn visitor(number: u64) -> VisitorId {
    let half = |state: u64| {
        let mixed = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    let mut entropy = [0; 16];
    entropy[..8].copy_from_slice(&half(2 * number + 1));
    entropy[8..].copy_from_slice(&half(2 * number + 2));
    VisitorId::from_entropy(entropy)
}

static EVERYBODY: LazyLock<Vec<VisitorId>> = LazyLock::new(|| (0..VISITORS).map(visitor).collect());

/// The variations of all visitors in an experiment, and one more for those who are in none.
fn places(pack: &Pack, key: &str) -> Vec<usize> {
    let experiment = pack.experiment(key).unwrap();
    let ranges = pack.ranges(experiment);
    let place = |visitor: &VisitorId| {
        let bucket = pack.bucket(experiment, visitor.as_str()).unwrap();
        ranges.iter().position(|[from, to]| (*from..*to).contains(&bucket)).unwrap_or(ranges.len())
    };
    EVERYBODY.iter().map(place).collect()
}

fn chi_square(counts: impl IntoIterator<Item = (u64, f64)>) -> f64 {
    counts.into_iter().map(|(found, expected)| (found as f64 - expected).powi(2) / expected).sum()
}

fn count(places: &[usize], of: usize) -> Vec<u64> {
    let mut counts = vec![0; of];
    places.iter().for_each(|place| counts[*place] += 1);
    counts
}

/// Where a request puts a visitor with this profile, how, and the profile after it.
fn serve(pack: &Pack, key: &str, mut profile: Profile) -> (Option<u32>, Option<By>, Profile) {
    let facts = Facts::new(profile.clone(), Sources { now: UnixTime(1), ..Sources::default() });
    let mut evaluation = Evaluation::new(pack, &facts, &KillSwitch::On);
    let decision = evaluation.decide(pack.slot(key).unwrap());
    profile.learn(&evaluation.learned(), UnixTime(1));
    match decision.reason {
        Reason::Experiment(assigned) => (Some(assigned.variation), Some(assigned.by), profile),
        _ => (None, None, profile),
    }
}

fn arrives(number: u64) -> Profile {
    Profile { id: visitor(number), ..Profile::new([0; 16], UnixTime(1)) }
}

#[test]
fn a_million_visitors_are_split_by_the_weights() {
    for (key, weights, coverage) in [
        ("half", vec![0.5, 0.5], 1.0),
        ("few", vec![0.9, 0.1], 1.0),
        ("thirds", vec![0.3334, 0.3333, 0.3333], 1.0),
        ("part", vec![0.5, 0.3, 0.2], 0.4),
        ("many", vec![0.125; 8], 1.0),
    ] {
        let variations = vec![json!({}); weights.len()];
        let pack =
            pack(json!({ key: { "variations": variations, "weights": weights, "coverage": coverage } }));
        let places = places(&pack, key);
        let shares =
            weights.iter().map(|weight| weight * coverage).chain((coverage < 1.0).then_some(1.0 - coverage));
        let expected: Vec<f64> = shares.map(|share| share * VISITORS as f64).collect();
        let statistic = chi_square(count(&places, expected.len()).into_iter().zip(expected.iter().copied()));
        assert!(statistic < CRITICAL[expected.len() - 2], "{key}: {statistic}");
        for number in 0..SERVED {
            let place = places[number as usize];
            let expect = u32::try_from(place).ok().filter(|place| (*place as usize) < weights.len());
            assert_eq!(serve(&pack, key, arrives(number)).0, expect, "{key}: visitor {number}");
        }
    }
}

#[test]
fn two_experiments_are_independent() {
    let variations = json!([{}, {}, {}]);
    let pack = pack(json!({
        "one": { "variations": variations },
        "other": { "variations": variations, "weights": [0.2, 0.3, 0.5] },
        "no-seed": { "variations": variations, "seed": "one" },
    }));
    let [one, other, same] = ["one", "other", "no-seed"].map(|key| places(&pack, key));
    let statistic = |other: &[usize]| {
        let mut table = [[0; 3]; 3];
        one.iter().zip(other).for_each(|(one, other)| table[*one][*other] += 1);
        let rows = table.map(|row| row.iter().sum::<u64>());
        let columns: Vec<u64> = (0..3).map(|column| table.iter().map(|row| row[column]).sum()).collect();
        let cells = (0..3).flat_map(|row| (0..3).map(move |column| (row, column)));
        chi_square(cells.map(|(row, column)| {
            (table[row][column], rows[row] as f64 * columns[column] as f64 / VISITORS as f64)
        }))
    };
    let independent = statistic(&other);
    assert!(independent < CRITICAL[3], "{independent}");
    assert_eq!(one, same, "with the same seed they are the same split");
    assert!(statistic(&same) > 1_000_000.0, "and the statistic sees it");
}

#[test]
fn visitors_keep_their_variation_when_weights_change() {
    let weighted = |weights: Value, sticky: bool| {
        pack(json!({ "x": { "variations": [{}, {}, {}], "weights": weights, "sticky": sticky } }))
    };
    let [before, after, hashing] = [
        weighted(json!([0.5, 0.3, 0.2]), true),
        weighted(json!([0.1, 0.1, 0.8]), true),
        weighted(json!([0.1, 0.1, 0.8]), false),
    ];
    let mut moved = 0;
    let mut newcomers = BTreeMap::new();
    for number in 0..SERVED {
        let (first, by, profile) = serve(&before, "x", arrives(number));
        assert_eq!(by, Some(By::Hash));
        let (second, by, again) = serve(&after, "x", profile.clone());
        assert_eq!((second, by), (first, Some(By::Sticky)), "visitor {number}");
        assert_eq!(again.buckets, profile.buckets);
        moved += u64::from(serve(&hashing, "x", profile).0 != first);
        *newcomers.entry(serve(&after, "x", arrives(SERVED + number)).0).or_default() += 1;
    }
    assert!(moved > SERVED / 2, "only {moved} would have moved");
    let expected = [(Some(0), 0.1), (Some(1), 0.1), (Some(2), 0.8)];
    let found = expected.map(|(place, share)| (newcomers[&place], share * SERVED as f64));
    assert!(chi_square(found) < CRITICAL[1], "{newcomers:?}");
}
