//! From pixels to coordinates and back.

/// `x = a u + b v + c`, `y = d u + e v + f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Affine(pub(crate) [f64; 6]);

impl Affine {
    /// The one that lays a picture north up over a rectangle.
    pub(crate) fn from_bounds(west: f64, south: f64, east: f64, north: f64, (width, height): (u32, u32)) -> Self {
        let (w, h) = (f64::from(width), f64::from(height));
        Self([(east - west) / w, 0.0, west, 0.0, (south - north) / h, north])
    }

    pub(crate) fn apply(&self, u: f64, v: f64) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * u + b * v + c, d * u + e * v + f)
    }

    /// The way back; `None` where pixels fall together.
    pub(crate) fn inverse(&self) -> Option<Self> {
        let [a, b, c, d, e, f] = self.0;
        let det = a * e - b * d;
        if !det.is_finite() || det == 0.0 {
            return None;
        }
        Some(Self([e / det, -b / det, (b * f - e * c) / det, -d / det, a / det, (d * c - a * f) / det]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_leads_back() {
        let there = Affine([0.5, 0.1, 100.0, -0.2, -0.6, 7000.0]);
        let back = there.inverse().unwrap();
        let (x, y) = there.apply(13.0, 37.0);
        let (u, v) = back.apply(x, y);
        assert!((u - 13.0).abs() < 1e-9 && (v - 37.0).abs() < 1e-9);
        assert!(Affine([1.0, 1.0, 0.0, 1.0, 1.0, 0.0]).inverse().is_none());
    }
}
