//! Medians and blurs.

use image::{Rgb, RgbImage};

use super::colour::blend;

/// Lines of a few pixels fade into what is around them.
pub(super) fn thinned(map: &RgbImage, severity: u8) -> RgbImage {
    let (radius, share) = [(1, 0.6), (1, 1.0), (2, 0.8), (3, 0.8), (4, 0.9)][usize::from(severity.clamp(1, 5)) - 1];
    let ground = median(map, radius);
    blend(map, &ground, |_, _| share)
}

/// The median of each channel in a square of `2 radius + 1` pixels; at the borders of what there is.
pub(super) fn median(map: &RgbImage, radius: u32) -> RgbImage {
    let (width, height) = map.dimensions();
    let mut out = map.clone();
    let r = i64::from(radius);
    for c in 0..3 {
        for y in 0..height {
            let rows = y.saturating_sub(radius)..(y + radius + 1).min(height);
            let column = |x: i64| {
                let inside = (0..i64::from(width)).contains(&x);
                rows.clone().filter(move |_| inside).map(move |row| map.get_pixel(x as u32, row).0[c])
            };
            let mut window = Window::default();
            (0..r).flat_map(column).for_each(|v| window.come(v));
            for x in 0..width {
                column(i64::from(x) + r).for_each(|v| window.come(v));
                column(i64::from(x) - r - 1).for_each(|v| window.go(v));
                out.get_pixel_mut(x, y).0[c] = window.median();
            }
        }
    }
    out
}

/// A histogram that moves along a row and knows its median (Huang's way: the median is sought from where it was).
struct Window {
    counts: [u32; 256],
    total: u32,
    middle: usize,
    /// Values below the middle.
    below: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self { counts: [0; 256], total: 0, middle: 0, below: 0 }
    }
}

impl Window {
    fn come(&mut self, value: u8) {
        self.counts[usize::from(value)] += 1;
        self.total += 1;
        self.below += u32::from(usize::from(value) < self.middle);
    }

    fn go(&mut self, value: u8) {
        self.counts[usize::from(value)] -= 1;
        self.total -= 1;
        self.below -= u32::from(usize::from(value) < self.middle);
    }

    /// The least value that half of all are not above.
    fn median(&mut self) -> u8 {
        while self.middle > 0 && self.below * 2 >= self.total {
            self.middle -= 1;
            self.below -= self.counts[self.middle];
        }
        while self.middle < 255 && (self.below + self.counts[self.middle]) * 2 < self.total {
            self.below += self.counts[self.middle];
            self.middle += 1;
        }
        self.middle as u8
    }
}

/// Three box blurs, near enough to a Gaussian.
pub(super) fn blurred(map: &RgbImage, radius: u32) -> RgbImage {
    (0..3).fold(map.clone(), |picture, _| boxed(&boxed(&picture, radius, true), radius, false))
}

fn boxed(map: &RgbImage, radius: u32, along: bool) -> RgbImage {
    let (width, height) = map.dimensions();
    let r = i64::from(radius);
    RgbImage::from_fn(width, height, |x, y| {
        let mut sum = [0_u32; 3];
        let mut n = 0;
        for d in -r..=r {
            let (px, py) = if along { (i64::from(x) + d, i64::from(y)) } else { (i64::from(x), i64::from(y) + d) };
            if px >= 0 && py >= 0 && px < i64::from(width) && py < i64::from(height) {
                for (s, v) in sum.iter_mut().zip(map.get_pixel(px as u32, py as u32).0) {
                    *s += u32::from(v);
                }
                n += 1;
            }
        }
        Rgb(sum.map(|s| ((s + n / 2) / n.max(1)) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_takes_a_line_and_leaves_an_edge() {
        let mut map = RgbImage::from_fn(20, 20, |x, _| Rgb([if x < 10 { 10 } else { 200 }; 3]));
        for y in 0..20 {
            map.put_pixel(4, y, Rgb([250; 3]));
        }
        let out = median(&map, 2);
        assert_eq!(out.get_pixel(4, 10).0, [10; 3]);
        assert_eq!((out.get_pixel(8, 10).0, out.get_pixel(12, 10).0), ([10; 3], [200; 3]));
        assert_eq!(out.get_pixel(0, 0).0, [10; 3]);
    }
}
