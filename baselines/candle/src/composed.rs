//! The same operations put together from candle's own: for GPUs, and for types other than `f32`.

use candle_core::{D, DType as Kind, Result, Tensor};
use socio_models::Mask;

use crate::Candle;
use crate::cpu::attention::Sizes;

pub(crate) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    x.neg()?.exp()?.affine(1.0, 1.0)?.recip()
}

/// In 32 bits inside, as the reference frameworks do.
pub(crate) fn softmax(x: &Tensor) -> Result<Tensor> {
    let wide = x.to_dtype(Kind::F32)?;
    // The largest value cancels out, so no gradient flows through it.
    let e = wide.broadcast_sub(&wide.detach().max_keepdim(D::Minus1)?)?.exp()?;
    e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?.to_dtype(x.dtype())
}

pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    let wide = x.to_dtype(Kind::F32)?;
    let centred = wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normal = centred.broadcast_div(&(variance + f64::from(eps))?.sqrt()?)?;
    let (weight, bias) = (weight.to_dtype(Kind::F32)?, bias.to_dtype(Kind::F32)?);
    normal.broadcast_mul(&weight)?.broadcast_add(&bias)?.to_dtype(x.dtype())
}

pub(crate) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    let wide = x.to_dtype(Kind::F32)?;
    let square = wide.sqr()?.mean_keepdim(D::Minus1)?;
    let normal = wide.broadcast_div(&(square + f64::from(eps))?.sqrt()?)?;
    normal.broadcast_mul(&weight.to_dtype(Kind::F32)?)?.to_dtype(x.dtype())
}

pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, shape: &[usize]) -> Result<Tensor> {
    let rows = x.contiguous()?.reshape(((), weight.dim(1)?))?;
    let out = rows.matmul(&weight.to_dtype(x.dtype())?.contiguous()?.t()?)?;
    let out = match bias {
        Some(bias) => out.broadcast_add(&bias.to_dtype(x.dtype())?)?,
        None => out,
    };
    out.reshape(shape)
}

pub(crate) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    (stride, padding, groups): (usize, usize, usize),
) -> Result<Tensor> {
    // candle's convolution on the CPU has no 16-bit form.
    let within = if x.device().is_cpu() { Kind::F32 } else { x.dtype() };
    let (wide, weight) = (x.to_dtype(within)?.contiguous()?, weight.to_dtype(within)?.contiguous()?);
    let out = wide.conv2d(&weight, padding, stride, 1, groups)?;
    let out = match bias {
        Some(bias) => out.broadcast_add(&bias.to_dtype(within)?.reshape((1, (), 1, 1))?)?,
        None => out,
    };
    out.to_dtype(x.dtype())
}

/// A convolution that can be differentiated: a sum of products, one for each place of the kernel. candle's own gradient fails
/// where the step does not go into the picture (0.11.1: the output padding that it asks for).
pub(crate) fn recorded_conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    (stride, padding, groups): (usize, usize, usize),
) -> Result<Tensor> {
    let x = x.pad_with_zeros(2, padding, padding)?.pad_with_zeros(3, padding, padding)?;
    let ((batch, input, h, w), (output, part, kh, kw)) = (x.dims4()?, weight.dims4()?);
    let (rows, columns) = ((h - kh) / stride + 1, (w - kw) / stride + 1);
    let every = |first: usize, count: usize| {
        let indices: Vec<u32> = (0..count).map(|n| (first + n * stride) as u32).collect();
        Tensor::new(indices, x.device())
    };
    let weight = weight.reshape((groups, output / groups, part, kh * kw))?;
    let mut sum: Option<Tensor> = None;
    for i in 0..kh {
        let lines = x.index_select(&every(i, rows)?, 2)?;
        for j in 0..kw {
            let seen =
                lines.index_select(&every(j, columns)?, 3)?.reshape((batch, groups, input / groups, rows * columns))?;
            let at = weight.narrow(3, i * kw + j, 1)?.squeeze(3)?.unsqueeze(0)?;
            let at = at.broadcast_as((batch, groups, output / groups, part))?.contiguous()?;
            let product = at.matmul(&seen)?;
            sum = Some(match sum {
                None => product,
                Some(sum) => (sum + product)?,
            });
        }
    }
    let out = match sum {
        Some(sum) => sum.reshape((batch, output, rows, columns))?,
        None => Tensor::zeros((batch, output, rows, columns), x.dtype(), x.device())?,
    };
    match bias {
        Some(bias) => out.broadcast_add(&bias.reshape((1, (), 1, 1))?),
        None => Ok(out),
    }
}

/// The largest value of each square, to be differentiated: candle's own gradient (0.11.1) is the mean's, a share of what it
/// should be.
pub(crate) fn recorded_max_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    let (batch, channels, h, w) = x.dims4()?;
    let (rows, columns) = (h / size, w / size);
    let whole = x.narrow(2, 0, rows * size)?.narrow(3, 0, columns * size)?.contiguous()?;
    let cut = whole.reshape((batch * channels * rows, size, columns, size))?.transpose(1, 2)?.contiguous()?;
    cut.reshape((batch, channels, rows, columns, size * size))?.max(D::Minus1)
}

pub(crate) fn rotary(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let half = x.dim(D::Minus1)? / 2;
    let wide = x.to_dtype(Kind::F32)?;
    let (cos, sin) = (cos.to_dtype(Kind::F32)?.unsqueeze(1)?, sin.to_dtype(Kind::F32)?.unsqueeze(1)?);
    let (a, b) = (wide.narrow(D::Minus1, 0, half)?, wide.narrow(D::Minus1, half, half)?);
    let first = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
    let second = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
    Tensor::cat(&[first, second], D::Minus1)?.to_dtype(x.dtype())
}

/// What is added to the scores, in 32 bits: `[batch or 1, heads or 1, queries, keys]`.
pub(crate) fn mask(s: Sizes, mask: Mask<'_, Candle>, like: &Tensor) -> Result<Option<Tensor>> {
    let hidden = |visible: &dyn Fn(usize, usize, usize) -> bool, batch: usize| {
        let mut values = Vec::with_capacity(batch * s.queries * s.keys);
        for b in 0..batch {
            for q in 0..s.queries {
                values.extend((0..s.keys).map(|k| if visible(b, q, k) { 0.0 } else { f32::NEG_INFINITY }));
            }
        }
        Tensor::from_vec(values, (batch, 1, s.queries, s.keys), like.device()).map(Some)
    };
    match mask {
        // Each block is attended to by itself before this.
        Mask::None | Mask::Blocks(_) => Ok(None),
        Mask::Causal { starts } => hidden(
            &|b, q, k| {
                let own = s.keys - s.queries + q;
                (starts.get(b).copied().unwrap_or(0).min(own)..=own).contains(&k)
            },
            if starts.is_empty() { 1 } else { s.batch },
        ),
        Mask::Bias(bias) => bias.0.to_dtype(Kind::F32).map(Some),
        Mask::Grid { rows, columns } => {
            let (rows, columns) =
                (rows.0.to_dtype(Kind::F32)?.unsqueeze(4)?, columns.0.to_dtype(Kind::F32)?.unsqueeze(3)?);
            rows.broadcast_add(&columns)?.reshape((s.batch, s.heads, s.queries, s.keys)).map(Some)
        }
    }
}

pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, scale: f32, mask: Option<&Tensor>) -> Result<Tensor> {
    let (batch, key_heads, keys, dim) = k.dims4()?;
    let heads = q.dim(1)?;
    let repeated = |t: &Tensor, dim: usize| -> Result<Tensor> {
        if heads == key_heads {
            return t.contiguous();
        }
        let group = heads / key_heads;
        t.unsqueeze(2)?
            .broadcast_as((batch, key_heads, group, keys, dim))?
            .contiguous()?
            .reshape((batch, heads, keys, dim))
    };
    // Scaled first: products of 16-bit numbers may be beyond their range.
    let q = (q.contiguous()? * f64::from(scale))?;
    let scores = q.matmul(&repeated(k, dim)?.transpose(2, 3)?.contiguous()?)?.to_dtype(Kind::F32)?;
    let scores = match mask {
        Some(mask) => scores.broadcast_add(mask)?,
        None => scores,
    };
    softmax(&scores)?.to_dtype(q.dtype())?.matmul(&repeated(v, v.dim(D::Minus1)?)?)
}

/// Attention within consecutive blocks: runs of blocks of one length are a batch, so that no square of all is ever made.
pub(crate) fn blocks(q: &Tensor, k: &Tensor, v: &Tensor, scale: f32, lengths: &[usize]) -> Result<Tensor> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for run in lengths.chunk_by(|a, b| a == b).filter(|run| run[0] > 0) {
        let (count, length) = (run.len(), run[0]);
        let split = |t: &Tensor| -> Result<Tensor> {
            let (batch, heads, _, dim) = t.dims4()?;
            let part = t.narrow(2, start, count * length)?.contiguous()?.reshape((batch, heads, count, length, dim))?;
            part.transpose(1, 2)?.contiguous()?.reshape((batch * count, heads, length, dim))
        };
        let seen = attention(&split(q)?, &split(k)?, &split(v)?, scale, None)?;
        let (_, heads, _, dim) = seen.dims4()?;
        let seen = seen.reshape((q.dim(0)?, count, heads, length, dim))?.transpose(1, 2)?.contiguous()?;
        parts.push(seen.reshape((q.dim(0)?, heads, count * length, dim))?);
        start += count * length;
    }
    Tensor::cat(&parts, 2)
}
