//! The smallest rectangle, of any direction, round a set of points.

use socio_dataset::Point;

/// A rectangle by its centre, half sides and direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rectangle {
    centre: Point,
    /// Unit vector along the first side.
    along: (f64, f64),
    /// Half the length of the first and of the second side.
    half: (f64, f64),
}

impl Rectangle {
    /// The rectangle of least area round the points: one of its sides lies on a side of their convex hull.
    pub(super) fn round(points: &[Point]) -> Option<Self> {
        let hull = convex_hull(points);
        let edges = hull.iter().zip(hull.iter().cycle().skip(1)).map(|(a, b)| (b.x - a.x, b.y - a.y));
        let directions = edges.map(|(x, y)| (x, y, x.hypot(y))).filter(|e| e.2 > 0.0).map(|(x, y, n)| (x / n, y / n));
        let all = directions.map(|d| Self::along(&hull, d));
        all.min_by(|a, b| a.area().total_cmp(&b.area()))
            .or_else(|| hull.first().map(|_| Self::along(&hull, (1.0, 0.0))))
    }

    fn along(points: &[Point], along: (f64, f64)) -> Self {
        let range = |f: &dyn Fn(&Point) -> f64| {
            points.iter().map(f).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
        };
        let (u0, u1) = range(&|p| p.x * along.0 + p.y * along.1);
        let (v0, v1) = range(&|p| p.y * along.0 - p.x * along.1);
        let (u, v) = (f64::midpoint(u0, u1), f64::midpoint(v0, v1));
        Self {
            centre: Point { x: u * along.0 - v * along.1, y: u * along.1 + v * along.0 },
            along,
            half: ((u1 - u0) / 2.0, (v1 - v0) / 2.0),
        }
    }

    fn area(&self) -> f64 {
        4.0 * self.half.0 * self.half.1
    }

    /// The length of the shorter side.
    pub(super) fn shorter(&self) -> f64 {
        2.0 * self.half.0.min(self.half.1)
    }

    /// The rectangle with each side moved outwards by area × `ratio` / perimeter (DB's "unclip").
    pub(super) fn grown(&self, ratio: f64) -> Self {
        let perimeter = 4.0 * (self.half.0 + self.half.1);
        let by = if perimeter > 0.0 { self.area() * ratio / perimeter } else { 0.0 };
        Self { half: (self.half.0 + by, self.half.1 + by), ..*self }
    }

    /// Whether the point lies in it, its edge included.
    pub(super) fn holds(&self, x: f64, y: f64) -> bool {
        let (dx, dy) = (x - self.centre.x, y - self.centre.y);
        (dx * self.along.0 + dy * self.along.1).abs() <= self.half.0 + 1e-9
            && (dy * self.along.0 - dx * self.along.1).abs() <= self.half.1 + 1e-9
    }

    /// Upper left, upper right, lower right, lower left: the two leftmost corners by height, then the two rightmost.
    pub(super) fn corners(&self) -> [Point; 4] {
        let at = |s: f64, t: f64| Point {
            x: self.centre.x + s * self.half.0 * self.along.0 - t * self.half.1 * self.along.1,
            y: self.centre.y + s * self.half.0 * self.along.1 + t * self.half.1 * self.along.0,
        };
        let mut p = [at(-1.0, -1.0), at(1.0, -1.0), at(1.0, 1.0), at(-1.0, 1.0)];
        p.sort_by(|a, b| a.x.total_cmp(&b.x));
        let by_height = |a: Point, b: Point| if a.y <= b.y { (a, b) } else { (b, a) };
        let (left, right) = (by_height(p[0], p[1]), by_height(p[2], p[3]));
        [left.0, right.0, right.1, left.1]
    }
}

/// Andrew's monotone chain; without points on the edges.
fn convex_hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let turn = |o: &Point, a: &Point, b: &Point| (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
    let half = |points: &mut dyn Iterator<Item = &Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for p in points {
            while chain.len() >= 2 && turn(&chain[chain.len() - 2], &chain[chain.len() - 1], p) <= 0.0 {
                chain.pop();
            }
            chain.push(*p);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut sorted.iter());
    hull.extend(half(&mut sorted.iter().rev()));
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilted_rectangle_is_found() {
        // 3-4-5: sides of length 50 along (0.8, 0.6) and 10 across.
        let corners = [(0.0, 0.0), (40.0, 30.0), (34.0, 38.0), (-6.0, 8.0)];
        let points: Vec<Point> = corners.iter().map(|(x, y)| Point { x: *x, y: *y }).collect();
        let r = Rectangle::round(&points).unwrap();
        assert!((r.shorter() - 10.0).abs() < 1e-9 && (r.area() - 500.0).abs() < 1e-9);
        assert!(r.holds(17.0, 19.0) && !r.holds(40.0, 0.0));
        let grown = r.grown(1.5);
        assert!((grown.shorter() - (10.0 + 2.0 * 500.0 * 1.5 / 120.0)).abs() < 1e-9);
        let c = r.corners();
        assert!((c[0].x - 0.0).abs() < 1e-9 || (c[0].x + 6.0).abs() < 1e-9);
    }

    #[test]
    fn few_points_do_not_panic() {
        assert!(Rectangle::round(&[]).is_none());
        assert_eq!(Rectangle::round(&[Point { x: 1.0, y: 1.0 }]).unwrap().shorter(), 0.0);
        let line = [Point { x: 0.0, y: 0.0 }, Point { x: 3.0, y: 3.0 }];
        assert!(Rectangle::round(&line).unwrap().shorter() < 1e-9);
    }
}
