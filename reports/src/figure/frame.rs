//! The frame of a plot with two axes: grid, ticks, names.

use super::axis::Scale;
use super::svg::{Pen, Svg};
use super::text::clip;

/// Two scales; the second one's places fall as its values rise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// To the right.
    pub(super) x: Scale,
    /// Upwards.
    pub(super) y: Scale,
}

impl Frame {
    /// The room below the plot that ticks and the axis's name take.
    pub(super) const FOOT: f64 = 46.0;
    /// The room above it for the name of the other axis.
    pub(super) const TOP: f64 = 22.0;
    /// The room to its left.
    pub(super) const LEFT: f64 = 48.0;

    /// Draws grid, ticks and names. The vertical axis is named above it, where it is read without turning one's head.
    pub(super) fn draw(&self, svg: &mut Svg, xs: &[(f64, String)], ys: &[(f64, String)], names: (&str, &str)) {
        let ((left, right), (foot, top)) = (self.x.places(), self.y.places());
        svg.open("stroke-width=\"1\"");
        for (v, _) in ys {
            svg.line("grid", (left, self.y.place(*v)), (right, self.y.place(*v)), "");
        }
        for (v, _) in xs {
            svg.line("grid", (self.x.place(*v), top), (self.x.place(*v), foot), "");
        }
        svg.line("axis", (left, foot), (right, foot), "");
        svg.close();
        for (v, label) in ys {
            svg.text(Pen::QUIET.end(), left - 8.0, self.y.place(*v), label);
        }
        labels(svg, self.x, xs, foot + 14.0);
        let name = clip(names.0, Pen::QUIET.size, right - left);
        svg.text(Pen::QUIET.middle(), f64::midpoint(left, right), foot + 34.0, &name);
        let name = clip(names.1, Pen::QUIET.size, right - left + Self::LEFT - 20.0);
        svg.text(Pen::QUIET, left - Self::LEFT + 20.0, top - 16.0, &name);
    }
}

/// Labels of ticks at a height, without those that would run into the one before.
pub(super) fn labels(svg: &mut Svg, scale: Scale, ticks: &[(f64, String)], y: f64) {
    let mut free = f64::NEG_INFINITY;
    for (value, label) in ticks {
        let (x, half) = (scale.place(*value), Pen::QUIET.width(label) / 2.0);
        if x - half >= free {
            svg.text(Pen::QUIET.middle(), x, y, label);
            free = x + half + 6.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn crowded_ticks_lose_labels_and_not_lines() {
        let mut svg = Svg::default();
        let x = Scale::linear((0.0, 1.0), (60.0, 700.0));
        let frame = Frame { x, y: Scale::linear((0.0, 1.0), (150.0, 30.0)) };
        let xs: Vec<_> = (0..100).map(|i| (f64::from(i) / 100.0, format!("{i}00000"))).collect();
        frame.draw(&mut svg, &xs, &[(0.0, "0".into())], ("across", &"up ".repeat(300)));
        let text = svg.finish("f", "", &[], 200.0);
        check::laid_out(&text);
        assert_eq!(text.matches("<line").count(), 102);
        assert!(text.matches("<text").count() < 30);
    }
}
