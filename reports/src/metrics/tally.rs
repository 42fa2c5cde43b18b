//! Sums over samples from which every figure is one division.

use std::ops::AddAssign;

use socio_record::{Matches, Rule};

use super::Profile;

/// Sums over some samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// Samples.
    pub samples: u64,
    /// Of these, without a valid answer.
    pub failed: u64,
    /// Sum of the samples' IoUs under a profile.
    pub iou: f64,
    /// Sum of intersections, in pixels.
    pub intersection: u64,
    /// Sum of unions, in pixels.
    pub union: u64,
    /// Sums of instances, by rule.
    pub instances: [Matches; 4],
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.samples += other.samples;
        self.failed += other.failed;
        self.iou += other.iou;
        self.intersection += other.intersection;
        self.union += other.union;
        for (a, b) in self.instances.iter_mut().zip(&other.instances) {
            a.matched += b.matched;
            a.predicted += b.predicted;
            a.truth += b.truth;
        }
    }
}

/// A figure of a table, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Sum of intersections over sum of unions.
    Ciou,
    /// Mean of the samples' IoUs.
    Giou,
    /// Micro F1 over instances under a rule.
    F1(Rule),
    /// Micro precision of instances.
    Precision(Rule),
    /// Micro recall of instances.
    Recall(Rule),
}

impl Metric {
    /// Its name in tables.
    pub fn label(self) -> String {
        match self {
            Self::Ciou => "cIoU".to_owned(),
            Self::Giou => "gIoU".to_owned(),
            Self::F1(_) => "F1".to_owned(),
            Self::Precision(_) => "P".to_owned(),
            Self::Recall(_) => "R".to_owned(),
        }
    }

    /// The figure in percent; `None` where there is nothing to divide by (no sample, no instance).
    pub fn of(self, tally: &Tally, profile: &Profile) -> Option<f64> {
        let ratio = |above: f64, below: f64| (below > 0.0).then(|| 100.0 * above / below);
        match self {
            // Nothing is set anywhere: what the samples are worth one by one, unless an epsilon makes it a division.
            Self::Ciou if tally.samples > 0 && tally.union == 0 && profile.ciou_epsilon == 0.0 => {
                Some(100.0 * tally.iou / tally.samples as f64)
            }
            Self::Ciou => ratio(tally.intersection as f64, tally.union as f64 + profile.ciou_epsilon),
            Self::Giou if tally.samples == 0 => None,
            Self::Giou => ratio(tally.iou, tally.samples as f64 + profile.count_epsilon),
            Self::F1(rule) => {
                let m = tally.instances[rule as usize];
                ratio(2.0 * m.matched as f64, (m.predicted + m.truth) as f64)
            }
            Self::Precision(rule) => {
                let m = tally.instances[rule as usize];
                ratio(m.matched as f64, m.predicted as f64)
            }
            Self::Recall(rule) => {
                let m = tally.instances[rule as usize];
                ratio(m.matched as f64, m.truth as f64)
            }
        }
    }
}
