//! Keys and values of the tokens seen so far, as onnxruntime holds them.

use ort::value::DynValue;
use socio_models::qwen2_5_vl::{Place, TextConfig};
use socio_models::{DType, Result};

use super::value::{numbers, values};

/// Of every layer keys, then values: `[rows, key heads, length, head]` each, on the device that the decoder runs on.
pub struct Past {
    pub(super) layers: Vec<DynValue>,
    pub(super) length: usize,
    pub(super) rows: usize,
    bytes: usize,
}

impl Past {
    pub(super) fn new(layers: Vec<DynValue>, length: usize, rows: usize, (text, dtype): (&TextConfig, DType)) -> Self {
        let bytes = layers.len() * rows * text.key_heads * length * text.head() * dtype.size();
        Self { layers, length, rows, bytes }
    }

    /// Nothing seen yet.
    pub(super) fn empty(text: &TextConfig, dtype: DType) -> Result<Self> {
        let none = || numbers(&[1, text.key_heads, 0, text.head()], Vec::new(), dtype);
        let layers = (0..2 * text.layers).map(|_| none()).collect::<Result<_>>()?;
        Ok(Self { layers, length: 0, rows: 1, bytes: 0 })
    }

    /// Bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Rows of several pasts as one batch, as long as the longest; zeros stand before shorter ones. Through this computer's
    /// own memory.
    pub(super) fn gather(mut pasts: Vec<Self>, rows: &[Place], text: &TextConfig, dtype: DType) -> Result<Self> {
        let length = rows.iter().map(|r| r.length).max().unwrap_or(0);
        if let ([one], [row]) = (pasts.as_slice(), rows)
            && one.length == row.length
            && one.rows == 1
        {
            return Ok(pasts.swap_remove(0));
        }
        let (heads, width) = (text.key_heads, text.head());
        let mut layers = Vec::with_capacity(2 * text.layers);
        for layer in 0..2 * text.layers {
            let held: Vec<Vec<f32>> =
                pasts.iter().map(|p| values(&p.layers[layer]).map(|(_, v)| v)).collect::<Result<_>>()?;
            let mut joined = Vec::with_capacity(rows.len() * heads * length * width);
            for row in rows {
                let whole = pasts[row.past].length;
                for head in 0..heads {
                    joined.resize(joined.len() + (length - row.length) * width, 0.0);
                    let end = ((row.row * heads + head) * whole + whole) * width;
                    joined.extend_from_slice(&held[row.past][end - row.length * width..end]);
                }
            }
            layers.push(numbers(&[rows.len(), heads, length, width], joined, dtype)?);
        }
        Ok(Self::new(layers, length, rows.len(), (text, dtype)))
    }
}
