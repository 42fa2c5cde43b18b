//! The shape of a whole SAM 1.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sam::Family;
use crate::sam::decoder::DecoderShape;
use crate::sam::prompt::PromptShape;
use crate::sam::tiny_vit::TinyVitConfig;
use crate::sam::vit::VitConfig;
use crate::weights::Weights;
use crate::{ModelError, Result};

/// No published embedding comes near; a file that says more would fill the memory before a weight is found missing.
const LARGEST_GRID: usize = 256;

/// Which image encoder it has, and its shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EncoderConfig {
    /// Meta's.
    Vit(VitConfig),
    /// MobileSAM's and LiteMedSAM's.
    TinyVit(TinyVitConfig),
}

/// The shape of a whole SAM 1. As JSON the fields of the encoder stand beside those of the decoder, and `kind` (`vit` or
/// `tiny_vit`) tells which encoder it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sam1Config {
    /// The image encoder's.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
    /// Layers of the decoder's transformer.
    pub decoder_depth: usize,
    /// Heads of its attention.
    pub decoder_heads: usize,
    /// Width inside its MLPs.
    pub decoder_mlp_dim: usize,
    /// Width inside the head that predicts the masks' IoU.
    pub iou_head_hidden_dim: usize,
}

impl Default for Sam1Config {
    fn default() -> Self {
        Self::of_encoder(EncoderConfig::Vit(VitConfig::vit_b()))
    }
}

impl Sam1Config {
    /// An encoder with the decoder that all published checkpoints have (`segment_anything/build_sam.py`).
    pub fn of_encoder(encoder: EncoderConfig) -> Self {
        let DecoderShape { depth, heads, hidden, iou_hidden, .. } = DecoderShape::SAM1;
        Self {
            encoder,
            decoder_depth: depth,
            decoder_heads: heads,
            decoder_mlp_dim: hidden,
            iou_head_hidden_dim: iou_hidden,
        }
    }

    /// That of a published checkpoint under Meta's names: SAM's ViT-B, ViT-L or ViT-H (MedSAM is a ViT-B), MobileSAM or
    /// LiteMedSAM, by the shape of its first weights.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn of_weights(weights: &dyn Weights) -> Result<Self> {
        let shape = |key| Ok::<_, ModelError>(weights.view(key, &[])?.map(|view| view.shape));
        if let Some(kernel) = shape("image_encoder.patch_embed.seq.0.c.weight")? {
            let pointwise = kernel.last() == Some(&1);
            let tiny = if pointwise { TinyVitConfig::LITE_MEDSAM } else { TinyVitConfig::MOBILE_SAM };
            return Ok(Self::of_encoder(EncoderConfig::TinyVit(tiny)));
        }
        let hidden = shape("image_encoder.patch_embed.proj.bias")?;
        let published = [VitConfig::vit_b(), VitConfig::vit_l(), VitConfig::vit_h()];
        let found = published.into_iter().find(|vit| hidden.as_deref() == Some(&[vit.hidden_size][..]));
        found.map(|vit| Self::of_encoder(EncoderConfig::Vit(vit))).ok_or_else(|| {
            let what = "is no SAM ViT-B, ViT-L or ViT-H, no MobileSAM and no LiteMedSAM; others need a configuration";
            ModelError::Input(format!("{} {what}", weights.name()))
        })
    }

    /// That of a file: a `config.json` of transformers' `SamModel`, or one of this type itself.
    ///
    /// # Errors
    /// When it is neither, or describes what this decoder cannot be.
    pub fn from_json(text: &str) -> Result<Self> {
        let wrong = |e: serde_json::Error| ModelError::Config { field: "config.json".to_owned(), why: e.to_string() };
        let value: Value = serde_json::from_str(text).map_err(wrong)?;
        if value.get("vision_config").is_none() {
            return serde_json::from_value(value).map_err(wrong);
        }
        Self::from_transformers(serde_json::from_value(value).map_err(wrong)?)
    }

    fn from_transformers(file: File) -> Result<Self> {
        let (vision, prompts, decoder) = (file.vision_config, file.prompt_encoder_config, file.mask_decoder_config);
        let fixed = [
            ("prompt_encoder_config.hidden_size", prompts.hidden_size, vision.output_channels),
            ("prompt_encoder_config.image_size", prompts.image_size, vision.image_size),
            ("prompt_encoder_config.patch_size", prompts.patch_size, vision.patch_size),
            ("prompt_encoder_config.mask_input_channels", prompts.mask_input_channels, 16),
            ("mask_decoder_config.hidden_size", decoder.hidden_size, vision.output_channels),
            ("mask_decoder_config.attention_downsample_rate", decoder.attention_downsample_rate, 2),
            ("mask_decoder_config.num_multimask_outputs", decoder.num_multimask_outputs, 3),
            ("mask_decoder_config.iou_head_depth", decoder.iou_head_depth, 3),
        ];
        if let Some((field, found, needed)) = fixed.into_iter().find(|(_, found, needed)| found != needed) {
            return Err(ModelError::Config {
                field: field.to_owned(),
                why: format!("is {found}, it has to be {needed}"),
            });
        }
        Ok(Self {
            encoder: EncoderConfig::Vit(vision),
            decoder_depth: decoder.num_hidden_layers,
            decoder_heads: decoder.num_attention_heads,
            decoder_mlp_dim: decoder.mlp_dim,
            iou_head_hidden_dim: decoder.iou_head_hidden_dim,
        })
    }

    /// Side of the image in pixels.
    pub fn side(&self) -> usize {
        match &self.encoder {
            EncoderConfig::Vit(vit) => vit.image_size,
            EncoderConfig::TinyVit(tiny) => tiny.img_size,
        }
    }

    /// Side of the embedding; 0 where the configuration describes no network.
    pub fn grid(&self) -> usize {
        match &self.encoder {
            EncoderConfig::Vit(vit) => vit.image_size.checked_div(vit.patch_size).unwrap_or(0),
            EncoderConfig::TinyVit(tiny) => tiny.grid(),
        }
    }

    /// Channels of the embedding, the prompts and the decoder.
    pub fn dim(&self) -> usize {
        match &self.encoder {
            EncoderConfig::Vit(vit) => vit.output_channels,
            EncoderConfig::TinyVit(tiny) => tiny.out_chans,
        }
    }

    /// The prompt encoder's shape.
    pub(super) fn prompts(&self) -> Result<PromptShape> {
        let (side, grid) = (self.side(), self.grid());
        if grid == 0 || grid > LARGEST_GRID {
            let why = format!("is {side}, of which the encoder makes {grid} x {grid} pixels");
            return Err(ModelError::Config { field: "image_size".to_owned(), why });
        }
        Ok(PromptShape { family: Family::Sam1, dim: self.dim(), side, grid })
    }

    /// The decoder's shape.
    pub(super) fn decoder(&self) -> Result<DecoderShape> {
        let dim = self.dim();
        let heads = self.decoder_heads;
        if heads == 0 || dim == 0 || !dim.is_multiple_of(8) || !(dim / 2).is_multiple_of(heads) {
            let why = format!("is {heads}, which does not divide half of {dim} channels, themselves a multiple of 8");
            return Err(ModelError::Config { field: "decoder_heads".to_owned(), why });
        }
        Ok(DecoderShape {
            dim,
            heads,
            depth: self.decoder_depth,
            hidden: self.decoder_mlp_dim,
            iou_hidden: self.iou_head_hidden_dim,
            ..DecoderShape::SAM1
        })
    }
}

/// transformers' `SamConfig`; what is missing is as its classes have it.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "as the file spells them")]
struct File {
    vision_config: VitConfig,
    #[serde(default)]
    prompt_encoder_config: Prompts,
    #[serde(default)]
    mask_decoder_config: Decoder,
}

#[derive(Deserialize)]
#[serde(default)]
struct Prompts {
    hidden_size: usize,
    image_size: usize,
    patch_size: usize,
    mask_input_channels: usize,
}

impl Default for Prompts {
    fn default() -> Self {
        Self { hidden_size: 256, image_size: 1024, patch_size: 16, mask_input_channels: 16 }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Decoder {
    hidden_size: usize,
    mlp_dim: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    attention_downsample_rate: usize,
    num_multimask_outputs: usize,
    iou_head_depth: usize,
    iou_head_hidden_dim: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            hidden_size: 256,
            mlp_dim: 2048,
            num_hidden_layers: 2,
            num_attention_heads: 8,
            attention_downsample_rate: 2,
            num_multimask_outputs: 3,
            iou_head_depth: 3,
            iou_head_hidden_dim: 256,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn json_tells_the_encoder_by_its_kind() {
        let read = |text: &str| Sam1Config::from_json(text);
        let tiny =
            read(r#"{"kind": "tiny_vit", "img_size": 128, "mlp_ratio": 4, "decoder_mlp_dim": 48, "mean": [1.5]}"#);
        let tiny = tiny.unwrap();
        assert_eq!((tiny.side(), tiny.decoder_mlp_dim, tiny.decoder_heads), (128, 48, 8));
        assert!(matches!(&tiny.encoder, EncoderConfig::TinyVit(_)));
        let vit = read(r#"{"kind": "vit", "embed_dim": 32, "image_size": 64, "global_attn_indexes": [1]}"#).unwrap();
        assert!(matches!(&vit.encoder, EncoderConfig::Vit(v) if v.hidden_size == 32 && v.grid() == 4));
        for config in [tiny, vit, Sam1Config::default()] {
            assert_eq!(read(&serde_json::to_string(&config).unwrap()).unwrap(), config);
        }
        assert!(read(r#"{"kind": "hiera"}"#).is_err());
    }

    #[test]
    fn transformers_defaults_are_those_of_vit_b() {
        assert_eq!(Sam1Config::from_json(r#"{"vision_config": {}}"#).unwrap(), Sam1Config::default());
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"vision_config": 3}"#,
            r#"{"vision_config": {"image_size": 512}}"#,
            r#"{"vision_config": {}, "mask_decoder_config": {"iou_head_depth": 4}}"#,
        ] {
            assert!(matches!(Sam1Config::from_json(wrong), Err(ModelError::Config { .. })), "{wrong}");
        }
    }

    #[test]
    fn an_embedding_without_pixels_or_with_too_many_is_refused() {
        assert_eq!(Sam1Config::default().prompts().unwrap().grid, 64);
        for (image_size, patch_size) in [(0, 16), (8, 16), (1024, 0), (1 << 20, 16)] {
            let vit = VitConfig { image_size, patch_size, ..VitConfig::vit_b() };
            assert!(Sam1Config::of_encoder(EncoderConfig::Vit(vit)).prompts().is_err());
        }
        let tiny = TinyVitConfig { img_size: 1 << 16, ..TinyVitConfig::LITE_MEDSAM };
        assert!(Sam1Config::of_encoder(EncoderConfig::TinyVit(tiny)).prompts().is_err());
    }

    #[test]
    fn a_decoder_needs_channels_that_its_heads_divide() {
        Sam1Config::default().decoder().unwrap();
        for (heads, dim) in [(0, 256), (3, 256), (2, 12), (8, 0)] {
            let encoder = EncoderConfig::Vit(VitConfig { output_channels: dim, ..VitConfig::vit_b() });
            let config = Sam1Config { decoder_heads: heads, ..Sam1Config::of_encoder(encoder) };
            assert!(config.decoder().is_err(), "{heads} heads, {dim} channels");
        }
    }
}
