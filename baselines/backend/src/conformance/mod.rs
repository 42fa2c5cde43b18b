//! The kit that every backend must pass, whatever its model: sizes, order, determinism, odd and extreme inputs, cancellation,
//! and capabilities that are what it does.
//!
//! Each function returns what it found wrong, a line each; nothing for a backend that conforms. That the *answers* are
//! right is for each model's parity tests to show.

mod reader;
mod segmenter;
mod vlm;

use std::sync::Arc;

use image::{Rgb, RgbImage};
use socio_dataset::hash::SplitMix;

pub use reader::map_reader;
pub use segmenter::segmenter;
pub use vlm::{Kit, vlm, vlm_with};

fn noise(width: u32, height: u32, seed: u64) -> Arc<RgbImage> {
    let mut random = SplitMix(seed);
    Arc::new(RgbImage::from_fn(width, height, |x, y| {
        let base = ((x * 3 + y * 2) % 200) as u8;
        Rgb([base, base.wrapping_add(random.below(40) as u8), 255 - base])
    }))
}

#[cfg(test)]
mod tests;
