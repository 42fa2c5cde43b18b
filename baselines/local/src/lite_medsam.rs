//! LiteMedSAM, a SAM 1 at 256 x 256 that looks through windows, as a [`Segmenter`].

use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;
use socio_backend::close_up::{self, CloseUpNetwork, CloseUps};
use socio_backend::{BackendError, Embedding, Prompt, Segment, Segmenter, SegmenterCaps};
use socio_models::sam::decoder::Features;
use socio_models::sam::prompt::Prompt as Marks;
use socio_models::sam::sam1::Sam1;
use socio_models::{ModelError, Tensor};

use crate::place::Place;
use crate::told::told;
use crate::vlm::Identity;

/// LiteMedSAM as a [`Segmenter`].
pub struct LiteMedSam<T: Tensor> {
    network: Mutex<Sam1<T>>,
    side: usize,
    place: Place<T>,
    caps: SegmenterCaps,
}

/// A library's tensors need not be shareable between threads, but an embedding is.
struct Shared<T>(Mutex<Features<T>>);

impl<T: Tensor> LiteMedSam<T> {
    /// `configuration` is what the network was built from.
    pub fn new(network: Sam1<T>, identity: &Identity<'_>, configuration: &str, place: Place<T>) -> Self {
        let caps = SegmenterCaps {
            name: format!("{}:lite-medsam", place.library),
            boxes: true,
            points: false,
            deterministic: true,
            fingerprint: identity.fingerprint(configuration, close_up::PROCESSING),
        };
        let side = network.side();
        Self { network: Mutex::new(network), side, place, caps }
    }
}

impl<T: Tensor> CloseUpNetwork<Shared<T>> for LiteMedSam<T> {
    fn name(&self) -> &str {
        &self.caps.name
    }

    fn encode(&self, planes: Vec<f32>) -> Result<Shared<T>, BackendError> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        // Lent out whole, since a library's tensors need not be shareable between threads.
        let network: &mut Sam1<T> = &mut network;
        let features = self.place.run(move || {
            let pixels = T::new(planes, &[1, 3, self.side, self.side], self.place.compute, &self.place.device)?;
            network.encode(&pixels)
        });
        Ok(Shared(Mutex::new(features.map_err(told(&self.caps.name, "encoding an image"))?)))
    }

    fn decode(&self, features: &Shared<T>, bbox: [f32; 4]) -> Result<(Vec<f32>, Option<f64>), BackendError> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let mut features = features.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (network, features): (&mut Sam1<T>, &mut Features<T>) = (&mut network, &mut features);
        let answer = self.place.run(move || {
            let marks = Marks { bbox: Some(bbox), points: Vec::new() };
            // One mask: the network was trained on that token alone.
            let masks = network.decode(features, &[marks], None, false)?;
            Ok::<_, ModelError>((masks.logits.values()?, masks.iou.values()?.first().copied().map(f64::from)))
        });
        answer.map_err(told(&self.caps.name, "decoding a mask"))
    }
}

impl<T: Tensor> Segmenter for LiteMedSam<T> {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        Ok(Embedding::new(image.dimensions(), CloseUps::<Shared<T>>::new(image, self.side)))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let seen: &CloseUps<Shared<T>> = embedding.get(&self.caps.name)?;
        prompts.iter().map(|p| seen.segment(p, self)).collect()
    }
}
