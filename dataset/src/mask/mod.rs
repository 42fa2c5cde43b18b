//! Binary masks, one bit a pixel.
//!
//! Rows are packed into 64-bit words, pixel `x` of a row at bit `x % 64` of word `x / 64`; bits past the width are
//! always zero, so areas and intersections are plain population counts. All counts are `u64`: no size overflows them
//! and no division happens before a figure is told.

mod components;
mod contour;
mod png;
mod polygon;
mod resize;
mod rle;
#[cfg(test)]
mod tests;
mod transpose;

pub use components::{Component, Run};
pub use rle::Rle;

/// What can be wrong with a mask, its encoding or a pair of masks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// Two masks that should be of one size are not.
    #[error("masks differ in size: {}x{} and {}x{}", left.0, left.1, right.0, right.1)]
    Size {
        /// Width and height of the first.
        left: (u32, u32),
        /// Width and height of the second.
        right: (u32, u32),
    },
    /// The run lengths of an RLE do not add up to its size.
    #[error("run lengths add up to {found} pixels, expected {expected} (height x width)")]
    RleLength {
        /// Sum of the run lengths.
        found: u64,
        /// Height times width.
        expected: u64,
    },
    /// A character that COCO's compressed RLE never contains, or an end within a number.
    #[error("bad compressed RLE at character {at}: {why}")]
    RleText {
        /// Index of the character.
        at: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// An image file that does not decode.
    #[error("cannot decode the mask image: {0}")]
    Decode(String),
    /// A mask that could not be encoded.
    #[error("cannot encode the mask image: {0}")]
    Encode(String),
    /// More pixels than are taken (2^28, that is 16384 x 16384).
    #[error("a mask of {0}x{1} pixels is larger than the 2^28 pixels that are taken")]
    TooLarge(u32, u32),
}

/// The largest number of pixels taken from a file: 2^28.
pub(crate) const MAX_PIXELS: u64 = 1 << 28;

/// A binary mask of `width` × `height` pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    stride: usize,
    words: Vec<u64>,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({}x{}, {} set)", self.width, self.height, self.area())
    }
}

/// Pixel counts of a pair of masks: all that IoU, cIoU and gIoU need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Pixels set in both.
    pub intersection: u64,
    /// Pixels set in either.
    pub union: u64,
}

impl Counts {
    /// Intersection over union, in `0..=1`; `None` where both masks are empty (profiles decide what that is worth).
    pub fn iou(self) -> Option<f64> {
        (self.union > 0).then(|| self.intersection as f64 / self.union as f64)
    }
}

impl Mask {
    /// An empty mask.
    pub fn new(width: u32, height: u32) -> Self {
        let stride = (width as usize).div_ceil(64);
        Self { width, height, stride, words: vec![0; stride * height as usize] }
    }

    /// A mask with every pixel set.
    pub fn full(width: u32, height: u32) -> Self {
        let mut mask = Self::new(width, height);
        for y in 0..height {
            mask.fill_row(y, 0, width);
        }
        mask
    }

    /// The mask of pixels `(x, y)` for which `inside` holds.
    pub fn from_fn(width: u32, height: u32, mut inside: impl FnMut(u32, u32) -> bool) -> Self {
        let mut mask = Self::new(width, height);
        for y in 0..height {
            for x in 0..width {
                if inside(x, y) {
                    mask.set(x, y, true);
                }
            }
        }
        mask
    }

    /// The pixels whose value is not zero; `values` row by row, `width * height` of them (missing ones are unset).
    pub fn from_nonzero(width: u32, height: u32, values: &[u8]) -> Self {
        let mut mask = Self::new(width, height);
        if width == 0 {
            return mask;
        }
        for (row, words) in values.chunks(width as usize).zip(mask.words.chunks_mut(mask.stride)) {
            for (pixels, word) in row.chunks(64).zip(words) {
                *word = pixels.iter().enumerate().fold(0, |w, (bit, v)| w | (u64::from(*v != 0) << bit));
            }
        }
        mask
    }

    /// The pixels whose centres lie in the box; nothing for a reversed box.
    pub fn from_bbox(width: u32, height: u32, bbox: crate::Bbox) -> Self {
        let mut mask = Self::new(width, height);
        // A pixel x spans [x, x + 1), so its centre x + 0.5 lies in [x0, x1) from ceil(x0 - 0.5) on.
        let first = |edge: f64, limit: u32| (edge - 0.5).ceil().clamp(0.0, f64::from(limit)) as u32;
        let (x0, x1) = (first(bbox.x0, width), first(bbox.x1, width));
        for y in first(bbox.y0, height)..first(bbox.y1, height) {
            mask.fill_row(y, x0, x1);
        }
        mask
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Whether the pixel is set; `false` outside.
    pub fn get(&self, x: u32, y: u32) -> bool {
        x < self.width && y < self.height && self.row(y)[x as usize / 64] >> (x % 64) & 1 == 1
    }

    /// Sets or clears a pixel; nothing happens outside.
    pub fn set(&mut self, x: u32, y: u32, value: bool) {
        if x < self.width && y < self.height {
            let word = &mut self.words[y as usize * self.stride + x as usize / 64];
            let bit = 1u64 << (x % 64);
            *word = if value { *word | bit } else { *word & !bit };
        }
    }

    /// The words of a row.
    pub(crate) fn row(&self, y: u32) -> &[u64] {
        &self.words[y as usize * self.stride..][..self.stride]
    }

    /// Sets the pixels `x0..x1` of a row (clipped to the width).
    pub(crate) fn fill_row(&mut self, y: u32, x0: u32, x1: u32) {
        let x1 = x1.min(self.width);
        if x0 >= x1 || y >= self.height {
            return;
        }
        let (first, last) = (x0 as usize / 64, (x1 as usize - 1) / 64);
        let row = &mut self.words[y as usize * self.stride..][..self.stride];
        let head = !0u64 << (x0 % 64);
        let tail = !0u64 >> (63 - (x1 - 1) % 64);
        if first == last {
            row[first] |= head & tail;
        } else {
            row[first] |= head;
            row[first + 1..last].fill(!0);
            row[last] |= tail;
        }
    }

    /// Number of set pixels.
    pub fn area(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Whether no pixel is set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// Intersection and union of two masks of one size, in pixels.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn counts(&self, other: &Self) -> Result<Counts, MaskError> {
        self.same_size(other)?;
        let (mut intersection, mut union) = (0, 0);
        for (a, b) in self.words.iter().zip(&other.words) {
            intersection += u64::from((a & b).count_ones());
            union += u64::from((a | b).count_ones());
        }
        Ok(Counts { intersection, union })
    }

    /// Pixels set in both.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn and(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip(other, |a, b| a & b)
    }

    /// Pixels set in either.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn or(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip(other, |a, b| a | b)
    }

    /// Pixels set in just one.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn xor(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip(other, |a, b| a ^ b)
    }

    /// Pixels set here and not there.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn and_not(&self, other: &Self) -> Result<Self, MaskError> {
        self.zip(other, |a, b| a & !b)
    }

    /// The pixels that are not set.
    #[must_use]
    pub fn not(&self) -> Self {
        let mut mask = Self::full(self.width, self.height);
        for (word, set) in mask.words.iter_mut().zip(&self.words) {
            *word &= !set;
        }
        mask
    }

    /// The smallest box round all set pixels; `None` for an empty mask.
    pub fn bbox(&self) -> Option<crate::Bbox> {
        let runs = self.runs();
        let (first, last) = (runs.first()?, runs.last()?);
        let left = runs.iter().map(|r| r.x0).fold(first.x0, u32::min);
        let right = runs.iter().map(|r| r.x1).fold(first.x1, u32::max);
        Some([left, first.y, right, last.y + 1].map(f64::from).into())
    }

    fn same_size(&self, other: &Self) -> Result<(), MaskError> {
        if self.size() == other.size() {
            Ok(())
        } else {
            Err(MaskError::Size { left: self.size(), right: other.size() })
        }
    }

    fn zip(&self, other: &Self, op: impl Fn(u64, u64) -> u64) -> Result<Self, MaskError> {
        self.same_size(other)?;
        let words = self.words.iter().zip(&other.words).map(|(a, b)| op(*a, *b)).collect();
        Ok(Self { words, ..*self })
    }
}
