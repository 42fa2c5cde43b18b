//! Norms, softmax and rotary embedding.

use super::math;

/// Sums that compilers can do several at a time: sixteen running sums, then theirs.
#[inline(always)]
fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; 16];
    let parts = values.chunks_exact(16);
    let rest: f32 = parts.remainder().iter().map(|v| f(*v)).sum();
    for part in parts {
        for (lane, v) in lanes.iter_mut().zip(part) {
            *lane += f(*v);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// The largest value.
#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let parts = values.chunks_exact(16);
    let rest = parts.remainder().iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    for part in parts {
        for (lane, v) in lanes.iter_mut().zip(part) {
            *lane = if *v > *lane { *v } else { *lane };
        }
    }
    lanes.iter().fold(rest, |a, b| a.max(*b))
}

/// Exponentials less `shift` in place; gives their sum.
#[inline(always)]
pub(crate) fn exponentials(values: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0f32; 16];
    let mut parts = values.chunks_exact_mut(16);
    for part in &mut parts {
        for (lane, v) in lanes.iter_mut().zip(part) {
            *v = math::exp(*v - shift);
            *lane += *v;
        }
    }
    let mut rest = 0.0;
    for v in parts.into_remainder() {
        *v = math::exp(*v - shift);
        rest += *v;
    }
    lanes.iter().sum::<f32>() + rest
}

/// Rows of `row` values, each through `f(row of the source, row of the result)`, as many values at a time as the processor
/// can.
fn rows(values: &[f32], row: usize, f: impl Fn(&[f32], &mut [f32]) + Sync) -> Vec<f32> {
    let mut out = vec![0f32; values.len()];
    if row == 0 {
        return out;
    }
    super::chunks(&mut out, row, |start, part| {
        pulp::Arch::new().dispatch(Rows { source: &values[start..][..part.len()], part, row, f: &f });
    });
    out
}

/// A struct and no closure: of a closure with a body as large as these, `dispatch` inlines the call alone, and what it calls
/// is compiled for no vectors.
struct Rows<'a, F> {
    source: &'a [f32],
    part: &'a mut [f32],
    row: usize,
    f: &'a F,
}

impl<F: Fn(&[f32], &mut [f32])> pulp::WithSimd for Rows<'_, F> {
    type Output = ();

    #[allow(clippy::inline_always, reason = "what is not inlined is not compiled for the vectors that are chosen")]
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (from, to) in self.source.chunks_exact(self.row).zip(self.part.chunks_exact_mut(self.row)) {
            (self.f)(from, to);
        }
    }
}

/// Normalised exponentials of each row.
pub(crate) fn softmax(values: &[f32], row: usize) -> Vec<f32> {
    rows(
        values,
        row,
        #[inline(always)]
        |from, to| {
            to.copy_from_slice(from);
            let total = exponentials(to, largest(from));
            let scale = 1.0 / total;
            for v in to.iter_mut() {
                *v *= scale;
            }
        },
    )
}

/// Mean 0 and variance 1 of each row, then a scale and a shift.
pub(crate) fn layer_norm(values: &[f32], weight: &[f32], bias: &[f32], eps: f32) -> Vec<f32> {
    let size = weight.len() as f32;
    rows(
        values,
        weight.len(),
        #[inline(always)]
        |from, to| {
            let mean = sum(
                from,
                #[inline(always)]
                |v| v,
            ) / size;
            let variance = sum(
                from,
                #[inline(always)]
                |v| (v - mean) * (v - mean),
            ) / size;
            let scale = 1.0 / (variance + eps).sqrt();
            for (((t, v), w), b) in to.iter_mut().zip(from).zip(weight).zip(bias) {
                *t = (v - mean) * scale * w + b;
            }
        },
    )
}

/// Each row divided by the root of its mean square, then a scale.
pub(crate) fn rms_norm(values: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let size = weight.len() as f32;
    rows(
        values,
        weight.len(),
        #[inline(always)]
        |from, to| {
            let scale = 1.0
                / (sum(
                    from,
                    #[inline(always)]
                    |v| v * v,
                ) / size
                    + eps)
                    .sqrt();
            for ((t, v), w) in to.iter_mut().zip(from).zip(weight) {
                *t = v * scale * w;
            }
        },
    )
}

/// Rotary embedding of rows of `2 * half` values; row `r` takes the angles that `angle(r)` names.
pub(crate) fn rotary(
    values: &[f32],
    half: usize,
    cos: &[f32],
    sin: &[f32],
    angle: impl Fn(usize) -> usize + Sync,
) -> Vec<f32> {
    let row = 2 * half;
    let mut out = vec![0f32; values.len()];
    if row == 0 {
        return out;
    }
    super::chunks(&mut out, row, |start, part| {
        for (i, to) in part.chunks_exact_mut(row).enumerate() {
            let r = start / row + i;
            let (from, at) = (&values[r * row..][..row], angle(r) * half);
            let ((a, b), (c, s)) = (from.split_at(half), (&cos[at..][..half], &sin[at..][..half]));
            let (first, second) = to.split_at_mut(half);
            for j in 0..half {
                first[j] = a[j] * c[j] - b[j] * s[j];
                second[j] = b[j] * c[j] + a[j] * s[j];
            }
        }
    });
    out
}
