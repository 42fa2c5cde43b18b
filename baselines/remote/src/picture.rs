//! Images as servers take them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError, RgbImage};

/// An image as a data URL of a PNG, which holds exactly its pixels.
///
/// # Errors
/// For an image without pixels.
pub(crate) fn data_url(image: &RgbImage) -> Result<String, String> {
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive)
        .write_image(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgb8)
        .map_err(|e: ImageError| e.to_string())?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use socio_dataset::hash::SplitMix;

    #[test]
    fn pixels_come_back_as_they_were() {
        for (width, height, seed) in [(1, 1, 0), (3, 7, 1), (64, 48, 2), (257, 5, 3)] {
            let mut random = SplitMix(seed);
            let image = RgbImage::from_fn(width, height, |_, _| image::Rgb([(); 3].map(|()| random.next_u64() as u8)));
            let url = data_url(&image).unwrap();
            let png = STANDARD.decode(url.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
            assert_eq!(image::load_from_memory(&png).unwrap(), image::DynamicImage::ImageRgb8(image));
        }
        assert!(data_url(&RgbImage::new(0, 3)).is_err());
    }
}
