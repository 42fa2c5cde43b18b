//! Keys and values of the tokens seen so far.

use super::memory::Memory;
use crate::{DType, ModelError, Result, Tensor};

/// Places that a cache grows by at least.
const STEP: usize = 256;

/// Where a row's keys and values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which of several batches.
    pub past: usize,
    /// Which of its rows.
    pub row: usize,
    /// How many of the batch's last places are the row's; padding stands before them.
    pub length: usize,
}

/// Keys and values of every layer, `[rows, key heads, places, head]` each, with room to grow. For answering: it writes in
/// place, so nothing can be differentiated through it.
pub struct Cache<T> {
    layers: Vec<Option<(T, T)>>,
    length: usize,
}

impl<T: Tensor> Cache<T> {
    /// An empty one.
    pub fn new(layers: usize) -> Self {
        Self { layers: (0..layers).map(|_| None).collect(), length: 0 }
    }

    /// Tokens seen, padding included.
    pub fn length(&self) -> usize {
        self.length
    }

    /// A copy with room for `more` tokens: this one can be read on from again.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub(super) fn copied(&self, more: usize) -> Result<Self> {
        let room = (self.length + more).next_multiple_of(STEP) - self.length;
        let copy = |t: &T| t.narrow(2, 0, self.length)?.pad(2, 0, room);
        let layers = self.layers.iter().map(|l| l.as_ref().map(|(k, v)| Ok((copy(k)?, copy(v)?))).transpose());
        Ok(Self { layers: layers.collect::<Result<_>>()?, length: self.length })
    }

    /// One cache of rows of several, as long as the longest of them; shorter rows have padding before them. Layer by layer,
    /// so that no second copy of the whole is made.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub(super) fn gather(mut pasts: Vec<Self>, rows: &[Place]) -> Result<Self> {
        let length = rows.iter().map(|r| r.length).max().unwrap_or(0);
        if let ([one], [row]) = (pasts.as_slice(), rows)
            && one.length == row.length
            && one.rows() == 1
        {
            return Ok(pasts.swap_remove(0));
        }
        let lengths: Vec<usize> = pasts.iter().map(|p| p.length).collect();
        // With room for what comes next, so that the copy is not made again at once.
        let room = (length + 1).next_multiple_of(STEP) - length;
        let mut sources: Vec<_> = pasts.into_iter().map(|p| p.layers.into_iter()).collect();
        let mut layers = Vec::new();
        loop {
            let taken: Vec<Option<(T, T)>> = sources.iter_mut().filter_map(Iterator::next).collect();
            if taken.len() < sources.len() || taken.is_empty() {
                return Ok(Self { layers, length });
            }
            let joined = |pick: fn(&(T, T)) -> &T| -> Result<T> {
                // Rows of one batch end at one place, so they are cut and moved together; what then stands before a shorter
                // one is padding, which none sees.
                let part = |same: &[Place]| {
                    let unread = || ModelError::op("gather", "a row of a cache that holds nothing");
                    let past = same[0].past;
                    let from = pick(taken.get(past).and_then(Option::as_ref).ok_or_else(unread)?);
                    let own = same.iter().map(|r| r.length).max().unwrap_or(0);
                    let own = from.narrow(2, lengths[past] - own, own)?;
                    let rows: Vec<u32> = same.iter().map(|r| r.row as u32).collect();
                    let all = rows.iter().copied().eq(0..from.shape()[0] as u32);
                    let own = if all { own } else { own.select(0, &rows)? };
                    let before = length - own.shape()[2];
                    own.pad(2, before, room)
                };
                T::cat(&rows.chunk_by(|a, b| a.past == b.past).map(part).collect::<Result<Vec<T>>>()?, 0)
            };
            layers.push(Some((joined(|kv| &kv.0)?, joined(|kv| &kv.1)?)));
        }
    }

    fn rows(&self) -> usize {
        self.layers.iter().flatten().next().map_or(0, |(k, _)| k.shape()[0])
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        let size = |t: &T| t.shape().iter().product::<usize>() * DType::size(t.dtype());
        self.layers.iter().flatten().map(|(k, v)| size(k) + size(v)).sum()
    }
}

impl<T: Tensor> Memory<T> for Cache<T> {
    fn extend(&mut self, layer: usize, keys: &T, values: &T) -> Result<(T, T)> {
        let shape = keys.shape();
        let (start, added) = (self.length, shape[2]);
        let needed = start + added;
        let room = self.layers[layer].as_ref().map_or(0, |(k, _)| k.shape()[2]);
        if room < needed {
            // Half as much again, so that growing costs a constant a token.
            let places = needed.max(room + room / 2).next_multiple_of(STEP);
            let old = self.layers[layer].take();
            let grown = |old: Option<&T>, like: &T| -> Result<T> {
                let made = T::zeros(&[shape[0], shape[1], places, shape[3]], like.dtype(), &like.device())?;
                if let Some(old) = old.filter(|_| start > 0) {
                    made.store(2, 0, &old.narrow(2, 0, start)?)?;
                }
                Ok(made)
            };
            let (k, v) = old.map_or((None, None), |(k, v)| (Some(k), Some(v)));
            self.layers[layer] = Some((grown(k.as_ref(), keys)?, grown(v.as_ref(), values)?));
        }
        match &self.layers[layer] {
            None => Ok((keys.clone(), values.clone())),
            Some((k, v)) => {
                k.store(2, start, keys)?;
                v.store(2, start, values)?;
                Ok((k.narrow(2, 0, needed)?, v.narrow(2, 0, needed)?))
            }
        }
    }

    fn advance(&mut self, tokens: usize) {
        self.length += tokens;
    }
}
