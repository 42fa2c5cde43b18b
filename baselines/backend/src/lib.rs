//! The seams models are reached through: [`Vlm`], [`Segmenter`] and [`MapReader`].
//!
//! Plain images, text, boxes, points and masks cross them, never a tensor, so a method knows no backend and a backend
//! knows no method. A backend says what it can do before it is asked ([`VlmCaps`], [`SegmenterCaps`]) and why it is not
//! there ([`Offer`]).

mod cache;
pub mod close_up;
pub mod conformance;
mod device;
mod error;
mod null;
mod offer;
mod reader;
pub mod resample;
mod segmenter;
mod turns;
mod vlm;

pub use cache::SharedEmbeddings;
pub use device::{DeviceState, Target};
pub use error::BackendError;
pub use null::{NullReader, NullSegmenter, NullVlm};
pub use offer::{Offer, Role};
pub use reader::{Label, MapReader};
pub use segmenter::{Embedding, Prompt, Segment, Segmenter, SegmenterCaps};
pub use turns::{Engine, Turns};
pub use vlm::{Cancel, Completion, Cost, Finish, Sampling, Vlm, VlmCaps, VlmReply, VlmRequest, VlmTimings};
