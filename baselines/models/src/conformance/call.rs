//! A call of an operation, for any library.

use half::{bf16, f16};

use crate::{DType, Mask, ModelError, Result, Tensor};

/// An operation and its arguments but for its operands.
#[derive(Debug, Clone)]
pub(super) enum Call {
    New,
    FromBytes { stored: DType },
    Zeros,
    Cast(DType),
    Reshape(Vec<usize>),
    Permute(Vec<usize>),
    Narrow { dim: usize, start: usize, length: usize },
    Cat { dim: usize },
    Select { dim: usize, indices: Vec<u32> },
    Pad { dim: usize, before: usize, after: usize },
    Expand(Vec<usize>),
    Store { dim: usize, start: usize },
    Add,
    Sub,
    Mul,
    Affine { scale: f32, shift: f32 },
    Gelu,
    Silu,
    Relu,
    Sigmoid,
    Matmul,
    Linear,
    Conv2d { stride: usize, padding: usize, groups: usize },
    MaxPool2d(usize),
    UpsampleNearest(usize),
    Softmax,
    LayerNorm { eps: f32 },
    RmsNorm { eps: f32 },
    Rotary,
    Attention { scale: f32, sight: Sight },
}

/// A mask but for its tensors, which are operands.
#[derive(Debug, Clone)]
pub(super) enum Sight {
    All,
    Causal(Vec<usize>),
    Blocks(Vec<usize>),
    Bias,
    Grid,
}

impl Call {
    /// The name of the trait's method.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::FromBytes { .. } => "from_bytes",
            Self::Zeros => "zeros",
            Self::Cast(_) => "cast",
            Self::Reshape(_) => "reshape",
            Self::Permute(_) => "permute",
            Self::Narrow { .. } => "narrow",
            Self::Cat { .. } => "cat",
            Self::Select { .. } => "select",
            Self::Pad { .. } => "pad",
            Self::Expand(_) => "expand",
            Self::Store { .. } => "store",
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Affine { .. } => "affine",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Matmul => "matmul",
            Self::Linear => "linear",
            Self::Conv2d { .. } => "conv2d",
            Self::MaxPool2d(_) => "max_pool2d",
            Self::UpsampleNearest(_) => "upsample_nearest",
            Self::Softmax => "softmax",
            Self::LayerNorm { .. } => "layer_norm",
            Self::RmsNorm { .. } => "rms_norm",
            Self::Rotary => "rotary",
            Self::Attention { .. } => "attention",
        }
    }

    /// Whether there is one right answer to the last bit.
    pub(super) fn exact(&self) -> bool {
        let made = matches!(self, Self::New | Self::Zeros | Self::Cat { .. } | Self::Select { .. } | Self::Pad { .. });
        let moved = matches!(self, Self::Reshape(_) | Self::Permute(_) | Self::Narrow { .. } | Self::Expand(_));
        let picked = matches!(self, Self::Relu | Self::MaxPool2d(_) | Self::UpsampleNearest(_));
        made || moved || picked || matches!(self, Self::Store { .. })
    }

    /// Calls it.
    pub(super) fn apply<T: Tensor>(&self, operands: &[T]) -> Result<T> {
        match (self, operands) {
            (Self::New, [x]) => T::new(x.values()?, &x.shape(), x.dtype(), &x.device()),
            (Self::FromBytes { stored }, [x]) => {
                T::from_bytes(&bytes(&x.values()?, *stored)[1..], *stored, &x.shape(), x.dtype(), &x.device())
            }
            (Self::Zeros, [x]) => T::zeros(&x.shape(), x.dtype(), &x.device()),
            (Self::Cast(dtype), [x]) => x.cast(*dtype),
            (Self::Reshape(shape), [x]) => x.reshape(shape),
            (Self::Permute(order), [x]) => x.permute(order),
            (Self::Narrow { dim, start, length }, [x]) => x.narrow(*dim, *start, *length),
            (Self::Cat { dim }, parts) => T::cat(parts, *dim),
            (Self::Select { dim, indices }, [x]) => x.select(*dim, indices),
            (Self::Pad { dim, before, after }, [x]) => x.pad(*dim, *before, *after),
            (Self::Expand(shape), [x]) => x.expand(shape),
            (Self::Store { dim, start }, [x, source]) => {
                let handle = x.clone();
                x.store(*dim, *start, source)?;
                Ok(handle)
            }
            (Self::Add, [a, b]) => a.add(b),
            (Self::Sub, [a, b]) => a.sub(b),
            (Self::Mul, [a, b]) => a.mul(b),
            (Self::Affine { scale, shift }, [x]) => x.affine(*scale, *shift),
            (Self::Gelu, [x]) => x.gelu(),
            (Self::Silu, [x]) => x.silu(),
            (Self::Relu, [x]) => x.relu(),
            (Self::Sigmoid, [x]) => x.sigmoid(),
            (Self::Matmul, [a, b]) => a.matmul(b),
            (Self::Linear, [x, weight, bias @ ..]) => x.linear(weight, bias.first()),
            (Self::Conv2d { stride, padding, groups }, [x, weight, bias @ ..]) => {
                x.conv2d(weight, bias.first(), *stride, *padding, *groups)
            }
            (Self::MaxPool2d(size), [x]) => x.max_pool2d(*size),
            (Self::UpsampleNearest(factor), [x]) => x.upsample_nearest(*factor),
            (Self::Softmax, [x]) => x.softmax(),
            (Self::LayerNorm { eps }, [x, weight, bias]) => x.layer_norm(weight, bias, *eps),
            (Self::RmsNorm { eps }, [x, weight]) => x.rms_norm(weight, *eps),
            (Self::Rotary, [x, cos, sin]) => x.rotary(cos, sin),
            (Self::Attention { scale, sight }, [query, key, value, mask @ ..]) => {
                query.attention(key, value, *scale, sight.mask(mask)?)
            }
            _ => Err(ModelError::op(self.name(), format!("a case of {} operands", operands.len()))),
        }
    }
}

impl Sight {
    fn mask<'a, T>(&'a self, operands: &'a [T]) -> Result<Mask<'a, T>> {
        match (self, operands) {
            (Self::All, []) => Ok(Mask::None),
            (Self::Causal(starts), []) => Ok(Mask::Causal { starts }),
            (Self::Blocks(lengths), []) => Ok(Mask::Blocks(lengths)),
            (Self::Bias, [bias]) => Ok(Mask::Bias(bias)),
            (Self::Grid, [rows, columns]) => Ok(Mask::Grid { rows, columns }),
            _ => Err(ModelError::op("attention", format!("a case of {} operands for {self:?}", operands.len()))),
        }
    }
}

/// One byte, so that what follows is not aligned, and then values of a type.
fn bytes(values: &[f32], stored: DType) -> Vec<u8> {
    let mut bytes = vec![0xff];
    for &value in values {
        match stored {
            DType::F32 => bytes.extend(value.to_le_bytes()),
            DType::Bf16 => bytes.extend(bf16::from_f32(value).to_le_bytes()),
            DType::F16 => bytes.extend(f16::from_f32(value).to_le_bytes()),
        }
    }
    bytes
}
