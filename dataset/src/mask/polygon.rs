//! Polygons as masks.

use super::Mask;

impl Mask {
    /// Sets the pixels whose centres lie inside rings, by the even-odd rule: outer and inner rings in any order and
    /// direction, closed or not, coordinates in pixels, also outside the mask. A centre on a left or upper edge is
    /// inside, on a right or lower one outside, so polygons that share an edge share no pixel.
    pub fn fill_rings(&mut self, rings: &[Vec<[f64; 2]>]) {
        let edges: Vec<([f64; 2], [f64; 2])> = rings
            .iter()
            .flat_map(|ring| ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)))
            .map(|(a, b)| if a[1] <= b[1] { (a, b) } else { (b, a) })
            .filter(|(a, b)| a[1] < b[1] && [a, b].iter().all(|p| p[0].is_finite() && p[1].is_finite()))
            .collect();
        let (width, height) = (self.width, self.height);
        let row_of = |y: f64, limit: u32| (y - 0.5).ceil().clamp(0.0, f64::from(limit)) as u32;
        // Every edge goes into the rows whose centres it crosses.
        let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); height as usize];
        for (a, b) in edges {
            let slope = (b[0] - a[0]) / (b[1] - a[1]);
            for y in row_of(a[1], height)..row_of(b[1], height) {
                crossings[y as usize].push(a[0] + (f64::from(y) + 0.5 - a[1]) * slope);
            }
        }
        for (y, xs) in crossings.iter_mut().enumerate() {
            xs.sort_by(f64::total_cmp);
            for pair in xs.chunks_exact(2) {
                self.fill_row(y as u32, row_of(pair[0], width), row_of(pair[1], width));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inside(rings: &[Vec<[f64; 2]>], x: f64, y: f64) -> bool {
        rings.iter().fold(false, |odd, ring| {
            ring.iter().zip(ring.iter().cycle().skip(1)).fold(odd, |odd, (a, b)| {
                let hit = (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0];
                odd != hit
            })
        })
    }

    #[test]
    fn a_square_with_a_hole() {
        let square = |a: f64, b: f64| vec![[a, a], [b, a], [b, b], [a, b]];
        let mut mask = Mask::new(100, 80);
        mask.fill_rings(&[square(10.0, 30.0), square(15.0, 20.0)]);
        assert_eq!(mask.area(), 400 - 25);
        assert!(mask.get(10, 10) && !mask.get(30, 10) && !mask.get(17, 17));
    }

    #[test]
    fn neighbours_share_no_pixel_and_leave_none_out() {
        let (mut left, mut right) = (Mask::new(64, 64), Mask::new(64, 64));
        left.fill_rings(&[vec![[-5.0, -5.0], [20.3, -5.0], [33.7, 70.0], [-5.0, 70.0]]]);
        right.fill_rings(&[vec![[20.3, -5.0], [70.0, -5.0], [70.0, 70.0], [33.7, 70.0]]]);
        assert_eq!(left.area() + right.area(), 64 * 64);
        assert_eq!(left.counts(&right).unwrap().intersection, 0);
    }

    proptest! {
        #[test]
        fn pixels_are_those_whose_centres_are_inside(
            points in proptest::collection::vec((-10.0..70.0f64, -10.0..60.0f64), 3..12),
            hole in proptest::collection::vec((0.0..60.0f64, 0.0..50.0f64), 3..6),
        ) {
            let rings: Vec<Vec<[f64; 2]>> =
                [points, hole].into_iter().map(|r| r.into_iter().map(|(x, y)| [x, y]).collect()).collect();
            let mut mask = Mask::new(60, 50);
            mask.fill_rings(&rings);
            let expected = Mask::from_fn(60, 50, |x, y| inside(&rings, f64::from(x) + 0.5, f64::from(y) + 0.5));
            prop_assert_eq!(mask, expected);
        }
    }
}
