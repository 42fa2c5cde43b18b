//! The sizes of nano, as the `config.json` of its architecture.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socio_models::qwen2_5_vl::{Config, Tokenizer};

use crate::TrainError;

/// The sizes of a small Qwen2.5-VL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Pixels of a picture's side, as the model sees it.
    pub side: u32,
    /// Pixels of a patch's side.
    pub patch: usize,
    /// Patches that are merged into a token, a side.
    pub merge: usize,
    /// Patches of an attention window's side.
    pub window: usize,
    /// Blocks of the vision tower.
    pub depth: usize,
    /// Blocks that see the whole picture.
    pub full: Vec<usize>,
    /// Width of the vision tower.
    pub vision: usize,
    /// Its feed-forward width.
    pub vision_inner: usize,
    /// Its heads.
    pub vision_heads: usize,
    /// Layers of the language model.
    pub layers: usize,
    /// Its width.
    pub hidden: usize,
    /// Its feed-forward width.
    pub inner: usize,
    /// Its heads.
    pub heads: usize,
    /// Its key heads.
    pub key_heads: usize,
    /// Base of its rotary wave lengths.
    pub theta: f64,
    /// How its frequencies are shared out among time, height and width.
    pub sections: [usize; 3],
}

impl Sizes {
    /// The `config.json`.
    ///
    /// # Errors
    /// When the tokenizer lacks a special token.
    pub fn json(&self, tokenizer: &Tokenizer) -> Result<Value, TrainError> {
        let special = |name: &str| tokenizer.special(name);
        Ok(json!({
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "model_type": "qwen2_5_vl",
            "image_token_id": special("<|image_pad|>")?,
            "vision_start_token_id": special("<|vision_start|>")?,
            "vision_end_token_id": special("<|vision_end|>")?,
            "bos_token_id": special("<|endoftext|>")?,
            "eos_token_id": special("<|im_end|>")?,
            "vocab_size": tokenizer.size(),
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_heads,
            "hidden_act": "silu",
            "max_position_embeddings": 2048,
            "rms_norm_eps": 1e-6,
            "rope_theta": self.theta,
            "rope_scaling": { "type": "mrope", "mrope_section": self.sections },
            "tie_word_embeddings": false,
            "use_sliding_window": false,
            "torch_dtype": "float16",
            "vision_config": {
                "model_type": "qwen2_5_vl",
                "depth": self.depth,
                "hidden_size": self.vision,
                "intermediate_size": self.vision_inner,
                "num_heads": self.vision_heads,
                "out_hidden_size": self.hidden,
                "patch_size": self.patch,
                "spatial_merge_size": self.merge,
                "temporal_patch_size": 1,
                "window_size": self.window * self.patch,
                "fullatt_block_indexes": self.full,
                "in_channels": 3,
                "hidden_act": "silu",
            },
        }))
    }

    /// The configuration.
    ///
    /// # Errors
    /// When no network can be built of the sizes.
    pub fn config(&self, tokenizer: &Tokenizer) -> Result<Config, TrainError> {
        Ok(Config::parse(&self.json(tokenizer)?.to_string())?)
    }

    /// Tokens of a picture's side.
    pub fn tokens(&self) -> usize {
        self.side as usize / (self.patch * self.merge)
    }
}
