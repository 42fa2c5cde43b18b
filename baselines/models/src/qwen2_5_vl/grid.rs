//! Where the patches of images lie: the order of windows, the lengths of attention blocks, the angles of positions.

use super::config::VisionConfig;
use crate::{ModelError, Result};

/// An image's patches: frames (1), rows, columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Frames, of two images each; 1 for an image.
    pub t: usize,
    /// Rows of patches.
    pub h: usize,
    /// Columns of patches.
    pub w: usize,
}

impl Grid {
    /// Patches.
    pub fn patches(self) -> usize {
        self.t * self.h * self.w
    }

    /// Tokens that stand for it in a prompt: `merge` x `merge` patches each.
    pub fn tokens(self, merge: usize) -> usize {
        self.patches() / (merge * merge)
    }
}

/// How the vision tower goes through the patches of some images.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The merged patch at each place while windows lie side by side.
    pub order: Vec<u32>,
    /// The place of each merged patch in `order`.
    pub back: Vec<u32>,
    /// Patches of each window.
    pub windows: Vec<usize>,
    /// Patches of each frame of each image.
    pub images: Vec<usize>,
    /// Cosines of the rotary angles, in window order: `[patches, head / 2]`.
    pub cos: Vec<f32>,
    /// Sines of the same.
    pub sin: Vec<f32>,
}

impl Plan {
    /// The plan for some images.
    ///
    /// # Errors
    /// When a grid is empty or cannot be merged.
    pub fn new(config: &VisionConfig, grids: &[Grid]) -> Result<Self> {
        let merge = config.spatial_merge_size;
        let side = config.window_size / merge / config.patch_size;
        let (mut order, mut windows, mut images) = (Vec::new(), Vec::new(), Vec::new());
        let mut positions = Vec::new();
        for grid in grids {
            let Grid { t, h, w } = *grid;
            if grid.patches() == 0 || !h.is_multiple_of(merge) || !w.is_multiple_of(merge) {
                return Err(ModelError::Input(format!(
                    "an image of {t} x {h} x {w} patches cannot be merged {merge} by {merge}"
                )));
            }
            let (rows, columns) = (h / merge, w / merge);
            let start = order.len();
            images.extend(std::iter::repeat_n(h * w, t));
            for frame in 0..t {
                for (y0, x0) in (0..rows).step_by(side).flat_map(|y| (0..columns).step_by(side).map(move |x| (y, x))) {
                    let (y1, x1) = ((y0 + side).min(rows), (x0 + side).min(columns));
                    windows.push((y1 - y0) * (x1 - x0) * merge * merge);
                    for (y, x) in (y0..y1).flat_map(|y| (x0..x1).map(move |x| (y, x))) {
                        order.push((start + (frame * rows + y) * columns + x) as u32);
                        // A merged patch's own patches follow each other, row by row.
                        positions
                            .extend((0..merge).flat_map(|i| (0..merge).map(move |j| (y * merge + i, x * merge + j))));
                    }
                }
            }
        }
        let mut back = vec![0u32; order.len()];
        for (place, patch) in order.iter().enumerate() {
            back[*patch as usize] = place as u32;
        }
        let (cos, sin) = angles(config, &positions);
        Ok(Self { order, back, windows, images, cos, sin })
    }

    /// Patches in all.
    pub fn patches(&self) -> usize {
        self.images.iter().sum()
    }
}

/// The first quarter of a head turns by the row, the second by the column.
fn angles(config: &VisionConfig, positions: &[(usize, usize)]) -> (Vec<f32>, Vec<f32>) {
    let quarter = config.hidden_size / config.num_heads / 4;
    let frequencies: Vec<f32> =
        (0..quarter).map(|i| (1.0 / 10_000f64.powf(i as f64 / quarter as f64)) as f32).collect();
    let all = positions.iter().flat_map(|(y, x)| [*y, *x]);
    let angles: Vec<f32> = all.flat_map(|p| frequencies.iter().map(move |f| p as f32 * f)).collect();
    (angles.iter().map(|a| a.cos()).collect(), angles.iter().map(|a| a.sin()).collect())
}
