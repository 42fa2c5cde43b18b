//! SAM 1's image encoder: a plain ViT with attention in windows, across the whole image in a few blocks, and decomposed
//! relative positions.
//!
//! Source: `segment_anything/modeling/image_encoder.py`. What `get_rel_pos` does to tables of another length cannot occur:
//! the absolute positions, which every checkpoint has, fix the size of the input, and the tables' lengths follow from it.

mod attention;
mod config;

pub use config::VitConfig;

use attention::Attention;

use super::neck::Neck;
use super::window::Windows;
use crate::layers::{LayerNorm, Linear, sizes};
use crate::{ModelError, Result, Tensor, Vars};

/// The encoder.
pub struct Vit<T> {
    patch: Linear<T>,
    position: Option<T>,
    blocks: Vec<Block<T>>,
    neck: Neck<T>,
    channels: usize,
    patch_size: usize,
    grid: usize,
}

impl<T: Tensor> Vit<T> {
    /// The weights under Meta's names below `vars` (`image_encoder` in a checkpoint).
    ///
    /// # Errors
    /// When the configuration describes no network, or a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, config: &VitConfig) -> Result<Self> {
        config.check()?;
        let (hidden, grid, p) = (config.hidden_size, config.grid(), config.patch_size);
        let projection = vars.at("patch_embed").at("proj");
        // A convolution whose patches do not overlap is a matrix on patches, and gives channels last at once.
        let weight = projection.tensor("weight", &[hidden, config.num_channels, p, p])?;
        let patch = Linear::of(
            weight.reshape(&[hidden, config.num_channels * p * p])?,
            Some(projection.tensor("bias", &[hidden])?),
        );
        let position = config.use_abs_pos.then(|| vars.tensor("pos_embed", &[1, grid, grid, hidden])).transpose()?;
        let blocks = vars.at("blocks");
        let block = |i: usize| Block::new(&blocks.at(i), config, config.window(i));
        Ok(Self {
            patch,
            position,
            blocks: (0..config.num_hidden_layers).map(block).collect::<Result<_>>()?,
            neck: Neck::new(&vars.at("neck"), hidden, config.output_channels)?,
            channels: config.num_channels,
            patch_size: p,
            grid,
        })
    }

    /// Normalised pixels `[batch, 3, image_size, image_size]` to an embedding, channels last:
    /// `[batch, grid, grid, output_channels]`.
    ///
    /// # Errors
    /// When the image is of another size.
    pub fn forward(&self, image: &T) -> Result<T> {
        self.forward_seen(image, &mut |_, _| {})
    }

    /// As [`Self::forward`]; `seen` is shown the tokens `[batch, grid, grid, hidden_size]` before the blocks as
    /// `patch_embed` (positions not yet added) and after each as `block/0`, `block/1`...
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_seen(&self, image: &T, seen: &mut dyn FnMut(&str, &T)) -> Result<T> {
        let mut x = self.patch.forward(&self.patches(image)?)?;
        seen("patch_embed", &x);
        if let Some(position) = &self.position {
            x = x.add(position)?;
        }
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x)?;
            seen(&format!("block/{i}"), &x);
        }
        self.neck.forward(&x)
    }

    /// `[batch, channels, side, side]` to `[batch, grid, grid, channels * patch_size * patch_size]`.
    fn patches(&self, image: &T) -> Result<T> {
        let [batch, channels, height, width] = sizes(image, "image encoder")?;
        let (g, p) = (self.grid, self.patch_size);
        if (channels, height, width) != (self.channels, g * p, g * p) {
            let (c, side) = (self.channels, g * p);
            let why = format!("an image of {channels} x {height} x {width}; it takes {c} x {side} x {side}");
            return Err(ModelError::op("image encoder", why));
        }
        let cut = image.reshape(&[batch, channels, g, p, g, p])?.permute(&[0, 2, 4, 1, 3, 5])?;
        cut.reshape(&[batch, g, g, channels * p * p])
    }
}

/// Attention and two layers, each after a norm and added to what it read.
struct Block<T> {
    norm1: LayerNorm<T>,
    attention: Attention<T>,
    norm2: LayerNorm<T>,
    lin1: Linear<T>,
    lin2: Linear<T>,
    window: usize,
}

impl<T: Tensor> Block<T> {
    fn new(vars: &Vars<'_, T>, config: &VitConfig, window: usize) -> Result<Self> {
        let (hidden, eps, mlp) = (config.hidden_size, config.layer_norm_eps, vars.at("mlp"));
        Ok(Self {
            norm1: LayerNorm::new(&vars.at("norm1"), hidden, eps)?,
            attention: Attention::new(&vars.at("attn"), config, window)?,
            norm2: LayerNorm::new(&vars.at("norm2"), hidden, eps)?,
            lin1: Linear::new(&mlp.at("lin1"), hidden, config.mlp_size())?,
            lin2: Linear::new(&mlp.at("lin2"), config.mlp_size(), hidden)?,
            window,
        })
    }

    /// Tokens `[batch, height, width, hidden]` to the same shape.
    fn forward(&self, x: &T) -> Result<T> {
        // The zeros that fill up windows come after the norm and take part in the attention, as in the source.
        let windows = Windows::of(x, self.window)?;
        let attended = self.attention.forward(&windows.cut(&self.norm1.forward(x)?)?)?;
        let x = x.add(&windows.join(&attended)?)?;
        let wide = self.lin1.forward(&self.norm2.forward(&x)?)?.gelu()?;
        x.add(&self.lin2.forward(&wide)?)
    }
}
