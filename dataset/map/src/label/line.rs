//! Labels along roads: straight text where the road is straight enough to carry it.

use std::collections::BTreeMap;

use tiny_skia::Transform;

use super::room::{Quad, Room};
use super::{Label, LabelKind};
use crate::feature::{Feature, Geometry, Kind, Road, Xy};
use crate::font;
use crate::render::Request;
use crate::shape::{self, distance};

/// Steps along a road at which a label is tried, in pixels.
const STEP: f64 = 12.0;
/// How far a road may bend away below its label, in heights of the text.
const BEND: f64 = 0.28;
/// Between two labels of one road.
const APART: f64 = 320.0;
/// Labels of one road in a picture.
const MOST: usize = 2;

pub(super) fn roads(features: &[Feature], request: &Request<'_>, room: &mut Room, labels: &mut Vec<Label>) {
    let look = &request.style.label.road;
    for road in named(features, request) {
        let line = font::line(&road.text, look.px, look.bold);
        let (width, height) = (f64::from(line.width), f64::from(line.ascent + line.descent));
        let mut taken: Vec<Xy> = Vec::new();
        for spot in spots(&road.lines, width + 6.0, f64::from(look.px) * BEND) {
            if taken.len() == MOST {
                break;
            }
            if taken.iter().any(|t| distance(*t, spot.middle) < APART) {
                continue;
            }
            let pad = f64::from(look.halo_px) + 0.5;
            let quad = spot.quad(width, height);
            let padded = spot.quad(width + 2.0 * pad, height + 1.0);
            if !room.free(&[padded]) {
                continue;
            }
            room.take(&[padded]);
            taken.push(spot.middle);
            // The middle of the line's box on the road, as its corners say.
            let lift = f64::from(line.ascent - line.descent) / 2.0;
            let [dx, dy] = spot.direction;
            let (x, y) = (spot.middle[0] - dx * width / 2.0 - dy * lift, spot.middle[1] - dy * width / 2.0 + dx * lift);
            let turn = Transform::from_row(dx as f32, dy as f32, -dy as f32, dx as f32, x as f32, y as f32);
            let paths = line.path.clone().and_then(|p| p.transform(turn)).into_iter().collect();
            labels.push(Label {
                kind: LabelKind::Road,
                feature: road.feature,
                lines: vec![road.text.clone()],
                quads: vec![quad],
                paths,
                look: look.clone(),
            });
        }
    }
}

struct Named {
    text: String,
    class: Road,
    feature: usize,
    length: f64,
    lines: Vec<Vec<Xy>>,
}

/// Roads by their label, the widest first, then the longest.
fn named(features: &[Feature], request: &Request<'_>) -> Vec<Named> {
    let mut roads: BTreeMap<String, Named> = BTreeMap::new();
    for (index, feature) in features.iter().enumerate() {
        let (Kind::Road(class), Geometry::Line(points)) = (&feature.kind, &feature.geometry) else { continue };
        let text = request.words.lines(&feature.names).join(" ");
        let parts = inside(points, request);
        if text.is_empty() || parts.is_empty() {
            continue;
        }
        let road = roads.entry(text.clone()).or_insert(Named {
            text,
            class: *class,
            feature: index,
            length: 0.0,
            lines: Vec::new(),
        });
        road.class = road.class.min(*class);
        road.length += parts.iter().map(|p| shape::length(p)).sum::<f64>();
        road.lines.extend(parts);
    }
    let mut roads: Vec<Named> = roads.into_values().collect();
    for road in &mut roads {
        road.lines = joined(std::mem::take(&mut road.lines));
    }
    roads.sort_by(|a, b| a.class.cmp(&b.class).then(b.length.total_cmp(&a.length)).then(a.text.cmp(&b.text)));
    roads
}

/// The parts of a line in the picture: no label goes further, and a road may be as long as it likes outside.
fn inside(points: &[Xy], request: &Request<'_>) -> Vec<Vec<Xy>> {
    let (w, h) = (f64::from(request.width), f64::from(request.height));
    let mut parts: Vec<Vec<Xy>> = Vec::new();
    for pair in points.windows(2) {
        let Some([a, b]) = clipped([pair[0], pair[1]], [w, h]) else { continue };
        match parts.last_mut() {
            Some(part) if part.last() == Some(&a) => part.push(b),
            _ => parts.push(vec![a, b]),
        }
    }
    parts
}

/// A piece of a line within `0..=size` (Liang and Barsky's way); `None` outside, and for what is no number.
fn clipped([a, b]: [Xy; 2], size: [f64; 2]) -> Option<[Xy; 2]> {
    if !a.iter().chain(&b).all(|v| v.is_finite()) {
        return None;
    }
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for axis in [0, 1] {
        let step = b[axis] - a[axis];
        for (towards, room) in [(-step, a[axis]), (step, size[axis] - a[axis])] {
            if towards == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if towards < 0.0 {
                from = from.max(room / towards);
            } else {
                to = to.min(room / towards);
            }
        }
    }
    let at = |t: f64| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
    // Ends that are not cut stay as they are, to the last bit: lines are joined by them.
    (from < to).then(|| [if from > 0.0 { at(from) } else { a }, if to < 1.0 { at(to) } else { b }])
}

/// Lines that meet end to end made one, so that a label may run over a junction.
fn joined(mut lines: Vec<Vec<Xy>>) -> Vec<Vec<Xy>> {
    let mut done = Vec::new();
    while let Some(mut line) = lines.pop() {
        loop {
            let (first, last) = (line[0], line[line.len() - 1]);
            let meets =
                |l: &Vec<Xy>| l[0] == last || l[l.len() - 1] == last || l[0] == first || l[l.len() - 1] == first;
            let Some(at) = lines.iter().position(meets) else { break };
            let mut other = lines.swap_remove(at);
            if other[0] == first || other[other.len() - 1] == first {
                line.reverse();
            }
            if other[0] != line[line.len() - 1] {
                other.reverse();
            }
            line.extend_from_slice(&other[1..]);
        }
        done.push(line);
    }
    done
}

struct Spot {
    middle: Xy,
    /// Of reading, a unit vector.
    direction: Xy,
    bend: f64,
}

impl Spot {
    fn quad(&self, width: f64, height: f64) -> Quad {
        let ([x, y], [dx, dy]) = (self.middle, self.direction);
        let corner = |along: f64, down: f64| [x + dx * along - dy * down, y + dy * along + dx * down];
        let (w, h) = (width / 2.0, height / 2.0);
        [corner(-w, -h), corner(w, -h), corner(w, h), corner(-w, h)]
    }
}

/// Where the lines run straight over a length, the straightest first.
fn spots(lines: &[Vec<Xy>], length: f64, bend: f64) -> Vec<Spot> {
    let mut spots = Vec::new();
    for line in lines {
        let whole = shape::length(line);
        let mut start = 0.0;
        while start + length <= whole {
            let piece = piece(line, start, start + length);
            spots.extend(straight(&piece).filter(|s| s.bend <= bend));
            start += STEP;
        }
    }
    // Rounded, so that straight roads take the first spot and not the one with the smallest rounding error.
    spots.sort_by_key(|s| (s.bend * 4.0) as i64);
    spots
}

/// The part of a line between two distances from its start.
fn piece(line: &[Xy], from: f64, to: f64) -> Vec<Xy> {
    let mut points = Vec::new();
    let mut at = 0.0;
    for w in line.windows(2) {
        let step = distance(w[0], w[1]);
        if step > 0.0 && at + step > from && at < to {
            let point = |t: f64| [w[0][0] + (w[1][0] - w[0][0]) * t, w[0][1] + (w[1][1] - w[0][1]) * t];
            if points.is_empty() {
                points.push(point(((from - at) / step).max(0.0)));
            }
            points.push(point(((to - at) / step).min(1.0)));
        }
        at += step;
    }
    points
}

/// The chord of a piece, turned so that it reads from left to right (upwards where it is upright).
fn straight(piece: &[Xy]) -> Option<Spot> {
    let (first, last) = (*piece.first()?, *piece.last()?);
    let chord = distance(first, last);
    if chord < 1.0 {
        return None;
    }
    let mut direction = [(last[0] - first[0]) / chord, (last[1] - first[1]) / chord];
    let off = |p: &Xy| ((p[0] - first[0]) * direction[1] - (p[1] - first[1]) * direction[0]).abs();
    let bend = piece.iter().map(off).fold(0.0, f64::max);
    if direction[0] < -1e-9 || direction[0].abs() <= 1e-9 && direction[1] > 0.0 {
        direction = [-direction[0], -direction[1]];
    }
    Some(Spot { middle: [f64::midpoint(first[0], last[0]), f64::midpoint(first[1], last[1])], direction, bend })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_across_junctions_whatever_their_direction() {
        let lines = vec![vec![[0.0, 0.0], [10.0, 0.0]], vec![[20.0, 0.0], [10.0, 0.0]], vec![[20.0, 0.0], [30.0, 0.0]]];
        let one = joined(lines);
        assert_eq!(one.len(), 1);
        assert_eq!(shape::length(&one[0]), 30.0);
    }

    #[test]
    fn text_reads_from_left_to_right_and_never_round_a_corner() {
        let corner = vec![vec![[100.0, 0.0], [0.0, 0.0], [0.0, 100.0]]];
        let found = spots(&corner, 80.0, 3.0);
        assert!(!found.is_empty());
        for spot in found {
            assert!(spot.direction[0] > -1e-9, "{:?}", spot.direction);
            assert!(spot.bend <= 3.0);
        }
    }
}
