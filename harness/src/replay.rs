//! Models that answer from a recorded run: another method's or profile's question costs no model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;
use socio_backend::{
    BackendError, Completion, Embedding, Prompt, Segment, Segmenter, SegmenterCaps, Vlm, VlmCaps, VlmReply, VlmRequest,
};
use socio_dataset::{Rle, hash};
use socio_record::{Object, Run, RunError};

/// Gives the masks that a run's prompts got on the same satellite image.
pub struct ReplaySegmenter {
    caps: SegmenterCaps,
    run: PathBuf,
    /// By satellite pixels and prompt.
    masks: BTreeMap<(String, String), (Rle, Option<f64>)>,
}

/// What prompted the segmenter for a recorded object.
pub fn prompt_of(object: &Object) -> Prompt {
    Prompt { bbox: object.bbox, points: object.points.clone(), background: object.background.clone() }
}

fn key(prompt: &Prompt) -> String {
    serde_json::to_string(prompt).unwrap_or_default()
}

impl ReplaySegmenter {
    /// Reads a run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let run = Run::open(path)?;
        let mut masks = BTreeMap::new();
        let mut points_recorded = false;
        for record in run.records.values() {
            for (stage, object) in record.stages.iter().flat_map(|s| s.objects.iter().map(move |o| (s, o))) {
                // What was prompted is the stage's own picture, where it has one.
                let pixels = stage.frame.as_ref().map(|f| &f.pixels).or(record.satellite.as_ref());
                let Some(satellite) = pixels else { continue };
                let prompt = prompt_of(object);
                points_recorded |= prompt.has_points();
                masks.entry((satellite.clone(), key(&prompt))).or_insert((object.mask.clone(), object.score));
            }
        }
        Ok(Self {
            caps: SegmenterCaps {
                name: format!("replay:{}", path.display()),
                boxes: true,
                // A run without any was of a segmenter that takes none, or of a model that gave none.
                points: points_recorded,
                deterministic: true,
                fingerprint: format!("replay of {}", run.manifest.id),
            },
            run: path.to_owned(),
            masks,
        })
    }
}

impl Segmenter for ReplaySegmenter {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        Ok(Embedding::new(image.dimensions(), hash::shared_pixels(image)))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let satellite: &String = embedding.get(&self.caps.name)?;
        let recorded = |prompt: &Prompt| {
            let not_there = |what| BackendError::NotRecorded { run: self.run.clone(), what };
            let (rle, score) = self
                .masks
                .get(&(satellite.clone(), key(prompt)))
                .ok_or_else(|| not_there(format!("prompt {} on this satellite image", key(prompt))))?;
            let mask = rle.to_mask().map_err(|e| not_there(e.to_string()))?;
            Ok(Segment { mask, score: *score })
        };
        prompts.iter().map(recorded).collect()
    }
}

/// Gives the texts that a run's requests got.
pub struct ReplayVlm {
    caps: VlmCaps,
    run: PathBuf,
    texts: BTreeMap<String, String>,
}

impl ReplayVlm {
    /// Reads a run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let run = Run::open(path)?;
        let stages = run.records.values().flat_map(|r| &r.stages);
        let texts = stages.filter_map(|s| Some((s.request.clone()?, s.text.clone()?))).collect();
        let sight = run.manifest.method.parameters.get("sight");
        let square = sight.filter(|s| s.get("cut_whole").is_some()).and_then(|s| s.get("width")?.as_u64());
        Ok(Self {
            caps: VlmCaps {
                name: format!("replay:{}", path.display()),
                max_batch: usize::MAX,
                max_images: usize::MAX,
                square: square.and_then(|side| u32::try_from(side).ok()),
                log_probabilities: false,
                deterministic: true,
                fingerprint: format!("replay of {}", run.manifest.id),
            },
            run: path.to_owned(),
            texts,
        })
    }
}

impl Vlm for ReplayVlm {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let draw = |request: &VlmRequest, seed: u64| {
            let key = request.key(seed);
            let text = self
                .texts
                .get(&key)
                .ok_or_else(|| BackendError::NotRecorded { run: self.run.clone(), what: format!("request {key}") })?;
            Ok(Completion::untold(text.clone()))
        };
        let reply = |request: &VlmRequest| {
            let completions = request.seeds.iter().map(|s| draw(request, *s)).collect::<Result<_, _>>()?;
            Ok(VlmReply::untold(completions))
        };
        requests.iter().map(reply).collect()
    }
}
