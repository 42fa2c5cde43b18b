//! Sizes and options of SAM 2.

use serde::{Deserialize, Serialize};

use crate::sam::Family;
use crate::sam::decoder::{DecoderShape, ObjectHead, Stability};
use crate::sam::prompt::PromptShape;
use crate::{ModelError, Result};

/// The largest image side, in pixels: four times the published one. What flows grows with its square.
const LARGEST_IMAGE: usize = 4096;
/// Pixels of the input to one of the embedding.
pub(super) const STRIDE: usize = 16;
/// No published number comes near; a file that says more would fill the memory before a weight is read.
const LARGEST: usize = 1 << 14;

/// What the published networks differ in, and what the small ones of tests have smaller. The rest (patches of 7 pixels in
/// steps of 4, pooling between all four stages, widths and heads that double, sums in the neck at its second coarsest
/// level, ...) all have alike.
///
/// As a file it is the `arch` object of this project's own `config.json`, or that object alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "options of Meta's configuration, each a fact of its own")]
pub struct Sam2Config {
    /// Side of the square input in pixels, a multiple of 32.
    pub image_size: usize,
    /// Width of the trunk's first stage.
    pub embed_dim: usize,
    /// Heads of the trunk's first stage.
    pub num_heads: usize,
    /// Blocks of each stage.
    pub stages: [usize; 4],
    /// Blocks, counted through all stages from 0, that see the whole map.
    pub global_att_blocks: Vec<usize>,
    /// Side of the other blocks' windows in each stage.
    pub window_spec: [usize; 4],
    /// Rows and columns of the coarse table of positions.
    pub window_pos_embed_bkg_spatial_size: [usize; 2],
    /// Width of the neck, the prompts and the decoder.
    pub d_model: usize,
    /// Layers of the decoder's transformer.
    #[serde(default = "default::depth")]
    pub decoder_depth: usize,
    /// Its heads.
    #[serde(default = "default::heads")]
    pub decoder_heads: usize,
    /// Width inside its MLPs.
    #[serde(default = "default::hidden")]
    pub decoder_mlp_dim: usize,
    /// Width inside the head that predicts IoU.
    #[serde(default = "default::iou_hidden")]
    pub iou_head_hidden_dim: usize,
    /// Whether the decoder sees the two finer levels.
    pub use_high_res_features: bool,
    /// Whether a token tells if there is an object.
    pub pred_obj_scores: bool,
    /// Whether that token's head is an MLP.
    #[serde(default = "default::yes")]
    pub pred_obj_scores_mlp: bool,
    /// Whether the predicted IoU goes through a sigmoid.
    pub iou_prediction_use_sigmoid: bool,
    /// Whether the embedding of "no memory" is added to the image's.
    pub directly_add_no_mem_embed: bool,
    /// Whether an unstable single mask gives way to the best of three (`build_sam2`'s default `apply_postprocessing`).
    pub dynamic_multimask_via_stability: bool,
    /// Logits between the two cuts.
    pub dynamic_multimask_stability_delta: f32,
    /// Share of pixels at which a mask counts as stable.
    pub dynamic_multimask_stability_thresh: f32,
}

/// What Meta's code fixes (`sam2_base.py`, `_build_sam_heads`).
mod default {
    pub(super) fn depth() -> usize {
        2
    }
    pub(super) fn heads() -> usize {
        8
    }
    pub(super) fn hidden() -> usize {
        2048
    }
    pub(super) fn iou_hidden() -> usize {
        256
    }
    pub(super) fn yes() -> bool {
        true
    }
}

impl Sam2Config {
    /// Widths of the trunk's stages, finest first.
    pub fn widths(&self) -> [usize; 4] {
        [0, 1, 2, 3].map(|stage| self.embed_dim << stage)
    }

    /// Side of the image's embedding.
    pub fn grid(&self) -> usize {
        self.image_size / STRIDE
    }

    /// What the prompt encoder needs to know.
    pub(super) fn prompts(&self) -> PromptShape {
        PromptShape { family: Family::Sam2, dim: self.d_model, side: self.image_size, grid: self.grid() }
    }

    /// What the decoder needs to know.
    pub(super) fn decoder(&self) -> DecoderShape {
        let head = if self.pred_obj_scores_mlp { ObjectHead::Mlp } else { ObjectHead::Linear };
        DecoderShape {
            family: Family::Sam2,
            dim: self.d_model,
            heads: self.decoder_heads,
            depth: self.decoder_depth,
            hidden: self.decoder_mlp_dim,
            iou_hidden: self.iou_head_hidden_dim,
            iou_sigmoid: self.iou_prediction_use_sigmoid,
            object: self.pred_obj_scores.then_some(head),
            stability: self.dynamic_multimask_via_stability.then_some(Stability {
                delta: self.dynamic_multimask_stability_delta,
                threshold: self.dynamic_multimask_stability_thresh,
            }),
        }
    }

    /// Checks that it describes a network that Meta's code could run.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, why: String| Err(ModelError::Config { field: field.to_owned(), why });
        let one = |field: &'static str, value: &usize| (field, *value);
        let sizes = [
            ("image_size", self.image_size),
            ("embed_dim", self.embed_dim),
            ("num_heads", self.num_heads),
            ("d_model", self.d_model),
            ("decoder_depth", self.decoder_depth),
            ("decoder_heads", self.decoder_heads),
            ("decoder_mlp_dim", self.decoder_mlp_dim),
            ("iou_head_hidden_dim", self.iou_head_hidden_dim),
        ];
        let sizes = sizes
            .into_iter()
            .chain(self.stages.iter().map(|v| one("stages", v)))
            .chain(self.window_spec.iter().map(|v| one("window_spec", v)))
            .chain(self.window_pos_embed_bkg_spatial_size.iter().map(|v| one("window_pos_embed_bkg_spatial_size", v)));
        for (field, value) in sizes {
            if value == 0 || value > LARGEST {
                return wrong(field, format!("is {value}, which is not in 1..={LARGEST}"));
            }
        }
        if self.image_size > LARGEST_IMAGE {
            return wrong("image_size", format!("is {}; {LARGEST_IMAGE} at most", self.image_size));
        }
        if !self.image_size.is_multiple_of(32) {
            return wrong("image_size", format!("is {}, no multiple of 32", self.image_size));
        }
        if !(self.image_size / 4).is_multiple_of(self.window_spec[0]) {
            let why = format!("starts with {}, which does not divide image_size / 4", self.window_spec[0]);
            return wrong("window_spec", why);
        }
        if self.window_spec[..3].iter().any(|window| window % 2 == 1) {
            return wrong("window_spec", format!("is {:?}; only the last may be odd", self.window_spec));
        }
        if !self.embed_dim.is_multiple_of(self.num_heads) {
            return wrong("num_heads", format!("is {}, which does not divide embed_dim", self.num_heads));
        }
        if !self.d_model.is_multiple_of(8) || !self.d_model.is_multiple_of(2 * self.decoder_heads) {
            return wrong("d_model", format!("is {}, no multiple of 8 and of twice decoder_heads", self.d_model));
        }
        let mut starts = self.stages[..3].iter().scan(0, |sum, n| {
            *sum += n;
            Some(*sum)
        });
        let blocks: usize = self.stages.iter().sum();
        if let Some(index) = self.global_att_blocks.iter().find(|&&i| i >= blocks) {
            return wrong("global_att_blocks", format!("names {index} of {blocks} blocks"));
        }
        if let Some(index) = starts.find(|i| self.global_att_blocks.contains(i)) {
            return wrong("global_att_blocks", format!("names {index}, which pools and must have windows"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Size;
    use super::*;

    #[test]
    fn what_cannot_run_is_named() {
        let with = |change: fn(&mut Sam2Config)| {
            let mut config = Size::Tiny.config();
            change(&mut config);
            match config.check() {
                Err(ModelError::Config { field, .. }) => field,
                other => format!("{other:?}"),
            }
        };
        assert_eq!(with(|c| c.image_size = 1000), "image_size");
        assert_eq!(with(|c| c.image_size = usize::MAX), "image_size");
        assert_eq!(with(|c| c.window_spec[0] = 6), "window_spec");
        assert_eq!(with(|c| c.window_spec[2] = 7), "window_spec");
        assert_eq!(with(|c| c.stages[1] = 0), "stages");
        assert_eq!(with(|c| c.num_heads = 5), "num_heads");
        assert_eq!(with(|c| c.d_model = 252), "d_model");
        assert_eq!(with(|c| c.global_att_blocks = vec![12]), "global_att_blocks");
        assert_eq!(with(|c| c.global_att_blocks = vec![3]), "global_att_blocks");
        assert_eq!(with(|_| ()), "Ok(())");
    }
}
