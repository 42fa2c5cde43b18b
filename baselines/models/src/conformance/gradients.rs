//! Whether a library's gradients are those of its own operations: against finite differences.

use super::random::Random;
use crate::{Autograd, DType, Mask, ModelError, Result};

/// How near the gradients of an operation came.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    /// The operation.
    pub operator: &'static str,
    /// The largest difference, divided by the largest slope of that operand.
    pub error: f32,
}

type Op<T> = Box<dyn Fn(&[T]) -> Result<T>>;

/// An operation and the shapes of what it is differentiated by.
struct Case<T> {
    name: &'static str,
    shapes: Vec<Vec<usize>>,
    op: Op<T>,
}

/// Half a step of a finite difference: far above what 32 bits round, and small enough for a curve to be straight.
const STEP: f32 = 5e-3;

fn case<T>(name: &'static str, shapes: &[&[usize]], op: impl Fn(&[T]) -> Result<T> + 'static) -> Case<T> {
    Case { name, shapes: shapes.iter().map(|s| s.to_vec()).collect(), op: Box::new(op) }
}

fn cases<T: Autograd>() -> Vec<Case<T>> {
    let attention = [&[2, 2, 4, 6][..], &[2, 2, 4, 6], &[2, 2, 4, 6]];
    vec![
        case("reshape", &[&[2, 6]], |x: &[T]| x[0].reshape(&[3, 4])?.mul(&x[0].reshape(&[3, 4])?)),
        case("permute", &[&[2, 3, 4]], |x: &[T]| x[0].permute(&[2, 0, 1])?.affine(2.0, 1.0)),
        case("narrow", &[&[3, 5]], |x: &[T]| x[0].narrow(1, 1, 3)),
        case("cat", &[&[2, 3], &[2, 2]], |x: &[T]| T::cat(&[x[0].clone(), x[1].clone(), x[0].clone()], 1)),
        case("select", &[&[4, 3]], |x: &[T]| x[0].select(0, &[3, 1, 1, 0, 3])),
        case("pad", &[&[2, 3]], |x: &[T]| x[0].pad(1, 2, 1)),
        case("expand", &[&[2, 1, 3]], |x: &[T]| x[0].expand(&[2, 4, 3])),
        case("add", &[&[2, 3, 4], &[3, 1]], |x: &[T]| x[0].add(&x[1])),
        case("sub", &[&[3, 4], &[4]], |x: &[T]| x[0].sub(&x[1])),
        case("mul", &[&[2, 3, 4], &[3, 4]], |x: &[T]| x[0].mul(&x[1])),
        case("affine", &[&[5]], |x: &[T]| x[0].affine(-1.5, 0.25)),
        case("gelu", &[&[7]], |x: &[T]| x[0].gelu()),
        case("silu", &[&[7]], |x: &[T]| x[0].silu()),
        // Away from the corner, where there is no slope.
        case("relu", &[&[7]], |x: &[T]| x[0].mul(&x[0])?.affine(1.0, 0.1)?.relu()),
        case("sigmoid", &[&[7]], |x: &[T]| x[0].sigmoid()),
        case("matmul", &[&[2, 3, 4], &[2, 4, 5]], |x: &[T]| x[0].matmul(&x[1])),
        case("linear", &[&[2, 3, 4], &[5, 4], &[5]], |x: &[T]| x[0].linear(&x[1], Some(&x[2]))),
        case("linear, weights alone", &[&[5, 4], &[5]], |x: &[T]| {
            T::new((0..12).map(|i| i as f32 * 0.1).collect(), &[3, 4], DType::F32, &x[0].device())?
                .linear(&x[0], Some(&x[1]))
        }),
        case("conv2d", &[&[2, 4, 5, 6], &[6, 2, 3, 3], &[6]], |x: &[T]| x[0].conv2d(&x[1], Some(&x[2]), 2, 1, 2)),
        case("conv2d, no groups", &[&[1, 3, 5, 5], &[4, 3, 3, 3]], |x: &[T]| x[0].conv2d(&x[1], None, 1, 1, 1)),
        case("max_pool2d", &[&[1, 2, 4, 6]], |x: &[T]| x[0].max_pool2d(2)),
        case("upsample_nearest", &[&[1, 2, 2, 3]], |x: &[T]| x[0].upsample_nearest(2)),
        case("softmax", &[&[3, 5]], |x: &[T]| x[0].softmax()),
        case("layer_norm", &[&[3, 6], &[6], &[6]], |x: &[T]| x[0].layer_norm(&x[1], &x[2], 1e-5)),
        case("rms_norm", &[&[3, 6], &[6]], |x: &[T]| x[0].rms_norm(&x[1], 1e-5)),
        case("rotary", &[&[2, 2, 3, 4]], |x: &[T]| {
            let turn = |f: fn(f32) -> f32| {
                let values = (0..6).map(|i| f(i as f32 * 0.7)).collect();
                T::new(values, &[1, 3, 2], DType::F32, &x[0].device())
            };
            x[0].rotary(&turn(f32::cos)?, &turn(f32::sin)?)
        }),
        case("attention", &attention, |x: &[T]| x[0].attention(&x[1], &x[2], 0.4, Mask::None)),
        case("attention, causal", &attention, |x: &[T]| {
            x[0].attention(&x[1], &x[2], 0.4, Mask::Causal { starts: &[0, 1] })
        }),
        case("attention, causal, no padding", &attention, |x: &[T]| {
            x[0].attention(&x[1], &x[2], 0.4, Mask::Causal { starts: &[] })
        }),
        case("attention, behind others", &[&[1, 2, 2, 4], &[1, 2, 5, 4], &[1, 2, 5, 4]], |x: &[T]| {
            x[0].attention(&x[1], &x[2], 0.5, Mask::Causal { starts: &[] })
        }),
        case("attention, shared keys", &[&[1, 4, 3, 4], &[1, 2, 3, 4], &[1, 2, 3, 4]], |x: &[T]| {
            x[0].attention(&x[1], &x[2], 0.5, Mask::Causal { starts: &[] })
        }),
        case("attention, blocks", &attention, |x: &[T]| x[0].attention(&x[1], &x[2], 0.4, Mask::Blocks(&[1, 3]))),
        case("attention, bias", &[attention[0], attention[1], attention[2], &[1, 2, 4, 4]], |x: &[T]| {
            x[0].attention(&x[1], &x[2], 0.4, Mask::Bias(&x[3]))
        }),
        case(
            "attention, grid",
            &[attention[0], attention[1], attention[2], &[2, 2, 4, 2], &[2, 2, 4, 2]],
            |x: &[T]| x[0].attention(&x[1], &x[2], 0.4, Mask::Grid { rows: &x[3], columns: &x[4] }),
        ),
        case("exp", &[&[5]], |x: &[T]| x[0].exp()),
        case("ln", &[&[5]], |x: &[T]| x[0].mul(&x[0])?.affine(1.0, 0.5)?.ln()),
        case("clamp", &[&[9]], |x: &[T]| x[0].affine(3.0, 0.0)?.clamp(-1.01, 1.03)),
        case("minimum", &[&[9], &[9]], |x: &[T]| x[0].minimum(&x[1])),
        case("log_softmax", &[&[3, 5]], |x: &[T]| x[0].log_softmax()),
        case("pick", &[&[4, 3]], |x: &[T]| x[0].pick(&[2, 0, 2, 1])),
        case("sum", &[&[4, 3]], |x: &[T]| x[0].sum()),
        // What is used twice, and through a detached copy.
        case("detach", &[&[4]], |x: &[T]| x[0].mul(&x[0])?.add(&x[0].mul(&x[0].detach())?.detach())),
    ]
}

/// Differentiates every operation by all that goes into it; `tolerance` is of the largest slope of an operand.
///
/// # Errors
/// When the library fails, or a gradient is too far from the difference.
pub fn gradients<T: Autograd>(device: &T::Device, seed: u64, tolerance: f32) -> Result<Vec<Slope>> {
    let mut random = Random::new(seed);
    let mut slopes = Vec::new();
    for Case { name, shapes, op } in cases::<T>() {
        let values: Vec<Vec<f32>> = shapes.iter().map(|shape| random.operand(shape).values).collect();
        let tensors = |values: &[Vec<f32>]| -> Result<Vec<T>> {
            values.iter().zip(&shapes).map(|(v, shape)| T::new(v.clone(), shape, DType::F32, device)).collect()
        };
        let variables = tensors(&values)?.iter().map(Autograd::variable).collect::<Result<Vec<T>>>()?;
        let out = op(&variables)?;
        // A sum with weights of its own, so that no slope is that of another value by chance.
        let shape = out.shape();
        let weights = random.operand(&shape).values;
        let weighed = T::new(weights.clone(), &shape, DType::F32, device)?;
        let found = out.mul(&weighed)?.sum()?.gradients(&variables)?;
        let value = |values: &[Vec<f32>]| -> Result<f64> {
            let out = op(&tensors(values)?)?.values()?;
            Ok(out.iter().zip(&weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum())
        };
        let mut worst: f32 = 0.0;
        for (which, found) in found.into_iter().enumerate() {
            let missing = || ModelError::op("gradients", format!("{name}: operand {which} has none"));
            let found = found.ok_or_else(missing)?.values()?;
            let mut expected = Vec::with_capacity(found.len());
            for i in 0..found.len() {
                let mut moved = values.clone();
                let mut at = |to: f32| {
                    moved[which][i] = to;
                    value(&moved)
                };
                let (up, down) = (at(values[which][i] + STEP)?, at(values[which][i] - STEP)?);
                expected.push(((up - down) / (2.0 * f64::from(STEP))) as f32);
            }
            if name == "detach" {
                // The difference sees through what was cut off: half of it is the detached copy's.
                for e in &mut expected {
                    *e /= 2.0;
                }
            }
            let largest = expected.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
            let error = expected.iter().zip(&found).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / largest;
            if error.is_nan() || error > tolerance {
                let why = format!("{name}: operand {which}: {found:?} where differences are {expected:?}");
                return Err(ModelError::op("gradients", why));
            }
            worst = worst.max(error);
        }
        slopes.push(Slope { operator: name, error: worst });
    }
    Ok(slopes)
}
