//! How an experiment's audience is split, as GrowthBook's SDKs split it (SDK specification, `getBucketRanges`).

/// The share of everybody in a part that is the same for all `count` parts.
pub(crate) fn equal(count: usize) -> Vec<f64> {
    vec![1.0 / count as f64; count]
}

/// Whether weights are one for each of `count` variations and sum to 1, give or take a hundredth.
pub(crate) fn fit(weights: &[f64], count: usize) -> bool {
    let total: f64 = weights.iter().sum();
    weights.len() == count && (0.99..=1.01).contains(&total)
}

/// The part of the numbers from 0 up to 1 that each variation has. Weights that do not fit are taken for equal ones.
pub(crate) fn ranges(count: usize, coverage: f64, weights: Option<&[f64]>) -> Vec<[f64; 2]> {
    let equal = equal(count);
    let weights = weights.filter(|weights| fit(weights, count)).unwrap_or(&equal);
    let coverage = coverage.clamp(0.0, 1.0);
    let mut start = 0.0;
    let next = |weight: &f64| {
        let range = [start, start + coverage * weight];
        start += weight;
        range
    };
    weights.iter().map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn coverage_leaves_gaps_where_the_weights_begin() {
        assert_eq!(ranges(2, 0.5, None), [[0.0, 0.25], [0.5, 0.75]]);
        assert_eq!(ranges(2, 1.5, Some(&[0.4, 0.6])), [[0.0, 0.4], [0.4, 1.0]]);
        assert_eq!(ranges(2, -1.0, Some(&[0.4, 0.6])), [[0.0, 0.0], [0.4, 0.4]]);
        assert_eq!(ranges(2, 1.0, Some(&[0.4, 0.1])), [[0.0, 0.5], [0.5, 1.0]]);
        assert_eq!(ranges(2, 1.0, Some(&[1.0])), [[0.0, 0.5], [0.5, 1.0]]);
        assert_eq!(ranges(0, 1.0, None), Vec::<[f64; 2]>::new());
    }
}
