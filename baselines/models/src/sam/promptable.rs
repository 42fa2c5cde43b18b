//! What a promptable network has to do, whatever computes it: tensors of a library, or graphs.

use super::Family;
use super::prompt::Prompt;
use crate::Result;

/// An image encoder and a mask decoder.
///
/// # Errors
/// Methods fail when memory does not suffice or the library fails.
#[expect(clippy::missing_errors_doc, reason = "said once above, for all of them")]
pub trait Promptable: Send {
    /// What the encoder gave for an image.
    type Seen: Send + 'static;

    /// Whose predictor's rules it follows.
    fn family(&self) -> Family;

    /// Side of its input in pixels.
    fn side(&self) -> usize;

    /// Side of its masks.
    fn mask_side(&self) -> usize;

    /// Encodes an image: normalised pixels `[1, 3, side, side]`.
    fn encode(&mut self, pixels: Vec<f32>) -> Result<Self::Seen>;

    /// Of three masks of different extents, as both predictors ask for by default, the one of the largest predicted IoU: that
    /// IoU, and the mask's logits `[mask side, mask side]`.
    fn best(&mut self, seen: &mut Self::Seen, marks: Prompt) -> Result<(f32, Vec<f32>)>;
}
