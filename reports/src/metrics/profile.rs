//! Profiles fix what codebases differ in; a table names its profile.

use serde::Serialize;
use socio_record::{Score, Status};

use super::Tally;
use crate::digest::Entry;

/// The rules of one codebase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// IoU of a sample whose truth and answer are both empty.
    pub both_empty: f64,
    /// Added to a sample's union before the division.
    pub iou_epsilon: f64,
    /// Added to the sum of unions.
    pub ciou_epsilon: f64,
    /// Added to the number of samples under the mean.
    pub count_epsilon: f64,
    /// Whether a sample without an answer has IoU 0 even where its truth is empty.
    pub failed_is_zero: bool,
    /// Whether an answer of another size counts as failed (else it is brought to the truth's size by the floor rule).
    pub wrong_size_fails: bool,
}

/// A name of no profile.
#[derive(Debug, thiserror::Error)]
#[error("unknown profile `{0}`: expected strict, socioreasoner, lisa or visionreasoner")]
pub struct UnknownProfile(String);

impl Profile {
    /// Ours, the default for new work: no epsilon, a failed sample is worth nothing, nothing is resized.
    pub const STRICT: Self = Self {
        name: "strict",
        both_empty: 1.0,
        iou_epsilon: 0.0,
        ciou_epsilon: 0.0,
        count_epsilon: 0.0,
        failed_is_zero: true,
        wrong_size_fails: true,
    };
    /// The released code: `compute_giou` (infer:45-58); a failed sample is an empty mask.
    pub const SOCIOREASONER: Self =
        Self { name: "socioreasoner", failed_is_zero: false, wrong_size_fails: false, ..Self::STRICT };
    /// LISA (`train_ds.py:552-573`): epsilons in the divisions, an empty-empty sample is worth 1.
    pub const LISA: Self =
        Self { name: "lisa", iou_epsilon: 1e-5, ciou_epsilon: 1e-10, count_epsilon: 1e-5, ..Self::SOCIOREASONER };
    /// VisionReasoner and Seg-Zero (`calculate_iou.py`): an empty-empty sample is worth 0; a failed one adds its truth's
    /// area to the union.
    pub const VISIONREASONER: Self = Self { name: "visionreasoner", both_empty: 0.0, ..Self::SOCIOREASONER };

    /// All of them, the default first.
    pub const ALL: [Self; 4] = [Self::STRICT, Self::SOCIOREASONER, Self::LISA, Self::VISIONREASONER];

    /// A profile by name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL.into_iter().find(|p| p.name == name).ok_or_else(|| UnknownProfile(name.to_owned()))
    }

    /// The IoU of a pair of counts, in `0..=1`.
    pub fn iou(&self, intersection: u64, union: u64, failed: bool) -> f64 {
        if union > 0 {
            intersection as f64 / (union as f64 + self.iou_epsilon)
        } else if failed && self.failed_is_zero {
            0.0
        } else {
            self.both_empty
        }
    }

    /// What a sample adds to the figures; `None` where its truth could not be read, so that nothing can be counted.
    pub fn tally(&self, entry: &Entry) -> Option<Tally> {
        Some(self.counted(entry.status, &entry.score?))
    }

    /// What counts are worth, as they came of a sample that ended so.
    pub fn counted(&self, status: Status, score: &Score) -> Tally {
        let failed = status != Status::Ok || (score.resized && self.wrong_size_fails);
        let (mut intersection, mut union, mut instances) =
            (score.counts.intersection, score.counts.union, score.instances);
        if failed {
            (intersection, union) = (0, score.truth_area);
            for m in &mut instances {
                (m.matched, m.predicted) = (0, 0);
            }
        }
        let iou = self.iou(intersection, union, failed);
        Tally { samples: 1, failed: u64::from(failed), iou, intersection, union, instances }
    }
}
