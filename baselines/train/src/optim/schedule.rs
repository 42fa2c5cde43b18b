//! How the rate goes from step to step.

use serde::{Deserialize, Serialize};

/// How the rate falls after its warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// It stays.
    Constant,
    /// On a straight line to its end.
    Linear,
    /// Along half a cosine to its end.
    Cosine,
}

/// A rate for each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The highest rate.
    pub rate: f64,
    /// Steps over which it rises to that, on a straight line.
    pub warmup: u64,
    /// Steps in all.
    pub steps: u64,
    /// How it falls.
    pub decay: Decay,
    /// The share of the highest rate that is left at the end.
    pub floor: f64,
}

impl Schedule {
    /// The rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.rate * (step + 1) as f64 / self.warmup as f64;
        }
        let whole = self.steps.saturating_sub(self.warmup).max(1);
        let gone = ((step - self.warmup) as f64 / whole as f64).min(1.0);
        let left = match self.decay {
            Decay::Constant => return self.rate,
            Decay::Linear => 1.0 - gone,
            Decay::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * gone).cos()),
        };
        self.rate * (self.floor + (1.0 - self.floor) * left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_and_falls() {
        let schedule = |decay| Schedule { rate: 2.0, warmup: 4, steps: 104, decay, floor: 0.1 };
        for decay in [Decay::Constant, Decay::Linear, Decay::Cosine] {
            assert_eq!([0, 1, 3, 4].map(|s| schedule(decay).at(s)), [0.5, 1.0, 2.0, 2.0]);
        }
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(schedule(Decay::Linear).at(54), 2.0 * 0.55);
        near(schedule(Decay::Cosine).at(54), 2.0 * 0.55);
        near(schedule(Decay::Cosine).at(104), 0.2);
        near(schedule(Decay::Linear).at(1000), 0.2);
        near(schedule(Decay::Constant).at(1000), 2.0);
    }
}
