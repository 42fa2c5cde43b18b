//! Rendering feedback: what stage 2 is shown of stage 1. Boxes as PIL draws them, then the mask as PIL lays it over, pixel
//! by pixel what the released code shows its model (`rlvr_socioseg_vlm_pipeline_infer.py:383-452`).

mod rectangle;

use image::{Rgb, RgbImage};
use socio_dataset::{Mask, picture};

pub use rectangle::rectangle;

/// The boxes' outline: PIL's "blue".
pub const OUTLINE: [u8; 3] = [0, 0, 255];
/// Its width in pixels.
pub const WIDTH: i32 = 2;
/// The mask's colour.
pub const MASK: [u8; 3] = [255, 0, 0];
/// Its opacity of 255: `int(255 * 0.4)`.
pub const ALPHA: u8 = 102;

/// An image with boxes and a mask drawn on it. Boxes are in the image's pixels and drawn first, those that PIL refuses (a
/// second corner left of or above the first) left out; the mask, of any size, is brought to the image's by the floor rule
/// and laid over both.
pub fn feedback(image: &RgbImage, boxes: &[[f64; 4]], mask: &Mask) -> RgbImage {
    let mut out = image.clone();
    for bbox in boxes {
        rectangle(&mut out, *bbox, OUTLINE, WIDTH);
    }
    let (width, height) = out.dimensions();
    picture::overlay(&mut out, &mask.resized(width, height), Rgb(MASK), ALPHA, 0);
    out
}
