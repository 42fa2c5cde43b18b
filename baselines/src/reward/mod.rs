//! Rewards of the two stages, as the paper states them (appendix A.2.2) and as its released code computes them
//! (`rewards/socioseg_rule_reward_worker.py` of github.com/AMAP-ML/SocioReasoner 7ba0c65).

mod assign;
mod format;
mod stage1;
mod stage2;
#[cfg(test)]
mod tests;

use half::f16;
use serde::{Deserialize, Serialize};

pub use assign::assign;
pub use stage1::stage1;
pub use stage2::stage2;

/// Whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The paper's: a format that is wrong leaves nothing; both totals are 0 to 3.
    Paper,
    /// The released code's: the format is two of the terms, distances of boxes count too; totals are 0 to 5 and 0 to 4.
    Released,
}

/// Which terms count; what a term is for shows when it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The format: as a term, and as the paper's gate.
    pub format: bool,
    /// Boxes, or pixels.
    pub accuracy: bool,
    /// How many boxes, or points.
    pub length: bool,
}

impl Terms {
    /// All of them.
    pub const ALL: Self = Self { format: true, accuracy: true, length: true };
}

/// How rewards are given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Whose rules.
    pub profile: Profile,
    /// Which terms.
    pub terms: Terms,
    /// How many points an object should have (mu).
    pub points: f64,
    /// How far from that still counts (sigma).
    pub spread: f64,
    /// The released code's distance of boxes that still counts, in pixels: 10 where pictures are seen at 756.
    pub near: f64,
}

impl Rules {
    /// A profile with all its terms, two points and the published numbers.
    pub const fn new(profile: Profile) -> Self {
        Self { profile, terms: Terms::ALL, points: 2.0, spread: 2.0, near: 10.0 }
    }
}

/// The reward of a stage, term by term.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// The format: 0 or 1; in the released code 0 to 2, half of it for the tags.
    pub format: f64,
    /// Stage 1: boxes found, 0 to 1, in the released code 0 to 2. Stage 2: IoU of the mask.
    pub accuracy: f64,
    /// How near the number of boxes or points is to what it should be, 0 to 1.
    pub length: f64,
    /// What is trained on.
    pub total: f64,
}

impl Reward {
    fn new(format: f64, accuracy: f64, length: f64, rules: &Rules) -> Self {
        let Terms { format: f, accuracy: a, length: l } = rules.terms;
        let term = |on: bool, value: f64| if on { value } else { 0.0 };
        let sum = term(f, format) + term(a, accuracy) + term(l, length);
        let total = match rules.profile {
            Profile::Paper if f && format < 1.0 => 0.0,
            Profile::Paper => sum,
            // The released rewards are tensors of 16 bits.
            Profile::Released => f64::from(f16::from_f64(sum)),
        };
        Self { format, accuracy, length, total }
    }
}
