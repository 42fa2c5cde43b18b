//! Boxes and points drawn on a picture.

use image::{Rgb, RgbImage};

use super::outline;
use crate::{Bbox, Point};

const POINT: Rgb<u8> = Rgb([0, 160, 0]);
const BESIDE: Rgb<u8> = Rgb([255, 200, 0]);
const EDGE: Rgb<u8> = Rgb([255, 255, 255]);
/// Points as the released pictures have them: discs of this radius.
const RADIUS: i64 = 5;

/// What prompts a segmenter for one object.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks<'a> {
    /// The box.
    pub bbox: Option<Bbox>,
    /// Points on the object.
    pub points: &'a [Point],
    /// Points beside it.
    pub background: &'a [Point],
}

/// Draws what was given in the pixels of a frame (the image's own where `None`): the box's edge, `line` pixels wide, and
/// the points, green on the object and yellow beside it.
pub fn mark(image: &mut RgbImage, marks: &Marks<'_>, frame: Option<(u32, u32)>, colour: Rgb<u8>, line: u32) {
    let (width, height) = image.dimensions();
    let scale = |from: u32, to: u32| f64::from(to) / f64::from(from.max(1));
    let (x, y) = frame.map_or((1.0, 1.0), |f| (scale(f.0, width), scale(f.1, height)));
    if let Some(b) = marks.bbox {
        outline(image, Bbox { x0: b.x0 * x, y0: b.y0 * y, x1: b.x1 * x, y1: b.y1 * y }, colour, line);
    }
    for (points, colour) in [(marks.points, POINT), (marks.background, BESIDE)] {
        for point in points {
            dot(image, point.x * x, point.y * y, colour);
        }
    }
}

fn dot(image: &mut RgbImage, x: f64, y: f64, colour: Rgb<u8>) {
    // Far outside, or no number.
    if !(x.abs() < 1e6 && y.abs() < 1e6) {
        return;
    }
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    let (cx, cy) = (x.round() as i64, y.round() as i64);
    let reach = -RADIUS - 1..=RADIUS + 1;
    for (dx, dy) in reach.clone().flat_map(|dx| reach.clone().map(move |dy| (dx, dy))) {
        let (x, y, far) = (cx + dx, cy + dy, dx * dx + dy * dy);
        if (0..width).contains(&x) && (0..height).contains(&y) && far <= (RADIUS + 1) * (RADIUS + 1) {
            image.put_pixel(x as u32, y as u32, if far <= RADIUS * RADIUS { colour } else { EDGE });
        }
    }
}
