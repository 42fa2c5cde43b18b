//! Configurations as files have them: this project's own, and transformers' (the hub's `config.json`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sam2Config, Size};
use crate::{ModelError, Result};

fn wrong(field: impl Into<String>, why: impl Into<String>) -> ModelError {
    ModelError::Config { field: field.into(), why: why.into() }
}

impl Sam2Config {
    /// Reads a `config.json` of either kind: transformers' `Sam2Config` or `Sam2VideoConfig` (recognised by its
    /// `model_type`), or this project's own, whose fields are those of this struct, perhaps below `arch`.
    ///
    /// # Errors
    /// When it is no JSON, describes another model, or one that this architecture does not cover.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|e| wrong("config.json", format!("is no JSON: {e}")))?;
        let config = if value.get("model_type").is_some() {
            transformers(value)?
        } else {
            own(value.get("arch").unwrap_or(&value))?
        };
        config.check()?;
        Ok(config)
    }
}

/// What this project's files may say too; networks that differ in it cannot be built.
fn fixed() -> [(&'static str, Value); 20] {
    [
        ("mean", json!([0.485, 0.456, 0.406])),
        ("std", json!([0.229, 0.224, 0.225])),
        ("patch_kernel", json!(7)),
        ("patch_stride", json!(4)),
        ("patch_padding", json!(3)),
        ("q_pool", json!(3)),
        ("q_stride", json!([2, 2])),
        ("dim_mul", json!(2)),
        ("head_mul", json!(2)),
        ("mlp_ratio", json!(4)),
        ("trunk_norm_eps", json!(1e-6)),
        ("fpn_top_down_levels", json!([2, 3])),
        ("fpn_interp_model", json!("nearest")),
        ("scalp", json!(1)),
        ("backbone_stride", json!(16)),
        ("mask_in_chans", json!(16)),
        ("num_multimask_outputs", json!(3)),
        ("decoder_attention_downsample_rate", json!(2)),
        ("decoder_norm_eps", json!(1e-5)),
        ("conv_norm_eps", json!(1e-6)),
    ]
}

/// Equal, where numbers are equal by value (4 and 4.0).
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Array(f), Value::Array(w)) => f.len() == w.len() && f.iter().zip(w).all(|(f, w)| same(f, w)),
        (Value::Number(f), Value::Number(w)) => f.as_f64() == w.as_f64(),
        _ => found == wanted,
    }
}

fn own(arch: &Value) -> Result<Sam2Config> {
    for (field, wanted) in fixed() {
        if let Some(found) = arch.get(field).filter(|found| !same(found, &wanted)) {
            return Err(wrong(field, format!("is {found}; only {wanted} is built")));
        }
    }
    Sam2Config::deserialize(arch).map_err(|e| wrong("arch", format!("does not describe a SAM 2: {e}")))
}

/// The fields of transformers' configuration that concern single images; those left out have the defaults of
/// `configuration_sam2.py`, which are the tiny size's.
#[derive(Deserialize)]
struct Whole {
    model_type: String,
    vision_config: Vision,
    #[serde(default)]
    prompt_encoder_config: PromptEncoder,
    #[serde(default)]
    mask_decoder_config: Decoder,
}

#[derive(Deserialize)]
struct Vision {
    backbone_config: Backbone,
    fpn_hidden_size: Option<usize>,
    fpn_kernel_size: Option<usize>,
    fpn_stride: Option<usize>,
    fpn_padding: Option<usize>,
    fpn_top_down_levels: Option<Vec<usize>>,
    num_feature_levels: Option<usize>,
}

#[derive(Deserialize)]
struct Backbone {
    hidden_size: Option<usize>,
    num_attention_heads: Option<usize>,
    num_channels: Option<usize>,
    image_size: Option<OneOrTwo>,
    patch_kernel_size: Option<OneOrTwo>,
    patch_stride: Option<OneOrTwo>,
    patch_padding: Option<OneOrTwo>,
    query_stride: Option<OneOrTwo>,
    window_positional_embedding_background_size: Option<[usize; 2]>,
    num_query_pool_stages: Option<usize>,
    blocks_per_stage: Option<[usize; 4]>,
    embed_dim_per_stage: Option<[usize; 4]>,
    num_attention_heads_per_stage: Option<[usize; 4]>,
    window_size_per_stage: Option<[usize; 4]>,
    global_attention_blocks: Option<Vec<usize>>,
    mlp_ratio: Option<f64>,
    hidden_act: Option<String>,
    layer_norm_eps: Option<f64>,
}

#[derive(Deserialize, Default)]
struct PromptEncoder {
    hidden_size: Option<usize>,
    image_size: Option<OneOrTwo>,
    patch_size: Option<OneOrTwo>,
    mask_input_channels: Option<usize>,
    num_point_embeddings: Option<usize>,
}

#[derive(Deserialize, Default)]
struct Decoder {
    hidden_size: Option<usize>,
    hidden_act: Option<String>,
    mlp_dim: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    attention_downsample_rate: Option<usize>,
    num_multimask_outputs: Option<usize>,
    iou_head_depth: Option<usize>,
    iou_head_hidden_dim: Option<usize>,
    dynamic_multimask_via_stability: Option<bool>,
    dynamic_multimask_stability_delta: Option<f32>,
    dynamic_multimask_stability_thresh: Option<f32>,
}

/// A length, or height and width.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(untagged)]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

impl OneOrTwo {
    fn pair(self) -> [usize; 2] {
        match self {
            Self::One(side) => [side; 2],
            Self::Two(pair) => pair,
        }
    }
}

/// A field that must have one value where it is said at all.
fn only<V: PartialEq + std::fmt::Debug>(field: &str, found: Option<V>, wanted: V) -> Result<()> {
    match found {
        Some(found) if found != wanted => Err(wrong(field, format!("is {found:?}; only {wanted:?} is built"))),
        _ => Ok(()),
    }
}

fn transformers(value: Value) -> Result<Sam2Config> {
    let whole = Whole::deserialize(value).map_err(|e| wrong("config.json", format!("of transformers: {e}")))?;
    if !matches!(whole.model_type.as_str(), "sam2" | "sam2_video") {
        return Err(wrong("model_type", format!("is `{}`, not `sam2` or `sam2_video`", whole.model_type)));
    }
    let (vision, prompts, decoder) = (whole.vision_config, whole.prompt_encoder_config, whole.mask_decoder_config);
    let trunk = vision.backbone_config;
    let tiny = Size::Tiny.config();

    let side = |found: Option<OneOrTwo>| found.map(OneOrTwo::pair);
    let image = side(trunk.image_size).unwrap_or([tiny.image_size; 2]);
    let dims = trunk.embed_dim_per_stage.unwrap_or(tiny.widths());
    let heads = trunk.num_attention_heads_per_stage.unwrap_or([1, 2, 4, 8]);
    let d_model = vision.fpn_hidden_size.unwrap_or(tiny.d_model);
    let doubled = |first: usize| [0, 1, 2, 3].map(|stage| first.saturating_mul(1 << stage));
    only("image_size", Some(image[1]), image[0])?;
    only("embed_dim_per_stage", Some(dims), doubled(dims[0]))?;
    only("num_attention_heads_per_stage", Some(heads), doubled(heads[0]))?;
    only("hidden_size", trunk.hidden_size, dims[0])?;
    only("num_attention_heads", trunk.num_attention_heads, heads[0])?;
    only("num_channels", trunk.num_channels, 3)?;
    only("patch_kernel_size", side(trunk.patch_kernel_size), [7; 2])?;
    only("patch_stride", side(trunk.patch_stride), [4; 2])?;
    only("patch_padding", side(trunk.patch_padding), [3; 2])?;
    only("query_stride", side(trunk.query_stride), [2; 2])?;
    only("num_query_pool_stages", trunk.num_query_pool_stages, 3)?;
    only("mlp_ratio", trunk.mlp_ratio, 4.0)?;
    only("hidden_act", trunk.hidden_act.as_deref(), "gelu")?;
    only("layer_norm_eps", trunk.layer_norm_eps, 1e-6)?;
    only("fpn_kernel_size", vision.fpn_kernel_size, 1)?;
    only("fpn_stride", vision.fpn_stride, 1)?;
    only("fpn_padding", vision.fpn_padding, 0)?;
    only("fpn_top_down_levels", vision.fpn_top_down_levels, vec![2, 3])?;
    only("num_feature_levels", vision.num_feature_levels, 3)?;
    only("prompt_encoder_config.hidden_size", prompts.hidden_size, d_model)?;
    only("prompt_encoder_config.image_size", side(prompts.image_size), image)?;
    only("prompt_encoder_config.patch_size", side(prompts.patch_size), [super::config::STRIDE; 2])?;
    only("mask_input_channels", prompts.mask_input_channels, 16)?;
    only("num_point_embeddings", prompts.num_point_embeddings, 4)?;
    only("mask_decoder_config.hidden_size", decoder.hidden_size, d_model)?;
    only("mask_decoder_config.hidden_act", decoder.hidden_act.as_deref(), "gelu")?;
    only("attention_downsample_rate", decoder.attention_downsample_rate, 2)?;
    only("num_multimask_outputs", decoder.num_multimask_outputs, 3)?;
    only("iou_head_depth", decoder.iou_head_depth, 3)?;
    // It is the depth of the transformer and of the MLPs in it at once.
    only("mask_decoder_config.num_hidden_layers", decoder.num_hidden_layers, 2)?;

    Ok(Sam2Config {
        image_size: image[0],
        embed_dim: dims[0],
        num_heads: heads[0],
        stages: trunk.blocks_per_stage.unwrap_or(tiny.stages),
        global_att_blocks: trunk.global_attention_blocks.unwrap_or(tiny.global_att_blocks),
        window_spec: trunk.window_size_per_stage.unwrap_or(tiny.window_spec),
        window_pos_embed_bkg_spatial_size: trunk
            .window_positional_embedding_background_size
            .unwrap_or(tiny.window_pos_embed_bkg_spatial_size),
        d_model,
        decoder_heads: decoder.num_attention_heads.unwrap_or(tiny.decoder_heads),
        decoder_mlp_dim: decoder.mlp_dim.unwrap_or(tiny.decoder_mlp_dim),
        iou_head_hidden_dim: decoder.iou_head_hidden_dim.unwrap_or(tiny.iou_head_hidden_dim),
        dynamic_multimask_via_stability: decoder.dynamic_multimask_via_stability.unwrap_or(true),
        dynamic_multimask_stability_delta: decoder
            .dynamic_multimask_stability_delta
            .unwrap_or(tiny.dynamic_multimask_stability_delta),
        dynamic_multimask_stability_thresh: decoder
            .dynamic_multimask_stability_thresh
            .unwrap_or(tiny.dynamic_multimask_stability_thresh),
        ..Size::Tiny.config()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn field(text: &str) -> String {
        match Sam2Config::from_json(text) {
            Err(ModelError::Config { field, .. }) => field,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_transformers_leaves_out_is_tiny() {
        let config = Sam2Config::from_json(r#"{"model_type": "sam2", "vision_config": {"backbone_config": {}}}"#);
        assert_eq!(config.unwrap(), Size::Tiny.config());
    }

    #[test]
    fn own_files_say_the_same_below_arch_or_not() {
        let large = Size::Large.config();
        let text = serde_json::to_string(&large).unwrap();
        assert_eq!(Sam2Config::from_json(&text).unwrap(), large);
        assert_eq!(Sam2Config::from_json(&format!(r#"{{"arch": {text}}}"#)).unwrap(), large);
    }

    #[test]
    fn what_is_not_built_is_named() {
        assert_eq!(field("no"), "config.json");
        assert_eq!(field("{}"), "arch");
        assert_eq!(field(r#"{"arch": {"q_pool": 2}}"#), "q_pool");
        let hub = |model: &str, trunk: &str| {
            field(&format!(r#"{{"model_type": "{model}", "vision_config": {{"backbone_config": {{{trunk}}}}}}}"#))
        };
        assert_eq!(hub("sam3", ""), "model_type");
        assert_eq!(hub("sam2_video", r#""embed_dim_per_stage": [96, 192, 384, 700]"#), "embed_dim_per_stage");
        assert_eq!(hub("sam2", r#""mlp_ratio": 3"#), "mlp_ratio");
        assert_eq!(hub("sam2", r#""image_size": [1024, 512]"#), "image_size");
        assert_eq!(hub("sam2", r#""blocks_per_stage": [1, 2]"#), "config.json");
    }
}
