//! Rings: made of the ways of a multipolygon, and checked.

use crate::crs::LonLat;

/// Joins pieces (node ids) end to end into closed rings; `None` when one stays open.
pub(super) fn joined(mut pieces: Vec<Vec<i64>>) -> Option<Vec<Vec<i64>>> {
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

/// Pairs of edges that are compared before a shape is given up.
const PATIENCE: usize = 20_000_000;

/// Whether edges of rings cross, of one ring or of two (sharing an end, or lying on each other at a spike, is no
/// crossing); `None` for shapes too intricate to tell. Edges are sorted by where they begin along the axis on which they
/// are shorter, so that only those that meet there are compared.
pub(super) fn crossings(rings: &[Vec<LonLat>]) -> Option<bool> {
    let mut edges: Vec<(P, P)> = Vec::new();
    for ring in rings {
        let mut points: Vec<P> = ring.iter().map(|p| (p.lon, p.lat)).collect();
        points.dedup();
        if points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        edges.extend(points.iter().copied().zip(points.iter().copied().cycle().skip(1)));
    }
    let reach = |of: fn(&P) -> f64| edges.iter().map(|(a, b)| (of(a) - of(b)).abs()).sum::<f64>();
    let along: fn(&P) -> f64 = if reach(|p| p.0) <= reach(|p| p.1) { |p| p.0 } else { |p| p.1 };
    let begin = |e: &(P, P)| along(&e.0).min(along(&e.1));
    edges.sort_by(|a, b| begin(a).total_cmp(&begin(b)));
    let mut compared = 0_usize;
    for (k, e) in edges.iter().enumerate() {
        let end = along(&e.0).max(along(&e.1));
        for f in edges[k + 1..].iter().take_while(|f| begin(f) <= end) {
            compared += 1;
            if compared > PATIENCE {
                return None;
            }
            if cross(e.0, e.1, f.0, f.1) {
                return Some(true);
            }
        }
    }
    Some(false)
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
        let crosses = |points: &[(f64, f64)]| crossings(&[ring(points)]).unwrap();
        let square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)];
        assert!(crosses(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)]));
        assert!(!crosses(&square));
        assert!(!crosses(&[(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0)]), "concave");
        let moved = |by: f64| ring(&square.map(|(x, y)| (x + by, y + by)));
        assert_eq!(crossings(&[moved(0.0), moved(0.5)]), Some(true), "two rings into each other");
        assert_eq!(crossings(&[moved(0.0), moved(1.0)]), Some(false), "two rings at a corner");
    }

    #[test]
    fn pieces_close_whatever_their_direction() {
        let rings = joined(vec![vec![1, 2, 3], vec![5, 4, 3], vec![5, 6, 1], vec![7, 8, 9, 7]]).unwrap();
        assert_eq!(rings.len(), 2);
        assert!(rings.iter().all(|r| r.first() == r.last()));
        assert!(joined(vec![vec![1, 2], vec![2, 3]]).is_none());
    }
}
