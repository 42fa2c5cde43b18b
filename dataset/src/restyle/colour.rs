//! Restyles pixel by pixel.

use image::{Rgb, RgbImage};

fn each(map: &RgbImage, change: impl Fn([f64; 3]) -> [f64; 3]) -> RgbImage {
    let mut out = map.clone();
    for pixel in out.pixels_mut() {
        pixel.0 = change(pixel.0.map(f64::from)).map(|v| (v + 0.5).clamp(0.0, 255.0) as u8);
    }
    out
}

fn luma([r, g, b]: [f64; 3]) -> f64 {
    0.299 * r + 0.587 * g + 0.114 * b
}

fn mix(a: [f64; 3], b: [f64; 3], t: f64) -> [f64; 3] {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

pub(super) fn palette(map: &RgbImage, t: f64) -> RgbImage {
    // From the darkest to the lightest: plum, rust, teal, sand, ivory.
    const RAMP: [[f64; 3]; 5] =
        [[48.0, 20.0, 60.0], [140.0, 60.0, 40.0], [60.0, 130.0, 128.0], [222.0, 190.0, 140.0], [250.0, 240.0, 214.0]];
    each(map, |p| {
        let at = luma(p) / 255.0 * 4.0;
        let i = (at as usize).min(3);
        let toned = mix(RAMP[i], RAMP[i + 1], at - i as f64);
        mix(p, toned, t)
    })
}

pub(super) fn dark(map: &RgbImage, t: f64) -> RgbImage {
    each(map, |p| {
        let y = luma(p);
        // The same distance from grey, at the opposite brightness, and not quite to black.
        let night = p.map(|v| (v - y) * 0.8 + (255.0 - y) * 0.86 + 18.0);
        mix(p, night, t)
    })
}

pub(super) fn monochrome(map: &RgbImage, t: f64) -> RgbImage {
    each(map, |p| {
        let y = luma(p);
        let grey = (y - 128.0) * (1.0 + 0.25 * t) + 128.0;
        mix(p, [grey; 3], t)
    })
}

/// Turns hues in YIQ, by 36 degrees a severity.
pub(super) fn hue(map: &RgbImage, t: f64) -> RgbImage {
    let angle = t * std::f64::consts::PI;
    let (c, s) = (libm::cos(angle), libm::sin(angle));
    each(map, |[r, g, b]| {
        let y = luma([r, g, b]);
        let i = 0.596 * r - 0.274 * g - 0.322 * b;
        let q = 0.211 * r - 0.523 * g + 0.312 * b;
        let (i, q) = (i * c - q * s, i * s + q * c);
        [y + 0.956 * i + 0.621 * q, y - 0.272 * i - 0.647 * q, y - 1.106 * i + 1.703 * q]
    })
}

/// Blends two pictures where `share` says, `0..=1` a pixel.
pub(super) fn blend(a: &RgbImage, b: &RgbImage, share: impl Fn(u32, u32) -> f64) -> RgbImage {
    RgbImage::from_fn(a.width(), a.height(), |x, y| {
        let (p, q) = (a.get_pixel(x, y).0.map(f64::from), b.get_pixel(x, y).0.map(f64::from));
        Rgb(mix(p, q, share(x, y)).map(|v| (v + 0.5) as u8))
    })
}
