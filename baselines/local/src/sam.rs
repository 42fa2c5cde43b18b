//! SAM 1 and SAM 2 as a [`Segmenter`].

use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;
use socio_backend::{BackendError, Embedding, Prompt, Segment, Segmenter, SegmenterCaps};
use socio_dataset::Mask;
use socio_dataset::pillow::{self, Filter};
use socio_models::sam::Family;
use socio_models::sam::decoder::{Features, Masks};
use socio_models::sam::frame::{self, Frame};
use socio_models::sam::prompt::{Click, Prompt as Marks};
use socio_models::sam::sam1::Sam1;
use socio_models::sam::sam2::Sam2;
use socio_models::{ModelError, Tensor};

use crate::place::Place;
use crate::told::told;

/// Counts up when the steps round the network change, so that runs do not mix.
const PROCESSING: &str = "predictor-v2";

/// A SAM of either family.
pub enum Network<T> {
    /// SAM 1, MobileSAM.
    Sam1(Box<Sam1<T>>),
    /// SAM 2, SAM 2.1.
    Sam2(Box<Sam2<T>>),
}

impl<T: Tensor> Network<T> {
    fn family(&self) -> Family {
        match self {
            Self::Sam1(_) => Family::Sam1,
            Self::Sam2(_) => Family::Sam2,
        }
    }

    fn side(&self) -> usize {
        match self {
            Self::Sam1(n) => n.side(),
            Self::Sam2(n) => n.side(),
        }
    }

    fn mask_side(&self) -> usize {
        match self {
            Self::Sam1(n) => n.mask_side(),
            Self::Sam2(n) => n.mask_side(),
        }
    }

    fn encode(&self, pixels: &T) -> Result<Features<T>, ModelError> {
        match self {
            Self::Sam1(n) => n.encode(pixels),
            Self::Sam2(n) => n.encode(pixels),
        }
    }

    /// Three masks of different extents, as both predictors ask for by default.
    fn decode(&self, features: &Features<T>, marks: Marks) -> Result<Masks<T>, ModelError> {
        match self {
            Self::Sam1(n) => n.decode(features, &[marks], None, true),
            Self::Sam2(n) => n.decode(features, &[marks], None, true),
        }
    }
}

/// A SAM as a [`Segmenter`]: an image is encoded once, whatever is asked of it.
pub struct SamSegmenter<T: Tensor> {
    network: Mutex<Network<T>>,
    family: Family,
    side: usize,
    mask_side: usize,
    place: Place<T>,
    caps: SegmenterCaps,
}

/// An image as the network sees it.
struct Seen<T> {
    frame: Frame,
    // A library's tensors need not be shareable between threads, but an embedding is.
    features: Mutex<Features<T>>,
}

impl<T: Tensor> SamSegmenter<T> {
    /// `name` as tables name it; `weights` a hash of the weights, `configuration` what the network was built from.
    pub fn new(name: &str, network: Network<T>, (weights, configuration): (&str, &str), place: Place<T>) -> Self {
        let caps = SegmenterCaps {
            name: format!("{}:{name}", place.library),
            boxes: true,
            points: true,
            deterministic: true,
            fingerprint: place.fingerprint(weights, configuration, PROCESSING),
        };
        let (family, side, mask_side) = (network.family(), network.side(), network.mask_side());
        Self { network: Mutex::new(network), family, side, mask_side, place, caps }
    }

    fn look(&self, image: &RgbImage) -> Result<Seen<T>, ModelError> {
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
        // Lent out whole, since a library's tensors need not be shareable between threads.
        let network: &mut Network<T> = &mut network;
        let features = self.place.run(move || {
            let pixels = T::new(pixels, &[1, 3, self.side, self.side], self.place.compute, &self.place.device)?;
            network.encode(&pixels)
        })?;
        Ok(Seen { frame, features: Mutex::new(features) })
    }

    /// The mask of one prompt: asked alone, so that it does not depend on the prompts beside it.
    fn segment(&self, seen: &Seen<T>, size: (u32, u32), prompt: &Prompt) -> Result<Segment, ModelError> {
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
        let (network, features): (&mut Network<T>, &mut Features<T>) = (&mut network, &mut features);
        let (iou, logits) = self.place.run(move || {
            let masks = network.decode(features, Marks { bbox, points })?;
            let iou = masks.iou.values()?;
            let best = frame::best(&iou);
            let logits = masks.logits.narrow(1, best, 1)?.values()?;
            Ok::<_, ModelError>((iou[best], logits))
        })?;
        let inside = frame.mask(&logits, self.mask_side)?;
        let mask = Mask::from_fn(width, height, |x, y| inside[y as usize * width as usize + x as usize]);
        Ok(Segment { mask, score: Some(f64::from(iou)) })
    }
}

impl<T: Tensor> Segmenter for SamSegmenter<T> {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        let seen = self.look(image).map_err(told(&self.caps.name, "encoding an image"))?;
        Ok(Embedding::new(image.dimensions(), seen))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let seen: &Seen<T> = embedding.get(&self.caps.name)?;
        let segments = prompts.iter().map(|p| self.segment(seen, embedding.size, p));
        segments.collect::<Result<_, _>>().map_err(told(&self.caps.name, "decoding a mask"))
    }
}
