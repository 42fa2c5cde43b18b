//! TinyViT's block with attention.

use super::TinyVitConfig;
use super::conv::{depthwise, folded};
use crate::layers::{Conv2d, LayerNorm, Linear, sizes};
use crate::sam::window::Windows;
use crate::{Mask, Result, Tensor, Vars};

/// PyTorch's default, which the source leaves as it is.
const EPS: f32 = 1e-5;

/// Attention in windows, a convolution of each channel, and two layers.
pub(super) struct Block<T> {
    attention: Attention<T>,
    local: Conv2d<T>,
    norm: LayerNorm<T>,
    widen: Linear<T>,
    narrow: Linear<T>,
    side: usize,
}

impl<T: Tensor> Block<T> {
    pub(super) fn new(vars: &Vars<'_, T>, config: &TinyVitConfig, stage: usize) -> Result<Self> {
        let (dim, side, mlp) = (config.embed_dims[stage], config.window_sizes[stage], vars.at("mlp"));
        let hidden = (dim as f64 * config.mlp_ratio) as usize;
        Ok(Self {
            attention: Attention::new(&vars.at("attn"), dim, config.num_heads[stage], side)?,
            local: folded(&vars.at("local_conv"), depthwise(dim, config.local_conv_size, 1))?,
            norm: LayerNorm::new(&mlp.at("norm"), dim, EPS)?,
            widen: Linear::new(&mlp.at("fc1"), dim, hidden)?,
            narrow: Linear::new(&mlp.at("fc2"), hidden, dim)?,
            side,
        })
    }

    /// Tokens `[batch, height, width, dim]` to the same shape.
    pub(super) fn forward(&self, x: &T) -> Result<T> {
        // The zeros that fill up windows come before the norm and take part in the attention, as in the source.
        let windows = Windows::of(x, self.side)?;
        let x = x.add(&windows.join(&self.attention.forward(&windows.cut(x)?)?)?)?;
        let x = self.local.forward(&x.permute(&[0, 3, 1, 2])?)?.permute(&[0, 2, 3, 1])?;
        let wide = self.widen.forward(&self.norm.forward(&x)?)?.gelu()?;
        x.add(&self.narrow.forward(&wide)?)
    }
}

/// Attention among the tokens of a square window; how far apart two tokens are adds to their score.
struct Attention<T> {
    norm: LayerNorm<T>,
    qkv: Linear<T>,
    project: Linear<T>,
    bias: T,
    heads: usize,
}

impl<T: Tensor> Attention<T> {
    fn new(vars: &Vars<'_, T>, dim: usize, heads: usize, side: usize) -> Result<Self> {
        let length = side * side;
        let bias = spread(&vars.values("attention_biases", &[heads, length])?, side);
        Ok(Self {
            norm: LayerNorm::new(&vars.at("norm"), dim, EPS)?,
            qkv: Linear::new(&vars.at("qkv"), dim, 3 * dim)?,
            project: Linear::new(&vars.at("proj"), dim, dim)?,
            bias: T::new(bias, &[1, heads, length, length], vars.dtype(), vars.device())?,
            heads,
        })
    }

    /// Windows `[windows, side * side, dim]` to the same shape.
    fn forward(&self, x: &T) -> Result<T> {
        let [windows, length, dim] = sizes(x, "window attention")?;
        let (heads, each) = (self.heads, dim / self.heads);
        // Unlike SAM's ViT, each head has its query, key and value side by side.
        let qkv = self.qkv.forward(&self.norm.forward(x)?)?.reshape(&[windows, length, heads, 3 * each])?;
        let qkv = qkv.permute(&[0, 2, 1, 3])?;
        let part = |i| qkv.narrow(3, i * each, each);
        let scale = 1.0 / (each as f32).sqrt();
        let seen = part(0)?.attention(&part(1)?, &part(2)?, scale, Mask::Bias(&self.bias))?;
        self.project.forward(&seen.permute(&[0, 2, 1, 3])?.reshape(&[windows, length, dim])?)
    }
}

/// `[heads, side * side]`, by the distance in rows and in columns, to `[heads, side * side, side * side]`: query, key.
///
/// The source numbers distances as it meets them, and from the first token it meets all of them row by row.
fn spread(table: &[f32], side: usize) -> Vec<f32> {
    let length = side * side;
    let distance = |a: usize, b: usize| (a / side).abs_diff(b / side) * side + (a % side).abs_diff(b % side);
    let of_head = |head| (0..length).flat_map(move |q| (0..length).map(move |k| head * length + distance(q, k)));
    (0..table.len() / length).flat_map(of_head).map(|i| table[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn biases_are_spread_by_distance() {
        // Of two heads: none apart, a column, a row, both.
        let table = [0., 1., 2., 3., 10., 11., 12., 13.];
        let first = [0., 1., 2., 3., 1., 0., 3., 2., 2., 3., 0., 1., 3., 2., 1., 0.];
        let second = first.map(|v| v + 10.);
        assert_eq!(spread(&table, 2), [first, second].concat());
    }
}
