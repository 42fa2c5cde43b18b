//! The published sizes (`config.json` of `Qwen/Qwen2.5-VL-*-Instruct`), and a tiny one for trying things out.

use serde_json::{Value, json};

use super::Tokenizer;

/// A size of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// No published one: a few hundred thousand weights and a vocabulary of bytes.
    Tiny,
    /// 3 billion weights; SocioReasoner's.
    B3,
    /// 7 billion weights.
    B7,
    /// 32 billion weights.
    B32,
    /// 72 billion weights.
    B72,
}

/// What the published sizes differ in.
struct Numbers {
    vocabulary: usize,
    hidden: usize,
    intermediate: usize,
    layers: usize,
    heads: usize,
    key_heads: usize,
    tied: bool,
    vision_intermediate: usize,
}

impl Size {
    /// All, smallest first.
    pub const ALL: [Self; 5] = [Self::Tiny, Self::B3, Self::B7, Self::B32, Self::B72];

    /// As options spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::B3 => "3b",
            Self::B7 => "7b",
            Self::B32 => "32b",
            Self::B72 => "72b",
        }
    }

    fn numbers(self) -> Numbers {
        let n =
            |vocabulary, [hidden, intermediate, layers, heads, key_heads]: [usize; 5], tied, vision_intermediate| {
                Numbers { vocabulary, hidden, intermediate, layers, heads, key_heads, tied, vision_intermediate }
            };
        match self {
            Self::Tiny => n(Tokenizer::BYTES.next_multiple_of(64), [64, 128, 2, 4, 2], true, 64),
            Self::B3 => n(151_936, [2048, 11_008, 36, 16, 2], true, 3420),
            Self::B7 => n(152_064, [3584, 18_944, 28, 28, 4], false, 3420),
            Self::B32 => n(152_064, [5120, 27_648, 64, 40, 8], false, 3456),
            Self::B72 => n(152_064, [8192, 29_568, 80, 64, 8], false, 3456),
        }
    }

    /// Its `config.json`.
    pub fn json(self) -> Value {
        let n = self.numbers();
        let tiny = self == Self::Tiny;
        // Qwen's own ids, or those of the tokenizer of bytes.
        let id = |own: usize, bytes: usize| if tiny { 256 + bytes } else { own };
        let half = n.hidden / n.heads / 2;
        json!({
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "model_type": "qwen2_5_vl",
            "bos_token_id": id(151_643, 0),
            "eos_token_id": id(151_645, 2),
            "vision_start_token_id": id(151_652, 3),
            "vision_end_token_id": id(151_653, 4),
            "image_token_id": id(151_655, 5),
            "hidden_act": "silu",
            "vocab_size": n.vocabulary,
            "hidden_size": n.hidden,
            "intermediate_size": n.intermediate,
            "num_hidden_layers": n.layers,
            "num_attention_heads": n.heads,
            "num_key_value_heads": n.key_heads,
            "max_position_embeddings": 128_000,
            "rms_norm_eps": 1e-6,
            "rope_theta": 1_000_000.0,
            "rope_scaling": { "type": "mrope", "mrope_section": [half - 2 * (half * 3 / 8), half * 3 / 8, half * 3 / 8] },
            "tie_word_embeddings": n.tied,
            "use_sliding_window": false,
            "torch_dtype": "bfloat16",
            "vision_config": {
                "depth": if tiny { 4 } else { 32 },
                "hidden_act": "silu",
                "hidden_size": if tiny { 32 } else { 1280 },
                "intermediate_size": n.vision_intermediate,
                "num_heads": if tiny { 2 } else { 16 },
                "in_chans": 3,
                "out_hidden_size": n.hidden,
                "patch_size": 14,
                "spatial_merge_size": 2,
                "temporal_patch_size": 2,
                "tokens_per_second": 2,
                "window_size": 112,
                "fullatt_block_indexes": if tiny { json!([1, 3]) } else { json!([7, 15, 23, 31]) },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ghost::{Asked, Ghost};
    use crate::qwen2_5_vl::{Config, Qwen2_5Vl};
    use crate::{DType, Vars};

    /// Weights of the whole network, counted as the model cards' safetensors do.
    fn count(size: Size) -> usize {
        let config = Config::parse(&size.json().to_string()).unwrap();
        let asked = Asked::default();
        Qwen2_5Vl::new(&config, &Vars::<Ghost>::new(&asked, DType::F32, &())).unwrap();
        asked.weights().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    #[test]
    fn every_size_has_as_many_weights_as_the_hub_says() {
        assert_eq!(Config::parse(&Size::B3.json().to_string()).unwrap().text.sections, [16, 24, 24]);
        // The hub's own counts, in thousands of millions.
        for (size, billions) in [(Size::B3, 3.75), (Size::B7, 8.29), (Size::B32, 33.45), (Size::B72, 73.41)] {
            let found = count(size) as f64 / 1e9;
            assert!((found - billions).abs() < 0.01, "{}: {found}", size.name());
        }
        assert!(count(Size::Tiny) < 500_000);
    }
}
