//! The seam of promptable segmenters: embed an image once, prompt it as often as wanted.

use std::any::Any;
use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};
use socio_dataset::{Bbox, Mask, Point};

use crate::BackendError;

/// What marks one object: a box, points inside it, or both.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// The object's box in image pixels.
    #[serde(rename = "box", default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<Bbox>,
    /// Points on the object in image pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// Points beside the object in image pixels: SAM's label 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background: Vec<Point>,
}

impl Prompt {
    /// Whether it has points of either kind.
    pub fn has_points(&self) -> bool {
        !(self.points.is_empty() && self.background.is_empty())
    }
}

impl From<Bbox> for Prompt {
    fn from(bbox: Bbox) -> Self {
        Self { bbox: Some(bbox), ..Self::default() }
    }
}

/// The mask of one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Of the image's size.
    pub mask: Mask,
    /// The model's own estimate of the mask's IoU, in `0..=1` but for the model's errors.
    pub score: Option<f64>,
}

/// What a segmenter knows of an image; cloning shares it.
#[derive(Clone)]
pub struct Embedding {
    /// Width and height of the image.
    pub size: (u32, u32),
    inner: Arc<dyn Any + Send + Sync>,
}

impl Embedding {
    /// Wraps what a backend keeps of an image.
    pub fn new(size: (u32, u32), inner: impl Any + Send + Sync) -> Self {
        Self { size, inner: Arc::new(inner) }
    }

    /// What the backend put in.
    ///
    /// # Errors
    /// When the embedding is another backend's.
    pub fn get<T: 'static>(&self, backend: &str) -> Result<&T, BackendError> {
        self.inner.downcast_ref().ok_or_else(|| BackendError::Unsupported {
            backend: backend.to_owned(),
            what: "the embedding of another segmenter".to_owned(),
        })
    }
}

/// What a segmenter can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmenterCaps {
    /// The segmenter, as `lite-medsam`.
    pub name: String,
    /// Whether it takes boxes.
    pub boxes: bool,
    /// Whether it takes points.
    pub points: bool,
    /// Whether equal prompts get equal masks.
    pub deterministic: bool,
    /// Hash of what decides its masks (weights, version of the processing).
    pub fingerprint: String,
}

/// A promptable segmenter.
pub trait Segmenter: Send + Sync {
    /// What it can do.
    fn caps(&self) -> &SegmenterCaps;

    /// Looks at an image; the result serves both stages and every query on that image.
    ///
    /// # Errors
    /// When the model fails.
    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError>;

    /// One segment a prompt, in their order; a prompt's mask does not depend on the prompts beside it. A box that reaches over
    /// the border, lies outside or is reversed is taken as the model's own predictor takes it: SAM's encodes two corners,
    /// wherever they are; LiteMedSAM's window and a filled box are of the image, so that an empty mask comes of it there. A
    /// number that is not finite gives an empty mask.
    ///
    /// # Errors
    /// When a prompt is of a kind that the capabilities exclude, or the model fails.
    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError>;
}
