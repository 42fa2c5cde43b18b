//! Networks without numbers: which weights an architecture asks for, and of which shapes.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use crate::{DType, Mask, ModelError, Result, Tensor, View, Weights};

/// A source that notes what it is asked for.
#[derive(Default)]
pub struct Asked {
    weights: Mutex<Vec<(String, Vec<usize>)>>,
}

impl Asked {
    /// Keys and shapes in the order of the keys, each once.
    pub fn weights(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = self.weights.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort();
        all.dedup();
        all
    }
}

impl Weights for Asked {
    fn name(&self) -> String {
        "a list".to_owned()
    }

    fn view(&self, key: &str, shape: &[usize]) -> Result<Option<View<'_>>> {
        self.weights.lock().unwrap_or_else(PoisonError::into_inner).push((key.to_owned(), shape.to_vec()));
        Ok(Some(View { dtype: DType::F32, shape: shape.to_vec(), bytes: Cow::Borrowed(&[]) }))
    }

    fn keys(&self) -> Vec<String> {
        Vec::new()
    }
}

fn agree<V: PartialEq + std::fmt::Debug>(found: &V, expected: &V) -> Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(ModelError::op("ghost", format!("{found:?} where {expected:?} was expected")))
    }
}

/// A tensor that is nothing but its shape: networks can be built of it, whatever their size, not run.
#[derive(Clone)]
pub struct Ghost(Vec<usize>);

fn never<V>() -> Result<V> {
    Err(ModelError::op("ghost", "it has no numbers"))
}

impl Tensor for Ghost {
    type Device = ();

    fn new(values: Vec<f32>, shape: &[usize], _: DType, (): &()) -> Result<Self> {
        agree(&values.len(), &shape.iter().product::<usize>())?;
        Ok(Self(shape.to_vec()))
    }
    fn from_bytes(_: &[u8], _: DType, shape: &[usize], _: DType, (): &()) -> Result<Self> {
        Ok(Self(shape.to_vec()))
    }
    fn zeros(shape: &[usize], _: DType, (): &()) -> Result<Self> {
        Ok(Self(shape.to_vec()))
    }
    fn shape(&self) -> Vec<usize> {
        self.0.clone()
    }
    fn dtype(&self) -> DType {
        DType::F32
    }
    fn device(&self) -> Self::Device {}
    fn values(&self) -> Result<Vec<f32>> {
        // Tables that a network prepares when it is loaded are small.
        match self.0.iter().try_fold(1usize, |n, s| n.checked_mul(*s)).filter(|n| *n <= 1 << 30) {
            Some(count) => Ok(vec![0.0; count]),
            None => Err(ModelError::Memory(format!("a table of shape {:?}", self.0))),
        }
    }
    fn cast(&self, _: DType) -> Result<Self> {
        Ok(self.clone())
    }
    fn reshape(&self, shape: &[usize]) -> Result<Self> {
        agree(&self.0.iter().product::<usize>(), &shape.iter().product::<usize>())?;
        Ok(Self(shape.to_vec()))
    }
    fn permute(&self, order: &[usize]) -> Result<Self> {
        agree(&self.0.len(), &order.len())?;
        Ok(Self(order.iter().map(|i| self.0[*i]).collect()))
    }
    fn narrow(&self, dim: usize, start: usize, length: usize) -> Result<Self> {
        agree(&(start + length <= self.0[dim]), &true)?;
        let mut shape = self.0.clone();
        shape[dim] = length;
        Ok(Self(shape))
    }
    fn cat(parts: &[Self], dim: usize) -> Result<Self> {
        let mut shape = parts[0].0.clone();
        shape[dim] = parts.iter().map(|p| p.0[dim]).sum();
        Ok(Self(shape))
    }
    fn expand(&self, shape: &[usize]) -> Result<Self> {
        Ok(Self(shape.to_vec()))
    }
    fn affine(&self, _: f32, _: f32) -> Result<Self> {
        Ok(self.clone())
    }

    fn select(&self, dim: usize, indices: &[u32]) -> Result<Self> {
        let mut shape = self.0.clone();
        shape[dim] = indices.len();
        Ok(Self(shape))
    }
    fn pad(&self, _: usize, _: usize, _: usize) -> Result<Self> {
        never()
    }
    fn store(&self, _: usize, _: usize, _: &Self) -> Result<()> {
        never()
    }
    fn add(&self, other: &Self) -> Result<Self> {
        agree(&self.0, &other.0)?;
        Ok(self.clone())
    }
    fn sub(&self, _: &Self) -> Result<Self> {
        never()
    }
    fn mul(&self, _: &Self) -> Result<Self> {
        never()
    }
    fn gelu(&self) -> Result<Self> {
        never()
    }
    fn silu(&self) -> Result<Self> {
        never()
    }
    fn relu(&self) -> Result<Self> {
        never()
    }
    fn sigmoid(&self) -> Result<Self> {
        never()
    }
    fn matmul(&self, other: &Self) -> Result<Self> {
        let (&[m, k], &[inner, n]) = (&self.0[..], &other.0[..]) else { return never() };
        agree(&k, &inner)?;
        Ok(Self(vec![m, n]))
    }
    fn linear(&self, _: &Self, _: Option<&Self>) -> Result<Self> {
        never()
    }
    fn conv2d(&self, _: &Self, _: Option<&Self>, _: usize, _: usize, _: usize) -> Result<Self> {
        never()
    }
    fn max_pool2d(&self, _: usize) -> Result<Self> {
        never()
    }
    fn upsample_nearest(&self, _: usize) -> Result<Self> {
        never()
    }
    fn softmax(&self) -> Result<Self> {
        never()
    }
    fn layer_norm(&self, _: &Self, _: &Self, _: f32) -> Result<Self> {
        never()
    }
    fn rms_norm(&self, _: &Self, _: f32) -> Result<Self> {
        never()
    }
    fn rotary(&self, _: &Self, _: &Self) -> Result<Self> {
        never()
    }
    fn attention(&self, _: &Self, _: &Self, _: f32, _: Mask<'_, Self>) -> Result<Self> {
        never()
    }
}
