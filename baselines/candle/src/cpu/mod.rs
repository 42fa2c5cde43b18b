//! What this project does itself on the CPU, where candle's general kernels take several times as long
//! (docs/performance.md): every function takes and gives contiguous `f32` rows.

#![allow(
    clippy::inline_always,
    clippy::redundant_closure,
    reason = "what is not inlined into a dispatched closure is compiled for the oldest processor"
)]

pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod gemm;
pub(crate) mod linear;
pub(crate) mod math;
pub(crate) mod norm;
pub(crate) mod place;

use rayon::prelude::*;

/// Values below which handing work to other threads costs more than it saves.
const WORTH: usize = 16 * 1024;

/// Calls `f(start, part)` for parts of `values` that are whole rows of `row` values, on all threads of the current pool;
/// `start` is where the part begins.
pub(crate) fn chunks(values: &mut [f32], row: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    let row = row.max(1);
    if values.len() < WORTH {
        return f(0, values);
    }
    let parts = rayon::current_num_threads() * 4;
    let rows = values.len().div_ceil(row);
    let part = rows.div_ceil(parts).max(WORTH.div_ceil(4 * row)).max(1) * row;
    values.par_chunks_mut(part).enumerate().for_each(|(i, chunk)| f(i * part, chunk));
}
