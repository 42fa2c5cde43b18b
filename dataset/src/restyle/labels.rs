//! Where a map is written on, found in its pixels: fine dark or light strokes close to each other.

use image::RgbImage;

use super::colour::blend;
use super::filter::{blurred as blur, median};
use crate::Mask;
use crate::hash::SplitMix;

/// How far a stroke differs from its ground, in grey values.
const STROKE: u16 = 36;
/// Radius of the median that is taken for the ground: wider than a letter's strokes, narrower than a road.
const GROUND: u32 = 5;
/// Strokes this near to each other are of one label.
const NEAR: u32 = 4;

pub(super) fn blurred(map: &RgbImage, severity: u8) -> RgbImage {
    let written = written(map, &median(map, GROUND));
    blend(map, &blur(map, u32::from(severity)), |x, y| if written.get(x, y) { 1.0 } else { 0.0 })
}

/// Removes a share of the labels: each with a rank of its own, so that a higher severity removes the same and more.
pub(super) fn removed(map: &RgbImage, share: f64, seed: u64) -> RgbImage {
    let ground = median(map, GROUND + 2);
    let written = written(map, &ground);
    let mut gone = Mask::new(map.width(), map.height());
    let mut random = SplitMix(seed);
    for label in written.components() {
        if random.unit() < share {
            for run in label.runs() {
                gone.fill_row(run.y, run.x0, run.x1);
            }
        }
    }
    blend(map, &ground, |x, y| if gone.get(x, y) { 1.0 } else { 0.0 })
}

/// The pixels of labels, with a margin.
fn written(map: &RgbImage, ground: &RgbImage) -> Mask {
    let (width, height) = map.dimensions();
    let grey = |p: [u8; 3]| (u16::from(p[0]) * 77 + u16::from(p[1]) * 150 + u16::from(p[2]) * 29) >> 8;
    let strokes = Mask::from_fn(width, height, |x, y| {
        grey(map.get_pixel(x, y).0).abs_diff(grey(ground.get_pixel(x, y).0)) > STROKE
    });
    let mut grown = Mask::new(width, height);
    for y in 0..height {
        for x in 0..width {
            if strokes.get(x, y) {
                for row in y.saturating_sub(NEAR / 2)..(y + NEAR / 2 + 1).min(height) {
                    grown.fill_row(row, x.saturating_sub(NEAR), (x + NEAR + 1).min(width));
                }
            }
        }
    }
    grown
}
