//! The reward of stage 2: the mask, and the points that led to it.

use socio_dataset::{Counts, Mask};

use super::format::{items, tagged};
use super::{Profile, Reward, Rules};

/// The reward of a second answer, the whole text of it, given the whole text of the first. `cut` is the mask that the segmenter
/// made of it, `truth` the true one; masks of different sizes are worth nothing (as in the released code), and so is an empty one
/// where nothing is true.
pub fn stage2(text: &str, first: &str, cut: &Mask, truth: &Mask, rules: &Rules) -> Reward {
    let (own, before) = (items(text), items(first).unwrap_or_default());
    let all = own.as_deref().unwrap_or_default();
    // As many objects as before, each with the box of its place.
    let same = all.len() == before.len();
    let valid: Vec<bool> = all.iter().enumerate().map(|(i, item)| same && item.refines(before.get(i))).collect();
    let right = valid.iter().filter(|v| **v).count();
    let format = match rules.profile {
        Profile::Paper => f64::from(u8::from(tagged(text) && own.is_some() && same && right == all.len())),
        Profile::Released => f64::from(u8::from(tagged(text))) + right as f64 / all.len().max(1) as f64,
    };
    let accuracy = cut.counts(truth).ok().and_then(Counts::iou).unwrap_or(0.0);
    let near = |n: usize| (-(n as f64 - rules.points).powi(2) / (2.0 * rules.spread * rules.spread)).exp();
    let groups = all.iter().zip(&valid).filter(|(_, valid)| **valid).filter_map(|(item, _)| item.points.as_ref());
    let sum: f64 = groups.map(|points| near(points.len())).sum();
    // The paper's mean is over valid groups, the code's over all.
    let count = if rules.profile == Profile::Paper { right } else { all.len() };
    Reward::new(format, accuracy, sum / count.max(1) as f64, rules)
}
