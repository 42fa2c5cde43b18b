//! Nearest-neighbour resize by the floor rule.

use super::Mask;

/// For each target pixel of one axis, the source pixel it takes.
///
/// OpenCV's `INTER_NEAREST`, by which the released code brings masks from 756 to 768 pixels (`seg_strategy.py:65`):
/// `floor(x * (1 / (target / source)))` in f64. Exact fractions would take another pixel for one pair of sizes in twenty
/// (2 to 98, for one); between 756 and 768 both agree. `ci/fixtures/masks.py` holds what OpenCV takes.
pub(crate) fn source_index(x: u32, source: u32, target: u32) -> u32 {
    let step = 1.0 / (f64::from(target) / f64::from(source));
    ((f64::from(x) * step).floor() as u32).min(source.saturating_sub(1))
}

impl Mask {
    /// The mask at another size, each pixel taken from the source by OpenCV's floor rule.
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
