//! The difference of a metric between two runs of the same samples: a paired cluster bootstrap by scene.
//!
//! Both runs' sums of a scene are drawn together, so what the two have in common (hard scenes, large targets) cancels.
//! cIoU and F1 are ratios of sums and are computed anew from the drawn sums: a t-test over samples would be of something
//! else. The draws give the difference's standard error; interval and chances follow from it by Student's distribution
//! with one degree of freedom less than there are scenes. Under no difference that alarms as often as it says, where
//! percentiles of the draws alarm more often (docs/metrics.md has the simulated rates).

use crate::digest::Word;
use crate::metrics::{Columns, Figure, Metric, Profile, Tally, Z975, gathered, student, student_chance};

/// Chance of a false alarm of one gate, one-sided: what lies below a two-sided 95 % interval.
pub const ALPHA: f64 = 0.025;
/// Chance at which a loss of the minimum detectable effect is found.
pub const POWER: f64 = 0.8;
/// Standard normal quantile of [`POWER`].
const Z_POWER: f64 = 0.841_621_233_572_914;

/// A metric in two runs of the same samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Its value before, in percent.
    pub before: f64,
    /// After, in percent.
    pub after: f64,
    /// Standard error of the difference, in points.
    pub error: f64,
    /// Degrees of freedom: scenes less one.
    pub freedom: f64,
}

impl Change {
    /// From the differences of resamples of so many clusters.
    pub(crate) fn new(before: f64, after: f64, draws: &[f64], clusters: usize) -> Self {
        let n = clusters as f64;
        // A resample varies as if there were one cluster more than there is.
        let error = if clusters > 1 { deviation(draws) * (n / (n - 1.0)).sqrt() } else { f64::INFINITY };
        // The very same answers differ by nothing, however few there are.
        let error = if draws.iter().all(|d| *d == 0.0) && before == after { 0.0 } else { error };
        Self { before, after, error, freedom: (n - 1.0).max(1.0) }
    }

    /// After less before, in points.
    pub fn difference(&self) -> f64 {
        self.after - self.before
    }

    /// The 95 % interval of the difference, in points.
    pub fn interval(&self) -> (f64, f64) {
        let reach = student(Z975, self.freedom) * self.error;
        (self.difference() - reach, self.difference() + reach)
    }

    /// The difference with its interval.
    pub fn figure(&self) -> Figure {
        let (low, high) = self.interval();
        Figure { value: self.difference(), low, high }
    }

    /// The smallest loss that a run of these samples finds with a chance of [`POWER`], in points.
    pub fn detectable(&self) -> f64 {
        (student(Z975, self.freedom) + student(Z_POWER, self.freedom)) * self.error
    }

    /// The chance of a false alarm were one raised against a loss of no more than `tolerance` points: at most [`ALPHA`]
    /// exactly where the interval lies below the tolerance.
    pub fn chance(&self, tolerance: f64) -> f64 {
        let beyond = self.difference() + tolerance;
        if self.error > 0.0 {
            student_chance(beyond / self.error, self.freedom)
        } else {
            f64::from(u8::from(beyond >= 0.0))
        }
    }
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    if n > 1.0 { (squares / (n - 1.0)).sqrt() } else { 0.0 }
}

/// The change of each metric over pairs of `(scene, before, after)`; `None` where one side has nothing to divide by.
pub fn paired_change(
    pairs: impl Iterator<Item = (Word, Tally, Tally)> + Clone,
    metrics: &[Metric],
    profile: &Profile,
    resamples: usize,
) -> Vec<Option<Change>> {
    let ([before, after], width) = Columns::pair(metrics);
    let clusters = gathered(
        width,
        pairs,
        |p| p.0,
        |row, (_, a, b)| {
            before.add(row, &a, false);
            after.add(row, &b, true);
        },
    );
    let sides = |sums: &[f64], metric: Metric| {
        Some((before.value(metric, sums, profile)?, after.value(metric, sums, profile)?))
    };
    let total = clusters.total();
    let draw = |sums: &[f64]| metrics.iter().map(|m| sides(sums, *m).map(|(a, b)| b - a)).collect::<Vec<_>>();
    let drawn = clusters.resampled(clusters.draws(resamples), draw);
    let change = |(i, metric): (usize, &Metric)| {
        let (a, b) = sides(&total, *metric)?;
        let draws: Vec<f64> = drawn.iter().filter_map(|d| d[i]).collect();
        Some(Change::new(a, b, &draws, clusters.len()))
    };
    metrics.iter().enumerate().map(change).collect()
}
