//! ONNX graphs behind the seams, through onnxruntime, which is loaded at run time.
//!
//! [`networks`] are Qwen2.5-VL and SAM 2 as graphs; [`LiteMedSam`] is a segmenter, [`PpOcr`] a map reader. Where onnxruntime is not there, [`Runtime::load`] says so in one
//! line; nothing here panics for it.

mod graph;
mod lite_medsam;
pub mod networks;
mod ppocr;
mod runtime;

pub use graph::{Array, Graph};
pub use lite_medsam::LiteMedSam;
pub use ppocr::PpOcr;
pub use runtime::Runtime;

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "ort";
