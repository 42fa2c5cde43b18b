//! Resizing as Pillow does it, to the last bit.
//!
//! The released inference hands its models pictures that went through `PIL.Image.resize`. Pillow's filters differ from
//! those of other libraries: they widen with the reduction (antialiasing), weights are cut to 22 binary places, and
//! the picture between the two passes is rounded to 8 bits. Rules: `src/libImaging/Resample.c`, for 8-bit pictures
//! without a box or a reducing gap.
//!
//! Rows come first, then columns, as in every Pillow up to 12, which is what the released inference ran with. Pillow 13
//! takes columns first where the height shrinks by more than twice as many pixels as the width does (640x480 to
//! 644x476; never a square to a square), which changes some values by one. Resizing the height alone and then the width
//! gives what it gives.

mod kernel;
mod passes;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use image::RgbImage;

pub use kernel::Filter;
use kernel::Kernel;

use crate::mask::MAX_PIXELS;

/// A size that a picture cannot be resized from or to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResizeError {
    /// A picture without a pixel, on either side.
    #[error("cannot resize {}x{} to {}x{}: a picture has at least one pixel", from.0, from.1, to.0, to.1)]
    Empty {
        /// Width and height of the source.
        from: (u32, u32),
        /// Width and height asked for.
        to: (u32, u32),
    },
    /// A result, or the picture between the two passes (new width, old height), of more than 2^28 pixels.
    #[error("a picture of {0}x{1} pixels is larger than the 2^28 pixels that are taken")]
    TooLarge(u32, u32),
}

/// `Image.resize((width, height), filter)` of an RGB picture: a pass over rows, a pass over columns, none along an axis
/// whose size stays.
///
/// # Errors
/// When a side of the source or of the result is 0, or the result takes more than 2^28 pixels.
pub fn resize(image: &RgbImage, width: u32, height: u32, filter: Filter) -> Result<RgbImage, ResizeError> {
    let (from, to) = (image.dimensions(), (width, height));
    if from.0 == 0 || from.1 == 0 || width == 0 || height == 0 {
        return Err(ResizeError::Empty { from, to });
    }
    for rows in [from.1, height] {
        if u64::from(width) * u64::from(rows) > MAX_PIXELS {
            return Err(ResizeError::TooLarge(width, rows));
        }
    }
    let wide = if from.0 == width {
        Cow::Borrowed(image.as_raw().as_slice())
    } else {
        Cow::Owned(passes::horizontal(image.as_raw(), from.0 as usize, &Kernel::new(from.0, width, filter)))
    };
    let pixels = if from.1 == height {
        wide.into_owned()
    } else {
        passes::vertical(&wide, width as usize, &Kernel::new(from.1, height, filter))
    };
    RgbImage::from_raw(width, height, pixels).ok_or(ResizeError::TooLarge(width, height))
}
