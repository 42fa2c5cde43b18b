//! Qwen2.5-VL: a vision tower, a language model, and what goes round them.
//!
//! Checked stage by stage against transformers 5.23 (`ci/fixtures_torch/qwen2_5_vl.py`).

mod cache;
mod chat;
mod config;
mod generate;
mod grid;
mod model;
mod picture;
mod rope;
mod sampler;
mod sizes;
mod text;
mod tokens;
mod trace;
mod vision;

pub use cache::Cache;
pub use chat::{Chat, Piece};
pub use config::{Config, TextConfig, VisionConfig};
pub use generate::{Drawn, Generated, Prompt, Settings, Stop, Times};
pub use grid::{Grid, Plan};
pub use model::{Qwen2_5Vl, published};
pub use picture::{Patches, PictureConfig, patches, smart_resize};
pub use rope::{Position, positions};
pub use sampler::{Choice, Sampler, uniform};
pub use sizes::Size;
pub use text::Text;
pub use tokens::Tokenizer;
pub use trace::Tap;
pub use vision::Vision;
