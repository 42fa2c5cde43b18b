//! Counts of a predicted mask against the truth: all that any profile needs, in whole numbers.

use serde::{Deserialize, Serialize};
use socio_dataset::{Bbox, Component, Counts, Mask};

/// What counts as one instance. The paper does not say; docs/metrics.md tells what its numbers support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// 8-connected components of either mask, matched by mask IoU: the default, our choice.
    Components,
    /// Each whole mask is one instance.
    WholeMask,
    /// Boxes of outer contours with an area above 10, of either mask, matched by box IoU.
    ContourBoxes,
    /// Components of the truth against the objects that the method emitted before they were merged.
    Emitted,
}

impl Rule {
    /// All four, the default first.
    pub const ALL: [Self; 4] = [Self::Components, Self::WholeMask, Self::ContourBoxes, Self::Emitted];

    /// Its name in tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Components => "components",
            Self::WholeMask => "whole-mask",
            Self::ContourBoxes => "contour-boxes",
            Self::Emitted => "emitted",
        }
    }
}

/// Instances of one sample under one rule, matched one to one at IoU > 0.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Matches {
    /// Pairs matched.
    pub matched: u64,
    /// Instances predicted.
    pub predicted: u64,
    /// Instances in the truth.
    pub truth: u64,
}

/// The counts of one predicted mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Score {
    /// Pixels in both masks, and in either.
    #[serde(flatten)]
    pub counts: Counts,
    /// Pixels of the truth.
    pub truth_area: u64,
    /// Pixels predicted (after the resize, where there was one).
    pub predicted_area: u64,
    /// Whether the prediction had another size and was brought to the truth's by the floor rule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resized: bool,
    /// Instances, by rule in the order of [`Rule::ALL`].
    pub instances: [Matches; 4],
}

impl Score {
    /// The instances under a rule.
    pub fn matches(&self, rule: Rule) -> Matches {
        self.instances[rule as usize]
    }
}

/// Boxes and masks match above this IoU, strictly (docs/metrics.md: the only threshold in the paper).
const THRESHOLD: f64 = 0.5;

/// Counts a prediction against the truth; `objects` are the masks that the method emitted before they were merged. Masks
/// of another size are brought to the truth's by the floor rule, and the score says so.
pub fn score(truth: &Mask, predicted: &Mask, objects: &[Mask]) -> Score {
    let (width, height) = truth.size();
    let resized = predicted.size() != truth.size();
    let predicted = predicted.resized(width, height);
    let counts = truth.counts(&predicted).unwrap_or_default();
    let (true_parts, found_parts) = (truth.components(), predicted.components());
    let (true_boxes, found_boxes) = (truth.contour_boxes(), predicted.contour_boxes());
    let whole = Matches {
        matched: u64::from(counts.iou().is_some_and(|iou| iou > THRESHOLD)),
        predicted: u64::from(!predicted.is_empty()),
        truth: u64::from(!truth.is_empty()),
    };
    let objects: Vec<Mask> = objects.iter().map(|o| o.resized(width, height)).filter(|o| !o.is_empty()).collect();
    Score {
        truth_area: truth.area(),
        predicted_area: predicted.area(),
        counts,
        resized,
        instances: [
            matches(&true_parts, &found_parts, Component::iou),
            whole,
            matches(&true_boxes, &found_boxes, Bbox::iou),
            matches(&true_parts, &objects, Component::iou_with),
        ],
    }
}

/// The greatest number of pairs with IoU above the threshold, each instance in one pair at most.
fn matches<T, P>(truth: &[T], predicted: &[P], iou: impl Fn(&T, &P) -> f64) -> Matches {
    let partners: Vec<Vec<usize>> =
        truth.iter().map(|t| (0..predicted.len()).filter(|i| iou(t, &predicted[*i]) > THRESHOLD).collect()).collect();
    let mut owner: Vec<Option<usize>> = vec![None; predicted.len()];
    let matched =
        (0..truth.len()).filter(|t| assign(*t, &partners, &mut owner, &mut vec![false; predicted.len()])).count();
    Matches { matched: matched as u64, predicted: predicted.len() as u64, truth: truth.len() as u64 }
}

/// Kuhn's augmenting path: gives `t` a partner, moving others to theirs where that helps.
fn assign(t: usize, partners: &[Vec<usize>], owner: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for &p in &partners[t] {
        if std::mem::replace(&mut seen[p], true) {
            continue;
        }
        if owner[p].is_none_or(|other| assign(other, partners, owner, seen)) {
            owner[p] = Some(t);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxes(list: &[[f64; 4]]) -> Mask {
        list.iter().fold(Mask::new(40, 30), |m, b| m.or(&Mask::from_bbox(40, 30, (*b).into())).unwrap())
    }

    #[test]
    fn the_four_rules_differ_where_they_should() {
        // Two true blocks; one found exactly, the other in two halves that touch nothing of each other.
        let truth = boxes(&[[2.0, 2.0, 12.0, 12.0], [20.0, 2.0, 30.0, 12.0]]);
        let found = boxes(&[[2.0, 2.0, 12.0, 12.0], [20.0, 2.0, 24.0, 12.0], [26.0, 2.0, 30.0, 12.0]]);
        let objects = [boxes(&[[2.0, 2.0, 12.0, 12.0]]), boxes(&[[20.0, 2.0, 30.0, 12.0]])];
        let s = score(&truth, &found, &objects);
        assert_eq!(s.counts, Counts { intersection: 180, union: 200 });
        let of = |rule| (s.matches(rule).matched, s.matches(rule).predicted, s.matches(rule).truth);
        assert_eq!(of(Rule::Components), (1, 3, 2));
        assert_eq!(of(Rule::WholeMask), (1, 1, 1));
        assert_eq!(of(Rule::ContourBoxes), (1, 3, 2));
        assert_eq!(of(Rule::Emitted), (2, 2, 2));
    }

    #[test]
    fn an_iou_of_one_half_is_no_match() {
        let s = score(&boxes(&[[0.0, 0.0, 10.0, 10.0]]), &boxes(&[[0.0, 0.0, 10.0, 5.0]]), &[]);
        assert_eq!(s.counts.iou(), Some(0.5));
        assert_eq!(s.matches(Rule::Components).matched, 0);
        assert_eq!(s.matches(Rule::WholeMask).matched, 0);
    }

    #[test]
    fn another_size_is_brought_to_the_truths_and_told() {
        let truth = Mask::from_bbox(40, 30, [0.0, 0.0, 20.0, 30.0].into());
        let half = Mask::from_bbox(20, 15, [0.0, 0.0, 10.0, 15.0].into());
        let s = score(&truth, &half, std::slice::from_ref(&half));
        assert!(s.resized);
        assert_eq!(s.counts.iou(), Some(1.0));
        assert_eq!(s.matches(Rule::Emitted).matched, 1);
    }

    /// The greatest matching by trying everything.
    fn naive(pairs: &[Vec<bool>], from: usize, used: &mut Vec<bool>) -> u64 {
        if from == pairs.len() {
            return 0;
        }
        let mut best = naive(pairs, from + 1, used);
        for p in 0..used.len() {
            if pairs[from][p] && !used[p] {
                used[p] = true;
                best = best.max(1 + naive(pairs, from + 1, used));
                used[p] = false;
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn matching_is_the_greatest_there_is(pairs in prop::collection::vec(prop::collection::vec(any::<bool>(), 4), 0..6)) {
            let truth: Vec<usize> = (0..pairs.len()).collect();
            let predicted: Vec<usize> = (0..4).collect();
            let got = matches(&truth, &predicted, |t, p| if pairs[*t][*p] { 1.0 } else { 0.0 });
            prop_assert_eq!(got.matched, naive(&pairs, 0, &mut vec![false; 4]));
        }
    }
}
