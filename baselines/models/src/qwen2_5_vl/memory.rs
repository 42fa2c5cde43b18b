//! What the language model attends to behind the tokens that it goes through: nothing, what it has gone through before,
//! or, in training, what stands before several rows at once.

use crate::{ModelError, Result, Tensor};

/// Keys and values from one call of [`super::Text::forward`] to the next.
pub trait Memory<T> {
    /// Takes a layer's new keys and values `[rows, key heads, tokens, head]`; gives all that the tokens may attend to, the
    /// new ones last.
    ///
    /// # Errors
    /// When shapes do not go together or memory does not suffice.
    fn extend(&mut self, layer: usize, keys: &T, values: &T) -> Result<(T, T)>;

    /// Is told what a layer asks: its queries `[rows, heads, tokens, head]`, before [`Self::extend`].
    fn asked(&mut self, _layer: usize, _queries: &T) {}

    /// So many tokens were gone through.
    fn advance(&mut self, _tokens: usize) {}
}

/// Keeps each layer's keys and values as they are, so that gradients flow through them: a beginning that several rows have
/// in common.
pub struct Beginning<T> {
    layers: Vec<(T, T)>,
}

impl<T> Default for Beginning<T> {
    fn default() -> Self {
        Self { layers: Vec::new() }
    }
}

impl<T: Tensor> Memory<T> for Beginning<T> {
    fn extend(&mut self, layer: usize, keys: &T, values: &T) -> Result<(T, T)> {
        self.layers.truncate(layer);
        self.layers.push((keys.clone(), values.clone()));
        Ok((keys.clone(), values.clone()))
    }
}

/// Rows that go on from beginnings; several may go on from one.
pub struct Behind<'a, T> {
    beginning: &'a Beginning<T>,
    /// Of each row, which of the beginnings.
    of: Vec<u32>,
    /// Of each layer, queries and all keys.
    looks: Vec<(T, Option<T>)>,
}

impl<'a, T: Tensor> Behind<'a, T> {
    /// `of` says of each row which row of the beginning it goes on from.
    pub fn new(beginning: &'a Beginning<T>, of: Vec<u32>) -> Self {
        Self { beginning, of, looks: Vec::new() }
    }

    /// Scaled products `[rows, heads, tokens, all tokens]` of the queries of a layer's first `heads` heads with their keys, as
    /// attention takes them but for what lies ahead; none before the layer was gone through. Every head has keys of its own.
    ///
    /// # Errors
    /// When heads share keys, or the library fails.
    pub fn scores(&self, layer: usize, heads: usize) -> Result<Option<T>> {
        let Some((queries, Some(keys))) = self.looks.get(layer) else { return Ok(None) };
        let (shape, own) = (queries.shape(), keys.shape());
        if shape[1] != own[1] || heads > own[1] {
            return Err(ModelError::op("scores", format!("{heads} of {} heads with {} of keys", shape[1], own[1])));
        }
        let first = |t: &T| t.narrow(1, 0, heads);
        let scores = first(queries)?.matmul(&first(keys)?.permute(&[0, 1, 3, 2])?)?;
        scores.affine((shape[3] as f32).powf(-0.5), 0.0).map(Some)
    }
}

impl<T: Tensor> Memory<T> for Behind<'_, T> {
    fn asked(&mut self, layer: usize, queries: &T) {
        self.looks.truncate(layer);
        self.looks.push((queries.clone(), None));
    }

    fn extend(&mut self, layer: usize, keys: &T, values: &T) -> Result<(T, T)> {
        let (k, v) = self.beginning.layers.get(layer).ok_or_else(|| {
            ModelError::op("extend", format!("layer {layer} of a beginning of {}", self.beginning.layers.len()))
        })?;
        let joined = |before: &T, own: &T| T::cat(&[before.select(0, &self.of)?, own.clone()], 2);
        let keys = joined(k, keys)?;
        if let Some((_, all)) = self.looks.get_mut(layer) {
            *all = Some(keys.clone());
        }
        Ok((keys, joined(v, values)?))
    }
}
