//! What stands round the networks: an image's pixels in, masks of the image's size out, on plain slices.

use super::Family;
use crate::{ModelError, Result};

/// ImageNet's mean and deviation of values in `0..=1`, red, green, blue (`sam2/utils/transforms.py`).
const SAM2_NORM: [[f32; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
/// The same of values in `0..=255` as SAM 1 rounds them (`segment_anything/build_sam.py`).
const SAM1_NORM: [[f32; 3]; 2] = [[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]];

/// How an image lies in the square input of a network.
///
/// SAM 2 stretches it to the square; SAM 1 brings its longer side to the square's and leaves the right or the bottom empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    family: Family,
    width: usize,
    height: usize,
    side: usize,
}

impl Frame {
    /// Of an image of that size in a network whose input has `side` pixels a side.
    ///
    /// # Errors
    /// When one of them is zero.
    pub fn new(family: Family, width: usize, height: usize, side: usize) -> Result<Self> {
        if width == 0 || height == 0 || side == 0 {
            return Err(ModelError::Input(format!("an image of {width} x {height} pixels for an input of {side}")));
        }
        Ok(Self { family, width, height, side })
    }

    /// Width and height of the image within the input.
    pub fn content(&self) -> (usize, usize) {
        match self.family {
            Family::Sam2 => (self.side, self.side),
            // `ResizeLongestSide.get_preprocess_shape`: halves up.
            Family::Sam1 => {
                let scale = self.side as f64 / self.width.max(self.height) as f64;
                let scaled = |length: usize| ((length as f64 * scale + 0.5) as usize).clamp(1, self.side);
                (scaled(self.width), scaled(self.height))
            }
        }
    }

    /// Where a point of the image, x and y in its pixels, lies in the input.
    pub fn point(&self, [x, y]: [f64; 2]) -> [f32; 2] {
        let (width, height) = (self.width, self.height);
        match self.family {
            // In `f32`, divided first (`SAM2Transforms.transform_coords`).
            Family::Sam2 => {
                let side = self.side as f32;
                [x as f32 / width as f32 * side, y as f32 / height as f32 * side]
            }
            // In `f64`, by the rounded size (`ResizeLongestSide.apply_coords`).
            Family::Sam1 => {
                let (w, h) = self.content();
                [(x * (w as f64 / width as f64)) as f32, (y * (h as f64 / height as f64)) as f32]
            }
        }
    }

    /// The network's input `[3, side, side]` of an image's pixels, red, green, blue, row by row.
    ///
    /// SAM 2 takes the image itself: `SAM2Transforms` resizes floats, bilinearly and with antialias where it shrinks
    /// (torchvision's default since 0.17, older than the package's least version). SAM 1 takes it brought to
    /// [`Self::content`]: its package resizes bytes with Pillow's bilinear filter, which is the caller's.
    ///
    /// # Errors
    /// When there are not as many pixels.
    pub fn pixels(&self, rgb: &[u8]) -> Result<Vec<f32>> {
        let (w, h) = if self.family == Family::Sam1 { self.content() } else { (self.width, self.height) };
        if rgb.len() != w * h * 3 {
            return Err(ModelError::Input(format!("{} bytes are no {w} x {h} pixels of 3 bytes", rgb.len())));
        }
        let side = self.side;
        let mut input = Vec::with_capacity(3 * side * side);
        for channel in 0..3 {
            let of_channel = rgb.iter().skip(channel).step_by(3);
            match self.family {
                Family::Sam2 => {
                    let plane: Vec<f32> = of_channel.map(|&v| f32::from(v) / 255.0).collect();
                    let [mean, deviation] = SAM2_NORM.map(|all| all[channel]);
                    let resized = resize(&plane, (w, h), (side, side), true);
                    input.extend(resized.into_iter().map(|v| (v - mean) / deviation));
                }
                Family::Sam1 => {
                    let [mean, deviation] = SAM1_NORM.map(|all| all[channel]);
                    let plane: Vec<f32> = of_channel.map(|&v| (f32::from(v) - mean) / deviation).collect();
                    let start = input.len();
                    for row in plane.chunks_exact(w) {
                        input.extend_from_slice(row);
                        // What is empty is zero after the normalisation.
                        input.resize(input.len() + side - w, 0.0);
                    }
                    input.resize(start + side * side, 0.0);
                }
            }
        }
        Ok(input)
    }

    /// A mask's logits `[low, low]` at the image's size `[height, width]`: SAM 2 resizes once, SAM 1 to the input, whose
    /// empty part it cuts off, and then to the image (`postprocess_masks` of both). Bilinear, without antialias.
    ///
    /// # Errors
    /// When there are not `low * low` logits.
    pub fn logits(&self, logits: &[f32], low: usize) -> Result<Vec<f32>> {
        if logits.len() != low * low || low == 0 {
            return Err(ModelError::Input(format!("{} logits are no mask of {low} x {low}", logits.len())));
        }
        let (side, size) = (self.side, (self.width, self.height));
        if self.family == Family::Sam2 {
            return Ok(resize(logits, (low, low), size, false));
        }
        let (w, h) = self.content();
        let mut whole = resize(logits, (low, low), (side, side), false);
        for row in 1..h {
            whole.copy_within(row * side..row * side + w, row * w);
        }
        whole.truncate(w * h);
        Ok(resize(&whole, (w, h), size, false))
    }

    /// The mask itself at the image's size, row by row: logits above 0.
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn mask(&self, logits: &[f32], low: usize) -> Result<Vec<bool>> {
        Ok(self.logits(logits, low)?.into_iter().map(|v| v > 0.0).collect())
    }
}

/// The index of the largest predicted IoU, of equal ones the first; 0 where none is a number.
pub fn best(iou: &[f32]) -> usize {
    let mut best = 0;
    for (i, v) in iou.iter().enumerate() {
        if *v > iou[best] || (iou[best].is_nan() && !v.is_nan()) {
            best = i;
        }
    }
    best
}

/// A plane of `from` = (width, height) values at the size `to`, bilinearly with half-pixel centres: PyTorch's
/// `interpolate(mode="bilinear", align_corners=False, antialias=antialias)`, along rows first.
///
/// # Panics
/// When there are fewer than `from` says, or a size is zero.
pub fn resize(plane: &[f32], from: (usize, usize), to: (usize, usize), antialias: bool) -> Vec<f32> {
    let columns = Taps::new(from.0, to.0, antialias);
    let mut across = Vec::with_capacity(to.0 * from.1);
    for row in plane[..from.0 * from.1].chunks_exact(from.0) {
        for (first, weights) in columns.all() {
            across.push(row[first..].iter().zip(weights).map(|(v, w)| v * w).sum::<f32>());
        }
    }
    let mut out = vec![0f32; to.0 * to.1];
    let rows = Taps::new(from.1, to.1, antialias);
    for (sums, (first, weights)) in out.chunks_exact_mut(to.0).zip(rows.all()) {
        for (row, weight) in across[first * to.0..].chunks_exact(to.0).zip(weights) {
            for (sum, v) in sums.iter_mut().zip(row) {
                *sum += weight * v;
            }
        }
    }
    out
}

/// Which source values make each target value of one axis, and with which weights.
struct Taps {
    /// Source values to each target, at most the axis's length; those that it does not need have weight zero.
    span: usize,
    first: Vec<usize>,
    weights: Vec<f32>,
}

impl Taps {
    /// In `f32`, as PyTorch computes them for floats (`UpSample.h`, `UpSampleKernel.cpp`), so that logits next to zero fall
    /// on the same side.
    fn new(source: usize, target: usize, antialias: bool) -> Self {
        let scale = source as f32 / target as f32;
        // Where nothing shrinks, the triangle spans one pixel either way, which is plain interpolation.
        let support = if antialias { scale.max(1.0) } else { 1.0 };
        let span = (2 * support.ceil() as usize + 1).min(source);
        let (mut first, mut weights) = (Vec::with_capacity(target), vec![0.0; target * span]);
        for (x, weights) in weights.chunks_exact_mut(span).enumerate() {
            let start = if antialias {
                let centre = (f64::from(scale) * (x as f64 + 0.5)) as f32;
                let from = (centre - support + 0.5).max(0.0) as usize;
                let end = ((centre + support + 0.5) as usize).min(source);
                let start = from.min(source - span);
                for i in from..end {
                    weights[i - start] = (1.0 - ((i as f32 - centre + 0.5) / support).abs()).max(0.0);
                }
                let sum: f32 = weights.iter().sum();
                for weight in &mut *weights {
                    *weight /= sum;
                }
                start
            } else {
                let at = (scale * (x as f32 + 0.5) - 0.5).max(0.0);
                let from = (at as usize).min(source - 1);
                let part = (at - from as f32).min(1.0);
                let start = from.min(source - span);
                weights[from - start] += 1.0 - part;
                weights[(from + 1).min(source - 1) - start] += part;
                start
            };
            first.push(start);
        }
        Self { span, first, weights }
    }

    fn all(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.first.iter().copied().zip(self.weights.chunks_exact(self.span))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn close(found: &[f32], wanted: &[f32]) -> bool {
        found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 1e-6)
    }

    #[test]
    fn resizing_interpolates_clamps_at_the_edges_and_averages_with_antialias() {
        assert!(close(&resize(&[0.0, 1.0], (2, 1), (4, 1), false), &[0.0, 0.25, 0.75, 1.0]));
        assert!(close(&resize(&[0.0, 1.0], (1, 2), (1, 4), true), &[0.0, 0.25, 0.75, 1.0]));
        // Without antialias two neighbours; with it the triangle 1, 3, 3, 1 cut at the edge.
        let plane = [0.0, 0.0, 8.0, 0.0];
        assert!(close(&resize(&plane, (4, 1), (2, 1), false), &[0.0, 4.0]));
        assert!(close(&resize(&plane, (4, 1), (2, 1), true), &[8.0 / 7.0, 24.0 / 7.0]));
        for (from, to) in [((1, 1), (5, 3)), ((7, 9), (3, 2)), ((40, 3), (1, 1)), ((3, 40), (41, 39))] {
            for antialias in [false, true] {
                let out = resize(&vec![2.5; from.0 * from.1], from, to, antialias);
                assert!(close(&out, &vec![2.5; to.0 * to.1]), "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn sam_1_keeps_the_aspect_and_pads_right_or_below() {
        let frame = Frame::new(Family::Sam1, 4, 2, 8).unwrap();
        assert_eq!(frame.content(), (8, 4));
        assert_eq!(frame.point([2.0, 1.0]), [4.0, 2.0]);
        let input = frame.pixels(&[255; 8 * 4 * 3]).unwrap();
        assert_eq!(input.len(), 3 * 64);
        assert!(close(&input[..1], &[(255.0 - 123.675) / 58.395]));
        assert!(input[..32].iter().all(|v| *v > 0.0) && input[32..64].iter().all(|v| *v == 0.0));
        let tall = Frame::new(Family::Sam1, 2, 4, 8).unwrap();
        let input = tall.pixels(&[255; 4 * 8 * 3]).unwrap();
        assert!(input[..4].iter().all(|v| *v > 0.0) && input[4..8].iter().all(|v| *v == 0.0));
        // The empty half of the input is above zero here; it must not bleed into the image's far side.
        let logits: Vec<f32> = (0..16).map(|i| if i < 8 { -1.0 } else { 1.0 }).collect();
        let mask = frame.mask(&logits, 4).unwrap();
        assert_eq!(mask.len(), 8);
        assert!(mask.iter().all(|on| !on));
        assert!(frame.pixels(&[0; 5]).is_err() && frame.mask(&logits, 3).is_err());
    }

    #[test]
    fn sam_2_stretches() {
        let frame = Frame::new(Family::Sam2, 4, 2, 8).unwrap();
        assert_eq!((frame.content(), frame.point([2.0, 1.0])), ((8, 8), [4.0, 4.0]));
        let input = frame.pixels(&[0; 4 * 2 * 3]).unwrap();
        assert!(close(&input[..64], &[-0.485 / 0.229; 64]));
        assert_eq!(frame.logits(&[1.0; 9], 3).unwrap(), [1.0; 8]);
        assert!(Frame::new(Family::Sam2, 0, 2, 8).is_err());
    }

    #[test]
    fn the_first_of_the_best_is_chosen() {
        assert_eq!(best(&[0.5, 0.9, 0.9]), 1);
        assert_eq!(best(&[f32::NAN, 0.1, f32::NAN]), 1);
        assert_eq!(best(&[f32::NAN; 3]), 0);
        assert_eq!(best(&[]), 0);
    }
}
