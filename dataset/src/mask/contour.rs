//! Boxes of outer contours, as the released code derives instances from a mask.
//!
//! The rule (`rlvr_socioseg_vlm_pipeline_infer.py:146-184`): external contours (OpenCV's `RETR_EXTERNAL`), those whose
//! polygon area is above 10 square pixels, their bounding rectangles. A contour's polygon runs through the centres
//! of the outermost pixels, so its area is less than the pixel count: a block of 4 x 4 pixels has area 9.

use super::Mask;
use super::components::{Component, Connectivity};
use crate::Bbox;

/// Contours of this polygon area or less are dropped.
const LEAST_AREA: f64 = 10.0;

impl Mask {
    /// The boxes of the outer contours with a polygon area above 10, in the order of their first pixel.
    pub fn contour_boxes(&self) -> Vec<Bbox> {
        let components = self.components();
        if components.is_empty() {
            return Vec::new();
        }
        let outside = outside_of(self);
        components
            .iter()
            // What lies in a hole of something else has another background above its first pixel.
            .filter(|c| outside.get(c.runs()[0].x0 + 1, c.runs()[0].y))
            .filter(|c| polygon_area(c) > LEAST_AREA)
            .map(Component::bbox)
            .collect()
    }
}

/// The background connected (by edges) to the surroundings, in a mask with one pixel of margin on each side.
fn outside_of(mask: &Mask) -> Mask {
    let (width, height) = (mask.width() + 2, mask.height() + 2);
    let mut padded = Mask::new(width, height);
    for run in mask.runs() {
        padded.fill_row(run.y + 1, run.x0 + 1, run.x1 + 1);
    }
    let background = padded.not().components_by(Connectivity::Four);
    // The margin makes the surroundings the first component.
    background.first().map_or_else(|| Mask::new(width, height), |c| c.to_mask(width, height))
}

/// The area of the polygon through the centres of a component's outermost pixels.
///
/// With the holes filled, each square between four pixel centres lies inside where all four pixels are set, and half
/// inside where three are: no contour has to be followed.
fn polygon_area(component: &Component) -> f64 {
    let [x0, y0, x1, y1] = component.corners();
    let mut alone = Mask::new(x1 - x0, y1 - y0);
    for run in component.runs() {
        alone.fill_row(run.y - y0, run.x0 - x0, run.x1 - x0);
    }
    let filled = outside_of(&alone).not();
    let (mut whole, mut half) = (0u64, 0u64);
    for y in 1..filled.height() {
        let (upper, lower) = (filled.row(y - 1), filled.row(y));
        for i in 0..upper.len() {
            let (a, b) = (upper[i], lower[i]);
            let (a1, b1) = (shifted(upper, i), shifted(lower, i));
            whole += u64::from((a & b & a1 & b1).count_ones());
            half += u64::from(((a & b & (a1 ^ b1)) | (a1 & b1 & (a ^ b))).count_ones());
        }
    }
    whole as f64 + half as f64 / 2.0
}

/// Word `i` of the row moved one pixel to the left.
fn shifted(row: &[u64], i: usize) -> u64 {
    row[i] >> 1 | row.get(i + 1).map_or(0, |next| next << 63)
}
