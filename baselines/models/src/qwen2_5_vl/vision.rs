//! The vision tower: patches to merged vectors as wide as the language model's tokens.

use super::config::VisionConfig;
use super::grid::{Grid, Plan};
use super::trace::{Tap, tap};
use crate::layers::{Gated, Linear, RmsNorm};
use crate::{Mask, Result, Tensor, Vars};

/// The vision tower of Qwen2.5-VL.
pub struct Vision<T> {
    config: VisionConfig,
    patch: Linear<T>,
    blocks: Vec<Block<T>>,
    norm: RmsNorm<T>,
    first: Linear<T>,
    second: Linear<T>,
}

struct Block<T> {
    norm1: RmsNorm<T>,
    qkv: Linear<T>,
    proj: Linear<T>,
    norm2: RmsNorm<T>,
    mlp: Gated<T>,
}

/// Added under the root of the tower's norms; the configuration does not name it.
const EPS: f32 = 1e-6;

impl<T: Tensor> Vision<T> {
    /// Reads its weights, under the published names.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(config: &VisionConfig, vars: &Vars<'_, T>) -> Result<Self> {
        let (c, size) = (config, config.hidden_size);
        // A convolution whose kernel is its stride is a product with each patch's values.
        let kernel = [size, c.in_channels, c.temporal_patch_size, c.patch_size, c.patch_size];
        let patch = vars.at("patch_embed.proj").matrix("weight", &kernel)?.reshape(&[size, c.patch()])?;
        let blocks = (0..c.depth).map(|i| Block::new(c, &vars.at("blocks").at(i))).collect::<Result<_>>()?;
        let merger = vars.at("merger");
        let merged = size * c.spatial_merge_size * c.spatial_merge_size;
        Ok(Self {
            config: config.clone(),
            patch: Linear::of(patch, None),
            blocks,
            norm: RmsNorm::new(&merger.at("ln_q"), size, EPS)?,
            first: Linear::new(&merger.at("mlp.0"), merged, merged)?,
            second: Linear::new(&merger.at("mlp.2"), merged, c.out_hidden_size)?,
        })
    }

    /// Merged vectors `[tokens, out_hidden_size]` of one or several images: `pixels` `[patches, patch values]` in the order
    /// of the image processor, image after image.
    ///
    /// # Errors
    /// When the number of patches is not that of the grids, or the library fails.
    pub fn forward(&self, pixels: &T, grids: &[Grid]) -> Result<T> {
        self.traced(pixels, grids, &mut |_, _| Ok(()))
    }

    /// As [`Self::forward`], telling `on` every stage: `patch_embed`, `block0` and on (in window order), `merged`.
    ///
    /// # Errors
    /// As [`Self::forward`], and what `on` fails with.
    pub fn traced(&self, pixels: &T, grids: &[Grid], on: Tap<'_, T>) -> Result<T> {
        let c = &self.config;
        let plan = Plan::new(c, grids)?;
        let mut x = self.patch.forward(pixels)?;
        tap(on, "patch_embed", &x)?;
        let patches = plan.patches();
        let unit = c.spatial_merge_size * c.spatial_merge_size;
        // Windows lie side by side while the blocks run; a merged patch moves as one.
        x = x.reshape(&[patches / unit, unit * c.hidden_size])?.select(0, &plan.order)?.reshape(&[
            1,
            patches,
            c.hidden_size,
        ])?;
        let angles = |values: &[f32]| {
            T::new(values.to_vec(), &[1, patches, c.hidden_size / c.num_heads / 2], x.dtype(), &x.device())
        };
        let (cos, sin) = (angles(&plan.cos)?, angles(&plan.sin)?);
        for (i, block) in self.blocks.iter().enumerate() {
            let lengths = if c.fullatt_block_indexes.contains(&i) { &plan.images } else { &plan.windows };
            x = block.forward(&x, c.num_heads, (&cos, &sin), lengths)?;
            tap(on, &format!("block{i}"), &x)?;
        }
        let merged = self.norm.forward(&x)?.reshape(&[patches / unit, unit * c.hidden_size])?;
        let merged = self.second.forward(&self.first.forward(&merged)?.gelu()?)?.select(0, &plan.back)?;
        tap(on, "merged", &merged)?;
        Ok(merged)
    }
}

impl<T: Tensor> Block<T> {
    fn new(c: &VisionConfig, vars: &Vars<'_, T>) -> Result<Self> {
        let (size, inner) = (c.hidden_size, c.intermediate_size);
        let attn = vars.at("attn");
        Ok(Self {
            norm1: RmsNorm::new(&vars.at("norm1"), size, EPS)?,
            qkv: Linear::new(&attn.at("qkv"), size, 3 * size)?,
            proj: Linear::new(&attn.at("proj"), size, size)?,
            norm2: RmsNorm::new(&vars.at("norm2"), size, EPS)?,
            mlp: Gated::new(&vars.at("mlp"), size, inner, true)?,
        })
    }

    fn forward(&self, x: &T, heads: usize, (cos, sin): (&T, &T), blocks: &[usize]) -> Result<T> {
        let shape = x.shape();
        let (length, size) = (shape[1], shape[2]);
        let head = size / heads;
        let qkv = self.qkv.forward(&self.norm1.forward(x)?)?.reshape(&[length, 3, heads, head])?;
        let part = |i: usize| qkv.narrow(1, i, 1)?.permute(&[1, 2, 0, 3]);
        let (q, k, v) = (part(0)?.rotary(cos, sin)?, part(1)?.rotary(cos, sin)?, part(2)?);
        let seen = q.attention(&k, &v, (head as f32).powf(-0.5), Mask::Blocks(blocks))?;
        let x = x.add(&self.proj.forward(&seen.permute(&[0, 2, 1, 3])?.reshape(&shape)?)?)?;
        let y = self.norm2.forward(&x)?;
        x.add(&self.mlp.forward(&y)?)
    }
}
