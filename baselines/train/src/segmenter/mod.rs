//! Training a SAM 2 to cut what boxes and points mark.

mod course;
mod loss;
mod objects;

pub use course::{Cutter, Recipe};
