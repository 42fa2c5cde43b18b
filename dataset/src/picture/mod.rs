//! Decoding images, and pictures for people: masks laid over imagery, contact sheets.

mod marks;
mod sheet;
mod text;

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, ImageReader, Rgb, RgbImage};

use crate::{Bbox, Mask};

pub use marks::{Marks, mark};
pub use sheet::{Tile, contact_sheet};
pub use text::{LINE_HEIGHT, draw_text, text_width};

/// An image file that does not decode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Neither PNG nor JPEG.
    #[error("not a PNG or JPEG image (it begins with {0})")]
    Format(String),
    /// A PNG or JPEG with an error in it.
    #[error("a broken {format} image: {why}")]
    Broken {
        /// `PNG` or `JPEG`.
        format: &'static str,
        /// What the decoder said.
        why: String,
    },
    /// An image that could not be encoded.
    #[error("cannot encode the image: {0}")]
    Encode(String),
}

/// Decodes a PNG or JPEG file. The decoder refuses images that would take more than 512 MiB.
///
/// # Errors
/// When the bytes are of another format, truncated or broken.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, PictureError> {
    let (kind, format) = match image::guess_format(bytes) {
        Ok(f @ ImageFormat::Png) => (f, "PNG"),
        Ok(f @ ImageFormat::Jpeg) => (f, "JPEG"),
        _ if bytes.is_empty() => return Err(PictureError::Format("no byte at all".to_owned())),
        _ => return Err(PictureError::Format(format!("bytes {}", crate::hash::hex(&bytes[..bytes.len().min(8)])))),
    };
    ImageReader::with_format(Cursor::new(bytes), kind)
        .decode()
        .map_err(|e| PictureError::Broken { format, why: e.to_string() })
}

/// Decodes a PNG or JPEG file to RGB; alpha is dropped, grey spread over the channels.
///
/// # Errors
/// As [`decode`].
pub fn decode_rgb(bytes: &[u8]) -> Result<RgbImage, PictureError> {
    Ok(decode(bytes)?.into_rgb8())
}

/// The grey values of an image, row by row, as PIL's `convert("L")` gives them: alpha is ignored, 16 bits are clipped to
/// 255, colours weighed by ITU-R 601-2 in 16-bit fixed point. `(1, 0, 0)` is 0: not every nonzero colour is a nonzero grey.
pub fn grey(image: &DynamicImage) -> Vec<u8> {
    match image {
        DynamicImage::ImageLuma8(grey) => grey.as_raw().clone(),
        DynamicImage::ImageLumaA8(grey) => grey.pixels().map(|p| p.0[0]).collect(),
        DynamicImage::ImageLuma16(grey) => grey.pixels().map(|p| p.0[0].min(255) as u8).collect(),
        other => other.to_rgb8().pixels().map(|p| luma(p.0)).collect(),
    }
}

pub(crate) fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

/// Encodes an image as PNG.
///
/// # Errors
/// When the encoder refuses (an image without pixels).
pub fn to_png(image: &RgbImage) -> Result<Vec<u8>, PictureError> {
    encode(image, ImageFormat::Png)
}

/// Encodes an image as JPEG of a quality from 1 to 100.
///
/// # Errors
/// When the encoder refuses (an image without pixels).
pub fn to_jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
    image.write_with_encoder(encoder).map_err(|e| PictureError::Encode(e.to_string()))?;
    Ok(bytes)
}

/// Encodes an image for a file of that name: JPEG for `.jpg` and `.jpeg`, else PNG.
///
/// # Errors
/// When the encoder refuses (an image without pixels).
pub fn for_file(image: &RgbImage, path: &Path) -> Result<Vec<u8>, PictureError> {
    let jpeg = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg"));
    encode(image, if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png })
}

fn encode(image: &RgbImage, format: ImageFormat) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).map_err(|e| PictureError::Encode(e.to_string()))?;
    Ok(bytes.into_inner())
}

/// Tints the mask's pixels with `colour` at `alpha` (of 255), rounded to the nearest, which is what Pillow's
/// `alpha_composite` over an opaque image gives at 102; and draws its outline solid, `line` pixels wide inwards. Pixels of
/// the mask outside the image are ignored.
pub fn overlay(image: &mut RgbImage, mask: &Mask, colour: Rgb<u8>, alpha: u8, line: u32) {
    let mix = |weight: u32, under: u8, over: u8| {
        ((u32::from(under) * (255 - weight) + u32::from(over) * weight + 127) / 255) as u8
    };
    let tables = colour.0.map(|c| std::array::from_fn::<u8, 256, _>(|under| mix(u32::from(alpha), under as u8, c)));
    let (width, height) = image.dimensions();
    for run in mask.runs().into_iter().filter(|r| r.y < height) {
        let row = (run.y as usize * width as usize) * 3;
        let (from, to) = (run.x0.min(width) as usize, run.x1.min(width) as usize);
        for pixel in image.as_mut()[row + 3 * from..row + 3 * to].chunks_exact_mut(3) {
            for (value, table) in pixel.iter_mut().zip(&tables) {
                *value = table[*value as usize];
            }
        }
    }
    if line > 0 {
        edge(image, mask, colour, i64::from(line));
    }
}

/// Draws the outline of a mask, `line` pixels wide inwards.
fn edge(image: &mut RgbImage, mask: &Mask, colour: Rgb<u8>, line: i64) {
    for (x, y, pixel) in image.enumerate_pixels_mut().filter(|(x, y, _)| mask.get(*x, *y)) {
        let at = |dx: i64, dy: i64| {
            let (x, y) = (i64::from(x) + dx, i64::from(y) + dy);
            u32::try_from(x).is_ok_and(|x| u32::try_from(y).is_ok_and(|y| mask.get(x, y)))
        };
        if (1..=line).any(|d| !at(d, 0) || !at(-d, 0) || !at(0, d) || !at(0, -d)) {
            *pixel = colour;
        }
    }
}

/// Draws the edge of a box, `line` pixels wide inwards; what lies outside the image is not drawn.
pub fn outline(image: &mut RgbImage, bbox: Bbox, colour: Rgb<u8>, line: u32) {
    let (w, h) = image.dimensions();
    let b = bbox.clipped(w, h);
    let [x0, y0, x1, y1] = <[f64; 4]>::from(b).map(|v| v.round() as u32);
    for y in y0..y1 {
        for x in x0..x1 {
            let inside = x >= x0 + line && x + line < x1 && y >= y0 + line && y + line < y1;
            if !inside {
                image.put_pixel(x, y, colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_decode_is_named() {
        assert_eq!(decode(b"").unwrap_err().to_string(), "not a PNG or JPEG image (it begins with no byte at all)");
        assert!(decode(b"GIF89a....").unwrap_err().to_string().contains("474946"));
        let png = to_png(&RgbImage::new(8, 8)).unwrap();
        let error = decode(&png[..png.len() / 2]).unwrap_err().to_string();
        assert!(error.starts_with("a broken PNG image: "), "{error}");
    }

    #[test]
    fn an_overlay_tints_inside_and_marks_the_edge() {
        let mut image = RgbImage::new(9, 9);
        overlay(&mut image, &Mask::from_bbox(9, 9, [2.0, 2.0, 7.0, 7.0].into()), Rgb([255, 0, 0]), 102, 1);
        assert_eq!(image.get_pixel(1, 4).0, [0, 0, 0]);
        assert_eq!(image.get_pixel(2, 4).0, [255, 0, 0]);
        assert_eq!(image.get_pixel(4, 4).0, [102, 0, 0]);
    }

    #[test]
    fn an_outline_stays_in_the_image() {
        let mut image = RgbImage::new(6, 6);
        outline(&mut image, [-3.0, 1.0, 4.0, 90.0].into(), Rgb([9, 9, 9]), 1);
        assert_eq!(image.get_pixel(0, 1).0, [9, 9, 9]);
        assert_eq!(image.get_pixel(2, 3).0, [0, 0, 0]);
        assert_eq!(image.get_pixel(3, 5).0, [9, 9, 9]);
    }
}
