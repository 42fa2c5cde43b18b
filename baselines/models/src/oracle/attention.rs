//! Attention, and what each mask lets a query see.

use super::{Plain, arithmetic, memory, nn};
use crate::{Mask, ModelError, Result};

const OP: &str = "attention";

pub(super) fn attention(query: &Plain, key: &Plain, value: &Plain, scale: f32, mask: Mask<'_, Plain>) -> Result<Plain> {
    memory::same_type(OP, query, [key, value])?;
    let [batch, heads, length, dim] = memory::sizes(OP, "the query", query)?;
    let [_, key_heads, key_length, _] = memory::sizes(OP, "the key", key)?;
    let [.., value_dim] = memory::sizes::<4>(OP, "the value", value)?;
    memory::expect(OP, "the key", key, &[batch, key_heads, key_length, dim])?;
    memory::expect(OP, "the value", value, &[batch, key_heads, key_length, value_dim])?;
    if key_heads == 0 || key_length == 0 || !heads.is_multiple_of(key_heads) {
        return Err(ModelError::op(OP, format!("queries {:?} of keys {:?}", query.shape, key.shape)));
    }
    let sight = Sight::new(query, key_length, mask)?;
    let shape = [batch, heads, length, value_dim];
    let mut values = memory::room(OP, &shape)?;
    let (queries, keys, contents) = (query.data(), key.data(), value.data());
    for b in 0..batch {
        for head in 0..heads {
            let first_key = (b * key_heads + head / (heads / key_heads)) * key_length;
            for i in 0..length {
                let at = (b * heads + head) * length + i;
                let query = &queries[at * dim..(at + 1) * dim];
                let mut seen = Vec::new();
                let mut scores = Vec::new();
                for j in 0..key_length {
                    if let Some(shift) = sight.shift([b, head, i, j]) {
                        let key = &keys[(first_key + j) * dim..(first_key + j + 1) * dim];
                        seen.push(first_key + j);
                        scores.push(arithmetic::dot(query, key) * f64::from(scale) + shift);
                    }
                }
                let weights = nn::exponentials(&scores);
                for d in 0..value_dim {
                    let parts = seen.iter().zip(&weights).map(|(j, w)| w * f64::from(contents[j * value_dim + d]));
                    values.push(parts.sum::<f64>() as f32);
                }
            }
        }
    }
    Plain::of(OP, values, &shape, query.dtype)
}

/// A mask that was found to fit.
enum Sight {
    All,
    Causal {
        starts: Vec<usize>,
        /// Keys before the first query's own.
        before: usize,
    },
    /// The block of each position.
    Blocks(Vec<usize>),
    Bias(Table),
    Grid {
        rows: Table,
        columns: Table,
    },
}

impl Sight {
    fn new(query: &Plain, key_length: usize, mask: Mask<'_, Plain>) -> Result<Self> {
        let [batch, heads, length, _] = memory::sizes(OP, "the query", query)?;
        let wrong = |why: String| Err(ModelError::op(OP, format!("{why} for {length} queries of {key_length} keys")));
        Ok(match mask {
            Mask::None => Self::All,
            Mask::Causal { starts } => {
                if !starts.is_empty() && starts.len() != batch {
                    return wrong(format!("{} starts of a batch of {batch}", starts.len()));
                }
                let Some(before) = key_length.checked_sub(length) else { return wrong("a causal mask".into()) };
                Self::Causal { starts: if starts.is_empty() { vec![0; batch] } else { starts.to_vec() }, before }
            }
            Mask::Blocks(lengths) => {
                let sum = lengths.iter().try_fold(0_usize, |sum, &block| sum.checked_add(block));
                if sum != Some(length) || length != key_length {
                    return wrong(format!("blocks {lengths:?}"));
                }
                let blocks = lengths.iter().enumerate();
                Self::Blocks(blocks.flat_map(|(block, &size)| std::iter::repeat_n(block, size)).collect())
            }
            Mask::Bias(bias) => {
                memory::same_type(OP, query, [bias])?;
                let [some_batch, some_heads, ..] = memory::sizes::<4>(OP, "the bias", bias)?;
                let batch = if some_batch == 1 { 1 } else { batch };
                let heads = if some_heads == 1 { 1 } else { heads };
                memory::expect(OP, "the bias", bias, &[batch, heads, length, key_length])?;
                Self::Bias(Table::new(bias)?)
            }
            Mask::Grid { rows, columns } => {
                memory::same_type(OP, query, [rows, columns])?;
                let (rows, columns) = (Table::new(rows)?, Table::new(columns)?);
                let [.., h] = rows.shape;
                let [.., w] = columns.shape;
                let fits = |table: &Table, side| table.shape == [batch, heads, length, side];
                if h.checked_mul(w) != Some(key_length) || !fits(&rows, h) || !fits(&columns, w) {
                    return wrong(format!("a grid {:?} and {:?}", rows.shape, columns.shape));
                }
                Self::Grid { rows, columns }
            }
        })
    }

    /// What the score of a batch's head's query's key gets, or none where the query does not see the key.
    fn shift(&self, [batch, head, query, key]: [usize; 4]) -> Option<f64> {
        match self {
            Self::All => Some(0.0),
            Self::Causal { starts, before } => {
                let own = before + query;
                let seen = key == own || (starts[batch]..own).contains(&key);
                seen.then_some(0.0)
            }
            Self::Blocks(block) => (block[query] == block[key]).then_some(0.0),
            Self::Bias(bias) => Some(bias.at([batch, head, query, key])),
            Self::Grid { rows, columns } => {
                let [.., width] = columns.shape;
                Some(rows.at([batch, head, query, key / width]) + columns.at([batch, head, query, key % width]))
            }
        }
    }
}

/// Numbers of four dimensions, those of size 1 the same all along.
struct Table {
    shape: [usize; 4],
    values: std::sync::Arc<Vec<f32>>,
}

impl Table {
    fn new(x: &Plain) -> Result<Self> {
        Ok(Self { shape: memory::sizes(OP, "a bias", x)?, values: x.data() })
    }

    fn at(&self, index: [usize; 4]) -> f64 {
        let place = |at, (&size, i)| at * size + if size == 1 { 0 } else { i };
        f64::from(self.values[self.shape.iter().zip(index).fold(0, place)])
    }
}

#[cfg(test)]
mod tests;
