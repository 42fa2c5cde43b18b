//! TinyViT's convolutions, each with its batch norm folded in.

use crate::layers::{Conv2d, ConvShape, Linear};
use crate::{Result, Tensor, Vars};

/// PyTorch's default, which the source leaves as it is.
const EPS: f64 = 1e-5;

/// The convolution `c` and the batch norm `bn` below `vars` as one convolution.
pub(super) fn folded<T: Tensor>(vars: &Vars<'_, T>, shape: ConvShape) -> Result<Conv2d<T>> {
    Conv2d::with_batch_norm(&vars.at("c"), &vars.at("bn"), shape, EPS)
}

/// A convolution of each channel by itself that keeps the size of the map (at step 1) or divides it by the step.
pub(super) fn depthwise(channels: usize, kernel: usize, stride: usize) -> ConvShape {
    ConvShape { stride, padding: kernel / 2, groups: channels, ..ConvShape::new(channels, channels, kernel) }
}

/// The first stage's block (`MBConv`): widened, mixed with its neighbours, narrowed, added to what it read.
pub(super) struct Residual<T> {
    widen: Conv2d<T>,
    mix: Conv2d<T>,
    narrow: Conv2d<T>,
}

impl<T: Tensor> Residual<T> {
    pub(super) fn new(vars: &Vars<'_, T>, channels: usize, expanded: usize) -> Result<Self> {
        Ok(Self {
            widen: folded(&vars.at("conv1"), ConvShape::new(channels, expanded, 1))?,
            mix: folded(&vars.at("conv2"), depthwise(expanded, 3, 1))?,
            narrow: folded(&vars.at("conv3"), ConvShape::new(expanded, channels, 1))?,
        })
    }

    /// `[batch, channels, height, width]` to the same shape. The last activation comes after the sum.
    pub(super) fn forward(&self, x: &T) -> Result<T> {
        let wide = self.mix.forward(&self.widen.forward(x)?.gelu()?)?.gelu()?;
        self.narrow.forward(&wide)?.add(x)?.gelu()
    }
}

/// The step between two stages (`PatchMerging`).
pub(super) struct Merging<T> {
    widen: Conv2d<T>,
    shrink: Conv2d<T>,
    mix: Linear<T>,
}

impl<T: Tensor> Merging<T> {
    pub(super) fn new(vars: &Vars<'_, T>, input: usize, output: usize, stride: usize) -> Result<Self> {
        Ok(Self {
            widen: folded(&vars.at("conv1"), ConvShape::new(input, output, 1))?,
            shrink: folded(&vars.at("conv2"), depthwise(output, 3, stride))?,
            mix: folded(&vars.at("conv3"), ConvShape::new(output, output, 1))?.into_linear()?,
        })
    }

    /// A map `[batch, input, height, width]` to tokens `[batch, height / stride, width / stride, output]`.
    pub(super) fn forward(&self, x: &T) -> Result<T> {
        let small = self.shrink.forward(&self.widen.forward(x)?.gelu()?)?.gelu()?;
        self.mix.forward(&small.permute(&[0, 2, 3, 1])?)
    }
}
