//! From gradients to better parameters: AdamW, and how its rate goes.

mod adamw;
mod schedule;

pub use adamw::{AdamW, Settings};
pub use schedule::{Decay, Schedule};
