//! 95 % intervals by the cluster bootstrap: scenes are drawn with replacement, all samples of a scene together.
//!
//! Several queries share a satellite image, so samples are not independent; and cIoU is a ratio of sums, so it is computed
//! anew from the drawn sums, never as a mean of ratios.

use std::collections::BTreeMap;

use serde::Serialize;
use socio_dataset::hash::SplitMix;

use super::{Metric, Profile, Tally};

/// Draws for an interval.
pub const RESAMPLES: usize = 10_000;
/// The same for every table, so that a report is a pure function of its records.
const SEED: u64 = 0x50C1_0BEC;

/// A figure with its interval, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The figures of some samples, given as `(scene, tally)`, each with its percentile interval (2.5 %, 97.5 %) over
/// `resamples` draws; `None` for a metric that has nothing to divide by.
pub fn figures<'a>(
    samples: impl Iterator<Item = (&'a str, Tally)>,
    metrics: &[Metric],
    profile: &Profile,
    resamples: usize,
) -> Vec<Option<Figure>> {
    let mut scenes: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut total = Tally::default();
    for (scene, tally) in samples {
        *scenes.entry(scene).or_default() += &tally;
        total += &tally;
    }
    let clusters: Vec<Tally> = scenes.into_values().collect();
    let mut draws: Vec<Vec<f64>> = vec![Vec::with_capacity(resamples); metrics.len()];
    let mut random = SplitMix(SEED);
    for _ in 0..resamples {
        let mut sum = Tally::default();
        for _ in 0..clusters.len() {
            sum += &clusters[random.below(clusters.len() as u64) as usize];
        }
        for (values, metric) in draws.iter_mut().zip(metrics) {
            values.extend(metric.of(&sum, profile));
        }
    }
    metrics
        .iter()
        .zip(&mut draws)
        .map(|(metric, values)| {
            let value = metric.of(&total, profile)?;
            values.sort_by(f64::total_cmp);
            Some(Figure {
                value,
                low: quantile(values, 0.025).unwrap_or(value),
                high: quantile(values, 0.975).unwrap_or(value),
            })
        })
        .collect()
}

/// The quantile of sorted values, interpolated linearly (numpy's default).
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let low = sorted[at.floor() as usize];
    Some(low + (sorted[at.ceil() as usize] - low) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(intersection: u64, union: u64) -> Tally {
        Tally { samples: 1, iou: intersection as f64 / union as f64, intersection, union, ..Tally::default() }
    }

    #[test]
    fn equal_samples_have_an_interval_of_no_width() {
        let samples = (0..30).map(|i| (["a", "b", "c"][i % 3], tally(30, 100)));
        let f = figures(samples, &[Metric::Ciou, Metric::Giou], &Profile::STRICT, 500);
        for f in f {
            let f = f.unwrap();
            assert!((f.value - 30.0).abs() < 1e-9 && (f.low - 30.0).abs() < 1e-9 && (f.high - 30.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_the_textbooks() {
        // 400 scenes of one sample, IoU 0 or 1 at even odds: standard error 2.5, so 50 +- 4.9.
        let names: Vec<String> = (0..400).map(|i| format!("s{i:03}")).collect();
        let samples = names.iter().enumerate().map(|(i, n)| (n.as_str(), tally((i as u64 % 2) * 10, 10)));
        let f = figures(samples, &[Metric::Giou], &Profile::STRICT, RESAMPLES)[0].unwrap();
        assert!((f.value - 50.0).abs() < 1e-9);
        assert!((f.low - 45.1).abs() < 0.4 && (f.high - 54.9).abs() < 0.4, "{f:?}");
    }

    #[test]
    fn samples_of_one_scene_are_drawn_together() {
        // The same 400 samples in 8 scenes, each all right or all wrong: the interval is several times as wide.
        let names: Vec<String> = (0..8).map(|i| format!("s{i}")).collect();
        let samples = (0..400).map(|i| (names[i / 50].as_str(), tally(u64::from(i / 50 % 2 == 0) * 10, 10)));
        let f = figures(samples, &[Metric::Giou], &Profile::STRICT, RESAMPLES)[0].unwrap();
        assert!(f.high - f.low > 40.0, "{f:?}");
    }

    #[test]
    fn where_nothing_is_set_failures_are_worth_nothing() {
        let sample = |iou| Tally { samples: 1, iou, ..Tally::default() };
        let of = |tally: Tally, profile: &Profile| Metric::Ciou.of(&tally, profile).unwrap();
        assert_eq!(of(sample(0.0), &Profile::STRICT), 0.0);
        assert_eq!(of(sample(1.0), &Profile::STRICT), 100.0);
        assert_eq!(of(sample(1.0), &Profile::LISA), 0.0, "0 / 1e-10");
    }

    #[test]
    fn nothing_has_no_figure() {
        let none = figures(std::iter::empty(), &[Metric::Ciou, Metric::Giou], &Profile::STRICT, 10);
        assert_eq!(none, vec![None, None]);
    }
}
