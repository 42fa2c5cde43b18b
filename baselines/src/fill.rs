//! The simplest segmenter: it fills its boxes.

use std::sync::Arc;

use image::RgbImage;
use socio_backend::{BackendError, Embedding, Prompt, Segment, Segmenter, SegmenterCaps};
use socio_dataset::Mask;

/// Fills each box; without a box, a prompt's points are set, one pixel each. What a box is worth by itself.
pub struct FillSegmenter {
    caps: SegmenterCaps,
}

impl Default for FillSegmenter {
    fn default() -> Self {
        let caps = SegmenterCaps {
            name: "fill".to_owned(),
            boxes: true,
            points: true,
            deterministic: true,
            fingerprint: "fill-v1".to_owned(),
        };
        Self { caps }
    }
}

impl Segmenter for FillSegmenter {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        Ok(Embedding::new(image.dimensions(), ()))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let (width, height) = embedding.size;
        let fill = |prompt: &Prompt| {
            let mut mask = Mask::new(width, height);
            match prompt.bbox {
                Some(bbox) if bbox.is_proper() => mask = Mask::from_bbox(width, height, bbox),
                Some(_) => {}
                None => {
                    for p in prompt.points.iter().filter(|p| p.x >= 0.0 && p.y >= 0.0) {
                        mask.set(p.x as u32, p.y as u32, true);
                    }
                }
            }
            Segment { mask, score: None }
        };
        Ok(prompts.iter().map(fill).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_passes_the_conformance_kit() {
        assert_eq!(socio_backend::conformance::segmenter(&FillSegmenter::default()), Vec::<String>::new());
    }
}
