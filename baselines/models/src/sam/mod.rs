//! Segment Anything: SAM 1, SAM 2 for single images, and the prompt encoder and mask decoder that both have.
//!
//! The rules are those of Meta's packages `segment_anything` 1.0 and `sam2` 1.1.0; weights keep the names they have there.

pub mod decoder;
pub mod frame;
mod neck;
pub mod prompt;
mod promptable;
pub mod sam1;
pub mod sam2;
pub mod tiny_vit;
mod transformer;
pub mod vit;
mod window;

pub use promptable::Promptable;
use serde::{Deserialize, Serialize};

/// Which of the two a rule or a weight's name follows, where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// `segment_anything` and what descends from it: MobileSAM, MedSAM.
    Sam1,
    /// `sam2`: SAM 2 and SAM 2.1.
    Sam2,
}
