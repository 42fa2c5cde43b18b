//! PP-OCRv5 as a [`MapReader`]: a text detector with its box decoding, a recogniser with CTC.
//!
//! The steps are PaddleOCR's PP-OCRv5 pipeline without line orientation and unwarping; `ci/fixtures/ocr.py` is their reference.
//! Images go in as blue, green, red, as PaddleOCR reads them.

mod detect;
mod recognise;
mod rectangle;

use std::path::Path;

use image::RgbImage;
use socio_backend::{BackendError, Label, MapReader};
use socio_dataset::hash;

use crate::Runtime;
use crate::graph::Graph;
use detect::detect;
use recognise::{Keys, recognise};
use socio_backend::resample::Plane;

/// Counts up when the steps change, so that runs do not mix.
const PROCESSING: &str = "ppocrv5-v1";
/// Texts the recogniser is less sure of are dropped: markers and edges that the detector took for text.
const LEAST_SCORE: f64 = 0.5;

/// The map reader.
pub struct PpOcr {
    detector: Graph,
    recogniser: Graph,
    keys: Keys,
    fingerprint: String,
}

impl PpOcr {
    /// Loads `ppocrv5_det.onnx`, `ppocrv5_rec.onnx` and `ppocr_keys_v5.txt` from a folder.
    ///
    /// # Errors
    /// When a file is missing or not what it should be.
    pub fn load(runtime: &Runtime, folder: &Path, threads: usize) -> Result<Self, BackendError> {
        let detector = Graph::load(runtime, &folder.join("ppocrv5_det.onnx"), &["x"], threads)?;
        let recogniser = Graph::load(runtime, &folder.join("ppocrv5_rec.onnx"), &["x"], threads)?;
        let keys = Keys::load(&folder.join("ppocr_keys_v5.txt"))?;
        let fingerprint = hash::FieldHasher::default()
            .field(detector.hash())
            .field(recogniser.hash())
            .field(&keys.hash)
            .field(PROCESSING)
            .hex(16);
        Ok(Self { detector, recogniser, keys, fingerprint })
    }
}

impl MapReader for PpOcr {
    fn name(&self) -> &'static str {
        "pp-ocrv5"
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn read(&self, map: &RgbImage) -> Result<Vec<Label>, BackendError> {
        let planes = planes(map);
        let mut labels = Vec::new();
        for corners in detect(&self.detector, &planes)? {
            let (text, score) = recognise(&self.recogniser, &self.keys, &planes, corners)?;
            let text = text.trim().to_owned();
            if !text.is_empty() && score >= LEAST_SCORE {
                labels.push(Label { text, score, corners });
            }
        }
        Ok(labels)
    }
}

/// The channels blue, green, red, values in `0..=255`.
fn planes(image: &RgbImage) -> [Plane; 3] {
    [2, 1, 0].map(|channel| Plane {
        width: image.width() as usize,
        height: image.height() as usize,
        values: image.pixels().map(|p| f32::from(p.0[channel])).collect(),
    })
}
