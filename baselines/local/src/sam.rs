//! SAM 1 and SAM 2 as a [`Segmenter`].

use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;
use socio_backend::{BackendError, Embedding, Prompt, Segment, Segmenter, SegmenterCaps};
use socio_dataset::Mask;
use socio_dataset::pillow::{self, Filter};
use socio_models::ModelError;
use socio_models::sam::frame::Frame;
use socio_models::sam::prompt::{Click, Prompt as Marks};
use socio_models::sam::{Family, Promptable};

use crate::told::told;
use crate::vlm::Identity;

/// Counts up when the steps round the network change, so that runs do not mix.
const PROCESSING: &str = "predictor-v2";

/// A SAM as a [`Segmenter`]: an image is encoded once, whatever is asked of it.
pub struct SamSegmenter<P> {
    network: Mutex<P>,
    family: Family,
    side: usize,
    mask_side: usize,
    caps: SegmenterCaps,
}

/// An image as the network sees it.
struct Seen<S> {
    frame: Frame,
    // A library's tensors need not be shareable between threads, but an embedding is.
    features: Mutex<S>,
}

impl<P: Promptable> SamSegmenter<P> {
    /// `configuration` is what the network was built from.
    pub fn new(network: P, identity: &Identity<'_>, configuration: &str) -> Self {
        let caps = SegmenterCaps {
            name: format!("{}:{}", identity.library, identity.name),
            boxes: true,
            points: true,
            deterministic: true,
            fingerprint: identity.fingerprint(configuration, PROCESSING),
        };
        let (family, side, mask_side) = (network.family(), network.side(), network.mask_side());
        Self { network: Mutex::new(network), family, side, mask_side, caps }
    }

    fn look(&self, image: &RgbImage) -> Result<Seen<P::Seen>, ModelError> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let frame = Frame::new(self.family, width, height, self.side)?;
        let pixels = match self.family {
            Family::Sam2 => frame.pixels(image.as_raw())?,
            Family::Sam1 => {
                let (w, h) = frame.content();
                let scaled = pillow::resize(image, w as u32, h as u32, Filter::Bilinear)
                    .map_err(|e| ModelError::Input(e.to_string()))?;
                frame.pixels(scaled.as_raw())?
            }
        };
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let features = network.encode(pixels)?;
        Ok(Seen { frame, features: Mutex::new(features) })
    }

    /// The mask of one prompt: asked alone, so that it does not depend on the prompts beside it.
    fn segment(&self, seen: &Seen<P::Seen>, size: (u32, u32), prompt: &Prompt) -> Result<Segment, ModelError> {
        let (width, height) = size;
        let empty = Segment { mask: Mask::new(width, height), score: None };
        let frame = seen.frame;
        let bbox = prompt.bbox.map(|b| {
            let [[x0, y0], [x1, y1]] = [frame.point([b.x0, b.y0]), frame.point([b.x1, b.y1])];
            [x0, y0, x1, y1]
        });
        let click = |on: bool| move |p: &socio_dataset::Point| Click { at: frame.point([p.x, p.y]), on };
        let points: Vec<Click> =
            prompt.points.iter().map(click(true)).chain(prompt.background.iter().map(click(false))).collect();
        // What is not finite in 32 bits makes every logit of the reference nothing, and no pixel of it is set.
        let finite = bbox.iter().flatten().chain(points.iter().flat_map(|c| &c.at)).all(|v| v.is_finite());
        if !finite || (bbox.is_none() && points.is_empty()) {
            return Ok(empty);
        }
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let mut features = seen.features.lock().unwrap_or_else(PoisonError::into_inner);
        let (iou, logits) = network.best(&mut features, Marks { bbox, points })?;
        let inside = frame.mask(&logits, self.mask_side)?;
        let mask = Mask::from_fn(width, height, |x, y| inside[y as usize * width as usize + x as usize]);
        Ok(Segment { mask, score: Some(f64::from(iou)) })
    }
}

impl<P: Promptable> Segmenter for SamSegmenter<P> {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        let seen = self.look(image).map_err(told(&self.caps.name, "encoding an image"))?;
        Ok(Embedding::new(image.dimensions(), seen))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let seen: &Seen<P::Seen> = embedding.get(&self.caps.name)?;
        let segments = prompts.iter().map(|p| self.segment(seen, embedding.size, p));
        segments.collect::<Result<_, _>>().map_err(told(&self.caps.name, "decoding a mask"))
    }
}
