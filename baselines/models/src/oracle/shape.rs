//! Operations that move values without changing them.

use std::sync::{Arc, PoisonError};

use super::{Plain, memory};
use crate::{ModelError, Result};

/// Steps in memory between neighbours along each dimension.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    (1..=shape.len()).map(|after| shape[after..].iter().map(|&size| size.max(1)).product()).collect()
}

/// Where each value of a shape lies in memory, in order, when its dimensions have these strides.
pub(super) fn positions(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let mut all = vec![0];
    for (&size, &stride) in shape.iter().zip(strides) {
        all = all.iter().flat_map(|&at| (0..size).map(move |i| at + i * stride)).collect();
    }
    all
}

/// The values at positions as a tensor.
fn gather(op: &'static str, x: &Plain, shape: &[usize], strides: &[usize]) -> Result<Plain> {
    let data = x.data();
    let mut values = memory::room(op, shape)?;
    values.extend(positions(shape, strides).iter().map(|&at| data[at]));
    Plain::of(op, values, shape, x.dtype)
}

pub(super) fn permute(x: &Plain, order: &[usize]) -> Result<Plain> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..x.shape.len()) {
        return Err(ModelError::op("permute", format!("{order:?} is no order of the dimensions of {:?}", x.shape)));
    }
    let strides = strides(&x.shape);
    let pick = |of: &[usize]| order.iter().map(|&dim| of[dim]).collect::<Vec<_>>();
    gather("permute", x, &pick(&x.shape), &pick(&strides))
}

pub(super) fn expand(x: &Plain, shape: &[usize]) -> Result<Plain> {
    if x.shape.len() != shape.len() || x.shape.iter().zip(shape).any(|(&from, &to)| from != to && from != 1) {
        return Err(ModelError::op("expand", format!("{:?} does not go to {shape:?}", x.shape)));
    }
    gather("expand", x, shape, &repeated(&x.shape))
}

/// Strides of a shape whose dimensions of size 1 stay where they are.
pub(super) fn repeated(shape: &[usize]) -> Vec<usize> {
    strides(shape).iter().zip(shape).map(|(&stride, &size)| if size == 1 { 0 } else { stride }).collect()
}

/// A tensor cut along one dimension: `outer` times `size` runs of `inner` values.
struct Cut {
    outer: usize,
    size: usize,
    inner: usize,
}

impl Cut {
    fn new(op: &'static str, x: &Plain, dim: usize) -> Result<Self> {
        let Some(&size) = x.shape.get(dim) else {
            return Err(ModelError::op(op, format!("{:?} has no dimension {dim}", x.shape)));
        };
        Ok(Self { outer: x.shape[..dim].iter().product(), size, inner: x.shape[dim + 1..].iter().product() })
    }

    /// The values of `length` entries from `start` on, the `outer`th time.
    fn range(&self, outer: usize, start: usize, length: usize) -> std::ops::Range<usize> {
        let from = (outer * self.size + start) * self.inner;
        from..from + length * self.inner
    }
}

/// The shape of `x` with another size of one dimension.
fn resized(x: &Plain, dim: usize, size: usize) -> Vec<usize> {
    x.shape.iter().enumerate().map(|(i, &old)| if i == dim { size } else { old }).collect()
}

/// Refuses entries that are not there.
fn within(op: &'static str, x: &Plain, dim: usize, start: usize, length: usize) -> Result<()> {
    let size = x.shape.get(dim).copied().unwrap_or(0);
    if start.checked_add(length).is_some_and(|end| end <= size) {
        return Ok(());
    }
    let why = format!("{length} entries from {start} on of dimension {dim} of {:?}", x.shape);
    Err(ModelError::op(op, why))
}

pub(super) fn narrow(x: &Plain, dim: usize, start: usize, length: usize) -> Result<Plain> {
    let cut = Cut::new("narrow", x, dim)?;
    within("narrow", x, dim, start, length)?;
    let data = x.data();
    let values = (0..cut.outer).flat_map(|o| &data[cut.range(o, start, length)]).copied().collect();
    Plain::of("narrow", values, &resized(x, dim, length), x.dtype)
}

pub(super) fn cat(parts: &[Plain], dim: usize) -> Result<Plain> {
    let Some(first) = parts.first() else { return Err(ModelError::op("cat", "of no tensors")) };
    memory::same_type("cat", first, parts)?;
    let cuts = parts.iter().map(|part| Cut::new("cat", part, dim)).collect::<Result<Vec<_>>>()?;
    if let Some(part) = parts.iter().find(|part| resized(part, dim, 0) != resized(first, dim, 0)) {
        let why = format!("{:?} and {:?} along dimension {dim}", first.shape, part.shape);
        return Err(ModelError::op("cat", why));
    }
    let total = cuts.iter().try_fold(0_usize, |sum, cut| sum.checked_add(cut.size));
    let total = total.ok_or_else(|| ModelError::op("cat", "too many entries"))?;
    let shape = resized(first, dim, total);
    let mut values = memory::room("cat", &shape)?;
    for outer in 0..cuts.first().map_or(0, |cut| cut.outer) {
        for (part, cut) in parts.iter().zip(&cuts) {
            values.extend_from_slice(&part.data()[cut.range(outer, 0, cut.size)]);
        }
    }
    Plain::of("cat", values, &shape, first.dtype)
}

pub(super) fn select(x: &Plain, dim: usize, indices: &[u32]) -> Result<Plain> {
    let cut = Cut::new("select", x, dim)?;
    for &index in indices {
        within("select", x, dim, index as usize, 1)?;
    }
    let data = x.data();
    let shape = resized(x, dim, indices.len());
    let mut values = memory::room("select", &shape)?;
    for outer in 0..cut.outer {
        for &index in indices {
            values.extend_from_slice(&data[cut.range(outer, index as usize, 1)]);
        }
    }
    Plain::of("select", values, &shape, x.dtype)
}

pub(super) fn pad(x: &Plain, dim: usize, before: usize, after: usize) -> Result<Plain> {
    let cut = Cut::new("pad", x, dim)?;
    let size = cut.size.checked_add(before).and_then(|size| size.checked_add(after));
    let size = size.ok_or_else(|| ModelError::op("pad", format!("{before} and {after} entries are too many")))?;
    let data = x.data();
    let shape = resized(x, dim, size);
    let mut values = memory::room("pad", &shape)?;
    for outer in 0..cut.outer {
        values.extend(std::iter::repeat_n(0.0, before * cut.inner));
        values.extend_from_slice(&data[cut.range(outer, 0, cut.size)]);
        values.extend(std::iter::repeat_n(0.0, after * cut.inner));
    }
    Plain::of("pad", values, &shape, x.dtype)
}

pub(super) fn store(x: &Plain, dim: usize, start: usize, source: &Plain) -> Result<()> {
    memory::same_type("store", x, [source])?;
    let (cut, from) = (Cut::new("store", x, dim)?, Cut::new("store", source, dim)?);
    memory::expect("store", "the source", source, &resized(x, dim, from.size))?;
    within("store", x, dim, start, from.size)?;
    // Read before the lock is taken: a tensor may be stored into itself.
    let new = source.data();
    let mut data = x.data.lock().unwrap_or_else(PoisonError::into_inner);
    let data = Arc::make_mut(&mut data);
    for outer in 0..cut.outer {
        data[cut.range(outer, start, from.size)].copy_from_slice(&new[from.range(outer, 0, from.size)]);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
