//! Rings: made of the ways of a multipolygon, and checked.

use crate::crs::LonLat;

/// Joins pieces (node ids) end to end into closed rings; `None` when one stays open.
pub fn joined(mut pieces: Vec<Vec<i64>>) -> Option<Vec<Vec<i64>>> {
    let mut rings = Vec::new();
    while let Some(mut ring) = pieces.pop() {
        while ring.first() != ring.last() || ring.len() < 2 {
            let last = *ring.last()?;
            let next = pieces.iter().position(|p| p.first() == Some(&last) || p.last() == Some(&last))?;
            let mut piece = pieces.swap_remove(next);
            if piece.first() != Some(&last) {
                piece.reverse();
            }
            ring.extend_from_slice(&piece[1..]);
        }
        rings.push(ring);
    }
    Some(rings)
}

/// Whether two edges of a ring cross each other (sharing an end, or lying on each other at a spike, is no crossing).
/// Edges are sorted by where they begin, so that only those that meet in longitude are compared.
pub fn crosses_itself(ring: &[LonLat]) -> bool {
    let mut points: Vec<(f64, f64)> = ring.iter().map(|p| (p.lon, p.lat)).collect();
    points.dedup();
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let n = points.len();
    if n < 4 {
        return false;
    }
    let mut edges: Vec<(f64, f64, usize)> = (0..n)
        .map(|i| {
            let (a, b) = (points[i].0, points[(i + 1) % n].0);
            (a.min(b), a.max(b), i)
        })
        .collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (k, (_, end, i)) in edges.iter().enumerate() {
        for (start, _, j) in &edges[k + 1..] {
            if start > end {
                break;
            }
            let apart = i.abs_diff(*j);
            if apart > 1 && apart < n - 1 && cross(points[*i], points[(i + 1) % n], points[*j], points[(j + 1) % n]) {
                return true;
            }
        }
    }
    false
}

type P = (f64, f64);

/// Whether two edges cross in a point inside both.
fn cross(a: P, b: P, c: P, d: P) -> bool {
    let side = |p: P, q: P, r: P| (q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0);
    let (s1, s2, s3, s4) = (side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b));
    (s1 > 0.0) != (s2 > 0.0) && (s3 > 0.0) != (s4 > 0.0) && s1 != 0.0 && s2 != 0.0 && s3 != 0.0 && s4 != 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Vec<LonLat> {
        points.iter().map(|(lon, lat)| LonLat { lon: *lon, lat: *lat }).collect()
    }

    #[test]
    fn a_bow_tie_crosses_and_a_square_does_not() {
        assert!(crosses_itself(&ring(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])));
        assert!(!crosses_itself(&ring(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)])));
        // Concave, with a point touched twice: valid in practice.
        assert!(!crosses_itself(&ring(&[(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0)])));
    }

    #[test]
    fn pieces_close_whatever_their_direction() {
        let rings = joined(vec![vec![1, 2, 3], vec![5, 4, 3], vec![5, 6, 1], vec![7, 8, 9, 7]]).unwrap();
        assert_eq!(rings.len(), 2);
        assert!(rings.iter().all(|r| r.first() == r.last()));
        assert!(joined(vec![vec![1, 2], vec![2, 3]]).is_none());
    }
}
