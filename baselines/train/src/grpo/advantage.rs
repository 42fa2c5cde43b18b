//! What an answer is worth beside the others of its group.

/// Advantages of a group's rewards: each less the mean; `normalised`, divided by the unbiased standard deviation (plus 1e-6) and
/// kept within -10 to 10 (released code, `functionals.py:709-758`).
pub fn advantages(rewards: &[f64], normalised: bool) -> Vec<f64> {
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n.max(1.0);
    let less = rewards.iter().map(|r| r - mean);
    if !normalised {
        return less.collect();
    }
    let variance = less.clone().map(|d| d * d).sum::<f64>() / (n - 1.0).max(1.0);
    less.map(|d| (d / (variance.sqrt() + 1e-6)).clamp(-10.0, 10.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_worked_out_by_hand() {
        assert_eq!(advantages(&[3.0, 1.0, 2.0, 2.0], false), [1.0, -1.0, 0.0, 0.0]);
        // Squares sum to 2, over 3.
        let unit = 1.0 / ((2.0f64 / 3.0).sqrt() + 1e-6);
        assert_eq!(advantages(&[3.0, 1.0, 2.0, 2.0], true), [unit, -unit, 0.0, 0.0]);
        assert_eq!(advantages(&[2.0; 8], true), [0.0; 8]);
        assert_eq!(advantages(&[1.0], true), [0.0]);
        assert!(advantages(&[], true).is_empty());
        // One of very many: beyond ten deviations.
        let mut many = vec![0.0; 200];
        many[0] = 1.0;
        assert_eq!(advantages(&many, true)[0], 10.0);
    }
}
