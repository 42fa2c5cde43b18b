//! Masks as image files.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};

use super::{MAX_PIXELS, Mask, MaskError};

impl Mask {
    /// Reads a mask image (PNG or JPEG): a pixel is set where its grey value is not zero, as after PIL's
    /// `convert("L")` in the released code (`infer:47-49`). Alpha is ignored.
    ///
    /// # Errors
    /// When the bytes do not decode, or there are more than 2^28 pixels.
    pub fn from_image_bytes(bytes: &[u8]) -> Result<Self, MaskError> {
        let image = crate::picture::decode(bytes).map_err(|e| MaskError::Decode(e.to_string()))?;
        Self::from_image(&image)
    }

    /// The set pixels of a decoded image, by the same rule.
    ///
    /// # Errors
    /// When there are more than 2^28 pixels.
    pub fn from_image(image: &DynamicImage) -> Result<Self, MaskError> {
        let (width, height) = (image.width(), image.height());
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(MaskError::TooLarge(width, height));
        }
        let values = crate::picture::grey(image);
        Ok(Self::from_nonzero(width, height, &values))
    }

    /// The mask as an 8-bit grey image of 0 and 255.
    pub fn to_grey(&self) -> GrayImage {
        GrayImage::from_fn(self.width, self.height, |x, y| Luma([if self.get(x, y) { 255 } else { 0 }]))
    }

    /// The mask as a PNG file of 8-bit grey, 0 and 255.
    ///
    /// # Errors
    /// When the encoder refuses (a mask without pixels).
    pub fn to_png(&self) -> Result<Vec<u8>, MaskError> {
        let mut bytes = Cursor::new(Vec::new());
        self.to_grey().write_to(&mut bytes, ImageFormat::Png).map_err(|e| MaskError::Encode(e.to_string()))?;
        Ok(bytes.into_inner())
    }
}
