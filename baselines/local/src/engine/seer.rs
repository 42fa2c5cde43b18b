//! Images as the model sees them.

use image::RgbImage;
use socio_dataset::pillow::{self, Filter};
use socio_models::ModelError;
use socio_models::qwen2_5_vl::{Grid, Patches, PictureConfig, patches, smart_resize};

/// How many pixels the model sees of an image at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels {
    /// A smaller image is enlarged.
    pub min: usize,
    /// A larger image is made smaller.
    pub max: usize,
}

impl Pixels {
    /// As `preprocessor_config.json` of the published models has it.
    pub const PUBLISHED: Self = Self { min: 56 * 56, max: 28 * 28 * 16384 };
}

/// The image processor's steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seer {
    pub(crate) pictures: PictureConfig,
    pub(crate) pixels: Pixels,
}

impl Seer {
    /// The patches that an image will have.
    ///
    /// # Errors
    /// When its sides differ too much.
    pub(crate) fn grid(&self, image: &RgbImage) -> Result<Grid, ModelError> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (h, w) = smart_resize(height, width, self.pictures.factor(), self.pixels.min, self.pixels.max)?;
        Ok(Grid { t: 1, h: h / self.pictures.patch, w: w / self.pictures.patch })
    }

    /// An image at the size of its grid, cut into patches.
    ///
    /// # Errors
    /// When it cannot be resized.
    pub(super) fn patches(&self, image: &RgbImage, grid: Grid) -> Result<Patches, ModelError> {
        let (h, w) = (grid.h * self.pictures.patch, grid.w * self.pictures.patch);
        let input = |e: pillow::ResizeError| ModelError::Input(e.to_string());
        let seen = pillow::resize(image, w as u32, h as u32, Filter::Bicubic).map_err(input)?;
        patches(seen.as_raw(), w, h, &self.pictures)
    }
}
