//! Element by element with broadcasting, and products of matrices.

use super::{Plain, memory, shape};
use crate::{ModelError, Result};

/// The shape that two shapes are broadcast to: aligned at the last dimension, sizes equal or one of them 1.
fn broadcast(op: &'static str, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let (wide_a, wide_b) = (widened(a, rank), widened(b, rank));
    let sizes = wide_a.iter().zip(&wide_b).map(|pair| match pair {
        (&a, &b) if a == b => Some(a),
        (1, &size) | (&size, 1) => Some(size),
        _ => None,
    });
    sizes.collect::<Option<_>>().ok_or_else(|| ModelError::op(op, format!("shapes {a:?} and {b:?}")))
}

/// The shape with sizes 1 before it, up to a rank.
fn widened(shape: &[usize], rank: usize) -> Vec<usize> {
    [&vec![1; rank.saturating_sub(shape.len())], shape].concat()
}

pub(super) fn pairs(op: &'static str, a: &Plain, b: &Plain, f: impl Fn(f64, f64) -> f64) -> Result<Plain> {
    memory::same_type(op, a, [b])?;
    let shape = broadcast(op, &a.shape, &b.shape)?;
    let mut values = memory::room(op, &shape)?;
    let at = |x: &Plain| shape::positions(&shape, &shape::repeated(&widened(&x.shape, shape.len())));
    let (data_a, data_b) = (a.data(), b.data());
    for (i, j) in at(a).into_iter().zip(at(b)) {
        values.push(f(f64::from(data_a[i]), f64::from(data_b[j])) as f32);
    }
    Plain::of(op, values, &shape, a.dtype)
}

/// Sum of products, in `f64`.
pub(super) fn dot<'a>(a: impl IntoIterator<Item = &'a f32>, b: impl IntoIterator<Item = &'a f32>) -> f64 {
    a.into_iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

pub(super) fn matmul(a: &Plain, b: &Plain) -> Result<Plain> {
    memory::same_type("matmul", a, [b])?;
    let wrong = || ModelError::op("matmul", format!("shapes {:?} and {:?}", a.shape, b.shape));
    let ([batch @ .., m, k], [batch_b @ .., k_b, n]) = (a.shape.as_slice(), b.shape.as_slice()) else {
        return Err(wrong());
    };
    if batch != batch_b || k != k_b {
        return Err(wrong());
    }
    let shape = [batch, &[*m, *n]].concat();
    let mut values = memory::room("matmul", &shape)?;
    let (data_a, data_b) = (a.data(), b.data());
    for one in 0..memory::count("matmul", batch)? {
        let (left, right) = (&data_a[one * m * k..(one + 1) * m * k], &data_b[one * k * n..(one + 1) * k * n]);
        for row in 0..*m {
            for column in 0..*n {
                let sum = dot(&left[row * k..(row + 1) * k], right.iter().skip(column).step_by(*n));
                values.push(sum as f32);
            }
        }
    }
    Plain::of("matmul", values, &shape, a.dtype)
}

pub(super) fn linear(x: &Plain, weight: &Plain, bias: Option<&Plain>) -> Result<Plain> {
    memory::same_type("linear", x, std::iter::once(weight).chain(bias))?;
    let [output, input] = memory::sizes("linear", "the weight", weight)?;
    if memory::last("linear", x)? != input {
        return Err(ModelError::op("linear", format!("shape {:?} and a weight {:?}", x.shape, weight.shape)));
    }
    if let Some(bias) = bias {
        memory::expect("linear", "the bias", bias, &[output])?;
    }
    let before = &x.shape[..x.shape.len() - 1];
    let shape = [before, &[output]].concat();
    let mut values = memory::room("linear", &shape)?;
    let (data, weights, shifts) = (x.data(), weight.data(), bias.map(Plain::data));
    for row in 0..memory::count("linear", before)? {
        for o in 0..output {
            let sum = dot(&data[row * input..(row + 1) * input], &weights[o * input..(o + 1) * input]);
            values.push((sum + shifts.as_ref().map_or(0.0, |shifts| f64::from(shifts[o]))) as f32);
        }
    }
    Plain::of("linear", values, &shape, x.dtype)
}

#[cfg(test)]
mod tests {
    use crate::oracle::Plain;
    use crate::{DType, Tensor};

    fn plain(values: &[f32], shape: &[usize]) -> Plain {
        Plain::new(values.to_vec(), shape, DType::F32, &()).unwrap()
    }

    fn values(x: &Plain) -> Vec<f32> {
        x.values().unwrap()
    }

    #[test]
    fn shapes_are_broadcast_both_ways() {
        let (row, column) = (plain(&[1.0, 2.0], &[2]), plain(&[10.0, 20.0, 30.0], &[3, 1]));
        let sum = row.add(&column).unwrap();
        assert_eq!((sum.shape(), values(&sum)), (vec![3, 2], vec![11.0, 12.0, 21.0, 22.0, 31.0, 32.0]));
        assert_eq!(values(&column.sub(&row).unwrap()), [9.0, 8.0, 19.0, 18.0, 29.0, 28.0]);
        let scalar = plain(&[3.0], &[]);
        assert_eq!(values(&scalar.mul(&row).unwrap()), [3.0, 6.0]);
        assert_eq!(scalar.mul(&scalar).unwrap().shape(), [0; 0]);
        let why = row.add(&plain(&[0.0; 3], &[3])).unwrap_err().to_string();
        assert_eq!(why, "add: shapes [2] and [3]");
        assert!(row.add(&plain(&[], &[0])).is_err());
        assert!(plain(&[1.0], &[1]).add(&plain(&[], &[0])).unwrap().shape() == [0]);
    }

    #[test]
    fn activations_are_what_they_say() {
        let x = plain(&[-1.0, 0.0, 2.0], &[3]);
        assert_eq!(values(&x.affine(2.0, 1.0).unwrap()), [-1.0, 1.0, 5.0]);
        assert_eq!(values(&x.relu().unwrap()), [0.0, 0.0, 2.0]);
        let near = |found: &Plain, expected: [f32; 3]| {
            assert!(values(found).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        };
        near(&x.sigmoid().unwrap(), [0.268_941_43, 0.5, 0.880_797_1]);
        near(&x.silu().unwrap(), [-0.268_941_43, 0.0, 1.761_594_2]);
        near(&x.gelu().unwrap(), [-0.158_655_25, 0.0, 1.954_499_7]);
        let far = plain(&[-200.0, 200.0], &[2]);
        assert_eq!(values(&far.silu().unwrap()), [0.0, 200.0]);
        assert_eq!(values(&far.gelu().unwrap()), [0.0, 200.0]);
    }

    #[test]
    fn matrices_are_multiplied_one_by_one() {
        let a = plain(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1, 2, 3]);
        let b = plain(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], &[1, 3, 2]);
        assert_eq!(values(&a.matmul(&b).unwrap()), [4.0, 5.0, 10.0, 11.0]);
        let twice = |x: &Plain| Plain::cat(&[x.clone(), x.affine(2.0, 0.0).unwrap()], 0).unwrap();
        let product = twice(&a).matmul(&twice(&b)).unwrap();
        assert_eq!(values(&product), [4.0, 5.0, 10.0, 11.0, 16.0, 20.0, 40.0, 44.0]);
        assert!(a.matmul(&a).is_err());
        assert!(a.matmul(&b.reshape(&[3, 2]).unwrap()).is_err());
        assert!(twice(&a).matmul(&b).is_err());
        assert!(plain(&[1.0], &[1]).matmul(&plain(&[1.0], &[1])).is_err());
    }

    #[test]
    fn linear_is_a_product_with_the_transpose() {
        let x = plain(&[1.0, 2.0, 3.0, 4.0], &[2, 1, 2]);
        let weight = plain(&[1.0, 1.0, 0.0, 1.0, 2.0, 0.0], &[3, 2]);
        let y = x.linear(&weight, None).unwrap();
        assert_eq!((y.shape(), values(&y)), (vec![2, 1, 3], vec![3.0, 2.0, 2.0, 7.0, 4.0, 6.0]));
        let y = x.linear(&weight, Some(&plain(&[0.0, 10.0, 20.0], &[3]))).unwrap();
        assert_eq!(values(&y), [3.0, 12.0, 22.0, 7.0, 14.0, 26.0]);
        assert!(x.linear(&weight, Some(&plain(&[0.0], &[1]))).is_err());
        assert!(x.linear(&plain(&[0.0; 3], &[1, 3]), None).is_err());
        assert!(plain(&[0.0], &[]).linear(&weight, None).is_err());
        assert!(x.linear(&weight.cast(DType::Bf16).unwrap(), None).is_err());
    }
}
