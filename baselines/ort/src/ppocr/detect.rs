//! The detector and DB's decoding of its probability map into boxes.

use socio_backend::BackendError;
use socio_dataset::{Mask, Point};

use super::rectangle::Rectangle;
use crate::BACKEND;
use crate::graph::{Array, Graph};
use socio_backend::resample::Plane;

/// Per channel blue, green, red: PaddleOCR applies ImageNet's figures in this order.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// A pixel is text above this probability.
const THRESHOLD: f32 = 0.3;
/// A box is kept when the mean probability inside is at least this.
const BOX_THRESHOLD: f64 = 0.6;
/// How far boxes grow: area × this / perimeter.
const GROWTH: f64 = 1.5;
/// Shorter sides below these are dropped, before and after growing.
const LEAST_SIDE: f64 = 3.0;
/// Longest side that is looked at, in pixels.
const LARGEST: f64 = 4000.0;

const DOING: &str = "detecting text";

/// The boxes of texts, in reading order, as corners in whole image pixels.
pub(super) fn detect(graph: &Graph, planes: &[Plane; 3]) -> Result<Vec<[Point; 4]>, BackendError> {
    let (width, height) = (planes[0].width, planes[0].height);
    let probability = probability(graph, planes)?;
    let text = probability.values.iter().map(|p| u8::from(*p > THRESHOLD)).collect::<Vec<_>>();
    let text = Mask::from_nonzero(probability.width as u32, probability.height as u32, &text);
    let scale = (width as f64 / probability.width as f64, height as f64 / probability.height as f64);
    let mut boxes = Vec::new();
    for component in text.components() {
        let ends = component.runs().iter().flat_map(|r| [(r.x0, r.y), (r.x1 - 1, r.y)]);
        let points: Vec<Point> = ends.map(|(x, y)| Point { x: f64::from(x), y: f64::from(y) }).collect();
        let Some(rectangle) = Rectangle::round(&points).filter(|r| r.shorter() >= LEAST_SIDE) else { continue };
        if mean_inside(&probability, &rectangle) < BOX_THRESHOLD {
            continue;
        }
        let grown = rectangle.grown(GROWTH);
        if grown.shorter() < LEAST_SIDE + 2.0 {
            continue;
        }
        let corners = grown.corners().map(|p| Point {
            x: (p.x * scale.0).round().clamp(0.0, width as f64 - 1.0),
            y: (p.y * scale.1).round().clamp(0.0, height as f64 - 1.0),
        });
        if length(corners[0], corners[1]).min(length(corners[0], corners[3])) > 3.0 {
            boxes.push(corners);
        }
    }
    Ok(in_reading_order(boxes))
}

pub(super) fn length(a: Point, b: Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

/// The probability of text at each pixel of the image, scaled so that both sides are multiples of 32.
fn probability(graph: &Graph, planes: &[Plane; 3]) -> Result<Plane, BackendError> {
    let side = |n: usize| (((n as f64).clamp(64.0, LARGEST) / 32.0).round_ties_even().max(1.0) * 32.0) as usize;
    let (width, height) = (side(planes[0].width), side(planes[0].height));
    let mut values = Vec::with_capacity(3 * width * height);
    for (plane, (mean, deviation)) in planes.iter().zip(MEAN.iter().zip(DEVIATION)) {
        let scaled = plane.resized(width, height, false);
        values.extend(scaled.values.iter().map(|v| (v.round() / 255.0 - mean) / deviation));
    }
    let outputs = graph.run(vec![("x", Array { shape: vec![1, 3, height, width], values })], DOING)?;
    match outputs.into_iter().next() {
        Some(a) if a.values.len() == width * height => Ok(Plane { width, height, values: a.values }),
        other => Err(BackendError::Inference {
            backend: BACKEND.to_owned(),
            doing: DOING,
            why: format!("an output of shape {:?}", other.map(|a| a.shape)),
        }),
    }
}

fn mean_inside(probability: &Plane, rectangle: &Rectangle) -> f64 {
    let corners = rectangle.corners();
    let range = |of: fn(&Point) -> f64, limit: usize| {
        let low = corners.iter().map(of).fold(f64::INFINITY, f64::min).floor().max(0.0) as usize;
        let high = corners.iter().map(of).fold(0.0, f64::max).ceil() as usize;
        low..=high.min(limit.saturating_sub(1))
    };
    let (mut sum, mut count) = (0.0, 0u32);
    for y in range(|p| p.y, probability.height) {
        for x in range(|p| p.x, probability.width) {
            if rectangle.holds(x as f64, y as f64) {
                sum += f64::from(probability.values[y * probability.width + x]);
                count += 1;
            }
        }
    }
    sum / f64::from(count.max(1))
}

/// From top to bottom; boxes whose upper edges are within 10 pixels from left to right.
fn in_reading_order(mut boxes: Vec<[Point; 4]>) -> Vec<[Point; 4]> {
    boxes.sort_by(|a, b| (a[0].y, a[0].x).partial_cmp(&(b[0].y, b[0].x)).unwrap_or(std::cmp::Ordering::Equal));
    for i in 1..boxes.len() {
        let mut j = i;
        while j > 0 && (boxes[j][0].y - boxes[j - 1][0].y).abs() < 10.0 && boxes[j][0].x < boxes[j - 1][0].x {
            boxes.swap(j, j - 1);
            j -= 1;
        }
    }
    boxes
}
