//! Moving values about: strided views made contiguous.

use rayon::prelude::*;

/// Side of the squares that a transposition goes through: 16 values are a cache line.
const TILE: usize = 16;

/// The values of a view in order: element `index` lies at `offset + sum(index * strides)`.
pub(crate) fn contiguous(data: &[f32], offset: usize, shape: &[usize], strides: &[usize]) -> Vec<f32> {
    let total: usize = shape.iter().product();
    let mut out = vec![0f32; total];
    if total == 0 {
        return out;
    }
    let (shape, strides) = merged(shape, strides);
    let rank = shape.len();
    if rank == 0 {
        out[0] = data[offset];
        return out;
    }
    let (columns, column) = (shape[rank - 1], strides[rank - 1]);
    // The last two dimensions at a time: rows of a plane, or a transposed plane.
    let (rows, row) = if rank > 1 { (shape[rank - 2], strides[rank - 2]) } else { (1, 0) };
    let outer = rank.saturating_sub(2);
    let plane = rows * columns;
    // Planes may be few and large or many and small: parts are bands of rows.
    let band = rows.min((super::WORTH / columns.max(1)).max(TILE));
    let bands = rows.div_ceil(band);
    let place = |p: usize| {
        let mut rest = p;
        let mut at = offset;
        for d in (0..outer).rev() {
            at += (rest % shape[d]) * strides[d];
            rest /= shape[d];
        }
        at
    };
    let fill = |(p, to): (usize, &mut [f32])| {
        let start = place(p);
        for b in 0..bands {
            let first = b * band;
            let last = (first + band).min(rows);
            copy(data, start, (first, last), (row, column), &mut to[first * columns..last * columns], columns);
        }
    };
    if total < super::WORTH {
        out.chunks_mut(plane).enumerate().for_each(fill);
    } else if out.len() / plane >= rayon::current_num_threads() * 2 {
        let many = (super::WORTH / plane).max(1);
        out.par_chunks_mut(plane * many).enumerate().for_each(|(i, planes)| {
            planes.chunks_mut(plane).enumerate().for_each(|(j, to)| fill((i * many + j, to)));
        });
    } else {
        for (p, to) in out.chunks_mut(plane).enumerate() {
            let start = place(p);
            to.par_chunks_mut(band * columns).enumerate().for_each(|(b, part)| {
                let first = b * band;
                copy(data, start, (first, (first + band).min(rows)), (row, column), part, columns);
            });
        }
    }
    out
}

/// Rows `first..last` of a plane.
fn copy(
    data: &[f32],
    start: usize,
    (first, last): (usize, usize),
    (row, column): (usize, usize),
    to: &mut [f32],
    columns: usize,
) {
    if column == 1 {
        for (r, out) in (first..last).zip(to.chunks_exact_mut(columns)) {
            out.copy_from_slice(&data[start + r * row..][..columns]);
        }
    } else if row == 1 {
        // A transposition, square by square, so that lines of memory are used whole.
        for r0 in (first..last).step_by(TILE) {
            let r1 = (r0 + TILE).min(last);
            for c0 in (0..columns).step_by(TILE) {
                let c1 = (c0 + TILE).min(columns);
                for c in c0..c1 {
                    let from = &data[start + c * column + r0..][..r1 - r0];
                    for (i, v) in from.iter().enumerate() {
                        to[(r0 - first + i) * columns + c] = *v;
                    }
                }
            }
        }
    } else {
        for (r, out) in (first..last).zip(to.chunks_exact_mut(columns)) {
            for (c, o) in out.iter_mut().enumerate() {
                *o = data[start + r * row + c * column];
            }
        }
    }
}

/// The same view with dimensions that follow each other in memory made one, and those of size 1 left out.
fn merged(shape: &[usize], strides: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let (mut sizes, mut steps) = (Vec::with_capacity(shape.len()), Vec::<usize>::with_capacity(shape.len()));
    for (&size, &step) in shape.iter().zip(strides).filter(|(size, _)| **size != 1) {
        match (sizes.last_mut(), steps.last_mut()) {
            (Some(last), Some(stride)) if *stride == size * step => {
                *last *= size;
                *stride = step;
            }
            _ => {
                sizes.push(size);
                steps.push(step);
            }
        }
    }
    (sizes, steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_dimensions_comes_out_right() {
        // Large enough for bands and threads, odd enough for remainders.
        for shape in [[3usize, 5, 7], [2, 130, 257], [70, 33, 40], [1, 1, 1]] {
            let data: Vec<f32> = (0..shape.iter().product::<usize>()).map(|v| v as f32).collect();
            let strides = [shape[1] * shape[2], shape[2], 1];
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let (s, t) = (order.map(|d| shape[d]), order.map(|d| strides[d]));
                let out = contiguous(&data, 0, &s, &t);
                let mut want = Vec::with_capacity(data.len());
                for i in 0..s[0] {
                    for j in 0..s[1] {
                        for k in 0..s[2] {
                            want.push(data[i * t[0] + j * t[1] + k * t[2]]);
                        }
                    }
                }
                assert_eq!(out, want, "{shape:?} {order:?}");
            }
        }
        // A broadcast view.
        assert_eq!(contiguous(&[1.0, 2.0], 0, &[2, 3], &[1, 0]), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    }
}
