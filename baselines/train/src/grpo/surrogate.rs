//! What is minimised: the clipped surrogate, token by token, and the distance from the reference.

use socio_models::{Autograd, DType, Result};

use super::Objective;

/// The tokens of some answers, answer after answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tokens {
    /// Natural logarithm of each token's probability under the policy that drew it.
    pub old: Vec<f32>,
    /// The same under the reference.
    pub reference: Vec<f32>,
    /// The advantage of each token's answer.
    pub advantages: Vec<f32>,
    /// How many tokens each answer has; an answer counts as much as any other, whatever its length.
    pub lengths: Vec<usize>,
}

/// The loss of answers whose tokens now have the log-probabilities `now`, `[tokens]`: the mean over answers of the mean over
/// their tokens of `-min(r A, clip(r, 1 - e, 1 + e) A) + beta k3`, where `r` is the ratio to the policy that drew and `k3` is
/// `exp(d) - d - 1` of the reference's log-probability less this one's (Schulman's estimator).
///
/// # Errors
/// When the lengths do not add up, or the library fails.
pub fn surrogate<T: Autograd>(now: &T, tokens: &Tokens, objective: &Objective) -> Result<T> {
    let count = tokens.old.len();
    let new = |values: Vec<f32>| T::new(values, &[count], DType::F32, &now.device());
    let answers = tokens.lengths.iter().filter(|n| **n > 0).count().max(1) as f32;
    let weights = tokens.lengths.iter().flat_map(|n| std::iter::repeat_n(1.0 / (answers * *n as f32), *n));
    let advantages = new(tokens.advantages.clone())?;
    let ratio = now.sub(&new(tokens.old.clone())?)?.exp()?;
    let clipped = ratio.clamp(1.0 - objective.clip, 1.0 + objective.clip)?;
    let gain = ratio.mul(&advantages)?.minimum(&clipped.mul(&advantages)?)?;
    let mut loss = gain.affine(-1.0, 0.0)?;
    if objective.kl > 0.0 {
        let apart = new(tokens.reference.clone())?.sub(now)?;
        let mut k3 = apart.exp()?.sub(&apart)?.affine(1.0, -1.0)?;
        if let Some(most) = objective.kl_most {
            k3 = k3.clamp(-most, most)?;
        }
        loss = loss.add(&k3.affine(objective.kl, 0.0)?)?;
    }
    loss.mul(&new(weights.collect())?)?.sum()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use socio_candle::Candle;
    use socio_models::Tensor;

    use super::*;

    /// The loss and its slope by each token's log-probability.
    fn told(now: &[f32], tokens: &Tokens, objective: &Objective) -> (f32, Vec<f32>) {
        let now = Candle::new(now.to_vec(), &[now.len()], DType::F32, &Device::Cpu).unwrap().variable().unwrap();
        let loss = surrogate(&now, tokens, objective).unwrap();
        let slope = loss.gradients(&[now]).unwrap().remove(0).unwrap();
        (loss.values().unwrap()[0], slope.values().unwrap())
    }

    #[test]
    fn a_ratio_beyond_its_limit_moves_nothing_further() {
        let objective = Objective { kl: 0.0, ..Objective::RELEASED };
        let tokens = Tokens {
            old: vec![-1.0, -1.0, -1.0, -1.0],
            reference: vec![-1.0; 4],
            advantages: vec![2.0, 2.0, -1.0, -1.0],
            lengths: vec![2, 2],
        };
        // Ratios e^0.5 (beyond 1.2), 1, e^-0.5 (beyond 0.8), e^0.5: only against the gain does the limit not hold.
        let e = 0.5f32.exp();
        let (loss, slope) = told(&[-0.5, -1.0, -1.5, -0.5], &tokens, &objective);
        let expected = -(1.2 * 2.0 + 2.0) / 4.0 + (0.8 + e) / 4.0;
        assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
        for (found, expected) in slope.iter().zip([0.0, -2.0 / 4.0, 0.0, e / 4.0]) {
            assert!((found - expected).abs() < 1e-6, "{slope:?}");
        }
    }

    #[test]
    fn distance_costs_and_answers_count_alike() {
        let objective = Objective { clip: 0.5, kl: 0.1, kl_most: None, normalised: false };
        let tokens = Tokens {
            old: vec![-1.0, -2.0, -2.0],
            reference: vec![-1.0, -1.0, -2.5],
            advantages: vec![0.0; 3],
            lengths: vec![1, 2],
        };
        // Distances 0, 1 and -0.5 of the reference from here.
        let k3 = |d: f32| d.exp() - d - 1.0;
        let (loss, _) = told(&[-1.0, -2.0, -2.0], &tokens, &objective);
        assert!((loss - 0.1 * (k3(1.0) + k3(-0.5)) / 4.0).abs() < 1e-6);
        let limited = Objective { kl_most: Some(0.5), ..objective };
        let (loss, _) = told(&[-1.0, -2.0, -2.0], &tokens, &limited);
        assert!((loss - 0.1 * (0.5 + k3(-0.5)) / 4.0).abs() < 1e-6);
    }
}
