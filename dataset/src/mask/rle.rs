//! COCO run-length encoding, interchangeable with pycocotools.
//!
//! Runs go down the columns, first the unset pixels, then the set ones, in turn. The compressed text writes each run
//! (from the fourth on: its difference to the run two before) in groups of five bits, the lowest first, with a sixth
//! bit for "more follows", as characters from `0` (48) on.

use serde::{Deserialize, Serialize};

use super::{MAX_PIXELS, Mask, MaskError};

/// A mask as COCO writes it: `{"size": [height, width], "counts": "..."}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rle {
    /// Height and width in pixels, in this order.
    pub size: [u32; 2],
    /// The compressed run lengths.
    pub counts: String,
}

impl From<&Mask> for Rle {
    fn from(mask: &Mask) -> Self {
        Self { size: [mask.height(), mask.width()], counts: compress(&mask.run_lengths()) }
    }
}

impl Rle {
    /// The mask.
    ///
    /// # Errors
    /// When the text is malformed, its run lengths do not add up to the size, or the size is beyond 2^28 pixels.
    pub fn to_mask(&self) -> Result<Mask, MaskError> {
        Mask::from_run_lengths(self.size[1], self.size[0], &decompress(&self.counts)?)
    }
}

impl Mask {
    /// Lengths of the runs down the columns, unset pixels first (a leading zero where the first pixel is set). They add
    /// up to width times height.
    pub fn run_lengths(&self) -> Vec<u64> {
        let height = u64::from(self.height());
        let mut lengths = Vec::new();
        let mut done = 0u64;
        let mut open: Option<(u64, u64)> = None;
        let mut close = |start: u64, end: u64| {
            lengths.push(start - done);
            lengths.push(end - start);
            done = end;
        };
        for run in self.transposed().runs() {
            let column = u64::from(run.y) * height;
            let (start, end) = (column + u64::from(run.x0), column + u64::from(run.x1));
            open = Some(match open {
                Some((first, last)) if last == start => (first, end),
                Some((first, last)) => {
                    close(first, last);
                    (start, end)
                }
                None => (start, end),
            });
        }
        if let Some((first, last)) = open {
            close(first, last);
        }
        let rest = u64::from(self.width()) * height - done;
        if rest > 0 || lengths.is_empty() {
            lengths.push(rest);
        }
        lengths
    }

    /// The mask of run lengths as [`Mask::run_lengths`] gives them.
    ///
    /// # Errors
    /// When they do not add up to width times height, or that is beyond 2^28 pixels.
    pub fn from_run_lengths(width: u32, height: u32, lengths: &[u64]) -> Result<Self, MaskError> {
        let expected = u64::from(width) * u64::from(height);
        // Rows are padded to words, and both ways of lying are held in memory.
        let padded = |across: u32, down: u32| u64::from(across).div_ceil(64) * 64 * u64::from(down);
        if padded(width, height).max(padded(height, width)) > MAX_PIXELS {
            return Err(MaskError::TooLarge(width, height));
        }
        let found = lengths.iter().fold(0u64, |sum, n| sum.saturating_add(*n));
        if found != expected {
            return Err(MaskError::RleLength { found, expected });
        }
        let mut columns = Mask::new(height, width);
        let tall = u64::from(height.max(1));
        let mut at = 0u64;
        for (i, length) in lengths.iter().enumerate() {
            let end = at + length;
            if i % 2 == 1 {
                while at < end {
                    let (column, from) = (at / tall, at % tall);
                    let to = tall.min(from + end - at);
                    columns.fill_row(column as u32, from as u32, to as u32);
                    at += to - from;
                }
            }
            at = end;
        }
        Ok(columns.transposed())
    }
}

fn compress(lengths: &[u64]) -> String {
    let mut text = String::with_capacity(lengths.len() * 2);
    for (i, length) in lengths.iter().enumerate() {
        let mut x = *length as i64;
        if i > 2 {
            x -= lengths[i - 2] as i64;
        }
        loop {
            let bits = (x & 0x1f) as u8;
            x >>= 5;
            // Done when what is left only repeats the sign bit of this group.
            let more = if bits & 0x10 == 0 { x != 0 } else { x != -1 };
            text.push(char::from(48 + (bits | if more { 0x20 } else { 0 })));
            if !more {
                break;
            }
        }
    }
    text
}

fn decompress(text: &str) -> Result<Vec<u64>, MaskError> {
    let mut lengths: Vec<u64> = Vec::new();
    let mut characters = text.bytes().enumerate().peekable();
    while let Some((at, _)) = characters.peek().copied() {
        let mut x = 0i64;
        let mut shift = 0;
        loop {
            let (at, byte) =
                characters.next().ok_or(MaskError::RleText { at: text.len(), why: "it ends within a number" })?;
            let bits = byte.wrapping_sub(48);
            if bits > 63 {
                return Err(MaskError::RleText { at, why: "expected a character from '0' to 'o'" });
            }
            if shift > 55 {
                return Err(MaskError::RleText { at, why: "a number of more than 60 bits" });
            }
            x |= i64::from(bits & 0x1f) << shift;
            shift += 5;
            if bits & 0x20 == 0 {
                if bits & 0x10 != 0 {
                    x |= -1 << shift;
                }
                break;
            }
        }
        if lengths.len() > 2 {
            x = x.wrapping_add(lengths[lengths.len() - 2] as i64);
        }
        let length = u64::try_from(x).map_err(|_| MaskError::RleText { at, why: "a negative run length" })?;
        lengths.push(length);
    }
    Ok(lengths)
}
