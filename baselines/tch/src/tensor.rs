//! The newtype and its operations, each one of libtorch's own.

use socio_models::{DType, Mask, ModelError, Result, Tensor};
use tch::{Device, Kind, TchError, Tensor as Inner};

use crate::attention;
use crate::check::{count, expect, failed, last, picture, same_kind, size, sizes, wrong};
use crate::linear;

const _: () = assert!(cfg!(target_endian = "little"), "bytes of files are taken as they are");

/// A tensor of libtorch. Gradients are recorded where an operand asks for them and the thread has not turned that off.
#[derive(Debug)]
pub struct Torch(pub(crate) Inner);

impl Clone for Torch {
    /// Another handle to the same memory.
    fn clone(&self) -> Self {
        Self(self.0.shallow_clone())
    }
}

/// libtorch's name of a type.
fn kind(dtype: DType) -> Kind {
    match dtype {
        DType::F32 => Kind::Float,
        DType::Bf16 => Kind::BFloat16,
        DType::F16 => Kind::Half,
    }
}

fn made(op: &'static str, result: Result<Inner, TchError>) -> Result<Torch> {
    result.map(Torch).map_err(failed(op))
}

/// `cos` and `sin` are `[batch or 1, 1, length, dim / 2]`; in 32 bits inside, as the reference frameworks do.
fn turned(x: &Inner, cos: &Inner, sin: &Inner, half: i64) -> Result<Inner, TchError> {
    let kind = x.f_kind()?;
    let wide = x.f_to_kind(Kind::Float)?;
    let (cos, sin) = (cos.f_to_kind(Kind::Float)?, sin.f_to_kind(Kind::Float)?);
    let (a, b) = (wide.f_narrow(3, 0, half)?, wide.f_narrow(3, half, half)?);
    let first = a.f_mul(&cos)?.f_sub(&b.f_mul(&sin)?)?;
    let second = b.f_mul(&cos)?.f_add(&a.f_mul(&sin)?)?;
    Inner::f_cat(&[first, second], 3)?.f_to_kind(kind)
}

impl Torch {
    /// In the type of `x`: weights may be kept in a narrower one than what flows.
    fn like(&self, op: &'static str, x: &Self) -> Result<Inner> {
        x.0.f_kind().and_then(|kind| self.0.f_to_kind(kind)).map_err(failed(op))
    }

    fn binary(
        &self,
        other: &Self,
        op: &'static str,
        f: impl FnOnce(&Inner, &Inner) -> Result<Inner, TchError>,
    ) -> Result<Self> {
        same_kind(op, &self.0, [&other.0])?;
        made(op, f(&self.0, &other.0))
    }
}

impl Tensor for Torch {
    type Device = Device;

    fn inference<R>(run: impl FnOnce() -> R) -> R {
        tch::no_grad(run)
    }

    fn new(values: Vec<f32>, shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        if count("new", shape)? != values.len() {
            return Err(wrong("new", format!("{} values for shape {shape:?}", values.len())));
        }
        let shape = sizes("new", shape)?;
        let flat = Inner::f_from_slice(&values).and_then(|t| t.f_reshape(shape));
        made("new", flat.and_then(|t| t.f_to(*device)).and_then(|t| t.f_to_kind(kind(dtype))))
    }

    fn from_bytes(bytes: &[u8], stored: DType, shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        // libtorch reads as many bytes as the shape asks for, wherever they end.
        if count("from_bytes", shape)?.checked_mul(stored.size()) != Some(bytes.len()) {
            return Err(wrong("from_bytes", format!("{} bytes for shape {shape:?} of {stored}", bytes.len())));
        }
        let read = Inner::f_from_data_size(bytes, &sizes("from_bytes", shape)?, kind(stored));
        made("from_bytes", read.and_then(|t| t.f_to(*device)).and_then(|t| t.f_to_kind(kind(dtype))))
    }

    fn zeros(shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        made("zeros", Inner::f_zeros(sizes("zeros", shape)?, (kind(dtype), *device)))
    }

    fn shape(&self) -> Vec<usize> {
        self.0.size().into_iter().map(|n| n as usize).collect()
    }

    fn dtype(&self) -> DType {
        match self.0.f_kind() {
            Ok(Kind::BFloat16) => DType::Bf16,
            Ok(Kind::Half) => DType::F16,
            _ => DType::F32,
        }
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn values(&self) -> Result<Vec<f32>> {
        let here = self.0.f_to(Device::Cpu).and_then(|t| t.f_to_kind(Kind::Float)).map_err(failed("values"))?;
        let (mut values, length) = (Vec::new(), here.numel());
        values.try_reserve_exact(length).map_err(|_| ModelError::Memory(format!("values: {length} of them")))?;
        values.resize(length, 0.0);
        here.f_copy_data(&mut values, length).map_err(failed("values"))?;
        Ok(values)
    }

    fn cast(&self, dtype: DType) -> Result<Self> {
        made("cast", self.0.f_to_kind(kind(dtype)))
    }

    fn reshape(&self, shape: &[usize]) -> Result<Self> {
        made("reshape", self.0.f_reshape(sizes("reshape", shape)?))
    }

    fn permute(&self, order: &[usize]) -> Result<Self> {
        let order = order.iter().map(|dim| size("permute", *dim)).collect::<Result<Vec<i64>>>()?;
        made("permute", self.0.f_permute(order))
    }

    fn narrow(&self, dim: usize, start: usize, length: usize) -> Result<Self> {
        let [dim, start, length] = [size("narrow", dim)?, size("narrow", start)?, size("narrow", length)?];
        made("narrow", self.0.f_narrow(dim, start, length))
    }

    fn cat(parts: &[Self], dim: usize) -> Result<Self> {
        let Some((first, others)) = parts.split_first() else { return Err(wrong("cat", "of no tensors")) };
        same_kind("cat", &first.0, others.iter().map(|part| &part.0))?;
        // libtorch leaves empty tensors of one dimension out, whatever the others are.
        if let Some(other) = others.iter().find(|part| part.0.dim() != first.0.dim()) {
            return Err(wrong("cat", format!("{:?} and {:?}", first.shape(), other.shape())));
        }
        let parts: Vec<&Inner> = parts.iter().map(|part| &part.0).collect();
        made("cat", Inner::f_cat(&parts, size("cat", dim)?))
    }

    fn select(&self, dim: usize, indices: &[u32]) -> Result<Self> {
        // On a GPU an index beyond the end is no error but the end of all work there.
        let entries = self.shape().get(dim).copied();
        if entries.is_none_or(|entries| indices.iter().any(|i| *i as usize >= entries)) {
            return Err(wrong("select", format!("entries of dimension {dim} of {:?}", self.shape())));
        }
        let indices: Vec<i64> = indices.iter().map(|i| i64::from(*i)).collect();
        let indices = Inner::f_from_slice(&indices).and_then(|t| t.f_to(self.0.device())).map_err(failed("select"))?;
        made("select", self.0.f_index_select(size("select", dim)?, &indices))
    }

    fn pad(&self, dim: usize, before: usize, after: usize) -> Result<Self> {
        let mut shape = self.shape();
        let padded = shape.get(dim).and_then(|n| n.checked_add(before)?.checked_add(after));
        let Some(padded) = padded else {
            return Err(wrong("pad", format!("dimension {dim} of {shape:?} by {before} and {after}")));
        };
        // A pair for each dimension, the last one first.
        let mut pairs = vec![0; 2 * (shape.len() - 1 - dim)];
        pairs.extend([size("pad", before)?, size("pad", after)?]);
        shape[dim] = padded;
        count("pad", &shape)?;
        made("pad", self.0.f_constant_pad_nd(pairs))
    }

    fn expand(&self, shape: &[usize]) -> Result<Self> {
        if shape.len() != self.0.dim() {
            return Err(wrong("expand", format!("{:?} to {shape:?}", self.shape())));
        }
        made("expand", self.0.f_expand(sizes("expand", shape)?, false))
    }

    fn store(&self, dim: usize, start: usize, source: &Self) -> Result<()> {
        same_kind("store", &self.0, [&source.0])?;
        let Some(length) = source.0.size().get(dim).copied() else {
            return Err(wrong("store", format!("{:?} along dimension {dim}", source.shape())));
        };
        let _without_gradients = tch::no_grad_guard();
        let place = self.0.f_narrow(size("store", dim)?, size("store", start)?, length);
        let mut place = place.map_err(failed("store"))?;
        expect("store", "what is stored", &source.0, &place.size())?;
        place.f_copy_(&source.0).map_err(failed("store"))
    }

    fn add(&self, other: &Self) -> Result<Self> {
        self.binary(other, "add", Inner::f_add)
    }

    fn sub(&self, other: &Self) -> Result<Self> {
        self.binary(other, "sub", Inner::f_sub)
    }

    fn mul(&self, other: &Self) -> Result<Self> {
        self.binary(other, "mul", Inner::f_mul)
    }

    fn affine(&self, scale: f32, shift: f32) -> Result<Self> {
        made("affine", self.0.f_mul_scalar(f64::from(scale)).and_then(|t| t.f_add_scalar(f64::from(shift))))
    }

    fn gelu(&self) -> Result<Self> {
        made("gelu", self.0.f_gelu("none"))
    }

    fn silu(&self) -> Result<Self> {
        made("silu", self.0.f_silu())
    }

    fn relu(&self) -> Result<Self> {
        made("relu", self.0.f_relu())
    }

    fn sigmoid(&self) -> Result<Self> {
        made("sigmoid", self.0.f_sigmoid())
    }

    fn matmul(&self, other: &Self) -> Result<Self> {
        let (a, b) = (self.0.size(), other.0.size());
        let (Some((_, [before @ .., _])), Some((_, [others @ .., _]))) = (a.split_last(), b.split_last()) else {
            return Err(wrong("matmul", format!("{a:?} by {b:?}")));
        };
        if before != others {
            return Err(wrong("matmul", format!("{a:?} by {b:?}")));
        }
        self.binary(other, "matmul", Inner::f_matmul)
    }

    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        let input = last("linear", &self.0)?;
        let Ok((output, _)) = weight.0.size2() else {
            return Err(wrong("linear", format!("a weight of shape {:?}", weight.shape())));
        };
        expect("linear", "the weight", &weight.0, &[output, input])?;
        if let Some(bias) = bias {
            expect("linear", "the bias", &bias.0, &[output])?;
        }
        let (weight, bias) = (weight.like("linear", self)?, bias.map(|b| b.like("linear", self)).transpose()?);
        let mut shape = self.0.size();
        shape.pop();
        let rows = [shape.iter().product(), input];
        let seen = || linear::rows(&self.0.f_reshape(rows)?, &weight, bias.as_ref());
        shape.push(output);
        made("linear", seen().and_then(|seen| seen.f_reshape(&shape)))
    }

    fn conv2d(&self, weight: &Self, bias: Option<&Self>, stride: usize, padding: usize, groups: usize) -> Result<Self> {
        let (_, input, height, width) = picture("conv2d", &self.0)?;
        let (output, depth, kh, kw) = picture("conv2d", &weight.0)?;
        let [step, around, parts] = [size("conv2d", stride)?, size("conv2d", padding)?, size("conv2d", groups)?];
        let room = |side: i64, kernel: i64| {
            let padded = around.checked_mul(2).and_then(|both| both.checked_add(side));
            kernel > 0 && padded.is_some_and(|padded| padded >= kernel)
        };
        let fits = step > 0
            && parts > 0
            && output % parts == 0
            && depth.checked_mul(parts) == Some(input)
            && room(height, kh)
            && room(width, kw);
        if !fits {
            let (x, weight) = (self.shape(), weight.shape());
            let how = format!("stride {stride}, padding {padding}, groups {groups}");
            return Err(wrong("conv2d", format!("{x:?} by weight {weight:?}, {how}")));
        }
        if let Some(bias) = bias {
            expect("conv2d", "the bias", &bias.0, &[output])?;
        }
        let (weight, bias) = (weight.like("conv2d", self)?, bias.map(|b| b.like("conv2d", self)).transpose()?);
        made("conv2d", self.0.f_conv2d(&weight, bias, [step, step], [around, around], [1, 1], parts))
    }

    fn max_pool2d(&self, side: usize) -> Result<Self> {
        let (_, _, height, width) = picture("max_pool2d", &self.0)?;
        let side = size("max_pool2d", side)?;
        if side == 0 || side > height || side > width {
            return Err(wrong("max_pool2d", format!("squares of {side} on {:?}", self.shape())));
        }
        made("max_pool2d", self.0.f_max_pool2d([side, side], [side, side], [0, 0], [1, 1], false))
    }

    fn upsample_nearest(&self, factor: usize) -> Result<Self> {
        let (batch, channels, height, width) = picture("upsample_nearest", &self.0)?;
        let by = size("upsample_nearest", factor)?;
        let (Some(rows), Some(columns), 1..) = (height.checked_mul(by), width.checked_mul(by), by) else {
            return Err(wrong("upsample_nearest", format!("{:?} {factor} times", self.shape())));
        };
        count("upsample_nearest", &[batch, channels, rows, columns].map(|n| n as usize))?;
        // The plain form takes a neighbour of the nearest pixel by some factors, such as 41.
        made("upsample_nearest", self.0.f_internal_upsample_nearest_exact2d([rows, columns], None, None))
    }

    fn softmax(&self) -> Result<Self> {
        last("softmax", &self.0)?;
        made("softmax", self.0.f_softmax(-1, None))
    }

    fn layer_norm(&self, weight: &Self, bias: &Self, eps: f32) -> Result<Self> {
        same_kind("layer_norm", &self.0, [&weight.0, &bias.0])?;
        let row = last("layer_norm", &self.0)?;
        expect("layer_norm", "the weight", &weight.0, &[row])?;
        expect("layer_norm", "the bias", &bias.0, &[row])?;
        made("layer_norm", self.0.f_layer_norm([row], Some(&weight.0), Some(&bias.0), f64::from(eps), true))
    }

    fn rms_norm(&self, weight: &Self, eps: f32) -> Result<Self> {
        same_kind("rms_norm", &self.0, [&weight.0])?;
        let row = last("rms_norm", &self.0)?;
        expect("rms_norm", "the weight", &weight.0, &[row])?;
        made("rms_norm", self.0.f_rms_norm([row], Some(&weight.0), f64::from(eps)))
    }

    fn rotary(&self, cos: &Self, sin: &Self) -> Result<Self> {
        same_kind("rotary", &self.0, [&cos.0, &sin.0])?;
        let odd = || wrong("rotary", format!("{:?} by angles {:?}", self.shape(), cos.shape()));
        let (Ok((batch, _, length, dim)), Ok((rows, ..))) = (self.0.size4(), cos.0.size3()) else {
            return Err(odd());
        };
        if dim % 2 != 0 {
            return Err(odd());
        }
        let shape = [if rows == 1 { 1 } else { batch }, length, dim / 2];
        expect("rotary", "the cosine", &cos.0, &shape)?;
        expect("rotary", "the sine", &sin.0, &shape)?;
        let turned = cos.0.f_unsqueeze(1).and_then(|cos| turned(&self.0, &cos, &sin.0.f_unsqueeze(1)?, dim / 2));
        made("rotary", turned)
    }

    fn attention(&self, key: &Self, value: &Self, scale: f32, mask: Mask<'_, Self>) -> Result<Self> {
        attention::attention(&self.0, &key.0, &value.0, scale, mask).map(Self)
    }
}
