//! The shape of a ViT encoder.

use serde::{Deserialize, Serialize};

use crate::{ModelError, Result};

/// The shape of a ViT encoder; as JSON the `vision_config` of transformers' `SamModel`, with its defaults (SAM's ViT-B).
/// The names of the arguments of Meta's `ImageEncoderViT` are understood too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VitConfig {
    /// Channels of a token.
    #[serde(alias = "embed_dim")]
    pub hidden_size: usize,
    /// Channels of the embedding.
    #[serde(alias = "out_chans")]
    pub output_channels: usize,
    /// Blocks.
    #[serde(alias = "depth")]
    pub num_hidden_layers: usize,
    /// Heads of each attention; they divide `hidden_size`.
    #[serde(alias = "num_heads")]
    pub num_attention_heads: usize,
    /// Planes of the image.
    pub num_channels: usize,
    /// Side of the image in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels; it divides `image_size`.
    pub patch_size: usize,
    /// Added to variances in the blocks' norms.
    pub layer_norm_eps: f32,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: bool,
    /// Hidden size of the blocks' layers over `hidden_size`.
    pub mlp_ratio: f64,
    /// Hidden size of the blocks' layers, where it is not given by the ratio.
    pub mlp_dim: Option<usize>,
    /// Whether each place of the grid has a position of its own.
    pub use_abs_pos: bool,
    /// Whether attention depends on relative positions.
    pub use_rel_pos: bool,
    /// Side of the windows in tokens; 0 for none.
    pub window_size: usize,
    /// Blocks, counted from 0, that attend across the whole image.
    pub global_attn_indexes: Vec<usize>,
}

impl Default for VitConfig {
    fn default() -> Self {
        Self::vit_b()
    }
}

impl VitConfig {
    /// SAM's ViT-B (`segment_anything/build_sam.py`).
    pub fn vit_b() -> Self {
        Self {
            hidden_size: 768,
            output_channels: 256,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 1024,
            patch_size: 16,
            layer_norm_eps: 1e-6,
            qkv_bias: true,
            mlp_ratio: 4.0,
            mlp_dim: None,
            use_abs_pos: true,
            use_rel_pos: true,
            window_size: 14,
            global_attn_indexes: vec![2, 5, 8, 11],
        }
    }

    /// SAM's ViT-L.
    pub fn vit_l() -> Self {
        Self {
            hidden_size: 1024,
            num_hidden_layers: 24,
            num_attention_heads: 16,
            global_attn_indexes: vec![5, 11, 17, 23],
            ..Self::vit_b()
        }
    }

    /// SAM's ViT-H.
    pub fn vit_h() -> Self {
        Self {
            hidden_size: 1280,
            num_hidden_layers: 32,
            num_attention_heads: 16,
            global_attn_indexes: vec![7, 15, 23, 31],
            ..Self::vit_b()
        }
    }

    /// Side of the grid of tokens.
    pub fn grid(&self) -> usize {
        self.image_size / self.patch_size
    }

    /// Hidden size of the blocks' layers.
    pub fn mlp_size(&self) -> usize {
        self.mlp_dim.unwrap_or((self.hidden_size as f64 * self.mlp_ratio) as usize)
    }

    /// Side of the windows of a block: the grid's where it attends across the whole image.
    pub(super) fn window(&self, block: usize) -> usize {
        let all = self.window_size == 0 || self.global_attn_indexes.contains(&block);
        if all { self.grid() } else { self.window_size }
    }

    /// Whether a network can be built.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |field: &str, why: String| Err(ModelError::Config { field: field.to_owned(), why });
        let heads = self.num_attention_heads;
        if heads == 0 || self.hidden_size == 0 || !self.hidden_size.is_multiple_of(heads) {
            return wrong("num_attention_heads", format!("is {heads}, which does not divide {}", self.hidden_size));
        }
        if self.patch_size == 0 || self.image_size == 0 || !self.image_size.is_multiple_of(self.patch_size) {
            return wrong("patch_size", format!("is {}, which does not divide {}", self.patch_size, self.image_size));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn missing_fields_are_those_of_vit_b() {
        let read = |text| serde_json::from_str::<VitConfig>(text).unwrap();
        assert_eq!(read("{}"), VitConfig::vit_b());
        let written = serde_json::to_string(&VitConfig::vit_h()).unwrap();
        assert_eq!(read(&written), VitConfig::vit_h());
        assert_eq!(read(r#"{"hidden_size": 32, "mlp_ratio": 2.5, "scale": 16}"#).mlp_size(), 80);
        assert_eq!(read(r#"{"mlp_dim": 99, "mlp_ratio": 2}"#).mlp_size(), 99);
        assert_eq!(read(r#"{"embed_dim": 8, "depth": 3, "num_heads": 2, "out_chans": 5}"#).output_channels, 5);
    }

    #[test]
    fn some_blocks_see_the_whole_grid() {
        let sides: Vec<usize> = (0..4).map(|i| VitConfig::vit_b().window(i)).collect();
        assert_eq!(sides, [14, 14, 64, 14]);
        assert_eq!(VitConfig { window_size: 0, ..VitConfig::vit_b() }.window(0), 64);
    }

    #[test]
    fn what_does_not_divide_is_refused() {
        for config in [
            VitConfig { num_attention_heads: 0, ..VitConfig::vit_b() },
            VitConfig { num_attention_heads: 7, ..VitConfig::vit_b() },
            VitConfig { patch_size: 0, ..VitConfig::vit_b() },
            VitConfig { patch_size: 15, ..VitConfig::vit_b() },
            VitConfig { image_size: 0, ..VitConfig::vit_b() },
        ] {
            assert!(matches!(config.check(), Err(ModelError::Config { .. })), "{config:?}");
        }
    }
}
