//! Labels from a bitmap font that comes with a crate (Noto Sans Mono), so that pictures are the same everywhere.

use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;

/// Pixels from one line of text to the next.
pub const LINE_HEIGHT: u32 = 18;

/// The width of a text in pixels.
pub fn text_width(text: &str) -> u32 {
    text.chars().count() as u32 * get_raster_width(WEIGHT, SIZE) as u32
}

/// Draws one line of text with its upper left corner at `(x, y)`. Characters that the font lacks (Chinese ones among
/// them) are drawn as `?`; what lies outside the image is not drawn.
pub fn draw_text(image: &mut RgbImage, x: u32, y: u32, text: &str, colour: Rgb<u8>) {
    let mut left = x;
    for character in text.chars() {
        let glyph = get_raster(character, WEIGHT, SIZE).or_else(|| get_raster('?', WEIGHT, SIZE));
        let Some(glyph) = glyph else { continue };
        for (dy, row) in glyph.rows().enumerate() {
            for (dx, ink) in row.iter().enumerate() {
                let Some(pixel) = image.get_pixel_mut_checked(left + dx as u32, y + dy as u32) else { continue };
                let ink = u32::from(*ink);
                for (under, over) in pixel.0.iter_mut().zip(colour.0) {
                    *under = ((u32::from(*under) * (255 - ink) + u32::from(over) * ink + 127) / 255) as u8;
                }
            }
        }
        left += glyph.width() as u32;
    }
}
