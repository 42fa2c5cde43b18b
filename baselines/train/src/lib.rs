//! Training over the same networks, prompts, grammar, renderer and segmenter as evaluation.
//!
//! Networks are made anew of the parameters at each step ([`socio_models::Vars::bound`]); parameters and the optimiser's state
//! are plain numbers on the host, so that every library trains the same and a checkpoint is all there is.

pub mod checkpoint;
pub mod course;
pub mod crew;
mod error;
pub mod export;
pub mod grpo;
pub mod library;
pub mod log;
pub mod nano;
pub mod optim;
pub mod parameters;
pub mod recipes;
pub mod segmenter;

pub use error::TrainError;
