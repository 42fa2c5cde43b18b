//! The newtype and its operations: this project's kernels for `f32` on the CPU, candle's operations for all else.

use candle_core::{DType as Kind, Device, Tensor as Inner};
use half::{bf16, f16};
use socio_models::{DType, Mask, ModelError, Result, Tensor};

use crate::composed;
use crate::cpu::attention::{Rows, Seen, Sizes};
use crate::cpu::{self, conv::Conv, math};
use crate::slices::{Slice, Values, contiguous, failed, room};

/// A tensor of candle. On the CPU, matrices may be kept in 16 bits while all that flows is 32 bits wide.
#[derive(Debug, Clone)]
pub struct Candle(pub(crate) Inner);

/// candle's name of a type.
pub(crate) fn kind(dtype: DType) -> Kind {
    match dtype {
        DType::F32 => Kind::F32,
        DType::Bf16 => Kind::BF16,
        DType::F16 => Kind::F16,
    }
}

fn wrong(op: &'static str, why: String) -> ModelError {
    ModelError::op(op, why)
}

impl Candle {
    /// Whether this project's own kernels take it: what is recorded for a backward pass goes through candle's operations.
    fn own(&self) -> bool {
        self.0.device().is_cpu() && self.0.dtype() == Kind::F32 && !self.0.track_op()
    }

    /// Whether gradients of it can be asked.
    fn recorded(&self) -> bool {
        self.0.track_op()
    }

    fn made(values: Vec<f32>, shape: &[usize]) -> Result<Self> {
        Inner::from_vec(values, shape, &Device::Cpu).map(Self).map_err(failed("new"))
    }

    fn last(&self, op: &'static str) -> Result<usize> {
        self.0.dims().last().copied().ok_or_else(|| wrong(op, "a tensor without dimensions".to_owned()))
    }

    /// `f` of the values in order; the shape stays.
    fn each(&self, f: impl Fn(f32) -> f32 + Sync) -> Result<Self> {
        let x = contiguous(&self.0)?;
        let slice = Slice::new(&x);
        Self::made(math::map(&slice.f32()?[..x.elem_count()], f), x.dims())
    }

    /// `f` of the values in order as rows of the last dimension.
    fn rows(&self, f: impl FnOnce(&[f32]) -> Vec<f32>) -> Result<Self> {
        let x = contiguous(&self.0)?;
        let slice = Slice::new(&x);
        Self::made(f(&slice.f32()?[..x.elem_count()]), x.dims())
    }

    /// Two operands, broadcast against each other: ours where the second is as large as the first or repeats within it.
    fn binary(
        &self,
        other: &Self,
        op: &'static str,
        f: impl Fn(f32, f32) -> f32 + Sync,
        library: impl FnOnce(&Inner, &Inner) -> candle_core::Result<Inner>,
    ) -> Result<Self> {
        let (a, b) = (self.0.dims(), other.0.dims());
        let trimmed = &b[b.iter().take_while(|n| **n == 1).count()..];
        let repeats = b.len() <= a.len() && a.ends_with(trimmed) && other.0.elem_count() > 0;
        if !(self.own() && other.own() && repeats) {
            return library(&self.0, &other.0).map(Self).map_err(failed(op));
        }
        let (x, y) = (contiguous(&self.0)?, contiguous(&other.0)?);
        let (left, right) = (Slice::new(&x), Slice::new(&y));
        let (left, right) = (&left.f32()?[..x.elem_count()], &right.f32()?[..y.elem_count()]);
        Self::made(math::zip(left, right, f), x.dims())
    }

    fn same_kind(&self, other: &Self, op: &'static str) -> Result<()> {
        if self.0.dtype() == other.0.dtype() {
            return Ok(());
        }
        Err(wrong(op, format!("operands of two types, {:?} and {:?}", self.0.dtype(), other.0.dtype())))
    }
}

impl Tensor for Candle {
    type Device = Device;

    fn new(values: Vec<f32>, shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        let made = Inner::from_vec(values, shape, device).and_then(|t| t.to_dtype(kind(dtype)));
        made.map(Self).map_err(failed("new"))
    }

    fn from_bytes(bytes: &[u8], stored: DType, shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        let count = shape.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
        if count.and_then(|n| n.checked_mul(stored.size())) != Some(bytes.len()) {
            return Err(wrong("from_bytes", format!("{} bytes for shape {shape:?} of {stored}", bytes.len())));
        }
        let made = match stored {
            DType::F32 => {
                let values: Vec<f32> = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                Inner::from_vec(values, shape, device)
            }
            DType::Bf16 => {
                let values: Vec<bf16> = bytes.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b)).collect();
                Inner::from_vec(values, shape, device)
            }
            DType::F16 => {
                let values: Vec<f16> = bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b)).collect();
                Inner::from_vec(values, shape, device)
            }
        };
        made.and_then(|t| t.to_dtype(kind(dtype))).map(Self).map_err(failed("from_bytes"))
    }

    fn zeros(shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        room("zeros", shape)?;
        Inner::zeros(shape, kind(dtype), device).map(Self).map_err(failed("zeros"))
    }

    fn shape(&self) -> Vec<usize> {
        self.0.dims().to_vec()
    }

    fn dtype(&self) -> DType {
        match self.0.dtype() {
            Kind::BF16 => DType::Bf16,
            Kind::F16 => DType::F16,
            _ => DType::F32,
        }
    }

    fn device(&self) -> Device {
        self.0.device().clone()
    }

    fn values(&self) -> Result<Vec<f32>> {
        let flat = contiguous(&self.0)?.to_dtype(Kind::F32).and_then(|t| t.flatten_all());
        flat.and_then(|t| t.to_vec1()).map_err(failed("values"))
    }

    fn cast(&self, dtype: DType) -> Result<Self> {
        self.0.to_dtype(kind(dtype)).map(Self).map_err(failed("cast"))
    }

    fn reshape(&self, shape: &[usize]) -> Result<Self> {
        if shape.iter().product::<usize>() != self.0.elem_count() {
            return Err(wrong("reshape", format!("{:?} to {shape:?}", self.0.dims())));
        }
        contiguous(&self.0)?.reshape(shape).map(Self).map_err(failed("reshape"))
    }

    fn permute(&self, order: &[usize]) -> Result<Self> {
        self.0.permute(order).map(Self).map_err(failed("permute"))
    }

    fn narrow(&self, dim: usize, start: usize, length: usize) -> Result<Self> {
        self.0.narrow(dim, start, length).map(Self).map_err(failed("narrow"))
    }

    fn cat(parts: &[Self], dim: usize) -> Result<Self> {
        let parts: Vec<Inner> = parts.iter().map(|p| contiguous(&p.0)).collect::<Result<_>>()?;
        Inner::cat(&parts, dim).map(Self).map_err(failed("cat"))
    }

    fn select(&self, dim: usize, indices: &[u32]) -> Result<Self> {
        let indices = Inner::new(indices, self.0.device()).map_err(failed("select"))?;
        contiguous(&self.0)?.index_select(&indices, dim).map(Self).map_err(failed("select"))
    }

    fn pad(&self, dim: usize, before: usize, after: usize) -> Result<Self> {
        contiguous(&self.0)?.pad_with_zeros(dim, before, after).map(Self).map_err(failed("pad"))
    }

    fn expand(&self, shape: &[usize]) -> Result<Self> {
        if shape.len() != self.0.rank() {
            return Err(wrong("expand", format!("{:?} to {shape:?}", self.0.dims())));
        }
        self.0.broadcast_as(shape).map(Self).map_err(failed("expand"))
    }

    fn store(&self, dim: usize, start: usize, source: &Self) -> Result<()> {
        self.0.slice_set(&contiguous(&source.0)?, dim, start).map_err(failed("store"))
    }

    fn add(&self, other: &Self) -> Result<Self> {
        self.binary(
            other,
            "add",
            #[inline(always)]
            |a, b| a + b,
            Inner::broadcast_add,
        )
    }

    fn sub(&self, other: &Self) -> Result<Self> {
        self.binary(
            other,
            "sub",
            #[inline(always)]
            |a, b| a - b,
            Inner::broadcast_sub,
        )
    }

    fn mul(&self, other: &Self) -> Result<Self> {
        self.binary(
            other,
            "mul",
            #[inline(always)]
            |a, b| a * b,
            Inner::broadcast_mul,
        )
    }

    fn affine(&self, scale: f32, shift: f32) -> Result<Self> {
        if self.own() {
            return self.each(
                #[inline(always)]
                |v| v * scale + shift,
            );
        }
        self.0.affine(f64::from(scale), f64::from(shift)).map(Self).map_err(failed("affine"))
    }

    fn gelu(&self) -> Result<Self> {
        if self.own() {
            return self.each(
                #[inline(always)]
                |v| math::gelu(v),
            );
        }
        self.0.gelu_erf().map(Self).map_err(failed("gelu"))
    }

    fn silu(&self) -> Result<Self> {
        if self.own() {
            return self.each(
                #[inline(always)]
                |v| v * math::sigmoid(v),
            );
        }
        self.0.silu().map(Self).map_err(failed("silu"))
    }

    fn relu(&self) -> Result<Self> {
        if self.own() {
            return self.each(
                #[inline(always)]
                |v| if v < 0.0 { 0.0 } else { v },
            );
        }
        self.0.relu().map(Self).map_err(failed("relu"))
    }

    fn sigmoid(&self) -> Result<Self> {
        if self.own() {
            return self.each(
                #[inline(always)]
                |v| math::sigmoid(v),
            );
        }
        composed::sigmoid(&self.0).map(Self).map_err(failed("sigmoid"))
    }

    fn matmul(&self, other: &Self) -> Result<Self> {
        self.same_kind(other, "matmul")?;
        if self.0.rank() < 2 || self.0.rank() != other.0.rank() {
            return Err(wrong("matmul", format!("{:?} by {:?}", self.0.dims(), other.0.dims())));
        }
        let (a, b) = (contiguous(&self.0)?, contiguous(&other.0)?);
        room("matmul", &[&a.dims()[..a.rank() - 1], &b.dims()[b.rank() - 1..]].concat())?;
        a.matmul(&b).map(Self).map_err(failed("matmul"))
    }

    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        let inner = self.last("linear")?;
        let sizes = weight.0.dims();
        let &[output, input] = sizes else {
            return Err(wrong("linear", format!("a weight of shape {sizes:?}")));
        };
        if input == 0 || input != inner || bias.is_some_and(|b| b.0.dims() != [output]) {
            return Err(wrong("linear", format!("{:?} by weight {sizes:?}", self.0.dims())));
        }
        room("linear", &[self.0.elem_count() / input, output])?;
        let mut shape = self.shape();
        if let Some(last) = shape.last_mut() {
            *last = output;
        }
        if !self.own() || weight.recorded() || bias.is_some_and(Self::recorded) {
            return composed::linear(&self.0, &weight.0, bias.map(|b| &b.0), &shape)
                .map(Self)
                .map_err(failed("linear"));
        }
        let (x, w) = (contiguous(&self.0)?, contiguous(&weight.0)?);
        let bias = bias.map(|b| contiguous(&b.0)).transpose()?;
        let (xs, ws, bs) = (Slice::new(&x), Slice::new(&w), bias.as_ref().map(Slice::new));
        let xs = &xs.f32()?[..x.elem_count()];
        let bs = bs.as_ref().map(Slice::f32).transpose()?.map(|b| &b[..output]);
        let count = w.elem_count();
        let made = match ws.values()? {
            Values::F32(w) => cpu::linear::linear_f32(xs, &w[..count], bs, inner),
            Values::Bf16(w) => cpu::linear::linear(xs, &w[..count], bs, inner),
            Values::F16(w) => cpu::linear::linear(xs, &w[..count], bs, inner),
        };
        Self::made(made, &shape)
    }

    fn conv2d(&self, weight: &Self, bias: Option<&Self>, stride: usize, padding: usize, groups: usize) -> Result<Self> {
        let (&[batch, input, height, width], &[output, per_group, kh, kw]) = (self.0.dims(), weight.0.dims()) else {
            return Err(wrong("conv2d", format!("{:?} by weight {:?}", self.0.dims(), weight.0.dims())));
        };
        let fits = groups > 0
            && stride > 0
            && kh > 0
            && kw > 0
            && per_group * groups == input
            && output.is_multiple_of(groups)
            && padding < 1 << 20
            && height + 2 * padding >= kh
            && width + 2 * padding >= kw
            && bias.is_none_or(|b| b.0.dims() == [output]);
        if !fits {
            let shapes = (self.0.dims(), weight.0.dims());
            return Err(wrong(
                "conv2d",
                format!("{:?} by weight {:?}, stride {stride}, groups {groups}", shapes.0, shapes.1),
            ));
        }
        let conv = (stride, padding, groups);
        if self.recorded() || weight.recorded() || bias.is_some_and(Self::recorded) {
            let made = composed::recorded_conv2d(&self.0, &weight.0, bias.map(|b| &b.0), conv);
            return made.map(Self).map_err(failed("conv2d"));
        }
        if !self.own() {
            return composed::conv2d(&self.0, &weight.0, bias.map(|b| &b.0), conv).map(Self).map_err(failed("conv2d"));
        }
        let conv = Conv { batch, input, height, width, output, kernel: (kh, kw), stride, padding, groups };
        let (x, w) = (contiguous(&self.0)?, contiguous(&weight.0.to_dtype(Kind::F32).map_err(failed("conv2d"))?)?);
        let bias = bias.map(|b| contiguous(&b.0)).transpose()?;
        let (xs, ws, bs) = (Slice::new(&x), Slice::new(&w), bias.as_ref().map(Slice::new));
        let bs = bs.as_ref().map(Slice::f32).transpose()?.map(|b| &b[..output]);
        let made = conv.run(&xs.f32()?[..x.elem_count()], &ws.f32()?[..w.elem_count()], bs);
        let (rows, columns) = conv.size();
        Self::made(made, &[batch, output, rows, columns])
    }

    fn max_pool2d(&self, size: usize) -> Result<Self> {
        if self.recorded() && size > 0 && self.0.rank() == 4 && self.0.dims()[2..].iter().all(|s| *s >= size) {
            return composed::recorded_max_pool2d(&self.0, size).map(Self).map_err(failed("max_pool2d"));
        }
        contiguous(&self.0)?.max_pool2d(size).map(Self).map_err(failed("max_pool2d"))
    }

    fn upsample_nearest(&self, factor: usize) -> Result<Self> {
        let (_, _, h, w) = self.0.dims4().map_err(failed("upsample_nearest"))?;
        let x = contiguous(&self.0)?;
        x.upsample_nearest2d(h * factor, w * factor).map(Self).map_err(failed("upsample_nearest"))
    }

    fn softmax(&self) -> Result<Self> {
        let row = self.last("softmax")?;
        if self.own() {
            return self.rows(|x| cpu::norm::softmax(x, row));
        }
        composed::softmax(&self.0).map(Self).map_err(failed("softmax"))
    }

    fn layer_norm(&self, weight: &Self, bias: &Self, eps: f32) -> Result<Self> {
        let row = self.last("layer_norm")?;
        if weight.0.dims() != [row] || bias.0.dims() != [row] {
            return Err(wrong("layer_norm", format!("{:?} by weight {:?}", self.0.dims(), weight.0.dims())));
        }
        if !self.own() || weight.recorded() || bias.recorded() {
            return composed::layer_norm(&self.0, &weight.0, &bias.0, eps).map(Self).map_err(failed("layer_norm"));
        }
        let (w, b) = (contiguous(&weight.0)?, contiguous(&bias.0)?);
        let (w, b) = (Slice::new(&w), Slice::new(&b));
        let (w, b) = (&w.f32()?[..row], &b.f32()?[..row]);
        self.rows(|x| cpu::norm::layer_norm(x, w, b, eps))
    }

    fn rms_norm(&self, weight: &Self, eps: f32) -> Result<Self> {
        let row = self.last("rms_norm")?;
        if weight.0.dims() != [row] {
            return Err(wrong("rms_norm", format!("{:?} by weight {:?}", self.0.dims(), weight.0.dims())));
        }
        if !self.own() || weight.recorded() {
            return composed::rms_norm(&self.0, &weight.0, eps).map(Self).map_err(failed("rms_norm"));
        }
        let w = contiguous(&weight.0)?;
        let w = Slice::new(&w);
        let w = &w.f32()?[..row];
        self.rows(|x| cpu::norm::rms_norm(x, w, eps))
    }

    fn rotary(&self, cos: &Self, sin: &Self) -> Result<Self> {
        let (&[batch, heads, length, dim], &[rows, positions, half]) = (self.0.dims(), cos.0.dims()) else {
            return Err(wrong("rotary", format!("{:?} by angles {:?}", self.0.dims(), cos.0.dims())));
        };
        if dim != 2 * half || positions != length || (rows != 1 && rows != batch) || sin.0.dims() != cos.0.dims() {
            return Err(wrong("rotary", format!("{:?} by angles {:?}", self.0.dims(), cos.0.dims())));
        }
        if !self.own() || cos.recorded() || sin.recorded() {
            return composed::rotary(&self.0, &cos.0, &sin.0).map(Self).map_err(failed("rotary"));
        }
        let (c, s) = (contiguous(&cos.0)?, contiguous(&sin.0)?);
        let (c, s) = (Slice::new(&c), Slice::new(&s));
        let (c, s) = (c.f32()?, s.f32()?);
        let angle = |r: usize| if rows == 1 { r % length } else { r / (heads * length) * length + r % length };
        self.rows(|x| cpu::norm::rotary(x, half, c, s, angle))
    }

    fn attention(&self, key: &Self, value: &Self, scale: f32, mask: Mask<'_, Self>) -> Result<Self> {
        let s = sizes(self, key, value)?;
        check(s, mask)?;
        room("attention", &[s.batch, s.queries, s.heads, s.value_dim])?;
        let recorded = match mask {
            Mask::Bias(bias) => bias.recorded(),
            Mask::Grid { rows, columns } => rows.recorded() || columns.recorded(),
            _ => false,
        };
        if recorded || !(self.own() && key.own() && value.own()) {
            if let Mask::Blocks(lengths) = mask {
                let (q, k, v) = (&self.0, &key.0, &value.0);
                return composed::blocks(q, k, v, scale, lengths).map(Self).map_err(failed("attention"));
            }
            let mask = composed::mask(s, mask, &self.0).map_err(failed("attention"))?;
            return composed::attention(&self.0, &key.0, &value.0, scale, mask.as_ref())
                .map(Self)
                .map_err(failed("attention"));
        }
        let unit = |t: &Self| if t.0.stride()[3] == 1 { Ok(t.0.clone()) } else { contiguous(&t.0) };
        let (q, k, v) = (unit(self)?, unit(key)?, unit(value)?);
        let (qs, ks, vs) = (Slice::new(&q), Slice::new(&k), Slice::new(&v));
        let (first, second) = match mask {
            Mask::Bias(bias) => (Some(contiguous(&bias.0)?), None),
            Mask::Grid { rows, columns } => (Some(contiguous(&rows.0)?), Some(contiguous(&columns.0)?)),
            _ => (None, None),
        };
        let (fs, ss) = (first.as_ref().map(Slice::new), second.as_ref().map(Slice::new));
        let empty: &[f32] = &[];
        let a = fs.as_ref().map_or(Ok(empty), Slice::f32)?;
        let b = ss.as_ref().map_or(Ok(empty), Slice::f32)?;
        let seen = match mask {
            Mask::None => Seen::All,
            Mask::Causal { starts } => Seen::Causal(starts),
            Mask::Blocks(lengths) => Seen::Blocks(lengths),
            Mask::Bias(bias) => {
                let dims = bias.0.dims();
                let plane = s.queries * s.keys;
                let head = if dims[1] == 1 { 0 } else { plane };
                Seen::Bias(a, if dims[0] == 1 { 0 } else { dims[1] * plane }, head)
            }
            Mask::Grid { rows, columns } => Seen::Grid(a, rows.0.dims()[3], b, columns.0.dims()[3]),
        };
        let made =
            cpu::attention::attention(s, view(&q, qs.f32()?), view(&k, ks.f32()?), view(&v, vs.f32()?), scale, seen);
        Self::made(made, &[s.batch, s.queries, s.heads, s.value_dim])?.permute(&[0, 2, 1, 3])
    }
}

fn view<'a>(tensor: &Inner, data: &'a [f32]) -> Rows<'a> {
    let stride = tensor.stride();
    Rows { data, batch: stride[0], head: stride[1], row: stride[2] }
}

fn sizes(q: &Candle, k: &Candle, v: &Candle) -> Result<Sizes> {
    let odd =
        || wrong("attention", format!("queries {:?}, keys {:?}, values {:?}", q.0.dims(), k.0.dims(), v.0.dims()));
    let (&[batch, heads, queries, dim], &[kb, key_heads, keys, kd], &[vb, vh, vl, value_dim]) =
        (q.0.dims(), k.0.dims(), v.0.dims())
    else {
        return Err(odd());
    };
    let fits = kb == batch
        && vb == batch
        && kd == dim
        && vh == key_heads
        && vl == keys
        && key_heads > 0
        && keys > 0
        && heads.is_multiple_of(key_heads);
    if fits { Ok(Sizes { batch, heads, key_heads, queries, keys, dim, value_dim }) } else { Err(odd()) }
}

/// That a mask goes with the sizes.
fn check(s: Sizes, mask: Mask<'_, Candle>) -> Result<()> {
    let fits = match mask {
        Mask::None => true,
        Mask::Causal { starts } => (starts.is_empty() || starts.len() == s.batch) && s.keys >= s.queries,
        Mask::Blocks(lengths) => lengths.iter().sum::<usize>() == s.queries && s.queries == s.keys,
        Mask::Bias(bias) => {
            matches!(bias.0.dims(), &[b, h, l, k] if (b == 1 || b == s.batch) && (h == 1 || h == s.heads) && l == s.queries && k == s.keys)
        }
        Mask::Grid { rows, columns } => {
            let axis = |t: &Candle| match t.0.dims() {
                &[b, h, l, n] if (b, h, l) == (s.batch, s.heads, s.queries) => n,
                _ => 0,
            };
            axis(rows) * axis(columns) == s.keys
        }
    };
    if fits { Ok(()) } else { Err(wrong("attention", format!("a mask that does not go with {s:?}"))) }
}
