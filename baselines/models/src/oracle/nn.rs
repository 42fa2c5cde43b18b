//! Normalisation over the last dimension, and rotary embedding.

use super::{Plain, memory};
use crate::{ModelError, Result};

/// Each row of the last dimension turned into another.
fn rows(op: &'static str, x: &Plain, f: impl Fn(&[f64]) -> Vec<f64>) -> Result<Plain> {
    let size = memory::last(op, x)?;
    let data: Vec<f64> = x.data().iter().map(|&x| f64::from(x)).collect();
    let values = data.chunks_exact(size.max(1)).flat_map(f).map(|x| x as f32).collect();
    Plain::of(op, values, &x.shape, x.dtype)
}

fn mean(row: &[f64]) -> f64 {
    row.iter().sum::<f64>() / row.len() as f64
}

/// The exponentials of a row, of sum 1. Shifted by the largest, which changes nothing but keeps them finite.
pub(super) fn exponentials(row: &[f64]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

pub(super) fn softmax(x: &Plain) -> Result<Plain> {
    rows("softmax", x, exponentials)
}

pub(super) fn layer_norm(x: &Plain, weight: &Plain, bias: &Plain, eps: f32) -> Result<Plain> {
    memory::same_type("layer_norm", x, [weight, bias])?;
    let size = memory::last("layer_norm", x)?;
    memory::expect("layer_norm", "the weight", weight, &[size])?;
    memory::expect("layer_norm", "the bias", bias, &[size])?;
    let (weights, shifts) = (weight.data(), bias.data());
    rows("layer_norm", x, |row| {
        let mean_of_row = mean(row);
        let around_0: Vec<f64> = row.iter().map(|x| x - mean_of_row).collect();
        let variance = mean(&around_0.iter().map(|x| x * x).collect::<Vec<_>>());
        let deviation = (variance + f64::from(eps)).sqrt();
        let scaled = around_0.iter().zip(weights.iter().zip(shifts.iter()));
        scaled.map(|(x, (&weight, &shift))| x / deviation * f64::from(weight) + f64::from(shift)).collect()
    })
}

pub(super) fn rms_norm(x: &Plain, weight: &Plain, eps: f32) -> Result<Plain> {
    memory::same_type("rms_norm", x, [weight])?;
    memory::expect("rms_norm", "the weight", weight, &[memory::last("rms_norm", x)?])?;
    let weights = weight.data();
    rows("rms_norm", x, |row| {
        let root = (mean(&row.iter().map(|x| x * x).collect::<Vec<_>>()) + f64::from(eps)).sqrt();
        row.iter().zip(weights.iter()).map(|(x, &weight)| x / root * f64::from(weight)).collect()
    })
}

pub(super) fn rotary(x: &Plain, cos: &Plain, sin: &Plain) -> Result<Plain> {
    memory::same_type("rotary", x, [cos, sin])?;
    let [batch, heads, length, dim] = memory::sizes("rotary", "the tensor", x)?;
    if !dim.is_multiple_of(2) {
        return Err(ModelError::op("rotary", format!("{:?} has no two halves", x.shape)));
    }
    let half = dim / 2;
    let [angles, ..] = memory::sizes::<3>("rotary", "the cosine", cos)?;
    let angles = if angles == 1 { 1 } else { batch };
    memory::expect("rotary", "the cosine", cos, &[angles, length, half])?;
    memory::expect("rotary", "the sine", sin, &[angles, length, half])?;
    let (mut values, data) = (memory::zeros("rotary", &x.shape)?, x.data());
    let (cosines, sines) = (cos.data(), sin.data());
    for b in 0..batch {
        for head in 0..heads {
            for i in 0..length {
                for j in 0..half {
                    let angle = ((if angles == 1 { 0 } else { b }) * length + i) * half + j;
                    let (c, s) = (f64::from(cosines[angle]), f64::from(sines[angle]));
                    let first = ((b * heads + head) * length + i) * dim + j;
                    let second = first + half;
                    let (x, y) = (f64::from(data[first]), f64::from(data[second]));
                    values[first] = (x * c - y * s) as f32;
                    values[second] = (y * c + x * s) as f32;
                }
            }
        }
    }
    Plain::of("rotary", values, &x.shape, x.dtype)
}

#[cfg(test)]
mod tests {
    use crate::oracle::Plain;
    use crate::{DType, Tensor};

    fn plain(values: &[f32], shape: &[usize]) -> Plain {
        Plain::new(values.to_vec(), shape, DType::F32, &()).unwrap()
    }

    #[track_caller]
    fn near(found: &Plain, expected: &[f32]) {
        let values = found.values().unwrap();
        assert_eq!(values.len(), expected.len());
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?}, not {expected:?}");
    }

    #[test]
    fn softmax_is_of_each_row_and_of_large_values_too() {
        let third = 1.0 / 3.0;
        let x = plain(&[0.0, 0.0, 0.0, 1000.0, 1000.0, f32::NEG_INFINITY], &[2, 3]);
        near(&x.softmax().unwrap(), &[third, third, third, 0.5, 0.5, 0.0]);
        near(&plain(&[0.0, 3.0_f32.ln()], &[2]).softmax().unwrap(), &[0.25, 0.75]);
        assert!(plain(&[0.0], &[]).softmax().is_err());
    }

    #[test]
    fn norms_are_of_each_row() {
        let (weight, bias) = (plain(&[1.0, 2.0], &[2]), plain(&[0.0, 10.0], &[2]));
        let x = plain(&[1.0, 3.0, -5.0, -5.0], &[2, 2]);
        near(&x.layer_norm(&weight, &bias, 0.0).unwrap().narrow(0, 0, 1).unwrap(), &[-1.0, 12.0]);
        near(&x.layer_norm(&weight, &bias, 1.0).unwrap().narrow(0, 1, 1).unwrap(), &[0.0, 10.0]);
        // Variance 1 and as much again.
        near(&x.layer_norm(&weight, &bias, 3.0).unwrap().narrow(0, 0, 1).unwrap(), &[-0.5, 11.0]);
        let y = plain(&[7.0, 1.0], &[1, 2]).rms_norm(&weight, 0.0).unwrap();
        near(&y, &[1.4, 0.4]);
        near(&plain(&[0.0, 2.0], &[2]).rms_norm(&weight, 2.0).unwrap(), &[0.0, 2.0]);
        assert!(x.rms_norm(&plain(&[1.0], &[1]), 0.0).is_err());
        assert!(x.layer_norm(&weight, &plain(&[1.0], &[1]), 0.0).is_err());
    }

    #[test]
    fn rotary_turns_the_halves() {
        // One head, two places, dim 4: a quarter turn at the first, none at the second.
        let x = plain(&[1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0], &[1, 1, 2, 4]);
        let (cos, sin) = (plain(&[0.0, 0.0, 1.0, 1.0], &[1, 2, 2]), plain(&[1.0, 1.0, 0.0, 0.0], &[1, 2, 2]));
        near(&x.rotary(&cos, &sin).unwrap(), &[-3.0, -4.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0]);
        // One table for the batch is that table for each of it.
        let two = Plain::cat(&[x.clone(), x.affine(2.0, 0.0).unwrap()], 0).unwrap();
        let repeated = [cos.expand(&[2, 2, 2]).unwrap(), sin.expand(&[2, 2, 2]).unwrap()];
        let expected = two.rotary(&repeated[0], &repeated[1]).unwrap().values().unwrap();
        near(&two.rotary(&cos, &sin).unwrap(), &expected);
        assert_eq!(expected[8..10], [-6.0, -8.0]);
        assert!(x.rotary(&cos, &sin.narrow(1, 0, 1).unwrap()).is_err());
        assert!(x.rotary(&repeated[0], &repeated[1]).is_err());
        assert!(plain(&[0.0; 3], &[1, 1, 1, 3]).rotary(&cos, &sin).is_err());
    }
}
