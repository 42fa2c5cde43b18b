//! Where a labelled place is on the map: its marker, and the area that the marker stands on.

use image::RgbImage;
use socio_backend::Label;
use socio_dataset::{Bbox, Component, Mask, Point};

use crate::CentreBox;

/// A marker's colour differs between its channels by at least this; text and ground are greyer.
const COLOURFUL: u8 = 50;
/// An area that covers more of the map than this is the ground, not a place.
const LARGEST_AREA: f64 = 0.2;
/// And less than this many boxes of the label's height squared is no area.
const LEAST_AREA: f64 = 1.0;
/// Colours this close, channel by channel, are one area.
const SAME: u8 = 3;

/// The box of the place that a label names: that of the area round its marker (or under its text, where there is no
/// marker), else a box of the usual size round it.
pub(super) fn of(map: &RgbImage, label: &Label, size: &CentreBox) -> Bbox {
    let (width, height) = map.dimensions();
    let text = label.bbox();
    let marker = marker(map, text);
    let at = marker.as_ref().map_or_else(|| text.centre(), |m| m.bbox().centre());
    let reach = marker.as_ref().map_or(text.height() / 2.0, |m| m.bbox().width().max(m.bbox().height()) / 2.0) + 2.0;
    area(map, at, reach, text.height()).unwrap_or_else(|| size.at(at.x, at.y, width, height))
}

/// The colourful blob next to a label, about as large as its letters: the nearest one.
fn marker(map: &RgbImage, text: Bbox) -> Option<Component> {
    let letter = text.height();
    let near =
        Bbox { x0: text.x0 - 1.5 * letter, y0: text.y0 - letter, x1: text.x1 + 1.5 * letter, y1: text.y1 + letter }
            .clipped(map.width(), map.height());
    let (left, top) = (near.x0 as u32, near.y0 as u32);
    let colourful = Mask::from_fn(map.width(), map.height(), |x, y| {
        x >= left && y >= top && f64::from(x) < near.x1 && f64::from(y) < near.y1 && {
            let [r, g, b] = map.get_pixel(x, y).0;
            r.max(g).max(b) - r.min(g).min(b) >= COLOURFUL
        }
    });
    let fits = |c: &Component| {
        let b = c.bbox();
        let (area, side) = (c.area() as f64, b.width().max(b.height()));
        area >= 0.05 * letter * letter && area <= 4.0 * letter * letter && side <= 2.0 * letter
    };
    let distance = |c: &Component| {
        let p = c.bbox().centre();
        let across = (text.x0 - p.x).max(p.x - text.x1).max(0.0);
        across.hypot(p.y - text.centre().y)
    };
    let blobs = colourful.components().into_iter().filter(fits);
    blobs.min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// The box of the evenly coloured area round a point: the colour seen most on a square about it, and the connected pixels
/// of that colour that touch the ring most. `None` where that is the ground, or too small to be a place.
fn area(map: &RgbImage, at: Point, reach: f64, letter: f64) -> Option<Bbox> {
    let (width, height) = map.dimensions();
    let ring: Vec<(u32, u32)> = (-4..4)
        .map(|i| f64::from(i) / 4.0 * reach)
        .flat_map(|d| [(d, -reach), (reach, d), (-d, reach), (-reach, -d)])
        .map(|(dx, dy)| (at.x + dx, at.y + dy))
        .filter(|(x, y)| *x >= 0.0 && *y >= 0.0 && *x < f64::from(width) && *y < f64::from(height))
        .map(|(x, y)| (x as u32, y as u32))
        .collect();
    let alike = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= SAME);
    let colour = |(x, y): &(u32, u32)| map.get_pixel(*x, *y).0;
    let votes = |c: [u8; 3]| ring.iter().filter(|p| alike(colour(p), c)).count();
    let ground = ring.iter().map(colour).max_by_key(|c| (votes(*c), *c))?;
    let even = Mask::from_fn(width, height, |x, y| alike(map.get_pixel(x, y).0, ground));
    let touching = |c: &Component| {
        ring.iter().filter(|(x, y)| c.runs().iter().any(|r| r.y == *y && (r.x0..r.x1).contains(x))).count()
    };
    let found = even.components().into_iter().max_by_key(touching).filter(|c| touching(c) > 0)?;
    let pixels = f64::from(width) * f64::from(height);
    let share = found.area() as f64;
    (share <= LARGEST_AREA * pixels && share >= LEAST_AREA * letter * letter).then(|| found.bbox())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn label(x0: f64, y0: f64, x1: f64, y1: f64) -> Label {
        let p = |x, y| Point { x, y };
        Label { text: "x".into(), score: 1.0, corners: [p(x0, y0), p(x1, y0), p(x1, y1), p(x0, y1)] }
    }

    /// A pale ground, one area, a marker on it, and text to the marker's right that runs beyond the area.
    fn map() -> RgbImage {
        let mut map = RgbImage::from_pixel(200, 200, Rgb([247, 243, 236]));
        let mut paint = |b: [f64; 4], c: [u8; 3]| socio_dataset::picture::outline(&mut map, b.into(), Rgb(c), 200);
        paint([40.0, 50.0, 100.0, 90.0], [235, 231, 220]);
        paint([65.0, 65.0, 75.0, 75.0], [142, 84, 168]);
        map
    }

    #[test]
    fn the_area_under_the_marker_is_the_place() {
        let b = of(&map(), &label(80.0, 63.0, 180.0, 77.0), &CentreBox { share: 0.037 });
        assert_eq!(<[f64; 4]>::from(b), [40.0, 50.0, 100.0, 90.0]);
    }

    #[test]
    fn on_open_ground_the_usual_size_is_taken() {
        let plain = RgbImage::from_pixel(200, 200, Rgb([247, 243, 236]));
        let b = of(&plain, &label(80.0, 90.0, 120.0, 110.0), &CentreBox { share: 0.01 });
        assert_eq!(<[f64; 4]>::from(b), [90.0, 90.0, 110.0, 110.0]);
    }
}
