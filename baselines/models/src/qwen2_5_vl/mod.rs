//! Qwen2.5-VL: a vision tower, a language model, and what goes round them.
//!
//! Checked stage by stage against transformers 5.23 (`ci/fixtures_torch/qwen2_5_vl.py`).

mod cache;
mod chat;
mod config;
mod decoder;
mod generate;
mod grid;
mod memory;
mod model;
mod picture;
mod reading;
mod rope;
mod rows;
mod sampler;
mod sizes;
mod text;
mod tokens;
mod trace;
mod vision;

pub use cache::{Cache, Place};
pub use chat::{Chat, Piece};
pub use config::{Config, TextConfig, VisionConfig};
pub use decoder::{Decoder, Stretch};
pub use generate::{Generated, Prompt, Times, generate};
pub use grid::{Grid, Plan};
pub use memory::{Beginning, Behind, Memory};
pub use model::{Qwen2_5Vl, published};
pub use picture::{Patches, PictureConfig, patches, smart_resize};
pub use reading::Reading;
pub use rope::{Position, positions};
pub use rows::{Drawn, Prefilled, Rows, Settings, Stop};
pub use sampler::{Choice, Sampler, uniform};
pub use sizes::Size;
pub use text::Text;
pub use tokens::Tokenizer;
pub use trace::Tap;
pub use vision::Vision;
