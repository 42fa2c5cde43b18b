//! LiteMedSAM as a [`Segmenter`]: a TinyViT encoder at 256 x 256 with SAM's prompt encoder and mask decoder.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use socio_backend::close_up::{self, CloseUpNetwork, CloseUps};
use socio_backend::{BackendError, Embedding, Prompt, Segment, Segmenter, SegmenterCaps};
use socio_dataset::hash;

use crate::graph::{Array, Graph};
use crate::{BACKEND, Runtime};

/// The encoder's input side in pixels.
const SIDE: usize = 256;

/// The segmenter.
pub struct LiteMedSam {
    encoder: Graph,
    decoder: Graph,
    caps: SegmenterCaps,
}

impl LiteMedSam {
    /// Loads `lite_medsam_encoder.onnx` and `lite_medsam_decoder.onnx` from a folder.
    ///
    /// # Errors
    /// When a file is missing or not that graph.
    pub fn load(runtime: &Runtime, folder: &Path, threads: usize) -> Result<Self, BackendError> {
        let encoder = Graph::load(runtime, &folder.join("lite_medsam_encoder.onnx"), &["image"], threads)?;
        let decoder = Graph::load(runtime, &folder.join("lite_medsam_decoder.onnx"), &["emb", "box"], threads)?;
        let fingerprint = hash::FieldHasher::default()
            .field(encoder.hash())
            .field(decoder.hash())
            .field(close_up::PROCESSING)
            .hex(16);
        let caps = SegmenterCaps {
            name: "lite-medsam".to_owned(),
            boxes: true,
            points: false,
            deterministic: true,
            fingerprint,
        };
        Ok(Self { encoder, decoder, caps })
    }
}

impl CloseUpNetwork<Array> for LiteMedSam {
    fn name(&self) -> &str {
        &self.caps.name
    }

    fn encode(&self, planes: Vec<f32>) -> Result<Array, BackendError> {
        const DOING: &str = "encoding an image";
        let input = Array { shape: vec![1, 3, SIDE, SIDE], values: planes };
        self.encoder.run(vec![("image", input)], DOING)?.into_iter().next().ok_or_else(|| nothing(DOING))
    }

    fn decode(&self, features: &Array, bbox: [f32; 4]) -> Result<(Vec<f32>, Option<f64>), BackendError> {
        const DOING: &str = "decoding a mask";
        let input = Array { shape: vec![1, 4], values: bbox.to_vec() };
        let mut outputs = self.decoder.run(vec![("emb", features.clone()), ("box", input)], DOING)?.into_iter();
        let logits = outputs.next().ok_or_else(|| nothing(DOING))?;
        Ok((logits.values, outputs.next().and_then(|a| a.values.first().copied()).map(f64::from)))
    }
}

impl Segmenter for LiteMedSam {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        Ok(Embedding::new(image.dimensions(), CloseUps::<Array>::new(image, SIDE)))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let seen: &CloseUps<Array> = embedding.get(&self.caps.name)?;
        prompts.iter().map(|p| seen.segment(p, self)).collect()
    }
}

fn nothing(doing: &'static str) -> BackendError {
    BackendError::Inference { backend: BACKEND.to_owned(), doing, why: "it gave no output".to_owned() }
}
