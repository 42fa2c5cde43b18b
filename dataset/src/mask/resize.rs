//! Nearest-neighbour resize by the floor rule.

use super::Mask;
use super::components::push_row_runs;

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
        // Columns come in order, so a run of source pixels becomes one run: from the first column taken at or behind its
        // beginning to the first at or behind its end.
        let mut begins = Vec::with_capacity(self.width as usize + 1);
        for x in 0..width {
            let reached = source_index(x, self.width, width) as usize + 1;
            begins.resize(reached.max(begins.len()), x);
        }
        begins.resize(self.width as usize + 1, width);
        let mut runs = Vec::new();
        let mut last: Option<(u32, u32)> = None;
        for y in 0..height {
            let from = source_index(y, self.height, height);
            if let Some((_, row)) = last.filter(|(seen, _)| *seen == from) {
                let start = row as usize * out.stride;
                out.words.copy_within(start..start + out.stride, y as usize * out.stride);
                continue;
            }
            runs.clear();
            push_row_runs(self.row(from), self.width, y, &mut runs);
            for run in &runs {
                out.fill_row(y, begins[run.x0 as usize], begins[run.x1 as usize]);
            }
            last = Some((from, y));
        }
        out
    }
}
