//! From a picture to the vision tower's patches, as transformers' `Qwen2VLImageProcessorPil` does it, to the last bit.
//!
//! The resize between [`smart_resize`] and [`patches`] is Pillow's bicubic one and not here: pixels are plain bytes in
//! this crate.

use super::config::VisionConfig;
use super::grid::Grid;
use crate::{ModelError, Result};

/// How pixels become patches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureConfig {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Frames in a patch; a single picture is repeated so often.
    pub temporal: usize,
    /// Patches that are merged into one token, a side.
    pub merge: usize,
    /// Mean of red, green and blue over a black of 0 and a white of 1.
    pub mean: [f64; 3],
    /// Their standard deviations, by which they are divided.
    pub std: [f64; 3],
}

impl PictureConfig {
    /// The published models': CLIP's means and deviations.
    pub const PUBLISHED: Self = Self {
        patch: 14,
        temporal: 2,
        merge: 2,
        mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
        std: [0.268_629_54, 0.261_302_58, 0.275_777_11],
    };

    /// What goes with a vision tower, with the published means and deviations.
    pub const fn of(vision: &VisionConfig) -> Self {
        Self {
            patch: vision.patch_size,
            temporal: vision.temporal_patch_size,
            merge: vision.spatial_merge_size,
            ..Self::PUBLISHED
        }
    }

    /// What both sides of a picture are multiples of: the side of a merged patch in pixels, 28 in the published models.
    pub const fn factor(&self) -> usize {
        self.patch * self.merge
    }
}

/// A picture's patches.
#[derive(Debug, Clone, PartialEq)]
pub struct Patches {
    /// `[patches, 3 x temporal x patch x patch]`. Patches that are merged follow each other (row by row within the
    /// merged one), merged ones lie row by row; within a patch come channel, frame, row and column.
    pub values: Vec<f32>,
    /// One frame, rows and columns of patches.
    pub grid: Grid,
}

/// The longest side: numbers of pixels then stay below 2^53, and floats hold them exactly.
const LIMIT: usize = 1 << 25;

/// Height and width that a picture is resized to: multiples of `factor` near its own, with `min_pixels` to `max_pixels`
/// in all as long as the sides' shape allows. The released inference takes factor 28, 56 x 56 and 768 x 768: 768
/// becomes 756.
///
/// # Errors
/// When a side or the factor is 0 or more than 2^25, one side is more than 200 times the other, or a limit is 0 or 2^50
/// and more.
pub fn smart_resize(
    height: usize,
    width: usize,
    factor: usize,
    min_pixels: usize,
    max_pixels: usize,
) -> Result<(usize, usize)> {
    let no = |why: String| ModelError::Input(format!("a picture of {width}x{height} pixels cannot be resized: {why}"));
    if [height, width, factor].iter().any(|n| *n == 0 || *n > LIMIT) {
        return Err(no(format!("sides and factor (here {factor}) are 1 to 2^25")));
    }
    if [min_pixels, max_pixels].iter().any(|n| *n == 0 || *n / LIMIT >= LIMIT) {
        return Err(no(format!("it should have {min_pixels} to {max_pixels} pixels, which are 1 to 2^50")));
    }
    let (h, w, f) = (height as f64, width as f64, factor as f64);
    if h.max(w) / h.min(w) > 200.0 {
        return Err(no("one side is more than 200 times the other".to_owned()));
    }
    // Python's round: halves go to the even one.
    let near = |side: f64| (side / f).round_ties_even() * f;
    let (mut to_h, mut to_w) = (near(h), near(w));
    if to_h * to_w > max_pixels as f64 {
        let shrink = (h * w / max_pixels as f64).sqrt();
        to_h = f.max((h / shrink / f).floor() * f);
        to_w = f.max((w / shrink / f).floor() * f);
    } else if to_h * to_w < min_pixels as f64 {
        let grow = (min_pixels as f64 / (h * w)).sqrt();
        to_h = (h * grow / f).ceil() * f;
        to_w = (w * grow / f).ceil() * f;
    }
    Ok((to_h as usize, to_w as usize))
}

/// Cuts an RGB picture (rows of interleaved bytes) into patches. A byte becomes `(byte / 255 - mean) / std`: the
/// product with 1/255 in 64 bits, the rest in 32, each rounded as numpy does.
///
/// # Errors
/// When the sides are not multiples of [`PictureConfig::factor`], or there are not `height` x `width` x 3 bytes.
pub fn patches(pixels: &[u8], width: usize, height: usize, config: &PictureConfig) -> Result<Patches> {
    let PictureConfig { patch, temporal, merge, mean, std } = *config;
    let factor = config.factor();
    if factor == 0 || temporal == 0 {
        return Err(ModelError::Input("patches without pixels".to_owned()));
    }
    if width == 0 || height == 0 || !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
        return Err(ModelError::Input(format!("{width}x{height} pixels are not cut into squares of {factor}")));
    }
    if width.checked_mul(height).and_then(|n| n.checked_mul(3)) != Some(pixels.len()) {
        return Err(ModelError::Input(format!("{} bytes are no RGB picture of {width}x{height}", pixels.len())));
    }
    let channel = |c: usize| {
        let value = |byte: u8| ((f64::from(byte) * (1.0 / 255.0)) as f32 - mean[c] as f32) / std[c] as f32;
        (0..=u8::MAX).map(value).collect::<Vec<f32>>()
    };
    let tables = [channel(0), channel(1), channel(2)];
    let grid = Grid { t: 1, h: height / patch, w: width / patch };
    let mut values = Vec::with_capacity(pixels.len() * temporal);
    for (y, x) in (0..grid.h / merge).flat_map(|y| (0..grid.w / merge).map(move |x| (y, x))) {
        for (i, j) in (0..merge).flat_map(|i| (0..merge).map(move |j| (i, j))) {
            let (top, left) = ((y * merge + i) * patch, (x * merge + j) * patch);
            for (c, table) in tables.iter().enumerate() {
                let start = values.len();
                for row in top..top + patch {
                    let row = &pixels[(row * width + left) * 3..][..patch * 3];
                    values.extend(row[c..].iter().step_by(3).map(|byte| table[usize::from(*byte)]));
                }
                for _ in 1..temporal {
                    values.extend_from_within(start..start + patch * patch);
                }
            }
        }
    }
    Ok(Patches { values, grid })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_to_the_even_one() {
        // 42 / 28 is 1.5 and 70 / 28 is 2.5: both are nearest to an even 2.
        assert_eq!(smart_resize(42, 70, 28, 1, 1 << 20).unwrap(), (56, 56));
        assert_eq!(smart_resize(768, 768, 28, 56 * 56, 768 * 768).unwrap(), (756, 756));
        // 0.5 goes to 0, which is too few pixels and grows again.
        assert_eq!(smart_resize(14, 56, 28, 1, 1 << 20).unwrap(), (28, 28));
    }

    #[test]
    fn what_cannot_be_resized_is_refused() {
        const MAX: usize = usize::MAX;
        let sides = [(0, 5, 28, 1, 9), (5, 0, 28, 1, 9), (MAX, 5, 28, 1, 9), (201, 1, 28, 1, 9)];
        let others = [(5, 5, 0, 1, 9), (5, 5, MAX, 1, 9), (5, 5, 28, 1, 0), (5, 5, 28, 0, 9), (5, 5, 28, MAX, 9)];
        for (h, w, factor, min, max) in sides.into_iter().chain(others) {
            assert!(smart_resize(h, w, factor, min, max).is_err(), "{h} {w} {factor} {min} {max}");
        }
    }

    #[test]
    fn patches_lie_as_they_are_merged() {
        let config = PictureConfig { patch: 1, temporal: 2, merge: 2, mean: [0.0; 3], std: [1.0; 3] };
        // Two rows of four pixels; red counts, green is 51 (0.2), blue 0.
        let pixels: Vec<u8> = (0..8).flat_map(|i| [i * 10, 51, 0]).collect();
        let got = patches(&pixels, 4, 2, &config).unwrap();
        assert_eq!(got.grid, Grid { t: 1, h: 2, w: 4 });
        let reds: Vec<f32> = got.values.iter().step_by(6).map(|v| (v * 25.5).round()).collect();
        assert_eq!(reds, [0.0, 1.0, 4.0, 5.0, 2.0, 3.0, 6.0, 7.0]);
        assert_eq!(got.values[6..12], [10.0 / 255.0, 10.0 / 255.0, 0.2, 0.2, 0.0, 0.0]);
    }

    #[test]
    fn what_is_no_picture_of_that_size_is_refused() {
        let config = PictureConfig::PUBLISHED;
        assert!(patches(&[0; 28 * 28 * 3], 28, 28, &config).is_ok());
        assert!(patches(&[0; 28 * 28], 28, 28, &config).is_err());
        assert!(patches(&[0; 28 * 14 * 3], 28, 14, &config).is_err());
        assert!(patches(&[], 0, 28, &config).is_err());
        assert!(patches(&[], usize::MAX / 28 * 28, 28, &config).is_err());
        assert!(patches(&[], 28, 28, &PictureConfig { patch: 0, ..config }).is_err());
        assert!(patches(&[], 28, 28, &PictureConfig { temporal: 0, ..config }).is_err());
    }

    proptest! {
        #[test]
        fn sizes_are_multiples_within_bounds(h in 1_usize..6000, w in 1_usize..6000) {
            let (min, max) = (56 * 56, 768 * 768);
            match smart_resize(h, w, 28, min, max) {
                Ok((to_h, to_w)) => {
                    prop_assert!(to_h.is_multiple_of(28) && to_w.is_multiple_of(28));
                    prop_assert!((min..=max).contains(&(to_h * to_w)), "{} x {}", to_h, to_w);
                }
                Err(_) => prop_assert!(h.max(w) > 200 * h.min(w)),
            }
        }

        #[test]
        fn every_value_is_some_pixels(h in 1_usize..3, w in 1_usize..3, seed: u64) {
            let config = PictureConfig { patch: 2, ..PictureConfig::PUBLISHED };
            let (w, h) = (w * 4, h * 4);
            let pixels: Vec<u8> = (0..w * h * 3).map(|i| (seed >> (i % 57)) as u8).collect();
            let got = patches(&pixels, w, h, &config).unwrap();
            prop_assert_eq!(got.values.len(), got.grid.patches() * 3 * 2 * 2 * 2);
            let mut all: Vec<u32> = got.values.iter().map(|v| v.to_bits()).collect();
            let one = |(i, b): (usize, &u8)| {
                let c = i % 3;
                ((f64::from(*b) * (1.0 / 255.0)) as f32 - config.mean[c] as f32) / config.std[c] as f32
            };
            let mut want: Vec<u32> = pixels.iter().enumerate().map(one).flat_map(|v| [v.to_bits(); 2]).collect();
            all.sort_unstable();
            want.sort_unstable();
            prop_assert_eq!(all, want);
        }
    }
}
