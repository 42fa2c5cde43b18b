//! The slow and obviously right implementation of [`Tensor`] that the tensor libraries are tested against.

mod arithmetic;
mod attention;
mod conv;
mod memory;
mod nn;
mod shape;

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use memory::round;

use crate::{DType, Mask, ModelError, Result, Tensor};

/// Plain numbers in memory, every operation written as its definition reads.
///
/// Values are held as `f32` and rounded to the tensor's type when an operation is done with them (once an operation, to
/// the nearest, ties to even); inside an operation everything is in `f64`. Operands of different types are refused, and so
/// is everything else that [`Tensor`] does not promise.
///
/// A clone shares the memory: [`Tensor::store`] is seen by every clone. Every other operation copies, `reshape` and
/// `narrow` too, so what they gave does not see a later `store`, nor is a `store` into it seen by what it was made of.
#[derive(Debug, Clone)]
pub struct Plain {
    shape: Vec<usize>,
    dtype: DType,
    data: Arc<Mutex<Arc<Vec<f32>>>>,
}

impl Plain {
    /// A tensor of these values, rounded to `dtype`; fails for operation `op` when the shape asks for more or fewer.
    fn of(op: &'static str, mut values: Vec<f32>, shape: &[usize], dtype: DType) -> Result<Self> {
        let expected = memory::count(op, shape)?;
        if values.len() != expected {
            return Err(ModelError::op(op, format!("{} values for shape {shape:?} of {expected}", values.len())));
        }
        for value in &mut values {
            *value = round(*value, dtype);
        }
        Ok(Self { shape: shape.to_vec(), dtype, data: Arc::new(Mutex::new(Arc::new(values))) })
    }

    /// The values as they are now.
    fn data(&self) -> Arc<Vec<f32>> {
        Arc::clone(&self.data.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Each value turned into another.
    fn map(&self, op: &'static str, f: impl Fn(f64) -> f64) -> Result<Self> {
        let values = self.data().iter().map(|&x| f(f64::from(x)) as f32).collect();
        Self::of(op, values, &self.shape, self.dtype)
    }
}

impl Tensor for Plain {
    type Device = ();

    fn new(values: Vec<f32>, shape: &[usize], dtype: DType, (): &Self::Device) -> Result<Self> {
        Self::of("new", values, shape, dtype)
    }

    fn from_bytes(bytes: &[u8], stored: DType, shape: &[usize], dtype: DType, (): &Self::Device) -> Result<Self> {
        Self::of("from_bytes", memory::parse(bytes, stored, shape)?, shape, dtype)
    }

    fn zeros(shape: &[usize], dtype: DType, (): &Self::Device) -> Result<Self> {
        Self::of("zeros", memory::zeros("zeros", shape)?, shape, dtype)
    }

    fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn device(&self) -> Self::Device {}

    fn values(&self) -> Result<Vec<f32>> {
        Ok(self.data().to_vec())
    }

    fn cast(&self, dtype: DType) -> Result<Self> {
        Self::of("cast", self.data().to_vec(), &self.shape, dtype)
    }

    fn reshape(&self, shape: &[usize]) -> Result<Self> {
        Self::of("reshape", self.data().to_vec(), shape, self.dtype)
    }

    fn permute(&self, order: &[usize]) -> Result<Self> {
        shape::permute(self, order)
    }

    fn narrow(&self, dim: usize, start: usize, length: usize) -> Result<Self> {
        shape::narrow(self, dim, start, length)
    }

    fn cat(parts: &[Self], dim: usize) -> Result<Self> {
        shape::cat(parts, dim)
    }

    fn select(&self, dim: usize, indices: &[u32]) -> Result<Self> {
        shape::select(self, dim, indices)
    }

    fn pad(&self, dim: usize, before: usize, after: usize) -> Result<Self> {
        shape::pad(self, dim, before, after)
    }

    fn expand(&self, shape: &[usize]) -> Result<Self> {
        shape::expand(self, shape)
    }

    fn store(&self, dim: usize, start: usize, source: &Self) -> Result<()> {
        shape::store(self, dim, start, source)
    }

    fn add(&self, other: &Self) -> Result<Self> {
        arithmetic::pairs("add", self, other, |a, b| a + b)
    }

    fn sub(&self, other: &Self) -> Result<Self> {
        arithmetic::pairs("sub", self, other, |a, b| a - b)
    }

    fn mul(&self, other: &Self) -> Result<Self> {
        arithmetic::pairs("mul", self, other, |a, b| a * b)
    }

    fn affine(&self, scale: f32, shift: f32) -> Result<Self> {
        self.map("affine", |x| x * f64::from(scale) + f64::from(shift))
    }

    fn gelu(&self) -> Result<Self> {
        self.map("gelu", |x| x * 0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)))
    }

    fn silu(&self) -> Result<Self> {
        self.map("silu", |x| x / (1.0 + (-x).exp()))
    }

    fn relu(&self) -> Result<Self> {
        self.map("relu", |x| if x < 0.0 { 0.0 } else { x })
    }

    fn sigmoid(&self) -> Result<Self> {
        self.map("sigmoid", |x| 1.0 / (1.0 + (-x).exp()))
    }

    fn matmul(&self, other: &Self) -> Result<Self> {
        arithmetic::matmul(self, other)
    }

    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        arithmetic::linear(self, weight, bias)
    }

    fn conv2d(&self, weight: &Self, bias: Option<&Self>, stride: usize, padding: usize, groups: usize) -> Result<Self> {
        conv::conv2d(self, weight, bias, stride, padding, groups)
    }

    fn max_pool2d(&self, size: usize) -> Result<Self> {
        conv::max_pool2d(self, size)
    }

    fn upsample_nearest(&self, factor: usize) -> Result<Self> {
        conv::upsample_nearest(self, factor)
    }

    fn softmax(&self) -> Result<Self> {
        nn::softmax(self)
    }

    fn layer_norm(&self, weight: &Self, bias: &Self, eps: f32) -> Result<Self> {
        nn::layer_norm(self, weight, bias, eps)
    }

    fn rms_norm(&self, weight: &Self, eps: f32) -> Result<Self> {
        nn::rms_norm(self, weight, eps)
    }

    fn rotary(&self, cos: &Self, sin: &Self) -> Result<Self> {
        nn::rotary(self, cos, sin)
    }

    fn attention(&self, key: &Self, value: &Self, scale: f32, mask: Mask<'_, Self>) -> Result<Self> {
        attention::attention(self, key, value, scale, mask)
    }
}
