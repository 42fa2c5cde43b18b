//! One request on its way through the engine.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use image::RgbImage;
use socio_backend::Cancel;
use socio_dataset::hash::{self, FieldHasher};
use socio_models::ModelError;
use socio_models::qwen2_5_vl::{Drawn, Grid, Patches, Settings};

use super::Seer;

/// An image as the model sees it.
pub(crate) struct Picture {
    image: Arc<RgbImage>,
    /// Its patches at that size.
    pub(crate) grid: Grid,
    /// What its vectors are kept under.
    pub(crate) key: String,
    patches: OnceLock<Patches>,
}

impl Picture {
    pub(crate) fn new(image: Arc<RgbImage>, grid: Grid) -> Self {
        let key = format!("{} {}x{}", hash::shared_pixels(&image), grid.h, grid.w);
        Self { image, grid, key, patches: OnceLock::new() }
    }

    /// Cuts it into patches, should that not be done.
    ///
    /// # Errors
    /// When it cannot be resized.
    pub(crate) fn cut(&self, seer: &Seer) -> Result<&Patches, ModelError> {
        if self.patches.get().is_none() {
            let made = seer.patches(&self.image, self.grid)?;
            return Ok(self.patches.get_or_init(|| made));
        }
        self.patches.get().ok_or_else(|| ModelError::op("patches", "an image without any"))
    }
}

/// What is asked of the engine.
pub(crate) struct Job {
    pub(crate) ids: Vec<u32>,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) seeds: Vec<u64>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) cancel: Cancel,
}

impl Job {
    pub(super) fn grids(&self) -> Vec<Grid> {
        self.pictures.iter().map(|p| p.grid).collect()
    }

    /// What its beginning is kept under: the tokens, and the images among them.
    pub(super) fn key(&self, shared: &[u32]) -> String {
        let start = shared.iter().fold(FieldHasher::default(), |h, id| h.field(id.to_le_bytes()));
        self.pictures.iter().fold(start, |h, p| h.field(&p.key)).hex(32)
    }
}

/// Where the time of an answer went; what is taken from what was kept takes none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    pub(crate) vision: Duration,
    pub(crate) prefill: Duration,
    pub(crate) tokens: Vec<Duration>,
}

/// What comes of a job: one answer a seed, in their order.
pub(crate) type Answered = Result<(Vec<Drawn>, Spent), ModelError>;
