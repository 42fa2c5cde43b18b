//! The published sizes (`sam2/configs/*.yaml`).

use super::Sam2Config;
use crate::weights::Weights;
use crate::{ModelError, Result};

/// A published size.
///
/// SAM 2 and SAM 2.1 of one size have the same network for single images; they differ in their weights and in what
/// videos need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// `hiera_t`.
    Tiny,
    /// `hiera_s`.
    Small,
    /// `hiera_b+`.
    BasePlus,
    /// `hiera_l`, which the paper's code uses.
    Large,
}

/// Repositories of the Hugging Face hub and the size that each holds (`sam2/build_sam.py`).
pub const REPOSITORIES: [(&str, Size); 8] = [
    ("facebook/sam2-hiera-tiny", Size::Tiny),
    ("facebook/sam2-hiera-small", Size::Small),
    ("facebook/sam2-hiera-base-plus", Size::BasePlus),
    ("facebook/sam2-hiera-large", Size::Large),
    ("facebook/sam2.1-hiera-tiny", Size::Tiny),
    ("facebook/sam2.1-hiera-small", Size::Small),
    ("facebook/sam2.1-hiera-base-plus", Size::BasePlus),
    ("facebook/sam2.1-hiera-large", Size::Large),
];

impl Size {
    /// All, smallest first.
    pub const ALL: [Self; 4] = [Self::Tiny, Self::Small, Self::BasePlus, Self::Large];

    /// As the hub's repositories spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::BasePlus => "base-plus",
            Self::Large => "large",
        }
    }

    /// Its configuration, as `build_sam2` gives it.
    pub fn config(self) -> Sam2Config {
        let (embed_dim, num_heads, stages, global, windows, background) = match self {
            Self::Tiny => (96, 1, [1, 2, 7, 2], [5, 7, 9], [8, 4, 14, 7], 7),
            Self::Small => (96, 1, [1, 2, 11, 2], [7, 10, 13], [8, 4, 14, 7], 7),
            // Its file leaves the rest to the defaults of `Hiera.__init__`.
            Self::BasePlus => (112, 2, [2, 3, 16, 3], [12, 16, 20], [8, 4, 14, 7], 14),
            Self::Large => (144, 2, [2, 6, 36, 4], [23, 33, 43], [8, 4, 16, 8], 7),
        };
        Sam2Config {
            image_size: 1024,
            embed_dim,
            num_heads,
            stages,
            global_att_blocks: global.to_vec(),
            window_spec: windows,
            window_pos_embed_bkg_spatial_size: [background; 2],
            d_model: 256,
            decoder_depth: 2,
            decoder_heads: 8,
            decoder_mlp_dim: 2048,
            iou_head_hidden_dim: 256,
            use_high_res_features: true,
            pred_obj_scores: true,
            pred_obj_scores_mlp: true,
            iou_prediction_use_sigmoid: true,
            directly_add_no_mem_embed: true,
            dynamic_multimask_via_stability: true,
            dynamic_multimask_stability_delta: 0.05,
            dynamic_multimask_stability_thresh: 0.98,
        }
    }

    /// The size of a checkpoint that was opened under Meta's names ([`super::metas_names`]), by the width and
    /// the number of its trunk's blocks.
    ///
    /// # Errors
    /// When it is no checkpoint of SAM 2, or of none of these sizes.
    pub fn of(weights: &dyn Weights) -> Result<Self> {
        const PATCHES: &str = "image_encoder.trunk.patch_embed.proj.weight";
        let width = weights.view(PATCHES, &[])?.and_then(|view| view.shape.first().copied());
        let Some(width) = width else {
            return Err(ModelError::Missing {
                source_name: weights.name(),
                name: PATCHES.to_owned(),
                expected: vec![Self::Tiny.config().embed_dim, 3, 7, 7],
            });
        };
        // The keys of a source stay its own, whatever names it is read under.
        let prefixes = ["image_encoder.trunk.blocks.", "vision_encoder.backbone.blocks."];
        let block = |key: &String| {
            let rest = prefixes.iter().find_map(|prefix| key.strip_prefix(prefix))?;
            rest.split('.').next()?.parse::<usize>().ok()
        };
        let blocks = weights.keys().iter().filter_map(block).max().map_or(0, |last| last + 1);
        let fits = |size: &Self| {
            let config = size.config();
            (config.embed_dim, config.stages.iter().sum::<usize>()) == (width, blocks)
        };
        Self::ALL.into_iter().find(fits).ok_or_else(|| ModelError::Config {
            field: "size".to_owned(),
            why: format!(
                "of {} is no published one: a trunk of {blocks} blocks, {width} wide at first; a config.json must \
                 describe it",
                weights.name()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_size_can_run() {
        for size in Size::ALL {
            assert!(size.config().check().is_ok(), "{size:?}");
            assert_eq!(REPOSITORIES.iter().filter(|(name, s)| *s == size && name.ends_with(size.name())).count(), 2);
        }
    }
}
