//! Attention without the square matrix: a band of queries against a block of keys at a time, with the running softmax.

use rayon::prelude::*;

use super::gemm::{Mat, gemm};
use super::{math, norm};

/// Rows of scores (queries, times the heads that share a key head) kept at once.
const BAND: usize = 128;
/// Keys looked at in one go.
const BLOCK: usize = 512;

/// `[batch, heads, length, dim]` in a slice, with the values of a row side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) batch: usize,
    pub(crate) head: usize,
    pub(crate) row: usize,
}

impl<'a> Rows<'a> {
    fn at(&self, b: usize, h: usize, l: usize) -> &'a [f32] {
        &self.data[b * self.batch + h * self.head + l * self.row..]
    }
}

/// What is added to scores or left out; as [`socio_models::Mask`] with slices.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'a> {
    All,
    Causal(&'a [usize]),
    Blocks(&'a [usize]),
    /// Values, and the strides of batch and head (0 where shared).
    Bias(&'a [f32], usize, usize),
    /// Values by grid row and by grid column, and how many of each.
    Grid(&'a [f32], usize, &'a [f32], usize),
}

/// Sizes of an attention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) heads: usize,
    pub(crate) key_heads: usize,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) dim: usize,
    pub(crate) value_dim: usize,
}

/// A band of queries of one row of the batch and the keys that it may see.
struct Band {
    b: usize,
    queries: (usize, usize),
    keys: (usize, usize),
}

/// The result as `[batch, queries, heads, value_dim]`: the order in which the heads are put side by side again.
pub(crate) fn attention(s: Sizes, q: Rows<'_>, k: Rows<'_>, v: Rows<'_>, scale: f32, seen: Seen<'_>) -> Vec<f32> {
    let mut out = vec![0f32; s.batch * s.queries * s.heads * s.value_dim];
    if out.is_empty() {
        return out;
    }
    let bands = bands(s, seen);
    let mut rest = out.as_mut_slice();
    let mut work = Vec::with_capacity(bands.len());
    for band in bands {
        let (part, after) = rest.split_at_mut((band.queries.1 - band.queries.0) * s.heads * s.value_dim);
        work.push((band, part));
        rest = after;
    }
    let one = |(band, part): (Band, &mut [f32])| {
        for h in 0..s.key_heads {
            head(s, (q, k, v), scale, seen, (&band, h), part);
        }
    };
    if s.batch * s.heads * s.queries * s.keys < super::WORTH {
        work.into_iter().for_each(one);
    } else {
        work.into_par_iter().for_each(one);
    }
    out
}

fn bands(s: Sizes, seen: Seen<'_>) -> Vec<Band> {
    let most = (BAND * s.key_heads / s.heads.max(1)).max(1);
    let mut bands = Vec::new();
    for b in 0..s.batch {
        let mut add = |start: usize, end: usize, keys: (usize, usize)| {
            for first in (start..end).step_by(most) {
                let last = (first + most).min(end);
                let keys = match seen {
                    // What comes after the last query of the band is seen by none of it.
                    Seen::Causal(_) => (keys.0, (s.keys + last).saturating_sub(s.queries)),
                    _ => keys,
                };
                bands.push(Band { b, queries: (first, last), keys });
            }
        };
        if let Seen::Blocks(lengths) = seen {
            let mut start = 0;
            for length in lengths {
                add(start, start + length, (start, start + length));
                start += length;
            }
        } else {
            add(0, s.queries, (0, s.keys));
        }
    }
    bands
}

/// The query heads that share key head `kh`, for one band of queries.
fn head(
    s: Sizes,
    (q, k, v): (Rows<'_>, Rows<'_>, Rows<'_>),
    scale: f32,
    seen: Seen<'_>,
    (band, kh): (&Band, usize),
    out: &mut [f32],
) {
    let group = s.heads / s.key_heads;
    let (first, last) = band.queries;
    let length = last - first;
    let rows = group * length;
    let mut scaled = Vec::with_capacity(rows * s.dim);
    for g in 0..group {
        for i in first..last {
            scaled.extend(q.at(band.b, kh * group + g, i)[..s.dim].iter().map(|x| x * scale));
        }
    }
    // A block of keys ends where a row of the grid ends.
    let step = match seen {
        Seen::Grid(_, _, _, columns) => columns * (BLOCK / columns.max(1)).max(1),
        _ => BLOCK,
    };
    let mut scores = vec![0f32; rows * step.min(band.keys.1 - band.keys.0).max(1)];
    let mut sums = vec![0f32; rows * s.value_dim];
    let (mut peaks, mut totals) = (vec![f32::NEG_INFINITY; rows], vec![0f32; rows]);
    for from in (band.keys.0..band.keys.1).step_by(step) {
        let to = (from + step).min(band.keys.1);
        let n = to - from;
        let keys = Mat { data: k.at(band.b, kh, from), rows: n, columns: s.dim, row: k.row, column: 1 };
        let scores = &mut scores[..rows * n];
        gemm(scores, n, Mat::new(&scaled, rows, s.dim), keys.transposed(), false, false);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (r, line) in scores.chunks_exact_mut(n).enumerate() {
                    shift(s, seen, (band.b, kh * group + r / length, first + r % length), from, line);
                    let peak = norm::largest(line).max(peaks[r]);
                    if peak == f32::NEG_INFINITY {
                        line.fill(0.0);
                        continue;
                    }
                    let total = norm::exponentials(line, peak);
                    if peak > peaks[r] {
                        let shrink = math::exp(peaks[r] - peak);
                        totals[r] *= shrink;
                        sums[r * s.value_dim..][..s.value_dim].iter_mut().for_each(|x| *x *= shrink);
                        peaks[r] = peak;
                    }
                    totals[r] += total;
                }
            },
        );
        let values = Mat { data: v.at(band.b, kh, from), rows: n, columns: s.value_dim, row: v.row, column: 1 };
        gemm(&mut sums, s.value_dim, Mat::new(scores, rows, n), values, true, false);
    }
    for (r, sum) in sums.chunks_exact(s.value_dim).enumerate() {
        let (h, i) = (kh * group + r / length, r % length);
        let scale = 1.0 / totals[r];
        let to = &mut out[(i * s.heads + h) * s.value_dim..][..s.value_dim];
        to.iter_mut().zip(sum).for_each(|(o, x)| *o = x * scale);
    }
}

/// Applies the mask to the scores of query `i` for the keys from `from` on.
#[inline(always)]
fn shift(s: Sizes, seen: Seen<'_>, (b, h, i): (usize, usize, usize), from: usize, line: &mut [f32]) {
    match seen {
        Seen::All | Seen::Blocks(_) => {}
        Seen::Causal(starts) => {
            let own = s.keys - s.queries + i;
            let start = starts.get(b).copied().unwrap_or(0).min(own);
            let hidden = start.saturating_sub(from).min(line.len());
            line[..hidden].fill(f32::NEG_INFINITY);
            let seen = (own + 1).saturating_sub(from).min(line.len());
            line[seen..].fill(f32::NEG_INFINITY);
        }
        Seen::Bias(bias, batch, head) => {
            let bias = &bias[b * batch + h * head + i * s.keys + from..][..line.len()];
            line.iter_mut().zip(bias).for_each(|(x, y)| *x += y);
        }
        Seen::Grid(rows, count, columns, width) => {
            let at = (b * s.heads + h) * s.queries + i;
            let (rows, columns) = (&rows[at * count..][..count], &columns[at * width..][..width]);
            for (part, row) in line.chunks_mut(width).zip(&rows[from / width..]) {
                part.iter_mut().zip(columns).for_each(|(x, column)| *x += row + column);
            }
        }
    }
}
