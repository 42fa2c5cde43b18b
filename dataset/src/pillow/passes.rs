//! The two passes over interleaved RGB bytes.
//!
//! Sums stay within 32 bits: the absolute weights of a window add up to less than 1.5 x 2^22. They are whole numbers, so
//! that every way of adding them up gives the same bytes: each pass is compiled for the processor's vectors too, and the
//! way is chosen when the program runs.

#![allow(clippy::inline_always, reason = "what is not inlined is not compiled for the vectors that are chosen")]

use pulp::{Arch, Simd, WithSimd};

use super::kernel::{Kernel, PRECISION_BITS};

/// Half of the last place that is kept, which makes the shift of [`clip`] round.
const HALF: i32 = 1 << (PRECISION_BITS - 1);
/// Rows that the horizontal pass takes at a time, side by side in one vector.
const LANES: usize = 16;

/// A sum of weighted bytes back to a byte.
#[inline(always)]
fn clip(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// First source pixel and weights of each pixel of the result.
type Windows<'a> = [(usize, &'a [i32])];

/// Rows of `width` pixels to rows of as many pixels as the kernel has windows.
pub(super) fn horizontal(source: &[u8], width: usize, kernel: &Kernel) -> Vec<u8> {
    let windows: Vec<_> = kernel.windows().collect();
    let mut out = vec![0; source.len() / width * windows.len()];
    Arch::new().dispatch(Horizontal {
        source,
        width,
        windows: &windows,
        columns: &mut vec![[0; LANES]; width * 3],
        sums: &mut vec![[0; LANES]; windows.len() * 3],
        out: &mut out,
    });
    out
}

/// Turns some rows into columns, so that one weight meets a whole vector of values, and the result back into rows.
struct Horizontal<'a> {
    source: &'a [u8],
    width: usize,
    windows: &'a Windows<'a>,
    columns: &'a mut [[u8; LANES]],
    sums: &'a mut [[u8; LANES]],
    out: &'a mut [u8],
}

impl WithSimd for Horizontal<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { source, width, windows, columns, sums, out } = self;
        let (from, to) = (width * 3, windows.len() * 3);
        for (rows, out) in source.chunks(from * LANES).zip(out.chunks_mut(to * LANES)) {
            for (lane, row) in rows.chunks_exact(from).enumerate() {
                for (column, &value) in columns.iter_mut().zip(row) {
                    column[lane] = value;
                }
            }
            for (x, &(first, weights)) in windows.iter().enumerate() {
                for channel in 0..3 {
                    let mut sum = [HALF; LANES];
                    for (at, &weight) in weights.iter().enumerate() {
                        for (sum, &value) in sum.iter_mut().zip(&columns[(first + at) * 3 + channel]) {
                            *sum += i32::from(value) * weight;
                        }
                    }
                    for (out, &sum) in sums[x * 3 + channel].iter_mut().zip(&sum) {
                        *out = clip(sum);
                    }
                }
            }
            for (lane, row) in out.chunks_exact_mut(to).enumerate() {
                for (value, sum) in row.iter_mut().zip(sums.iter()) {
                    *value = sum[lane];
                }
            }
        }
    }
}

/// Rows of `width` pixels to as many rows as the kernel has windows.
pub(super) fn vertical(source: &[u8], width: usize, kernel: &Kernel) -> Vec<u8> {
    let windows: Vec<_> = kernel.windows().collect();
    let stride = width * 3;
    let mut out = vec![0; windows.len() * stride];
    Arch::new().dispatch(Vertical { source, stride, windows: &windows, sums: &mut vec![0; stride], out: &mut out });
    out
}

/// Adds up whole rows.
struct Vertical<'a> {
    source: &'a [u8],
    stride: usize,
    windows: &'a Windows<'a>,
    sums: &'a mut [i32],
    out: &'a mut [u8],
}

impl WithSimd for Vertical<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { source, stride, windows, sums, out } = self;
        for (&(first, weights), out) in windows.iter().zip(out.chunks_exact_mut(stride)) {
            sums.fill(HALF);
            for (row, &weight) in source[first * stride..].chunks_exact(stride).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (out, &sum) in out.iter_mut().zip(sums.iter()) {
                *out = clip(sum);
            }
        }
    }
}
