//! LiteMedSAM as a [`Segmenter`]: a TinyViT encoder at 256 x 256 with SAM's prompt encoder and mask decoder.
//!
//! The model was trained on whole medical images with one large object, so each box is looked at through a square window twice its
//! size: crop, scale the longest side to 256, normalise by minimum and maximum, pad, encode, decode with the box as prompt,
//! scale the logits back, cut at zero, paste. `ci/fixtures/lite_medsam.py` is the reference of these steps.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;
use socio_backend::{BackendError, Embedding, Prompt, Segment, Segmenter, SegmenterCaps};
use socio_dataset::{Bbox, Mask, hash};

use crate::graph::{Array, Graph};
use crate::resample::Plane;
use crate::{BACKEND, Runtime};

/// The encoder's input side in pixels.
const SIDE: usize = 256;
/// The window is this many times the longer side of the box.
const WINDOW: f64 = 2.0;
/// And at least so many pixels.
const LEAST_WINDOW: f64 = 32.0;
/// Encoded windows kept with an image: 4 MiB each.
const KEPT_WINDOWS: usize = 8;
/// Counts up when the steps above change, so that runs do not mix.
const PROCESSING: &str = "square-window-2-v1";

/// The segmenter.
pub struct LiteMedSam {
    encoder: Graph,
    decoder: Graph,
    caps: SegmenterCaps,
}

/// An image and the windows of it that were encoded last.
struct Seen {
    image: Arc<RgbImage>,
    windows: Mutex<VecDeque<(Window, Arc<Encoded>)>>,
}

/// A window of the image in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

struct Encoded {
    features: Array,
    scale: f64,
    /// Width and height inside the padding.
    scaled: (usize, usize),
}

impl LiteMedSam {
    /// Loads `lite_medsam_encoder.onnx` and `lite_medsam_decoder.onnx` from a folder.
    ///
    /// # Errors
    /// When a file is missing or not that graph.
    pub fn load(runtime: &Runtime, folder: &Path, threads: usize) -> Result<Self, BackendError> {
        let encoder = Graph::load(runtime, &folder.join("lite_medsam_encoder.onnx"), &["image"], threads)?;
        let decoder = Graph::load(runtime, &folder.join("lite_medsam_decoder.onnx"), &["emb", "box"], threads)?;
        let fingerprint =
            hash::FieldHasher::default().field(encoder.hash()).field(decoder.hash()).field(PROCESSING).hex(16);
        let caps = SegmenterCaps {
            name: "lite-medsam".to_owned(),
            boxes: true,
            points: false,
            deterministic: true,
            fingerprint,
        };
        Ok(Self { encoder, decoder, caps })
    }

    fn encoded(&self, seen: &Seen, window: Window) -> Result<Arc<Encoded>, BackendError> {
        let find = |kept: &VecDeque<(Window, Arc<Encoded>)>| {
            kept.iter().find(|(w, _)| *w == window).map(|(_, e)| Arc::clone(e))
        };
        if let Some(known) = find(&seen.windows.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let (planes, scaled, scale) = prepare(&seen.image, window);
        let input = Array { shape: vec![1, 3, SIDE, SIDE], values: planes };
        let features = first(self.encoder.run(vec![("image", input)], "encoding an image")?, "encoding an image")?;
        let encoded = Arc::new(Encoded { features, scale, scaled });
        let mut kept = seen.windows.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((window, Arc::clone(&encoded)));
        kept.truncate(KEPT_WINDOWS);
        Ok(encoded)
    }

    fn segment(&self, seen: &Seen, prompt: &Prompt) -> Result<Segment, BackendError> {
        const DOING: &str = "decoding a mask";
        let (width, height) = seen.image.dimensions();
        let unsupported =
            |what: &str| BackendError::Unsupported { backend: self.caps.name.clone(), what: what.to_owned() };
        if !prompt.points.is_empty() {
            return Err(unsupported("points: it is prompted with boxes alone"));
        }
        let bbox = prompt.bbox.ok_or_else(|| unsupported("a prompt without a box"))?;
        let bbox = if bbox.is_proper() { bbox.clipped(width, height) } else { bbox };
        if !bbox.is_proper() {
            return Ok(Segment { mask: Mask::new(width, height), score: None });
        }
        let window = window(bbox, width, height);
        let encoded = self.encoded(seen, window)?;
        let corner = [window.left, window.top, window.left, window.top];
        let values =
            <[f64; 4]>::from(bbox).into_iter().zip(corner).map(|(v, c)| ((v - f64::from(c)) * encoded.scale) as f32);
        let input = Array { shape: vec![1, 4], values: values.collect() };
        let mut outputs = self.decoder.run(vec![("emb", encoded.features.clone()), ("box", input)], DOING)?.into_iter();
        let logits = first(outputs.by_ref().take(1).collect(), DOING)?;
        let score = outputs.next().and_then(|a| a.values.first().copied()).map(f64::from);
        if logits.values.len() != SIDE * SIDE {
            return Err(unexpected(DOING, &logits.shape));
        }
        Ok(Segment { mask: paste(&logits.values, &encoded, window, width, height), score })
    }
}

impl Segmenter for LiteMedSam {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        // What there is to encode depends on the boxes; windows are encoded as they come.
        Ok(Embedding::new(image.dimensions(), Seen { image: Arc::clone(image), windows: Mutex::default() }))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let seen: &Seen = embedding.get(&self.caps.name)?;
        prompts.iter().map(|p| self.segment(seen, p)).collect()
    }
}

fn first(outputs: Vec<Array>, doing: &'static str) -> Result<Array, BackendError> {
    outputs.into_iter().next().ok_or_else(|| unexpected(doing, &[]))
}

fn unexpected(doing: &'static str, shape: &[usize]) -> BackendError {
    BackendError::Inference { backend: BACKEND.to_owned(), doing, why: format!("an output of shape {shape:?}") }
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
fn prepare(image: &RgbImage, window: Window) -> (Vec<f32>, (usize, usize), f64) {
    let (width, height) = ((window.right - window.left) as usize, (window.bottom - window.top) as usize);
    let scale = SIDE as f64 / width.max(height) as f64;
    let scaled = |n: usize| ((n as f64 * scale + 0.5).floor() as usize).clamp(1, SIDE);
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
    let mut padded = vec![0f32; 3 * SIDE * SIDE];
    for (plane, out) in planes.iter().zip(padded.chunks_exact_mut(SIDE * SIDE)) {
        for (row, target) in plane.values.chunks_exact(new_w).zip(out.chunks_exact_mut(SIDE)) {
            for (v, t) in row.iter().zip(target) {
                *t = (v - low) / range;
            }
        }
    }
    (padded, (new_w, new_h), scale)
}

/// Logits scaled back to the window, cut at zero, set into a mask of the whole image.
fn paste(logits: &[f32], encoded: &Encoded, window: Window, width: u32, height: u32) -> Mask {
    let (new_w, new_h) = encoded.scaled;
    let inside = logits.chunks_exact(SIDE).take(new_h).flat_map(|row| row[..new_w].iter().copied()).collect();
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
        let (planes, scaled, scale) = prepare(&image, Window { left: 0, top: 0, right: 40, bottom: 20 });
        assert_eq!((scaled, scale), ((256, 128), 6.4));
        assert!(planes.iter().all(|v| *v == 0.0));
    }
}
