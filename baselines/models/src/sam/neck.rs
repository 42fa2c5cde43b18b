//! What turns the tokens of either encoder of SAM 1 into the image's embedding.

use crate::layers::{Conv2d, ConvShape, LayerNorm, Linear};
use crate::{Result, Tensor, Vars};

/// `LayerNorm2d`'s (`segment_anything/modeling/common.py`).
const EPS: f32 = 1e-6;

/// A 1 x 1 convolution, a norm over the channels, a 3 x 3 convolution, another norm.
pub(super) struct Neck<T> {
    narrow: Linear<T>,
    first: LayerNorm<T>,
    mix: Conv2d<T>,
    second: LayerNorm<T>,
}

impl<T: Tensor> Neck<T> {
    /// The weights `0` to `3` below `vars`; the convolutions have no biases.
    pub(super) fn new(vars: &Vars<'_, T>, input: usize, output: usize) -> Result<Self> {
        let mix = ConvShape { padding: 1, ..ConvShape::new(output, output, 3) };
        Ok(Self {
            narrow: Conv2d::new(&vars.at(0), ConvShape::new(input, output, 1), false)?.into_linear()?,
            first: LayerNorm::new(&vars.at(1), output, EPS)?,
            mix: Conv2d::new(&vars.at(2), mix, false)?,
            second: LayerNorm::new(&vars.at(3), output, EPS)?,
        })
    }

    /// `[batch, height, width, input]` to `[batch, height, width, output]`.
    pub(super) fn forward(&self, x: &T) -> Result<T> {
        let x = self.first.forward(&self.narrow.forward(x)?)?.permute(&[0, 3, 1, 2])?;
        self.second.forward(&self.mix.forward(&x)?.permute(&[0, 2, 3, 1])?)
    }
}
