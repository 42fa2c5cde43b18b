//! Latency of two runs of the same samples as a ratio, with its interval by the same cluster bootstrap.

use socio_dataset::hash::SplitMix;

use super::{Change, Pairs};
use crate::metrics::Figure;

/// Draws: a quantile of each costs a pass over all samples.
const RESAMPLES: usize = 2_000;
const SEED: u64 = 0x001A_7E9C;

/// Seconds before and after, and the ratio of the two as `-ln(after / before)`: positive where the run is faster. On the
/// scale of logarithms twice as slow is as far away as twice as fast.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ratio {
    pub(super) before: f64,
    pub(super) after: f64,
    pub(super) change: Change,
}

impl Ratio {
    /// A gain in percent of the time before; negative where the run is slower.
    pub(super) fn percent(gain: f64) -> f64 {
        -100.0 * (-gain).exp_m1()
    }

    /// The change with its interval, in percent of the time before.
    pub(super) fn figure(&self) -> Figure {
        let f = self.change.figure();
        Figure { value: Self::percent(f.value), low: Self::percent(f.low), high: Self::percent(f.high) }
    }
}

/// One side: each sample's seconds in rising order, and the scene that each is of.
struct Sorted {
    seconds: Vec<f64>,
    scenes: Vec<usize>,
}

impl Sorted {
    fn new(mut all: Vec<(f64, usize)>) -> Self {
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Self { seconds: all.iter().map(|(s, _)| *s).collect(), scenes: all.iter().map(|(_, c)| *c).collect() }
    }

    /// The quantile (the mean where there is none) when each scene counts so often: the value at which the share of
    /// samples below or at it reaches `q`.
    fn value(&self, q: Option<f64>, weights: &[u32]) -> f64 {
        let weight = |i: usize| f64::from(weights[self.scenes[i]]);
        let all: f64 = (0..self.seconds.len()).map(weight).sum();
        let Some(q) = q else {
            return (0..self.seconds.len()).map(|i| weight(i) * self.seconds[i]).sum::<f64>() / all.max(1.0);
        };
        let mut below = 0.0;
        for (i, seconds) in self.seconds.iter().enumerate() {
            below += weight(i);
            if below >= q * all && below > 0.0 {
                return *seconds;
            }
        }
        self.seconds.last().copied().unwrap_or(0.0)
    }
}

/// The ratio of a quantile, or of the mean, over the pairs that were timed in both runs.
pub(super) fn ratio(pairs: &Pairs<'_>, q: Option<f64>) -> Option<Ratio> {
    let total = |digest: &crate::digest::Digest, id: &str| digest.phases.seconds("total", digest.position(id)?);
    let mut places = std::collections::BTreeMap::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (a, _) in &pairs.entries {
        let (Some(x), Some(y)) = (total(pairs.before, &a.id), total(pairs.after, &a.id)) else { continue };
        let next = places.len();
        let scene = *places.entry(a.scene).or_insert(next);
        before.push((x, scene));
        after.push((y, scene));
    }
    if before.is_empty() {
        return None;
    }
    let scenes = places.len();
    let (before, after) = (Sorted::new(before), Sorted::new(after));
    let sides = |weights: &[u32]| (before.value(q, weights), after.value(q, weights));
    let gain = |(a, b): (f64, f64)| if a > 0.0 && b > 0.0 { (a / b).ln() } else { 0.0 };
    let whole = sides(&vec![1; scenes]);
    let mut random = SplitMix(SEED);
    let mut weights = vec![0_u32; scenes];
    let draws: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            weights.fill(0);
            for _ in 0..scenes {
                weights[random.below(scenes as u64) as usize] += 1;
            }
            gain(sides(&weights))
        })
        .collect();
    Some(Ratio { before: whole.0, after: whole.1, change: Change::new(0.0, gain(whole), &draws, scenes) })
}
