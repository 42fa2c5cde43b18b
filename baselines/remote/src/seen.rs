//! The size at which a model sees an image.

use image::RgbImage;
use socio_dataset::pillow::{self, Filter};
use socio_models::qwen2_5_vl::{PictureConfig, smart_resize};

/// How Qwen2.5-VL's image processor chooses the size of an image. An image that is sent at that size is left as it is by the
/// server's processor, whatever resizes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What both sides become multiples of, in pixels: 28 for the published models.
    pub factor: usize,
    /// The fewest pixels; a smaller image is enlarged.
    pub min: usize,
    /// The most pixels; a larger image is made smaller.
    pub max: usize,
}

impl Seen {
    /// As the published models are configured.
    pub const PUBLISHED: Self = Self { factor: PictureConfig::PUBLISHED.factor(), min: 56 * 56, max: 28 * 28 * 16384 };

    /// The image at the size that the model sees, resized as the reference does: Pillow's bicubic.
    ///
    /// # Errors
    /// When its sides differ too much.
    pub(crate) fn resized(self, image: &RgbImage) -> Result<RgbImage, String> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let size = smart_resize(height, width, self.factor, self.min, self.max).map_err(|e| e.to_string())?;
        pillow::resize(image, size.1 as u32, size.0 as u32, Filter::Bicubic).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_come_out_at_sizes_that_a_processor_leaves_alone() {
        for (w, h) in [(100, 90), (28, 56), (513, 700), (5, 9)] {
            let image = RgbImage::from_fn(w, h, |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, 9]));
            let seen = Seen::PUBLISHED.resized(&image).unwrap();
            assert!(seen.width().is_multiple_of(28) && seen.height().is_multiple_of(28));
            assert_eq!(Seen::PUBLISHED.resized(&seen).unwrap(), seen);
        }
        let exact = RgbImage::from_pixel(56, 84, image::Rgb([1, 2, 3]));
        assert_eq!(Seen::PUBLISHED.resized(&exact).unwrap(), exact);
        assert!(Seen::PUBLISHED.resized(&RgbImage::new(1000, 2)).is_err());
    }
}
