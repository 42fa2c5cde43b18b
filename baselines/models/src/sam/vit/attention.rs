//! Attention with decomposed relative positions.

use super::VitConfig;
use crate::layers::{Linear, sizes};
use crate::{Mask, Result, Tensor, Vars};

/// Attention among the tokens of a square window.
pub(super) struct Attention<T> {
    qkv: Linear<T>,
    project: Linear<T>,
    relative: Option<Relative<T>>,
    heads: usize,
}

impl<T: Tensor> Attention<T> {
    pub(super) fn new(vars: &Vars<'_, T>, config: &VitConfig, side: usize) -> Result<Self> {
        let (hidden, heads, qkv) = (config.hidden_size, config.num_attention_heads, vars.at("qkv"));
        let relative = config.use_rel_pos.then(|| Relative::new(vars, side, hidden / heads)).transpose()?;
        Ok(Self {
            qkv: if config.qkv_bias {
                Linear::new(&qkv, hidden, 3 * hidden)?
            } else {
                Linear::without_bias(&qkv, hidden, 3 * hidden)?
            },
            project: Linear::new(&vars.at("proj"), hidden, hidden)?,
            relative,
            heads,
        })
    }

    /// Windows `[windows, side * side, hidden]` to the same shape.
    pub(super) fn forward(&self, x: &T) -> Result<T> {
        let [windows, length, hidden] = sizes(x, "window attention")?;
        let (heads, dim) = (self.heads, hidden / self.heads);
        let qkv = self.qkv.forward(x)?.reshape(&[windows, length, 3, heads, dim])?.permute(&[2, 0, 3, 1, 4])?;
        let part = |i| qkv.narrow(0, i, 1)?.reshape(&[windows, heads, length, dim]);
        let (query, key, value) = (part(0)?, part(1)?, part(2)?);
        let scale = 1.0 / (dim as f32).sqrt();
        let seen = match &self.relative {
            None => query.attention(&key, &value, scale, Mask::None)?,
            Some(relative) => {
                let [rows, columns] = relative.of(&query)?;
                query.attention(&key, &value, scale, Mask::Grid { rows: &rows, columns: &columns })?
            }
        };
        self.project.forward(&seen.permute(&[0, 2, 1, 3])?.reshape(&[windows, length, hidden])?)
    }
}

/// Tables of relative positions, spread so that a matrix product looks them up.
struct Relative<T> {
    /// `[side, dim, side]`: for a query in row i, what a key in row j is worth along each channel of the query.
    rows: T,
    /// The same of columns.
    columns: T,
    side: usize,
}

impl<T: Tensor> Relative<T> {
    fn new(vars: &Vars<'_, T>, side: usize, dim: usize) -> Result<Self> {
        let table = |name| {
            let values = spread(&vars.values(name, &[2 * side - 1, dim])?, side, dim);
            T::new(values, &[side, dim, side], vars.dtype(), vars.device())
        };
        Ok(Self { rows: table("rel_pos_h")?, columns: table("rel_pos_w")?, side })
    }

    /// For queries `[windows, heads, side * side, dim]`, not yet scaled, what each row and each column of keys adds to
    /// their scores: two tensors `[windows, heads, side * side, side]`.
    fn of(&self, query: &T) -> Result<[T; 2]> {
        let [windows, heads, length, dim] = sizes(query, "relative positions")?;
        let (side, many) = (self.side, windows * heads);
        let query = query.reshape(&[many, side, side, dim])?;
        // `there` brings the axis that the table depends on to the front, `back` undoes it.
        let look_up = |table: &T, there: [usize; 4], back: [usize; 4]| {
            let turned = query.permute(&there)?.reshape(&[side, many * side, dim])?;
            let found = turned.matmul(table)?.reshape(&[side, many, side, side])?;
            found.permute(&back)?.reshape(&[windows, heads, length, side])
        };
        let rows = look_up(&self.rows, [1, 0, 2, 3], [1, 0, 2, 3])?;
        let columns = look_up(&self.columns, [2, 0, 1, 3], [1, 2, 0, 3])?;
        Ok([rows, columns])
    }
}

/// `[2 side - 1, dim]`, by the distance from key to query, to `[side, dim, side]`: query, channel, key.
fn spread(table: &[f32], side: usize, dim: usize) -> Vec<f32> {
    let places = (0..side).flat_map(|query| (0..dim).flat_map(move |c| (0..side).map(move |key| (query, c, key))));
    places.map(|(query, c, key)| table[(query + side - 1 - key) * dim + c]).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::DType;
    use crate::oracle::Plain;

    #[test]
    fn a_table_is_spread_by_distance() {
        // Distances -1, 0, 1; two channels.
        let table = [1., 10., 2., 20., 3., 30.];
        assert_eq!(spread(&table, 2, 2), [2., 1., 20., 10., 3., 2., 30., 20.]);
        assert_eq!(spread(&[7.], 1, 1), [7.]);
    }

    #[test]
    fn rows_and_columns_are_those_of_the_query() {
        // One channel; the row table is worth 1, 2, 3 and the column table 10, 20, 30 at distances -1, 0, 1.
        let table = |values: &[f32]| Plain::new(spread(values, 2, 1), &[2, 1, 2], DType::F32, &()).unwrap();
        let relative = Relative { rows: table(&[1., 2., 3.]), columns: table(&[10., 20., 30.]), side: 2 };
        let query = Plain::new(vec![1., 2., 3., 4.], &[1, 1, 4, 1], DType::F32, &()).unwrap();
        let [rows, columns] = relative.of(&query).unwrap();
        assert_eq!(rows.shape(), [1, 1, 4, 2]);
        assert_eq!(rows.values().unwrap(), [2., 1., 4., 2., 9., 6., 12., 8.]);
        assert_eq!(columns.values().unwrap(), [20., 10., 60., 40., 60., 30., 120., 80.]);
    }
}
