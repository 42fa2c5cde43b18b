//! The feature pyramid after the trunk (`modeling/backbones/image_encoder.py`, `FpnNeck`).

use crate::layers::{Conv2d, ConvShape, Linear, sizes};
use crate::{Result, Tensor, Vars};

/// The finest level that gets the sum of the coarser one (`fpn_top_down_levels: [2, 3]`; above 3 there is none). The two
/// finer ones are of the trunk alone.
const TOP_DOWN: usize = 2;

/// Brings every stage of the trunk to one width. Position encodings, which Meta's neck gives too, serve the memory of
/// videos only and are left out.
pub(super) struct Neck<T> {
    /// By level, finest first; stored coarsest first.
    levels: Vec<Linear<T>>,
}

impl<T: Tensor> Neck<T> {
    /// `widths` of the trunk's stages, finest first.
    pub(super) fn new(vars: &Vars<'_, T>, widths: &[usize], output: usize) -> Result<Self> {
        let convs = vars.at("convs");
        let level = |(i, width): (usize, &usize)| {
            let place = convs.at(widths.len() - 1 - i).at("conv");
            Conv2d::new(&place, ConvShape::new(*width, output, 1), true)?.into_linear()
        };
        Ok(Self { levels: widths.iter().enumerate().map(level).collect::<Result<_>>()? })
    }

    /// The stages' maps `[batch, h, w, width]`, finest first, to `[batch, h, w, output]` each.
    pub(super) fn forward(&self, stages: &[T]) -> Result<Vec<T>> {
        let side = |(level, stage): (&Linear<T>, &T)| level.forward(stage);
        let mut maps: Vec<T> = self.levels.iter().zip(stages).map(side).collect::<Result<_>>()?;
        for level in (TOP_DOWN..maps.len().saturating_sub(1)).rev() {
            maps[level] = maps[level].add(&double(&maps[level + 1])?)?;
        }
        Ok(maps)
    }
}

/// Each pixel of `[batch, h, w, channels]` twice down and across.
fn double<T: Tensor>(x: &T) -> Result<T> {
    let [batch, h, w, channels] = sizes(x, "neck")?;
    let four = x.reshape(&[batch, h, 1, w, 1, channels])?.expand(&[batch, h, 2, w, 2, channels])?;
    four.reshape(&[batch, 2 * h, 2 * w, channels])
}
