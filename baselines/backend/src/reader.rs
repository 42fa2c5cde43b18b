//! The seam of map readers: the labels on a digital map.

use image::RgbImage;
use serde::{Deserialize, Serialize};
use socio_dataset::{Bbox, Point};

use crate::BackendError;

/// A label that was read on a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// Its text.
    pub text: String,
    /// How sure the reader is of the text, in `0..=1`.
    pub score: f64,
    /// Its corners in map pixels: upper left, upper right, lower right, lower left.
    pub corners: [Point; 4],
}

impl Label {
    /// The smallest upright box round it.
    pub fn bbox(&self) -> Bbox {
        let mut b = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for p in self.corners {
            b = [b[0].min(p.x), b[1].min(p.y), b[2].max(p.x), b[3].max(p.y)];
        }
        b.into()
    }
}

/// Reads the labels of a map.
pub trait MapReader: Send + Sync {
    /// Its name, as `pp-ocrv5`.
    fn name(&self) -> &str;

    /// Hash of what decides its answers.
    fn fingerprint(&self) -> &str;

    /// The labels, in reading order.
    ///
    /// # Errors
    /// When the model fails.
    fn read(&self, map: &RgbImage) -> Result<Vec<Label>, BackendError>;
}
