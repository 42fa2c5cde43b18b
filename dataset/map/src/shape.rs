//! Measures of lines and rings, in pixels.

use crate::feature::Xy;

/// Length of a line.
pub fn length(line: &[Xy]) -> f64 {
    line.windows(2).map(|w| distance(w[0], w[1])).sum()
}

pub(crate) fn distance(a: Xy, b: Xy) -> f64 {
    libm::hypot(b[0] - a[0], b[1] - a[1])
}

/// Signed area of a ring: positive when it runs clockwise on the picture (y points down).
pub fn area(ring: &[Xy]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>() / 2.0
}

/// Centre of mass of a ring; the mean of its points where it has no area.
pub fn centroid(ring: &[Xy]) -> Xy {
    let twice = area(ring) * 2.0;
    if twice.abs() < 1e-9 {
        let n = ring.len().max(1) as f64;
        return [ring.iter().map(|p| p[0]).sum::<f64>() / n, ring.iter().map(|p| p[1]).sum::<f64>() / n];
    }
    // About the first point, so that far-off coordinates cost no digits.
    let [ox, oy] = ring[0];
    let (mut x, mut y) = (0.0, 0.0);
    for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        let (ax, ay, bx, by) = (a[0] - ox, a[1] - oy, b[0] - ox, b[1] - oy);
        let cross = ax * by - bx * ay;
        x += (ax + bx) * cross;
        y += (ay + by) * cross;
    }
    [ox + x / (3.0 * twice), oy + y / (3.0 * twice)]
}

/// Whether a point is inside rings, by the even-odd rule.
pub fn contains(rings: &[Vec<Xy>], [x, y]: Xy) -> bool {
    let mut inside = false;
    for ring in rings {
        for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            if (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0] {
                inside = !inside;
            }
        }
    }
    inside
}

/// A point well inside rings: the middle of the widest of nine level chords. `None` for rings without an inside.
pub fn inside_point(rings: &[Vec<Xy>]) -> Option<Xy> {
    let ys = || rings.iter().flatten().map(|p| p[1]);
    let (top, bottom) = (ys().fold(f64::INFINITY, f64::min), ys().fold(f64::NEG_INFINITY, f64::max));
    let mut best: Option<(f64, Xy)> = None;
    // From the middle outwards, so that of equal chords the middle one wins.
    for step in [0.0, -1.0, 1.0, -2.0, 2.0, -3.0, 3.0, -4.0, 4.0] {
        let y = f64::midpoint(top, bottom) + step * (bottom - top) / 10.0;
        let mut crossings: Vec<f64> = Vec::new();
        for ring in rings {
            for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                if (a[1] > y) != (b[1] > y) {
                    crossings.push((b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]);
                }
            }
        }
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let width = pair[1] - pair[0];
            if width > 0.0 && best.is_none_or(|(w, _)| width > w * 1.05) {
                best = Some((width, [f64::midpoint(pair[0], pair[1]), y]));
            }
        }
    }
    best.map(|(_, point)| point)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: [Xy; 4] = [[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 20.0]];

    #[test]
    fn a_square_measures_as_it_should() {
        assert_eq!(area(&SQUARE), 100.0);
        assert_eq!(centroid(&SQUARE), [15.0, 15.0]);
        assert_eq!(length(&SQUARE), 30.0);
        assert_eq!(inside_point(&[SQUARE.to_vec()]), Some([15.0, 15.0]));
        assert_eq!(inside_point(&[]), None);
    }

    #[test]
    fn a_hole_is_outside() {
        let hole: Vec<Xy> = SQUARE.iter().map(|[x, y]| [x / 2.0 + 7.5, y / 2.0 + 7.5]).collect();
        let rings = [SQUARE.to_vec(), hole];
        assert!(!contains(&rings, [15.0, 15.0]));
        assert!(contains(&rings, [11.0, 15.0]));
        let [x, y] = inside_point(&rings).unwrap();
        assert!(contains(&rings, [x, y]));
    }
}
