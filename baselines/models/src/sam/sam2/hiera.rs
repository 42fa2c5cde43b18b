//! The trunk of SAM 2's image encoder (`modeling/backbones/hieradet.py`): channels last throughout.

use super::Sam2Config;
use crate::layers::{Activation, Conv2d, ConvShape, LayerNorm, Linear, Mlp, sizes};
use crate::sam::window::Windows;
use crate::{DType, Mask, Result, Tensor, Vars};

/// The norms'.
const EPS: f32 = 1e-6;
/// How much wider the MLPs are inside.
const MLP_RATIO: usize = 4;

/// Attention whose queries may be the largest of every 2 x 2 pixels, and an MLP.
struct Block<T> {
    norm: LayerNorm<T>,
    qkv: Linear<T>,
    out: Linear<T>,
    /// Brings the path round the attention to the new width, at the start of a stage.
    widen: Option<Linear<T>>,
    mlp_norm: LayerNorm<T>,
    mlp: Mlp<T>,
    dim: usize,
    heads: usize,
    pool: bool,
    /// Side of the windows; 0 sees the whole map.
    window: usize,
}

/// The largest of every 2 x 2 pixels of `[batch, h, w, channels]`.
fn pool<T: Tensor>(x: &T) -> Result<T> {
    x.permute(&[0, 3, 1, 2])?.max_pool2d(2)?.permute(&[0, 2, 3, 1])
}

impl<T: Tensor> Block<T> {
    fn forward(&self, x: &T) -> Result<T> {
        let normed = self.norm.forward(x)?;
        let shortcut = match &self.widen {
            Some(widen) if self.pool => pool(&widen.forward(&normed)?)?,
            Some(widen) => widen.forward(&normed)?,
            None => x.clone(),
        };
        let [batch, height, width, dim] = sizes(&normed, "trunk")?;
        let seen = if self.window == 0 {
            let flat = normed.reshape(&[batch, height * width, dim])?;
            self.attend(&flat, height, width)?.reshape(&shortcut.shape())?
        } else {
            let windows = Windows { batch, height, width, side: self.window };
            let inside = self.attend(&windows.cut(&normed)?, self.window, self.window)?;
            if self.pool {
                Windows { batch, height: height / 2, width: width / 2, side: self.window / 2 }.join(&inside)?
            } else {
                windows.join(&inside)?
            }
        };
        // The projection looks at single pixels: after the windows are joined, what padded them is gone.
        let x = shortcut.add(&self.out.forward(&seen)?)?;
        x.add(&self.mlp.forward(&self.mlp_norm.forward(&x)?)?)
    }

    /// Attention without its last projection: `[windows, height * width, channels]` to as many or, where it pools, a
    /// quarter of the pixels of `dim` channels.
    fn attend(&self, x: &T, height: usize, width: usize) -> Result<T> {
        let [windows, length, _] = sizes(x, "trunk")?;
        let (dim, heads) = (self.dim, self.heads);
        let qkv = self.qkv.forward(x)?;
        let parts = qkv.reshape(&[windows, length, 3, heads, dim / heads])?.permute(&[2, 0, 3, 1, 4])?;
        let part = |i: usize| parts.narrow(0, i, 1)?.reshape(&[windows, heads, length, dim / heads]);
        let (query, length) = if self.pool {
            let map = qkv.narrow(2, 0, dim)?.reshape(&[windows, height, width, dim])?;
            let length = (height / 2) * (width / 2);
            let query = pool(&map)?.reshape(&[windows, length, heads, dim / heads])?.permute(&[0, 2, 1, 3])?;
            (query, length)
        } else {
            (part(0)?, length)
        };
        let seen = query.attention(&part(1)?, &part(2)?, 1.0 / ((dim / heads) as f32).sqrt(), Mask::None)?;
        seen.permute(&[0, 2, 1, 3])?.reshape(&[windows, length, dim])
    }
}

/// The trunk.
pub(super) struct Hiera<T> {
    patches: Conv2d<T>,
    /// `[1, grid, grid, embed_dim]`.
    positions: T,
    blocks: Vec<Block<T>>,
    /// The last block of each stage.
    ends: Vec<usize>,
}

impl<T: Tensor> Hiera<T> {
    pub(super) fn new(vars: &Vars<'_, T>, config: &Sam2Config) -> Result<Self> {
        let shape = ConvShape { stride: 4, padding: 3, ..ConvShape::new(3, config.embed_dim, 7) };
        let places = vars.at("blocks");
        let mut blocks = Vec::new();
        let mut ends = Vec::new();
        let mut dim = config.embed_dim;
        for (stage, (count, dim_out)) in config.stages.into_iter().zip(config.widths()).enumerate() {
            for i in 0..count {
                let index = blocks.len();
                let place = places.at(index);
                let from = std::mem::replace(&mut dim, dim_out);
                let starts = stage > 0 && i == 0;
                // The first block of a stage still has the windows of the stage before.
                let window = config.window_spec[if starts { stage - 1 } else { stage }];
                let norm = |name: &str, width| LayerNorm::new(&place.at(name), width, EPS);
                let attention = place.at("attn");
                let layers = place.at("mlp").at("layers");
                let widths = [dim_out, MLP_RATIO * dim_out, dim_out];
                blocks.push(Block {
                    norm: norm("norm1", from)?,
                    qkv: Linear::new(&attention.at("qkv"), from, 3 * dim_out)?,
                    out: Linear::new(&attention.at("proj"), dim_out, dim_out)?,
                    widen: starts.then(|| Linear::new(&place.at("proj"), from, dim_out)).transpose()?,
                    mlp_norm: norm("norm2", dim_out)?,
                    mlp: Mlp::new(&layers, 0..2, &widths, Activation::Gelu)?,
                    dim: dim_out,
                    heads: config.num_heads << stage,
                    pool: starts,
                    window: if config.global_att_blocks.contains(&index) { 0 } else { window },
                });
            }
            ends.push(blocks.len() - 1);
        }
        let patches = Conv2d::new(&vars.at("patch_embed").at("proj"), shape, true)?;
        Ok(Self { patches, positions: positions(vars, config)?, blocks, ends })
    }

    /// Normalised pixels `[batch, 3, side, side]` to the stages' maps `[batch, h, w, width]`, finest first. `see` is shown
    /// what passes, under the names `patch_embed`, `pos_embed` and `block/{i}`.
    pub(super) fn forward(&self, pixels: &T, see: &mut dyn FnMut(&str, &T)) -> Result<Vec<T>> {
        let patches = self.patches.forward(pixels)?.permute(&[0, 2, 3, 1])?;
        see("patch_embed", &patches);
        see("pos_embed", &self.positions);
        let mut x = patches.add(&self.positions)?;
        let mut stages = Vec::with_capacity(self.ends.len());
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x)?;
            see(&format!("block/{i}"), &x);
            if self.ends.contains(&i) {
                stages.push(x.clone());
            }
        }
        Ok(stages)
    }
}

/// The positions of all patches, `[1, grid, grid, embed_dim]` (`_get_pos_embed`): a coarse table stretched over the map,
/// and the table of one window repeated. Computed once, in `f32`; the weights stay part of it, so that a trainer which
/// builds the network anew after each step moves them.
fn positions<T: Tensor>(vars: &Vars<'_, T>, config: &Sam2Config) -> Result<T> {
    let (grid, dim, window) = (config.image_size / 4, config.embed_dim, config.window_spec[0]);
    let [rows, columns] = config.window_pos_embed_bkg_spatial_size;
    let stretch = |from: usize| T::new(bicubic(from, grid), &[grid, from], DType::F32, vars.device());
    let table = vars.tensor("pos_embed", &[1, dim, rows, columns])?.cast(DType::F32)?;
    // Down: [grid, rows] by [rows, columns * dim]; then across.
    let table = table.reshape(&[dim, rows, columns])?.permute(&[1, 2, 0])?.reshape(&[rows, columns * dim])?;
    let down = stretch(rows)?.matmul(&table)?.reshape(&[grid, columns, dim])?;
    let across = stretch(columns)?.matmul(&down.permute(&[1, 0, 2])?.reshape(&[columns, grid * dim])?)?;
    let whole = across.reshape(&[grid, grid, dim])?.permute(&[1, 0, 2])?;

    let tile = vars.tensor("pos_embed_window", &[1, dim, window, window])?.cast(DType::F32)?;
    let repeat: Vec<u32> = (0..grid).map(|i| (i % window) as u32).collect();
    let tile = tile.reshape(&[dim, window, window])?.permute(&[1, 2, 0])?;
    let tiled = tile.select(0, &repeat)?.select(1, &repeat)?;
    whole.add(&tiled)?.reshape(&[1, grid, grid, dim])?.cast(vars.dtype())
}

/// The matrix `[to, from]` of PyTorch's bicubic interpolation along one axis: a = -0.75, half-pixel centres, edges
/// repeated, no antialias (`UpSample.h`).
fn bicubic(from: usize, to: usize) -> Vec<f32> {
    const A: f64 = -0.75;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let mut matrix = vec![0.0; to * from];
    for (i, row) in matrix.chunks_exact_mut(from).enumerate() {
        let at = (i as f64 + 0.5) * (from as f64 / to as f64) - 0.5;
        let part = at - at.floor();
        let weights = [far(part + 1.0), near(part), near(1.0 - part), far(2.0 - part)];
        for (k, weight) in weights.into_iter().enumerate() {
            let source = (at.floor() as isize + k as isize - 1).clamp(0, from as isize - 1);
            row[source as usize] += weight as f32;
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bicubic_rows_sum_to_one_and_equal_sizes_change_nothing() {
        assert_eq!(bicubic(3, 3), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        for (from, to) in [(7, 256), (14, 256), (7, 32), (1, 5), (9, 4)] {
            for row in bicubic(from, to).chunks(from) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{from} {to}");
            }
        }
    }

    #[test]
    fn bicubic_doubling_has_the_weights_of_a_quarter() {
        // At 1.25: far(1.25), near(0.25), near(0.75), far(1.75).
        let row = &bicubic(4, 8)[3 * 4..][..4];
        let wanted = [-0.105_468_75, 0.878_906_25, 0.261_718_75, -0.035_156_25];
        assert!(row.iter().zip(wanted).all(|(r, w): (&f32, f32)| (r - w).abs() < 1e-6), "{row:?}");
    }
}
