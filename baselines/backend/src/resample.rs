//! Bilinear resampling of float planes, with half-pixel centres.

/// A single-channel image of `width` × `height` values, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Values a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The values.
    pub values: Vec<f32>,
}

/// The source values that one target value is made of: from `first` on, with these weights.
struct Taps {
    first: usize,
    weights: Vec<f64>,
}

/// The triangle filter along one axis. With `antialias` it widens by the factor when shrinking (as Pillow's BILINEAR on a
/// float image does); without, it spans one source pixel either way (as PyTorch's and OpenCV's bilinear do). Weights that
/// fall off the edge are renormalised away, which for a span of one is clamping.
fn taps(source: usize, target: usize, antialias: bool) -> Vec<Taps> {
    let scale = source as f64 / target as f64;
    let support = if antialias { scale.max(1.0) } else { 1.0 };
    (0..target)
        .map(|x| {
            let centre = (x as f64 + 0.5) * scale;
            let first = (centre - support).floor().max(0.0) as usize;
            let last = ((centre + support).ceil().max(0.0) as usize).min(source);
            let first = first.min(source.saturating_sub(1));
            let raw: Vec<f64> =
                (first..last).map(|i| (1.0 - (i as f64 + 0.5 - centre).abs() / support).max(0.0)).collect();
            let sum: f64 = raw.iter().sum();
            Taps { first, weights: raw.into_iter().map(|w| w / sum).collect() }
        })
        .collect()
}

impl Plane {
    /// The plane at another size: sums in f64, rounded to f32 after each of the two passes, along rows first.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize, antialias: bool) -> Self {
        let columns = taps(self.width, width, antialias);
        let mut across = Vec::with_capacity(width * self.height);
        for row in self.values.chunks_exact(self.width.max(1)) {
            for t in &columns {
                let sum: f64 = t.weights.iter().zip(&row[t.first..]).map(|(w, v)| w * f64::from(*v)).sum();
                across.push(sum as f32);
            }
        }
        let mut values = Vec::with_capacity(width * height);
        let mut sums = vec![0f64; width];
        for t in taps(self.height, height, antialias) {
            sums.fill(0.0);
            for (i, w) in t.weights.iter().enumerate() {
                let row = &across[(t.first + i) * width..][..width];
                for (sum, v) in sums.iter_mut().zip(row) {
                    *sum += w * f64::from(*v);
                }
            }
            values.extend(sums.iter().map(|s| *s as f32));
        }
        Self { width, height, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_constant_and_size_one_works() {
        for (w, h, tw, th) in [(1, 1, 5, 3), (7, 9, 3, 2), (2, 2, 9, 9), (40, 3, 1, 1)] {
            let plane = Plane { width: w, height: h, values: vec![2.5; w * h] };
            for antialias in [false, true] {
                let out = plane.resized(tw, th, antialias);
                assert!(out.values.iter().all(|v| (v - 2.5).abs() < 1e-6));
                assert_eq!(out.values.len(), tw * th);
            }
        }
    }

    #[test]
    fn doubling_interpolates_at_quarters_and_clamps_at_the_edges() {
        let plane = Plane { width: 2, height: 1, values: vec![0.0, 1.0] };
        assert_eq!(plane.resized(4, 1, false).values, [0.0, 0.25, 0.75, 1.0]);
    }

    #[test]
    fn halving_with_antialias_weighs_four_neighbours() {
        let plane = Plane { width: 4, height: 1, values: vec![0.0, 0.0, 8.0, 0.0] };
        // Triangle of half-width 2 at centre 1.0: weights 3/8, 3/8, 1/8 over what lies inside, renormalised by 7/8.
        assert!((plane.resized(2, 1, true).values[0] - 8.0 / 7.0).abs() < 1e-6);
    }
}
