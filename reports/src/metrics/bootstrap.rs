//! 95 % intervals by the cluster bootstrap: scenes are drawn with replacement, all samples of a scene together.
//!
//! Several queries share a satellite image, so samples are not independent; and cIoU is a ratio of sums, so it is computed
//! anew from the drawn sums, never as a mean of ratios.

use serde::Serialize;

use super::columns::Columns;
use super::interval::Draws;
use super::resample::gathered;
use super::{Metric, Profile, Tally};
use crate::digest::Word;

/// Fewer scenes than this make intervals doubtful.
pub(crate) const FEW_SCENES: usize = 50;
/// Draws for an interval.
pub const RESAMPLES: usize = 10_000;

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

/// The figures of some samples, given as `(scene, tally)`, each with its 95 % interval (BCa) over `resamples` draws; `None` for a metric that has nothing to divide by. Scenes are drawn in the order of their words.
pub fn figures(
    samples: impl Iterator<Item = (Word, Tally)> + Clone,
    metrics: &[Metric],
    profile: &Profile,
    resamples: usize,
) -> Vec<Option<Figure>> {
    let (columns, width) = Columns::single(metrics);
    let clusters = gathered(width, samples, |s| s.0, |row, (_, tally)| columns.add(row, &tally, false));
    let total = clusters.total();
    let value = |sums: &[f64]| metrics.iter().map(|m| columns.value(*m, sums, profile)).collect::<Vec<_>>();
    let drawn = clusters.resampled(clusters.draws(resamples), value);
    let figure = |(i, metric): (usize, &Metric)| {
        let value = columns.value(*metric, &total, profile)?;
        let draws = drawn.iter().filter_map(|d| d[i]).collect();
        let left_out = clusters.left_out(|sums| columns.value(*metric, sums, profile));
        let (low, high) = Draws::new(value, draws, &left_out).interval().unwrap_or((value, value));
        Some(Figure { value, low, high })
    };
    metrics.iter().enumerate().map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(intersection: u64, union: u64) -> Tally {
        Tally { samples: 1, iou: intersection as f64 / union as f64, intersection, union, ..Tally::default() }
    }

    #[test]
    fn equal_samples_have_an_interval_of_no_width() {
        let samples = (0..30).map(|i| (i % 3, tally(30, 100)));
        let f = figures(samples, &[Metric::Ciou, Metric::Giou], &Profile::STRICT, 500);
        for f in f {
            let f = f.unwrap();
            assert!((f.value - 30.0).abs() < 1e-9 && (f.low - 30.0).abs() < 1e-9 && (f.high - 30.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_the_textbooks() {
        // 400 scenes of one sample, IoU 0 or 1 at even odds: standard error 2.5, so 50 +- 4.9.
        let samples = (0..400).map(|i| (i, tally(u64::from(i % 2) * 10, 10)));
        let f = figures(samples, &[Metric::Giou], &Profile::STRICT, RESAMPLES)[0].unwrap();
        assert!((f.value - 50.0).abs() < 1e-9);
        assert!((f.low - 45.1).abs() < 0.4 && (f.high - 54.9).abs() < 0.4, "{f:?}");
    }

    #[test]
    fn samples_of_one_scene_are_drawn_together() {
        // The same 400 samples in 8 scenes, each all right or all wrong: the interval is several times as wide.
        let samples = (0..400).map(|i| (i / 50, tally(u64::from(i / 50 % 2 == 0) * 10, 10)));
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
