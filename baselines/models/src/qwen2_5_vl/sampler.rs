//! Choosing the next token from one row of logits.
//!
//! The filters and their order are those of transformers' `TemperatureLogitsWarper`, `TopKLogitsWarper` and
//! `TopPLogitsWarper`; the draw is our own, so that a seed gives the same tokens on every machine.

use crate::{ModelError, Result};

/// How a token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Logits are divided by it; 0 for the likeliest token.
    pub temperature: f32,
    /// Then only the `top_k` likeliest are kept, and all that equal the last of them; 0 for all.
    pub top_k: u32,
    /// Then the fewest likeliest that hold this probability among those kept; 1 or more for all, 0 for one.
    pub top_p: f32,
}

/// A chosen token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Its id.
    pub token: u32,
    /// Natural logarithm of its probability in the model's own distribution: softmax of the logits as they are, without
    /// temperature and filters. 0 or less.
    pub log_probability: f32,
}

impl Sampler {
    /// The likeliest token each time.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, top_p: 1.0 };
    /// As the released inference draws (`examples/infer/rlvr_megatron.yaml`).
    pub const RELEASED: Self = Self { temperature: 1.0, top_k: 100, top_p: 0.8 };

    /// Chooses from a row of logits, one a token id. `uniform` in `0..1` decides: tokens that are kept lie side by side
    /// in the order of their ids, each as wide as its probability, and the one that it falls on is taken. Greedy takes
    /// the lowest id of equal logits and does not look at `uniform`.
    ///
    /// # Errors
    /// When a logit is NaN or plus infinity, none is finite, or temperature or `top_p` is negative or not finite.
    pub fn choose(&self, logits: &[f32], uniform: f64) -> Result<Choice> {
        let (best, largest) = largest(logits)?;
        self.check()?;
        let token = if self.temperature == 0.0 { best } else { draw(&self.kept(logits, largest), best, uniform) };
        let sum: f64 = logits.iter().map(|l| libm::exp(f64::from(*l) - f64::from(largest))).sum();
        let log_probability = f64::from(logits[token as usize]) - f64::from(largest) - libm::log(sum);
        Ok(Choice { token, log_probability: log_probability as f32 })
    }

    /// The tokens that can be drawn, in the order of their ids, with their probabilities (which add up to 1).
    ///
    /// # Errors
    /// As [`Self::choose`].
    pub fn distribution(&self, logits: &[f32]) -> Result<Vec<(u32, f64)>> {
        let (best, largest) = largest(logits)?;
        self.check()?;
        let kept = if self.temperature == 0.0 { vec![(best, 1.0)] } else { self.kept(logits, largest) };
        let sum: f64 = kept.iter().map(|(_, weight)| weight).sum();
        Ok(kept.into_iter().filter(|(_, weight)| *weight > 0.0).map(|(id, weight)| (id, weight / sum)).collect())
    }

    fn check(&self) -> Result<()> {
        for (name, value) in [("temperature", self.temperature), ("top_p", self.top_p)] {
            if !value.is_finite() || value < 0.0 {
                return Err(ModelError::Input(format!(
                    "cannot draw with {name} {value}: it is a number of at least 0"
                )));
            }
        }
        Ok(())
    }

    /// The tokens that pass the filters, in the order of their ids, with weights that are 1 for the likeliest.
    fn kept(&self, logits: &[f32], largest: f32) -> Vec<(u32, f64)> {
        let least = match self.top_k as usize {
            k if k == 0 || k >= logits.len() => f32::NEG_INFINITY,
            k => *logits.to_vec().select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a)).1,
        };
        // Differences are taken before the division, so that no temperature makes an infinity of a logit.
        let weight = |logit: f32| libm::exp((f64::from(logit) - f64::from(largest)) / f64::from(self.temperature));
        let mut kept: Vec<(u32, f64)> =
            (0u32..).zip(logits).filter(|(_, l)| **l >= least).map(|(id, l)| (id, weight(*l))).collect();
        if self.top_p < 1.0 {
            // From the least likely up, of equals the last first; transformers leaves the order of equals open.
            kept.sort_by(|a, b| logits[a.0 as usize].total_cmp(&logits[b.0 as usize]).then(b.0.cmp(&a.0)));
            let limit = (1.0 - f64::from(self.top_p)) * kept.iter().map(|(_, weight)| weight).sum::<f64>();
            let mut below = 0.0;
            let dropped = kept.iter().take_while(|(_, weight)| {
                below += weight;
                below <= limit
            });
            let dropped = dropped.count().min(kept.len() - 1);
            kept.drain(..dropped);
            kept.sort_by_key(|(id, _)| *id);
        }
        kept
    }
}

/// The token that `uniform` falls on; `best` where rounding leaves it on none.
fn draw(kept: &[(u32, f64)], best: u32, uniform: f64) -> u32 {
    let target = uniform * kept.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut reached = 0.0;
    let hit = kept.iter().find(|(_, weight)| {
        reached += weight;
        *weight > 0.0 && reached > target
    });
    hit.map_or(best, |(id, _)| *id)
}

/// The first of the largest logits, its id and value.
fn largest(logits: &[f32]) -> Result<(u32, f32)> {
    let (mut best, mut value) = (0, f32::NEG_INFINITY);
    for (id, &logit) in (0u32..).zip(logits) {
        if logit.is_nan() || logit == f32::INFINITY {
            return Err(ModelError::Input(format!("the logit of token {id} is {logit}")));
        }
        if logit > value {
            (best, value) = (id, logit);
        }
    }
    if value == f32::NEG_INFINITY {
        return Err(ModelError::Input(format!("none of {} logits is finite", logits.len())));
    }
    Ok((best, value))
}

/// A random number in `0..1`, of 53 bits, that depends on the seed and the number of the draw and on nothing else:
/// neither order nor batch nor threads. SplitMix64's function over both.
pub fn uniform(seed: u64, step: u64) -> f64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |z: u64| {
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    // The seed is mixed first: seeds next to each other then start at places far apart of SplitMix64's sequence.
    let start = mix(seed.wrapping_add(STEP));
    let bits = mix(start.wrapping_add(step.wrapping_add(1).wrapping_mul(STEP)));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
