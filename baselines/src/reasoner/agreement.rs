//! Whether what was cut is where the model pointed.

use socio_dataset::Bbox;

use super::Located;
use crate::method::{StageAnswer, StageObject};

/// At this IoU or less, the box round what was cut contradicts the box that was asked for. It is the threshold at which
/// the paper's stage-1 reward takes two boxes for one.
const CONTRADICTION: f64 = 0.5;

/// How well an object's box and the box round its mask agree: their IoU, in `0..=1`; nothing for an object without a box.
pub fn agreement(object: &StageObject) -> Option<f64> {
    let asked = object.prompt.bbox?;
    Some(object.mask.bbox().map_or(0.0, |cut: Bbox| asked.iou(&cut)))
}

fn all(stage: &StageAnswer) -> impl Iterator<Item = f64> {
    stage.objects.iter().filter_map(agreement)
}

/// Whether every object is where the model pointed. A stage that came to nothing has no object, and does not hold.
pub(super) fn holds(stage: &StageAnswer) -> bool {
    stage.failure.is_none() && all(stage).all(|a| a > CONTRADICTION)
}

/// Puts the attempt that agrees best last: what the answer is, and what the second stage looks at. Of equals the later.
pub(super) fn best_last(attempts: &mut [Located]) {
    let worth = |a: &Located| {
        let (sum, n) = all(&a.stage).fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
        if n == 0 { 0.0 } else { sum / f64::from(n) }
    };
    let best =
        (0..attempts.len()).fold(0, |best, i| if worth(&attempts[i]) >= worth(&attempts[best]) { i } else { best });
    if let Some(rest) = attempts.get_mut(best..) {
        rest.rotate_left(1);
    }
}
