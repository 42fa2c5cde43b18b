//! Keys and values of the tokens seen so far.

use crate::{DType, Result, Tensor};

/// Places that a cache grows by at least.
const STEP: usize = 256;

/// Keys and values of every layer (for answering: it writes in place, so nothing can be differentiated through it), `[rows, key heads, places, head]` each, with room to grow.
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

    /// Puts a layer's new keys and values behind those it has; gives all of them.
    ///
    /// # Errors
    /// When shapes do not go together or memory does not suffice.
    pub(super) fn extend(&mut self, layer: usize, keys: &T, values: &T) -> Result<(T, T)> {
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

    pub(super) fn advance(&mut self, tokens: usize) {
        self.length += tokens;
    }

    /// The cache of rows `rows` of this one, in that order; rows may repeat (several draws of one prompt) or be left out
    /// (those that are finished). Layer by layer, so that no second copy of the whole is made.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub fn into_rows(self, rows: &[u32]) -> Result<Self> {
        let length = self.length;
        let pick = |t: &T| -> Result<T> {
            // With room for what comes next, so that the copy is not made again at once.
            let picked = t.narrow(2, 0, length)?.select(0, rows)?;
            let shape = picked.shape();
            let places = (length + 1).next_multiple_of(STEP);
            let made = T::zeros(&[shape[0], shape[1], places, shape[3]], picked.dtype(), &picked.device())?;
            made.store(2, 0, &picked)?;
            Ok(made)
        };
        let layers = self.layers.into_iter().map(|l| l.map(|(k, v)| Ok((pick(&k)?, pick(&v)?))).transpose());
        Ok(Self { layers: layers.collect::<Result<_>>()?, length })
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        let size = |t: &T| t.shape().iter().product::<usize>() * DType::size(t.dtype());
        self.layers.iter().flatten().map(|(k, v)| size(k) + size(v)).sum()
    }
}
