//! Labels around a circle.

use std::f64::consts::TAU;

use super::spread::spread;
use super::svg::{Anchor, PAD, Pen, Svg, WIDTH, outline};
use super::text::wrap;

/// The radius of the circle.
pub(super) const RADIUS: f64 = 165.0;
/// From there to the labels.
const GAP: f64 = 14.0;
/// The pen of labels.
const NAME: Pen = Pen { size: 11.0, ..Pen::LABEL };

/// A point on the i-th of n axes.
pub(super) fn at(middle: (f64, f64), i: usize, n: usize, radius: f64) -> (f64, f64) {
    let (sin, cos) = (TAU * i as f64 / n as f64).sin_cos();
    (middle.0 + radius * sin, middle.1 - radius * cos)
}

/// Where a label stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Top,
    Right,
    Foot,
    Left,
}

/// A category's name beside its axis.
pub(super) struct Label<'a> {
    whole: &'a str,
    lines: Vec<String>,
    pub(super) side: Side,
    i: usize,
    n: usize,
}

impl<'a> Label<'a> {
    /// The i-th of n categories' name.
    pub(super) fn of(whole: &'a str, i: usize, n: usize) -> Self {
        let side = match 2 * i {
            0 => Side::Top,
            twice if twice < n => Side::Right,
            twice if twice == n => Side::Foot,
            _ => Side::Left,
        };
        let beside = WIDTH / 2.0 - RADIUS - GAP - PAD;
        let room = if matches!(side, Side::Top | Side::Foot) { 300.0 } else { beside };
        Self { whole, lines: wrap(whole, NAME.size, room, 3), side, i, n }
    }

    /// The height it takes.
    pub(super) fn high(&self) -> f64 {
        self.lines.len() as f64 * NAME.leading() + 5.0
    }
}

/// Writes the labels: those at a side are moved apart, keep off the circle, and are led to their axis where they moved.
/// Returns the height below the lowest.
pub(super) fn write(svg: &mut Svg, middle: (f64, f64), half: f64, labels: &[Label]) -> f64 {
    let mut foot: f64 = 0.0;
    for label in labels.iter().filter(|l| matches!(l.side, Side::Top | Side::Foot)) {
        let away = if label.side == Side::Top { -1.0 } else { 1.0 };
        // Near the circle, but beyond what the sides' labels may reach.
        let y = middle.1 + away * (half + label.high() / 2.0);
        foot = foot.max(y + label.high() / 2.0);
        svg.lines(NAME.middle(), middle.0, y, &label.lines, label.whole);
    }
    for (side, away, anchor) in [(Side::Right, 1.0, Anchor::Start), (Side::Left, -1.0, Anchor::End)] {
        let mut beside: Vec<&Label> = labels.iter().filter(|l| l.side == side).collect();
        if side == Side::Left {
            // Downwards, as on the right.
            beside.reverse();
        }
        let wanted: Vec<f64> = beside.iter().map(|l| at(middle, l.i, l.n, RADIUS + GAP).1).collect();
        let high: Vec<f64> = beside.iter().map(|l| l.high()).collect();
        let places = spread(&wanted, &high, (middle.1 - half, middle.1 + half));
        for (label, y) in beside.into_iter().zip(places) {
            let near = ((y - middle.1).abs() - label.high() / 2.0).max(0.0);
            let out = ((RADIUS + GAP).powi(2) - near * near).max(0.0).sqrt().max(16.0);
            let x = middle.0 + away * out;
            let (from, to) = (at(middle, label.i, label.n, RADIUS + 3.0), (x - 3.0 * away, y));
            if (to.0 - from.0).hypot(to.1 - from.1) > GAP {
                svg.path("grid", &outline([from, to], false), " fill=\"none\"");
            }
            foot = foot.max(y + label.high() / 2.0);
            svg.lines(Pen { anchor, ..NAME }, x, y, &label.lines, label.whole);
        }
    }
    foot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides() {
        let of = |i, n| Label::of("x", i, n).side;
        assert_eq!([0, 1, 2, 3].map(|i| of(i, 4)), [Side::Top, Side::Right, Side::Foot, Side::Left]);
        assert_eq!([0, 1, 2].map(|i| of(i, 3)), [Side::Top, Side::Right, Side::Left]);
    }

    #[test]
    fn only_moved_labels_are_led() {
        let led = |n: usize| {
            let mut svg = Svg::default();
            let all: Vec<_> = (0..n).map(|i| Label::of("A name", i, n)).collect();
            let foot = write(&mut svg, (360.0, 250.0), RADIUS + 8.0, &all);
            svg.finish("f", "", &[], foot).matches("<path").count()
        };
        assert_eq!(led(6), 0);
        assert!(led(24) > 0);
    }
}
