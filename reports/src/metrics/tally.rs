//! Sums over samples from which every figure is one division.

use std::ops::AddAssign;

use socio_record::{Matches, Rule};

use super::Profile;
use super::columns::Columns;

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

    /// What it takes for an instance, where it counts instances.
    pub fn rule(self) -> Option<Rule> {
        match self {
            Self::Ciou | Self::Giou => None,
            Self::F1(rule) | Self::Precision(rule) | Self::Recall(rule) => Some(rule),
        }
    }

    /// The figure in percent; `None` where there is nothing to divide by (no sample, no instance).
    pub fn of(self, tally: &Tally, profile: &Profile) -> Option<f64> {
        let (columns, width) = Columns::single(&[self]);
        let mut sums = vec![0.0; width];
        columns.add(&mut sums, tally, false);
        columns.value(self, &sums, profile)
    }
}
