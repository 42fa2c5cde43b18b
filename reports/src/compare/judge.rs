//! Verdicts: what is beyond its limit, and what cannot be told.

use super::ALPHA;

/// What became of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Better: the whole interval lies above no change.
    Improved,
    /// Not worse than the limit allows: the whole interval lies within it.
    Unchanged,
    /// The interval holds the limit: worse than it allows or not, these samples cannot tell.
    Inconclusive,
    /// Worse than the limit allows.
    Regressed,
}

impl Verdict {
    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Inconclusive => "inconclusive",
            Self::Regressed => "regressed",
        }
    }
}

/// What a verdict is made from; differences are positive where the run is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Lower and upper end of the difference's 95 % interval.
    pub interval: (f64, f64),
    /// How much worse is allowed, not negative.
    pub tolerance: f64,
    /// The chance of a false alarm were one raised, corrected for the number of gates.
    pub adjusted: f64,
}

impl Evidence {
    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        let (low, _) = self.interval;
        if self.adjusted <= ALPHA {
            Verdict::Regressed
        } else if low > 0.0 {
            Verdict::Improved
        } else if low >= -self.tolerance {
            Verdict::Unchanged
        } else {
            // It holds the limit, or lies below it by itself but not among so many gates.
            Verdict::Inconclusive
        }
    }
}

/// Holm's correction: each chance as it counts among all of them, in the order given.
pub fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let mut adjusted = vec![1.0; chances.len()];
    let mut least = 0.0_f64;
    for (rank, at) in order.iter().enumerate() {
        // One that is not below its own share keeps all behind it from being so.
        least = least.max(chances[*at] * (chances.len() - rank) as f64).min(1.0);
        adjusted[*at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holms_correction_is_the_textbooks() {
        // statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005], method="holm")
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, want) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - want).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.4]), [0.4]);
    }

    #[test]
    fn verdicts_follow_interval_and_limit() {
        let verdict = |interval, tolerance, adjusted| Evidence { interval, tolerance, adjusted }.verdict();
        assert_eq!(verdict((0.0, 0.0), 0.0, 1.0), Verdict::Unchanged, "the very same answers");
        assert_eq!(verdict((-0.3, 0.4), 0.5, 0.6), Verdict::Unchanged, "within the limit");
        assert_eq!(verdict((-0.9, 0.4), 0.5, 0.2), Verdict::Inconclusive, "the limit is within the interval");
        assert_eq!(verdict((-0.55, -0.2), 0.5, 0.1), Verdict::Inconclusive, "however narrow that is");
        assert_eq!(verdict((-2.0, -0.6), 0.5, 0.01), Verdict::Regressed);
        assert_eq!(verdict((-2.0, -0.6), 0.5, 0.04), Verdict::Inconclusive, "not after the correction");
        assert_eq!(verdict((0.1, 0.9), 0.5, 1.0), Verdict::Improved);
    }
}
