//! Models that answer at once and know nothing: what remains of a run's time with them is the harness's own.

use std::sync::Arc;

use image::RgbImage;
use socio_dataset::Mask;

use crate::{
    BackendError, Completion, Embedding, Label, MapReader, Prompt, Segment, Segmenter, SegmenterCaps, Vlm, VlmCaps,
    VlmReply, VlmRequest,
};

/// Answers every request with an empty list of objects.
pub struct NullVlm {
    caps: VlmCaps,
}

impl Default for NullVlm {
    fn default() -> Self {
        Self {
            caps: VlmCaps {
                name: "null".to_owned(),
                max_batch: usize::MAX,
                max_images: usize::MAX,
                square: None,
                log_probabilities: true,
                deterministic: true,
                fingerprint: "null".to_owned(),
            },
        }
    }
}

impl Vlm for NullVlm {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let answer = |request: &VlmRequest| Completion {
            log_probabilities: request.log_probabilities.then(Vec::new),
            gaps: request.log_probabilities.then(Vec::new),
            ..Completion::untold("<think></think><answer>[]</answer>".to_owned())
        };
        requests.iter().map(|r| Ok(VlmReply::untold(r.seeds.iter().map(|_| answer(r)).collect()))).collect()
    }
}

/// Gives every prompt an empty mask.
pub struct NullSegmenter {
    caps: SegmenterCaps,
}

impl Default for NullSegmenter {
    fn default() -> Self {
        let name = "null".to_owned();
        Self { caps: SegmenterCaps { fingerprint: name.clone(), name, boxes: true, points: true, deterministic: true } }
    }
}

impl Segmenter for NullSegmenter {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        Ok(Embedding::new(image.dimensions(), ()))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let empty = Segment { mask: Mask::new(embedding.size.0, embedding.size.1), score: None };
        Ok(vec![empty; prompts.len()])
    }
}

/// Reads nothing on any map.
#[derive(Default)]
pub struct NullReader;

impl MapReader for NullReader {
    fn name(&self) -> &'static str {
        "null"
    }

    fn fingerprint(&self) -> &'static str {
        "null"
    }

    fn read(&self, _map: &RgbImage) -> Result<Vec<Label>, BackendError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cancel, Sampling, conformance};

    #[test]
    fn null_models_pass_the_conformance_kit() {
        assert_eq!(conformance::segmenter(&NullSegmenter::default()), Vec::<String>::new());
        assert_eq!(conformance::vlm(&NullVlm::default()), Vec::<String>::new());
        assert_eq!(conformance::map_reader(&NullReader), Vec::<String>::new());
    }

    #[test]
    fn one_completion_a_seed() {
        let request = VlmRequest {
            images: vec![],
            text: "?".into(),
            sampling: Sampling::GREEDY,
            seeds: vec![1, 2, 3],
            log_probabilities: false,
            system: None,
            sample: String::new(),
            stage: String::new(),
            cancel: Cancel::default(),
        };
        let replies = NullVlm::default().ask(&[request]);
        assert_eq!(replies[0].as_ref().unwrap().completions.len(), 3);
    }
}
