//! The family's `config.json`, in the form that is published and in the nested one that transformers 5 writes.

use std::path::Path;

use serde::Deserialize;

use crate::{ModelError, Result};

/// A Qwen2.5-VL of any size.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The vision tower.
    pub vision: VisionConfig,
    /// The language model.
    pub text: TextConfig,
    /// The token that stands for one merged patch of an image.
    pub image_token: u32,
    /// The token before an image's patches.
    pub vision_start: u32,
    /// The token after an image's patches.
    pub vision_end: u32,
}

/// The vision tower's sizes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct VisionConfig {
    /// Blocks.
    pub depth: usize,
    /// Width of a patch's vector.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Attention heads.
    pub num_heads: usize,
    /// Width of a merged patch's vector: the language model's.
    pub out_hidden_size: usize,
    /// Side of a patch in pixels.
    #[serde(default = "fourteen")]
    pub patch_size: usize,
    /// Patches that are merged into one token, a side.
    #[serde(default = "two")]
    pub spatial_merge_size: usize,
    /// Frames in a patch; a single image is given twice.
    #[serde(default = "two")]
    pub temporal_patch_size: usize,
    /// Side of an attention window in pixels.
    #[serde(default = "window")]
    pub window_size: usize,
    /// Blocks that attend to the whole image.
    #[serde(default = "full_attention")]
    pub fullatt_block_indexes: Vec<usize>,
    /// Colour channels.
    #[serde(default = "three", alias = "in_chans")]
    pub in_channels: usize,
}

/// The language model's sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct TextConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads, each shared by `heads / key_heads` query heads.
    pub key_heads: usize,
    /// Added under the root of the norms.
    pub eps: f32,
    /// Base of the rotary embedding's wave lengths.
    pub rope_theta: f64,
    /// Frequencies that turn by time, height and width; their sum is half a head.
    pub sections: [usize; 3],
    /// Whether the output layer is the token embedding.
    pub tied: bool,
    /// Positions that the model was trained for.
    pub max_positions: usize,
}

fn two() -> usize {
    2
}

fn three() -> usize {
    3
}

fn fourteen() -> usize {
    14
}

fn window() -> usize {
    112
}

fn full_attention() -> Vec<usize> {
    vec![7, 15, 23, 31]
}

/// The file: text fields lie at the top, or in `text_config`.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    model_type: String,
    vision_config: serde_json::Value,
    text_config: Option<serde_json::Value>,
    image_token_id: u32,
    #[serde(default = "vision_start")]
    vision_start_token_id: u32,
    #[serde(default = "vision_end")]
    vision_end_token_id: u32,
    tie_word_embeddings: Option<bool>,
}

fn vision_start() -> u32 {
    151_652
}

fn vision_end() -> u32 {
    151_653
}

#[derive(Deserialize)]
struct Text {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    #[serde(default = "eps")]
    rms_norm_eps: f32,
    rope_theta: Option<f64>,
    rope_scaling: Option<Rope>,
    rope_parameters: Option<Rope>,
    tie_word_embeddings: Option<bool>,
    #[serde(default = "positions")]
    max_position_embeddings: usize,
    #[serde(default)]
    use_sliding_window: bool,
}

fn eps() -> f32 {
    1e-6
}

fn positions() -> usize {
    128_000
}

#[derive(Deserialize)]
struct Rope {
    mrope_section: Vec<usize>,
    rope_theta: Option<f64>,
}

impl Config {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// When the file is missing, is no such configuration, or describes a network that cannot be built.
    pub fn read(path: &Path) -> Result<Self> {
        let file = |why: String| ModelError::File { path: path.to_owned(), why };
        let text = std::fs::read_to_string(path).map_err(|e| file(e.to_string()))?;
        Self::parse(&text).map_err(|e| file(e.to_string()))
    }

    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// When it is no such configuration, or describes a network that cannot be built.
    pub fn parse(text: &str) -> Result<Self> {
        let json = |e: serde_json::Error| ModelError::Config { field: "config.json".to_owned(), why: e.to_string() };
        let whole: serde_json::Value = serde_json::from_str(text).map_err(json)?;
        let file: File = serde_json::from_value(whole.clone()).map_err(json)?;
        if file.model_type != "qwen2_5_vl" {
            return Err(bad("model_type", format!("is `{}`; a Qwen2.5-VL has `qwen2_5_vl`", file.model_type)));
        }
        let vision: VisionConfig = serde_json::from_value(without_twin(file.vision_config)).map_err(json)?;
        let text: Text = serde_json::from_value(file.text_config.unwrap_or(whole)).map_err(json)?;
        let rope = text.rope_scaling.or(text.rope_parameters);
        let rope =
            rope.ok_or_else(|| bad("rope_scaling", "is missing (transformers 5 calls it rope_parameters)".to_owned()))?;
        let sections: [usize; 3] = rope.mrope_section.as_slice().try_into().map_err(|_| {
            bad(
                "mrope_section",
                format!("has {} parts; there are three: time, height, width", rope.mrope_section.len()),
            )
        })?;
        let config = Self {
            vision,
            text: TextConfig {
                vocab_size: text.vocab_size,
                hidden_size: text.hidden_size,
                intermediate_size: text.intermediate_size,
                layers: text.num_hidden_layers,
                heads: text.num_attention_heads,
                key_heads: text.num_key_value_heads,
                eps: text.rms_norm_eps,
                rope_theta: text.rope_theta.or(rope.rope_theta).unwrap_or(1e6),
                sections,
                tied: file.tie_word_embeddings.or(text.tie_word_embeddings).unwrap_or(false),
                max_positions: text.max_position_embeddings,
            },
            image_token: file.image_token_id,
            vision_start: file.vision_start_token_id,
            vision_end: file.vision_end_token_id,
        };
        if text.use_sliding_window {
            return Err(bad(
                "use_sliding_window",
                "is true; no published Qwen2.5-VL uses one, and none is built here".to_owned(),
            ));
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let (v, t) = (&self.vision, &self.text);
        let sizes = [
            ("vision_config.depth", v.depth),
            ("vision_config.hidden_size", v.hidden_size),
            ("vision_config.intermediate_size", v.intermediate_size),
            ("vision_config.num_heads", v.num_heads),
            ("vision_config.patch_size", v.patch_size),
            ("vision_config.spatial_merge_size", v.spatial_merge_size),
            ("vision_config.temporal_patch_size", v.temporal_patch_size),
            ("vision_config.in_channels", v.in_channels),
            ("vocab_size", t.vocab_size),
            ("hidden_size", t.hidden_size),
            ("intermediate_size", t.intermediate_size),
            ("num_hidden_layers", t.layers),
            ("num_attention_heads", t.heads),
            ("num_key_value_heads", t.key_heads),
        ];
        // Far above every published size; products of two of them stay far below what a usize holds.
        if let Some((field, size)) = sizes.into_iter().find(|(_, s)| *s == 0 || *s > 1 << 20) {
            return Err(bad(field, format!("is {size}; expected 1 to {}", 1 << 20)));
        }
        let small = [v.patch_size, v.spatial_merge_size, v.temporal_patch_size, v.in_channels];
        if small.iter().any(|n| *n > 1 << 10) {
            return Err(bad("vision_config.patch_size", format!("or one of its kin is beyond {}: {small:?}", 1 << 10)));
        }
        if !v.hidden_size.is_multiple_of(v.num_heads) || !(v.hidden_size / v.num_heads).is_multiple_of(4) {
            return Err(bad(
                "vision_config.num_heads",
                "does not cut hidden_size into heads of a multiple of 4".to_owned(),
            ));
        }
        if v.out_hidden_size != t.hidden_size {
            return Err(bad(
                "vision_config.out_hidden_size",
                format!("is {}, the language model's hidden_size {}", v.out_hidden_size, t.hidden_size),
            ));
        }
        if v.window_size < v.patch_size * v.spatial_merge_size {
            return Err(bad("vision_config.window_size", "is smaller than a merged patch".to_owned()));
        }
        if !t.hidden_size.is_multiple_of(t.heads) || !t.head().is_multiple_of(2) {
            return Err(bad("num_attention_heads", "does not cut hidden_size into even heads".to_owned()));
        }
        if !t.heads.is_multiple_of(t.key_heads) {
            return Err(bad("num_key_value_heads", "does not divide num_attention_heads".to_owned()));
        }
        if t.sections.iter().try_fold(0usize, |a, b| a.checked_add(*b)) != Some(t.head() / 2) {
            return Err(bad("mrope_section", format!("adds up to other than half a head, {}", t.head() / 2)));
        }
        if self.image_token as usize >= t.vocab_size {
            return Err(bad("image_token_id", format!("is {}, beyond vocab_size", self.image_token)));
        }
        Ok(())
    }
}

impl TextConfig {
    /// Width of a head.
    pub fn head(&self) -> usize {
        self.hidden_size / self.heads
    }
}

impl VisionConfig {
    /// Values of a patch.
    pub fn patch(&self) -> usize {
        self.in_channels * self.temporal_patch_size * self.patch_size * self.patch_size
    }
}

fn bad(field: &str, why: String) -> ModelError {
    ModelError::Config { field: field.to_owned(), why }
}

/// transformers 5 writes both spellings of the number of channels; one of them is enough.
fn without_twin(mut vision: serde_json::Value) -> serde_json::Value {
    if let Some(fields) = vision.as_object_mut().filter(|f| f.contains_key("in_channels")) {
        fields.remove("in_chans");
    }
    vision
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"model_type": "qwen2_5_vl", "image_token_id": 5, "vocab_size": 10, "hidden_size": 16, "intermediate_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "rope_theta": 10.0,
        "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
        "vision_config": {"depth": 1, "hidden_size": 8, "intermediate_size": 8, "num_heads": 1, "out_hidden_size": 16}}"#;

    #[test]
    fn a_small_one_is_read_with_the_published_defaults() {
        let config = Config::parse(SMALL).unwrap();
        assert_eq!((config.vision.patch_size, config.vision.window_size, config.vision.patch()), (14, 112, 1176));
        assert_eq!((config.text.head(), config.text.sections, config.text.tied), (8, [1, 1, 2], false));
        assert_eq!(config.vision_start, 151_652);
    }

    #[test]
    fn what_cannot_be_built_is_told_by_its_field() {
        for (from, to, field) in [
            ("\"hidden_size\": 16", "\"hidden_size\": 0", "hidden_size"),
            ("[1, 1, 2]", "[1, 1, 1]", "mrope_section"),
            ("[1, 1, 2]", "[1, 2]", "mrope_section"),
            ("\"num_key_value_heads\": 1", "\"num_key_value_heads\": 3", "num_key_value_heads"),
            ("\"depth\": 1", "\"depth\": 99999999999", "vision_config.depth"),
            ("\"out_hidden_size\": 16", "\"out_hidden_size\": 17", "out_hidden_size"),
            ("qwen2_5_vl", "qwen3_vl", "model_type"),
            ("\"image_token_id\": 5", "\"image_token_id\": 10", "image_token_id"),
        ] {
            let error = Config::parse(&SMALL.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(field), "{to}: {error}");
        }
    }
}
