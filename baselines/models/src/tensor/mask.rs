//! What a query may look at, and how its scores are shifted.

/// What [`crate::Tensor::attention`] adds to the scores, or leaves out.
#[derive(Debug)]
pub enum Mask<'a, T> {
    /// Every query sees every key.
    None,
    /// Query `i` of `length` stands at key position `key length - length + i` and sees the keys from `starts[batch]` (the
    /// padding before a shorter prompt is left out) up to itself. Empty `starts` are zeros. A query that stands before its
    /// start (padding itself) sees itself alone.
    Causal {
        /// First visible key of each row of the batch.
        starts: &'a [usize],
    },
    /// Queries and keys are consecutive blocks of these lengths (their sum is both lengths), each seeing itself alone:
    /// windows, or several images in one row.
    Blocks(&'a [usize]),
    /// Added to the scaled scores: `[batch or 1, heads or 1, length, key length]`.
    Bias(&'a T),
    /// Keys are a grid, row by row, and each query has a bias for every row and one for every column of it: the score of
    /// key `(r, c)` gets `rows[r] + columns[c]`. Decomposed relative positions without the square matrix.
    Grid {
        /// `[batch, heads, length, grid rows]`.
        rows: &'a T,
        /// `[batch, heads, length, grid columns]`.
        columns: &'a T,
    },
}

impl<T> Clone for Mask<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Mask<'_, T> {}
