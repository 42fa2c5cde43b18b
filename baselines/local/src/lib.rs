//! Networks of `socio-models` behind the seams of `socio-backend`, over any tensor library: what a `Vlm` and a `Segmenter`
//! do with pixels and text on the way in and on the way out is here once, whatever multiplies the matrices.

mod engine;
mod init;
mod lite_medsam;
mod load;
mod network;
mod place;
mod sam;
mod sanity;
mod told;
mod vlm;

pub use engine::Pixels;
pub use init::{Plan, Written, plan};
pub use lite_medsam::LiteMedSam;
pub use load::{Architecture, Files, Found, goes_with};
pub use place::Place;
pub use sam::SamSegmenter;
pub use told::told;
pub use vlm::{Identity, Load, QwenVlm};
