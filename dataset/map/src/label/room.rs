//! What of the picture is taken.

use crate::feature::Xy;

/// Four corners of a convex shape, in order.
pub type Quad = [Xy; 4];

/// An upright rectangle's corners, clockwise from the upper left one.
pub(super) fn upright(x: f64, y: f64, width: f64, height: f64) -> Quad {
    [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]
}

pub(super) struct Room {
    width: f64,
    height: f64,
    taken: Vec<Quad>,
}

impl Room {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self { width: f64::from(width), height: f64::from(height), taken: Vec::new() }
    }

    /// Whether all shapes are inside the picture and clear of everything taken.
    pub(super) fn free(&self, quads: &[Quad]) -> bool {
        quads.iter().all(|q| self.holds(q) && !self.taken.iter().any(|t| overlap(t, q)))
    }

    pub(super) fn take(&mut self, quads: &[Quad]) {
        self.taken.extend_from_slice(quads);
    }

    fn holds(&self, quad: &Quad) -> bool {
        quad.iter().all(|[x, y]| *x >= 1.0 && *y >= 1.0 && *x <= self.width - 1.0 && *y <= self.height - 1.0)
    }
}

/// Whether two convex quads share inner points: no edge of either separates them.
pub(crate) fn overlap(a: &Quad, b: &Quad) -> bool {
    let extent = |q: &Quad, axis: usize| {
        let values = q.map(|p| p[axis]);
        (values.iter().copied().fold(f64::INFINITY, f64::min), values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    };
    for axis in [0, 1] {
        let ((a0, a1), (b0, b1)) = (extent(a, axis), extent(b, axis));
        if a1 <= b0 || b1 <= a0 {
            return false;
        }
    }
    !(separated(a, b) || separated(b, a))
}

fn separated(a: &Quad, b: &Quad) -> bool {
    (0..4).any(|i| {
        let (p, q) = (a[i], a[(i + 1) % 4]);
        let (nx, ny) = (q[1] - p[1], p[0] - q[0]);
        let along = |point: &Xy| point[0] * nx + point[1] * ny;
        let range = |q: &Quad| {
            q.iter().map(along).fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)))
        };
        let ((a0, a1), (b0, b1)) = (range(a), range(b));
        a1 <= b0 || b1 <= a0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_shapes_are_told_apart_exactly() {
        let square = upright(0.0, 0.0, 10.0, 10.0);
        // A diamond whose bounding box overlaps the square's corner and which itself does not.
        let diamond = [[16.0, 6.0], [22.0, 12.0], [16.0, 18.0], [8.0, 12.5]];
        assert!(!overlap(&square, &diamond));
        assert!(overlap(&square, &upright(9.0, 9.0, 5.0, 5.0)));
        assert!(!overlap(&square, &upright(10.0, 0.0, 5.0, 5.0)), "touching is not overlapping");
    }

    #[test]
    fn nothing_is_placed_over_the_border_or_twice() {
        let mut room = Room::new(100, 50);
        let quad = upright(10.0, 10.0, 30.0, 12.0);
        assert!(room.free(&[quad]));
        room.take(&[quad]);
        assert!(!room.free(&[quad]));
        assert!(!room.free(&[upright(80.0, 30.0, 30.0, 12.0)]));
    }
}
