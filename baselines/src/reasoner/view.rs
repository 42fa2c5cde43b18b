//! A query as the model sees it.

use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};
use socio_backend::Prompt;
use socio_dataset::pillow::{self, Filter};
use socio_dataset::{Bbox, Mask, Point, Query, hash};
use socio_models::qwen2_5_vl::smart_resize;

use crate::Context;
use crate::method::{Failure, Frame, StageAnswer};

/// At what size the model sees the images, and in what pixels it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Sight {
    /// Qwen's rule: sides are multiples of `factor`, pixels from `min` to `max`.
    Smart {
        /// Sides are multiples of it.
        factor: usize,
        /// Fewest pixels.
        min: usize,
        /// Most pixels.
        max: usize,
    },
    /// Always this width and height, whatever the image's proportions.
    Fixed {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// The segmenter cuts the satellite image at its own size; prompts are brought to it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut_whole: bool,
    },
}

impl Sight {
    /// As the released inference sees: 768 x 768 becomes 756 x 756 (`infer.py:126-144`; its YAML's limits are not read).
    pub const RELEASED: Self = Self::Smart { factor: 28, min: 56 * 56, max: 768 * 768 };

    /// Of a model that knows squares of one size alone: it sees and answers in those, and the segmenter, which has a size of its
    /// own, cuts the image as it is.
    pub const fn square(side: u32) -> Self {
        Self::Fixed { width: side, height: side, cut_whole: true }
    }

    /// Width and height at which an image is seen.
    ///
    /// # Errors
    /// When Qwen's rule has no size for it.
    pub fn size(&self, (width, height): (u32, u32)) -> Result<(u32, u32), String> {
        match *self {
            Self::Fixed { width, height, .. } => Ok((width, height)),
            Self::Smart { factor, min, max } => {
                let (h, w) =
                    smart_resize(height as usize, width as usize, factor, min, max).map_err(|e| e.to_string())?;
                Ok((w as u32, h as u32))
            }
        }
    }
}

/// A query with its images at the size at which the model sees them.
pub struct View<'a> {
    /// The query.
    pub query: &'a Query,
    /// The map, resized.
    pub map: Arc<RgbImage>,
    /// The satellite image, resized: what the model sees.
    pub satellite: Arc<RgbImage>,
    /// The size and pixels of what is cut.
    frame: Frame,
    /// What the segmenter cuts: what the model sees, or the image as it is.
    pub cut: Arc<RgbImage>,
}

impl<'a> View<'a> {
    /// Resizes both images as Pillow does (bicubic).
    ///
    /// # Errors
    /// When there is no map, or the image has no such size.
    pub fn new(query: &'a Query, sight: &Sight, context: &mut Context) -> Result<Self, Failure> {
        let map = query.map.as_ref().ok_or_else(|| Failure::NoAnswer("there is no map to look at".to_owned()))?;
        let (width, height) = sight.size(query.satellite.dimensions()).map_err(Failure::Method)?;
        let (map, satellite) = context.time("resize", || -> Result<_, Failure> {
            let resized = |image: &Arc<RgbImage>| {
                if image.dimensions() == (width, height) {
                    return Ok(Arc::clone(image));
                }
                pillow::resize(image, width, height, Filter::Bicubic).map(Arc::new)
            };
            let failed = |e: pillow::ResizeError| Failure::Method(e.to_string());
            Ok((resized(map).map_err(failed)?, resized(&query.satellite).map_err(failed)?))
        })?;
        let whole = matches!(sight, Sight::Fixed { cut_whole: true, .. });
        let cut = Arc::clone(if whole { &query.satellite } else { &satellite });
        let pixels = context.time("hash", || hash::shared_pixels(&cut));
        Ok(Self { query, map, satellite, frame: Frame { size: cut.dimensions(), pixels }, cut })
    }

    /// Width and height at which the model sees.
    pub fn size(&self) -> (u32, u32) {
        self.satellite.dimensions()
    }

    /// A prompt in the pixels that the model sees, in those of what is cut.
    pub(super) fn placed(&self, prompt: Prompt) -> Prompt {
        let ((w, h), (width, height)) = (self.size(), self.frame.size);
        if (w, h) == (width, height) {
            return prompt;
        }
        let (x, y) = (f64::from(width) / f64::from(w), f64::from(height) / f64::from(h));
        let point = |p: Point| Point { x: p.x * x, y: p.y * y };
        let bbox = |b: Bbox| Bbox { x0: b.x0 * x, y0: b.y0 * y, x1: b.x1 * x, y1: b.y1 * y };
        Prompt {
            bbox: prompt.bbox.map(bbox),
            points: prompt.points.into_iter().map(point).collect(),
            background: prompt.background.into_iter().map(point).collect(),
        }
    }

    /// An empty mask of the satellite image's own size.
    pub(super) fn empty(&self) -> Mask {
        let (width, height) = self.query.satellite.dimensions();
        Mask::new(width, height)
    }

    /// What the prompts are about; nothing where it is the satellite image itself.
    pub(super) fn frame(&self) -> Option<Frame> {
        (self.frame.size != self.query.satellite.dimensions()).then(|| self.frame.clone())
    }

    /// A stage that came to nothing.
    pub(super) fn nothing(&self, name: &'static str, failure: Failure) -> StageAnswer {
        let frame = self.frame();
        StageAnswer { frame, failure: Some(failure), ..StageAnswer::new(name, Vec::new(), self.empty()) }
    }
}
