//! Figures out of samples.

use anyhow::{Context, Result};
use bench_job::{Samples, Task};

/// The sample below which one in ten lies: what it takes when nothing else is in the way, and not by luck.
pub fn typical(samples: &[f64]) -> f64 {
    percentile(samples, 10)
}

/// The sample below which so many of a hundred lie; 0 of none.
pub fn percentile(samples: &[f64], percent: usize) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0.0)
}

/// What a task typically took, in the unit of the samples, less what measuring takes where the job measured that too.
pub fn of(samples: &Samples, task: &Task) -> Result<f64> {
    let find =
        |task: &Task| samples.iter().find(|(known, _)| known == task).map(|(_, samples)| typical(samples));
    let figure = find(task).with_context(|| format!("{task:?} was not measured"))?;
    Ok((figure - find(&Task::Nothing).unwrap_or(0.0)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let samples: Vec<f64> = (0..20).rev().map(f64::from).collect();
        assert_eq!(
            (typical(&samples), percentile(&samples, 50), percentile(&samples, 100)),
            (2.0, 10.0, 19.0)
        );
        assert_eq!(percentile(&[], 50), 0.0);
    }
}
