//! From a clean drawing to what a sensor delivers: texture, blur, colour cast, noise.

use image::{Rgb, RgbImage};
use tiny_skia::Pixmap;

use crate::city::layout::noise;
use crate::city::quarter::View;
use crate::hash::SplitMix;

/// Standard deviation of the noise of a pixel, in grey values of 255.
const NOISE: f64 = 1.5;

pub(super) fn finish(pixmap: Option<Pixmap>, seed: u64, view: &View) -> RgbImage {
    let Some(pixmap) = pixmap else { return RgbImage::new(0, 0) };
    let (width, height) = (pixmap.width() as usize, pixmap.height() as usize);
    let mut cast = SplitMix(seed).at(90);
    let gain = [0, 1, 2].map(|_| cast.between(0.95, 1.05));
    let (contrast, haze) = (cast.between(0.88, 1.06), cast.between(2.0, 14.0));
    let metres = view.side / width as f64;
    let textured = texture(pixmap.data(), width, height, seed, view, metres);
    let mut out = RgbImage::new(width as u32, height as u32);
    let mut random = SplitMix(seed ^ 0xA5A5).at((view.centre[0] * 16.0) as i64 as u64);
    for y in 0..height {
        for x in 0..width {
            // Three uniform numbers are near enough to a normal one.
            let bits = random.next_u64();
            let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff);
            let grain = (sum as f64 / 65535.0 - 1.5) * 2.0 * NOISE;
            let mut pixel = [0; 3];
            for (c, to) in pixel.iter_mut().enumerate() {
                let value = blurred(&textured, width, height, x, y, c);
                let value = (value - 118.0) * contrast * gain[c] + 118.0 * gain[c] + haze;
                *to = (value + grain).clamp(0.0, 255.0) as u8;
            }
            out.put_pixel(x as u32, y as u32, Rgb(pixel));
        }
    }
    out
}

/// The drawing times the unevenness of grounds and roofs, at three sizes.
fn texture(rgba: &[u8], width: usize, height: usize, seed: u64, view: &View, metres: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        let wy = view.centre[1] + (y as f64 - height as f64 / 2.0) * metres;
        for x in 0..width {
            let wx = view.centre[0] + (x as f64 - width as f64 / 2.0) * metres;
            let rough = 1.0
                + 0.055 * noise(seed, wx / 2.3, wy / 2.3)
                + 0.045 * noise(seed ^ 7, wx / 9.0, wy / 9.0)
                + 0.05 * noise(seed ^ 9, wx / 55.0, wy / 55.0);
            let at = (y * width + x) * 4;
            values.extend(rgba[at..at + 3].iter().map(|v| (f64::from(*v) * rough) as f32));
        }
    }
    values
}

/// The optics: half of a pixel's light is its own, the other half its four neighbours'.
fn blurred(values: &[f32], width: usize, height: usize, x: usize, y: usize, c: usize) -> f64 {
    let at = |x: usize, y: usize| f64::from(values[(y * width + x) * 3 + c]);
    let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
    let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
    at(x, y) * 0.5 + (at(left, y) + at(right, y) + at(x, above) + at(x, below)) * 0.125
}
