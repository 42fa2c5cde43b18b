//! Nearest-neighbour resize by the floor rule.

use super::Mask;

/// For each target pixel of one axis, the source pixel it takes: `floor(x * source / target)`.
///
/// This is the rule of OpenCV's `INTER_NEAREST`, by which the released code brings masks from 756 to 768 pixels
/// (`seg_strategy.py:65`), in exact integers.
pub(crate) fn source_index(x: u32, source: u32, target: u32) -> u32 {
    (u64::from(x) * u64::from(source) / u64::from(target.max(1))) as u32
}

impl Mask {
    /// The mask at another size, each pixel taken from the source by the floor rule.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Mask {
        if self.size() == (width, height) {
            return self.clone();
        }
        let mut out = Mask::new(width, height);
        if self.width == 0 || self.height == 0 {
            return out;
        }
        let columns: Vec<u32> = (0..width).map(|x| source_index(x, self.width, width)).collect();
        let mut last: Option<(u32, u32)> = None;
        for y in 0..height {
            let from = source_index(y, self.height, height);
            if let Some((seen, row)) = last.filter(|(seen, _)| *seen == from) {
                let start = row as usize * out.stride;
                out.words.copy_within(start..start + out.stride, y as usize * out.stride);
                last = Some((seen, row));
                continue;
            }
            let source = self.row(from);
            for (x, column) in columns.iter().enumerate() {
                let bit = source[*column as usize / 64] >> (column % 64) & 1;
                out.words[y as usize * out.stride + x / 64] |= bit << (x % 64);
            }
            last = Some((from, y));
        }
        out
    }
}
