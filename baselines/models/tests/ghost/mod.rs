//! Networks without numbers: whether the weights that an architecture asks for are those of a list of names and shapes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use socio_models::{DType, Mask, ModelError, Result, Tensor, View, Weights};

/// Keys and shapes of a checkpoint.
pub(crate) struct Names(pub BTreeMap<String, Vec<usize>>);

impl Names {
    /// Of entries of a `keys.json` of `ci/fixtures_torch`: a name and its shape, or with `{}` for a number a list of first
    /// number, last number and shape.
    pub(crate) fn of(entries: &[&Value]) -> Self {
        let shape = |v: &Value| v.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect::<Vec<_>>();
        let mut all = BTreeMap::new();
        for (name, value) in entries.iter().flat_map(|e| e.as_object().unwrap()) {
            if !name.contains("{}") {
                all.insert(name.clone(), shape(value));
                continue;
            }
            for run in value.as_array().unwrap() {
                for i in run[0].as_u64().unwrap()..=run[1].as_u64().unwrap() {
                    all.insert(name.replacen("{}", &i.to_string(), 1), shape(&run[2]));
                }
            }
        }
        Self(all)
    }
}

impl Weights for Names {
    fn name(&self) -> String {
        "keys.json".to_owned()
    }

    fn view(&self, key: &str, _: &[usize]) -> Result<Option<View<'_>>> {
        let view = |shape: &Vec<usize>| View { dtype: DType::F32, shape: shape.clone(), bytes: Cow::Borrowed(&[]) };
        Ok(self.0.get(key).map(view))
    }

    fn keys(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// A tensor that is nothing but its shape: networks can be built of it, not run.
#[derive(Clone)]
pub(crate) struct Ghost(Vec<usize>);

fn never<V>() -> Result<V> {
    Err(ModelError::op("ghost", "it has no numbers"))
}

impl Tensor for Ghost {
    type Device = ();

    fn new(values: Vec<f32>, shape: &[usize], _: DType, (): &()) -> Result<Self> {
        assert_eq!(values.len(), shape.iter().product::<usize>());
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
        Ok(vec![0.0; self.0.iter().product()])
    }
    fn cast(&self, _: DType) -> Result<Self> {
        Ok(self.clone())
    }
    fn reshape(&self, shape: &[usize]) -> Result<Self> {
        assert_eq!(self.0.iter().product::<usize>(), shape.iter().product::<usize>());
        Ok(Self(shape.to_vec()))
    }
    fn permute(&self, order: &[usize]) -> Result<Self> {
        assert_eq!(self.0.len(), order.len());
        Ok(Self(order.iter().map(|i| self.0[*i]).collect()))
    }
    fn narrow(&self, dim: usize, start: usize, length: usize) -> Result<Self> {
        assert!(start + length <= self.0[dim]);
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
        assert_eq!(self.0, other.0);
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
        assert_eq!(k, inner);
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
