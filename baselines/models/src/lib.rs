//! Network architectures, each written once over a small [`Tensor`] trait.
//!
//! A tensor library is a newtype that implements [`Tensor`]; weights come through [`Weights`]. What is here knows neither
//! the files of a backend nor the seams that methods see.

pub mod conformance;
mod error;
pub mod ghost;
pub mod layers;
pub mod oracle;
pub mod parity;
pub mod qwen2_5_vl;
pub mod sam;
mod tensor;
pub mod weights;

pub use error::{ModelError, Result};
pub use tensor::{Autograd, DType, Mask, Tensor};
pub use weights::{Vars, View, Weights};
