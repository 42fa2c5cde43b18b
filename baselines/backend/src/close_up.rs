//! Looking at an image through a square window round each box: for segmenters that were trained on whole images with one
//! large object (LiteMedSAM).
//!
//! Crop, scale the longest side to the input's, normalise by minimum and maximum, pad, encode; decode with the box as prompt,
//! scale the logits back, cut at zero, paste. `ci/fixtures/lite_medsam.py` is the reference of these steps.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;
use socio_dataset::{Bbox, Mask};

use crate::resample::Plane;
use crate::{BackendError, Prompt, Segment};

/// Counts up when the steps above change, so that runs do not mix.
pub const PROCESSING: &str = "square-window-2-v1";
/// The window is this many times the longer side of the box.
const WINDOW: f64 = 2.0;
/// And at least so many pixels.
const LEAST_WINDOW: f64 = 32.0;
/// Encoded windows kept with an image.
const KEPT_WINDOWS: usize = 8;

/// A window of the image in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

struct Encoded<E> {
    features: E,
    scale: f64,
    /// Width and height inside the padding.
    scaled: (usize, usize),
}

/// An image and the windows of it that were encoded last.
pub struct CloseUps<E> {
    image: Arc<RgbImage>,
    /// Side of the encoder's input in pixels.
    side: usize,
    windows: Mutex<VecDeque<(Window, Arc<Encoded<E>>)>>,
}

/// A network that is shown windows.
pub trait CloseUpNetwork<E> {
    /// What messages call it.
    fn name(&self) -> &str;

    /// Encodes the planes `[3, side, side]` of a window, each value in `0..=1`.
    ///
    /// # Errors
    /// When the model fails.
    fn encode(&self, planes: Vec<f32>) -> Result<E, BackendError>;

    /// Logits `[side, side]` of the object in a box (in pixels of the window's planes), and the predicted IoU.
    ///
    /// # Errors
    /// When the model fails.
    fn decode(&self, features: &E, bbox: [f32; 4]) -> Result<(Vec<f32>, Option<f64>), BackendError>;
}

impl<E> CloseUps<E> {
    /// An image, none of its windows encoded; they are as the boxes come.
    pub fn new(image: &Arc<RgbImage>, side: usize) -> Self {
        Self { image: Arc::clone(image), side, windows: Mutex::default() }
    }

    fn encoded(&self, window: Window, network: &dyn CloseUpNetwork<E>) -> Result<Arc<Encoded<E>>, BackendError> {
        let find = |kept: &VecDeque<(Window, Arc<Encoded<E>>)>| {
            kept.iter().find(|(w, _)| *w == window).map(|(_, e)| Arc::clone(e))
        };
        if let Some(known) = find(&self.windows.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let (planes, scaled, scale) = prepare(&self.image, window, self.side);
        let encoded = Arc::new(Encoded { features: network.encode(planes)?, scale, scaled });
        let mut kept = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((window, Arc::clone(&encoded)));
        kept.truncate(KEPT_WINDOWS);
        Ok(encoded)
    }

    /// The mask of one prompt, which is a box alone; the box is clipped to the image.
    ///
    /// # Errors
    /// When it is another prompt, or the model fails.
    pub fn segment(&self, prompt: &Prompt, network: &dyn CloseUpNetwork<E>) -> Result<Segment, BackendError> {
        let (width, height) = self.image.dimensions();
        let unsupported =
            |what: &str| BackendError::Unsupported { backend: network.name().to_owned(), what: what.to_owned() };
        if prompt.has_points() {
            return Err(unsupported("points: it is prompted with boxes alone"));
        }
        let bbox = prompt.bbox.ok_or_else(|| unsupported("a prompt without a box"))?;
        let bbox = if bbox.is_proper() { bbox.clipped(width, height) } else { bbox };
        if !bbox.is_proper() {
            return Ok(Segment { mask: Mask::new(width, height), score: None });
        }
        let window = window(bbox, width, height);
        let encoded = self.encoded(window, network)?;
        let corner = [window.left, window.top, window.left, window.top];
        let mut seen = [0f32; 4];
        for ((s, v), c) in seen.iter_mut().zip(<[f64; 4]>::from(bbox)).zip(corner) {
            *s = ((v - f64::from(c)) * encoded.scale) as f32;
        }
        let (logits, score) = network.decode(&encoded.features, seen)?;
        if logits.len() != self.side * self.side {
            return Err(BackendError::Inference {
                backend: network.name().to_owned(),
                doing: "decoding a mask",
                why: format!("{} logits where {} were expected", logits.len(), self.side * self.side),
            });
        }
        Ok(Segment { mask: paste(&logits, &encoded, window, self.side, (width, height)), score })
    }
}

/// The window round a box: centred on it, moved inside the image, cut to the image where larger.
fn window(bbox: Bbox, width: u32, height: u32) -> Window {
    // Square, as the encoder's input is: on real buildings its masks are better than those of a window of the box's shape.
    let side = (WINDOW * bbox.width().max(bbox.height())).max(LEAST_WINDOW);
    let span = |low: f64, high: f64, limit: u32| {
        let limit = f64::from(limit);
        let start = (f64::midpoint(low, high) - side / 2.0).max(0.0).min((limit - side).max(0.0));
        (start.floor() as u32, (start + side).min(limit).ceil() as u32)
    };
    let (left, right) = span(bbox.x0, bbox.x1, width);
    let (top, bottom) = span(bbox.y0, bbox.y1, height);
    Window { left, top, right, bottom }
}

/// The encoder's input planes, the size inside the padding, and the scale from window to input.
fn prepare(image: &RgbImage, window: Window, side: usize) -> (Vec<f32>, (usize, usize), f64) {
    let (width, height) = ((window.right - window.left) as usize, (window.bottom - window.top) as usize);
    let scale = side as f64 / width.max(height) as f64;
    let scaled = |n: usize| ((n as f64 * scale + 0.5).floor() as usize).clamp(1, side);
    let (new_w, new_h) = (scaled(width), scaled(height));
    let planes: Vec<Plane> = (0..3)
        .map(|channel| {
            let rows = window.top..window.bottom;
            let pixels = rows.flat_map(|y| (window.left..window.right).map(move |x| (x, y)));
            let values = pixels.map(|(x, y)| f32::from(image.get_pixel(x, y).0[channel])).collect();
            Plane { width, height, values }.resized(new_w, new_h, true)
        })
        .collect();
    let values = || planes.iter().flat_map(|p| &p.values).copied();
    let (low, high) = (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max));
    let range = (high - low).max(1e-8);
    let mut padded = vec![0f32; 3 * side * side];
    for (plane, out) in planes.iter().zip(padded.chunks_exact_mut(side * side)) {
        for (row, target) in plane.values.chunks_exact(new_w).zip(out.chunks_exact_mut(side)) {
            for (v, t) in row.iter().zip(target) {
                *t = (v - low) / range;
            }
        }
    }
    (padded, (new_w, new_h), scale)
}

/// Logits scaled back to the window, cut at zero, set into a mask of the whole image.
fn paste<E>(logits: &[f32], encoded: &Encoded<E>, window: Window, side: usize, (width, height): (u32, u32)) -> Mask {
    let (new_w, new_h) = encoded.scaled;
    let inside = logits.chunks_exact(side).take(new_h).flat_map(|row| row[..new_w].iter().copied()).collect();
    let (w, h) = ((window.right - window.left) as usize, (window.bottom - window.top) as usize);
    let full = Plane { width: new_w, height: new_h, values: inside }.resized(w, h, false);
    let mut mask = Mask::new(width, height);
    for (y, row) in full.values.chunks_exact(w).enumerate() {
        for (x, value) in row.iter().enumerate() {
            if *value > 0.0 {
                mask.set(window.left + x as u32, window.top + y as u32, true);
            }
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_twice_the_box_and_stays_in_the_image() {
        let at = |b: [f64; 4]| {
            let w = window(b.into(), 768, 768);
            [w.left, w.top, w.right, w.bottom]
        };
        assert_eq!(at([300.0, 300.0, 400.0, 350.0]), [250, 225, 450, 425]);
        assert_eq!(at([0.0, 0.0, 100.0, 100.0]), [0, 0, 200, 200]);
        assert_eq!(at([700.0, 760.0, 768.0, 768.0]), [632, 632, 768, 768]);
        assert_eq!(at([0.0, 0.0, 768.0, 500.0]), [0, 0, 768, 768]);
        assert_eq!(at([10.0, 10.0, 11.0, 11.0]), [0, 0, 32, 32]);
    }

    #[test]
    fn a_flat_image_normalises_to_zero() {
        let image = RgbImage::from_pixel(40, 20, image::Rgb([7; 3]));
        let (planes, scaled, scale) = prepare(&image, Window { left: 0, top: 0, right: 40, bottom: 20 }, 256);
        assert_eq!((scaled, scale), ((256, 128), 6.4));
        assert!(planes.iter().all(|v| *v == 0.0));
    }
}
