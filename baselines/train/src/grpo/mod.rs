//! Group relative policy optimisation, as the paper states it (section 4.3, algorithm 1) and as its released code does it.

mod advantage;
mod asks;
mod chances;
mod course;
mod recorder;
mod rollout;
mod surrogate;

use serde::{Deserialize, Serialize};

pub use advantage::advantages;
pub use asks::of_lesson;
pub use chances::Group;
pub use course::{Recipe, Reinforced};
pub use recorder::{Recorder, Spoken};
pub use rollout::{Actor, Asked, First, Rollout};
pub use surrogate::{Tokens, surrogate};

/// How a policy is moved by rewards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Whether advantages are divided by the group's standard deviation, and kept within 10 (the released code).
    pub normalised: bool,
    /// How far the ratio to the policy that drew may go from 1 and still be rewarded (epsilon).
    pub clip: f32,
    /// What distance from the reference costs (beta).
    pub kl: f32,
    /// Limits of a token's distance (the released code: 10); none in the paper.
    pub kl_most: Option<f32>,
}

impl Objective {
    /// The paper's: advantages are rewards less their mean, epsilon 0.5, beta 0.005.
    pub const PAPER: Self = Self { normalised: false, clip: 0.5, kl: 0.005, kl_most: None };
    /// The released code's: epsilon is `pg_clip`'s default, 0.2; the paper's 0.5 is its unused `value_clip`.
    pub const RELEASED: Self = Self { normalised: true, clip: 0.2, kl: 0.005, kl_most: Some(10.0) };
}
