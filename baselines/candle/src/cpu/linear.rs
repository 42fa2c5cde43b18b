//! Rows times a matrix that may be kept in 16 bits: values are widened on the way, a block of the matrix at a time, so that
//! no second copy of the weights is ever made.

use half::{bf16, f16};
use rayon::prelude::*;

use super::gemm::{Mat, gemm};

/// Up to so many rows each row of the matrix is read once and multiplied at once: a matrix product would read it to write a
/// reordered copy first.
const FEW_ROWS: usize = 4;
/// Values of a widened block: 4 MiB.
const BLOCK: usize = 1 << 20;

/// A type that matrices are kept in.
pub(crate) trait Stored: Copy + Send + Sync {
    /// The value in 32 bits.
    fn wide(self) -> f32;
}

impl Stored for f32 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }
}

impl Stored for bf16 {
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

impl Stored for f16 {
    /// Without branches, so that compilers can do several at a time: the exponent is moved and rebased by a product, which
    /// is exact and makes subnormal numbers right too.
    #[inline(always)]
    fn wide(self) -> f32 {
        let bits = u32::from(self.to_bits());
        let magnitude = bits & 0x7fff;
        let finite = f32::from_bits(magnitude << 13) * f32::from_bits(0x7780_0000);
        let special = (magnitude << 13) | 0x7f80_0000;
        let value = if magnitude >= 0x7c00 { special } else { finite.to_bits() };
        f32::from_bits(value | ((bits & 0x8000) << 16))
    }
}

/// `x @ weight^T + bias`: `x` is rows of `inner` values, `weight` rows of `inner` values, the result rows of one value a row
/// of `weight`.
pub(crate) fn linear<W: Stored>(x: &[f32], weight: &[W], bias: Option<&[f32]>, inner: usize) -> Vec<f32> {
    let (m, n) = (x.len() / inner.max(1), weight.len() / inner.max(1));
    let mut out = vec![0f32; m * n];
    if out.is_empty() {
        return out;
    }
    if let Some(bias) = bias {
        super::chunks(&mut out, n, |_, part| part.chunks_exact_mut(n).for_each(|row| row.copy_from_slice(bias)));
    }
    if m <= FEW_ROWS {
        few(&mut out, x, weight, inner);
    } else {
        many(&mut out, x, weight, inner, bias.is_some());
    }
    out
}

fn few<W: Stored>(out: &mut [f32], x: &[f32], weight: &[W], inner: usize) {
    let (m, n) = (x.len() / inner, weight.len() / inner);
    // One product a row of the matrix: column by column of the result, put in place afterwards.
    let mut columns = vec![0f32; n * m];
    let fill = |start: usize, part: &mut [f32]| {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (i, sums) in part.chunks_exact_mut(m).enumerate() {
                    let w = &weight[(start / m + i) * inner..][..inner];
                    for (sum, row) in sums.iter_mut().zip(x.chunks_exact(inner)) {
                        *sum = dot(row, w);
                    }
                }
            },
        );
    };
    if n * inner < super::WORTH {
        fill(0, &mut columns);
    } else {
        let part = n.div_ceil(rayon::current_num_threads() * 8).max(1) * m;
        columns.par_chunks_mut(part).enumerate().for_each(|(i, p)| fill(i * part, p));
    }
    for (r, row) in out.chunks_exact_mut(n).enumerate() {
        for (c, o) in row.iter_mut().enumerate() {
            *o += columns[c * m + r];
        }
    }
}

/// Sixty-four running sums, then theirs: enough of them that one addition need not wait for another.
#[inline(always)]
fn dot<W: Stored>(x: &[f32], w: &[W]) -> f32 {
    const LANES: usize = 64;
    let mut lanes = [0f32; LANES];
    let (xs, ws) = (x.chunks_exact(LANES), w.chunks_exact(LANES));
    let rest: f32 = xs.remainder().iter().zip(ws.remainder()).map(|(a, b)| a * b.wide()).sum();
    for (a, b) in xs.zip(ws) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i].wide();
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0] + rest
}

fn many<W: Stored>(out: &mut [f32], x: &[f32], weight: &[W], inner: usize, add: bool) {
    let (m, n) = (x.len() / inner, weight.len() / inner);
    let x = Mat::new(x, m, inner);
    let block = (BLOCK / inner).clamp(16, n.max(16));
    let mut wide = vec![0f32; block.min(n) * inner];
    for first in (0..n).step_by(block) {
        let rows = block.min(n - first);
        let part = &mut wide[..rows * inner];
        widen(&weight[first * inner..][..rows * inner], part);
        gemm(&mut out[first..], n, x, Mat::new(part, rows, inner).transposed(), add, true);
    }
}

/// All values in 32 bits.
pub(crate) fn widen<W: Stored>(from: &[W], to: &mut [f32]) {
    super::chunks(to, 1, |start, part| {
        let from = &from[start..][..part.len()];
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || part.iter_mut().zip(from).for_each(|(o, v)| *o = v.wide()),
        );
    });
}

/// As [`linear`] for a matrix of 32 bits, which needs no widening.
pub(crate) fn linear_f32(x: &[f32], weight: &[f32], bias: Option<&[f32]>, inner: usize) -> Vec<f32> {
    let (m, n) = (x.len() / inner.max(1), weight.len() / inner.max(1));
    if m <= FEW_ROWS || n == 0 {
        return linear(x, weight, bias, inner);
    }
    let mut out = vec![0f32; m * n];
    if let Some(bias) = bias {
        super::chunks(&mut out, n, |_, part| part.chunks_exact_mut(n).for_each(|row| row.copy_from_slice(bias)));
    }
    gemm(&mut out, n, Mat::new(x, m, inner), Mat::new(weight, n, inner).transposed(), bias.is_some(), true);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_widen_to_what_the_standard_says() {
        for bits in 0..=u16::MAX {
            let (f, b) = (f16::from_bits(bits), bf16::from_bits(bits));
            assert!(f.wide() == f.to_f32() || f.to_f32().is_nan() && f.wide().is_nan(), "{bits:#x}");
            assert!(b.wide() == b.to_f32() || b.to_f32().is_nan() && b.wide().is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn few_rows_and_many_give_the_same() {
        let inner = 131;
        let value = |i: usize| ((i * 7919) % 1013) as f32 / 506.0 - 1.0;
        let x: Vec<f32> = (0..9 * inner).map(value).collect();
        let w: Vec<bf16> = (0..37 * inner).map(|i| bf16::from_f32(value(i + 5))).collect();
        let bias: Vec<f32> = (0..37).map(value).collect();
        let many = linear(&x, &w, Some(&bias), inner);
        for r in 0..9 {
            let one = linear(&x[r * inner..][..inner], &w, Some(&bias), inner);
            for (a, b) in one.iter().zip(&many[r * 37..][..37]) {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        }
    }
}
