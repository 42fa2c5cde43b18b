//! The parity kit: how far a tensor library, running the architectures of this crate, is from what their reference
//! implementations computed with small networks of random weights. Every library passes it.
//!
//! The networks, their inputs and what came out lie in folders that `ci/fixtures_torch/` writes (`tests/fixtures/` of the
//! project). A run gives the distance of every stage on the way, in order, so that the first one which is off names the
//! place of a mistake; the caller holds them against the tolerance of its library.

mod expected;
mod prompts;
pub mod qwen2_5_vl;
mod reference;
pub mod sam1;
pub mod sam2;

/// A stage of a computation and how far it is from the reference: the norm of the difference over the norm of what was
/// expected, or for a stage whose name ends in `mask` the part of pixels that are on the wrong side. Infinite where the
/// reference has no such stage, or one of another size.
pub type Stage = (String, f64);
