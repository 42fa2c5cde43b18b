//! Attention on libtorch's own, which chooses among fused kernels; each mask in the form that it takes.

use socio_models::{Mask, Result};
use tch::{Device, Kind, TchError, Tensor};

use crate::Torch;
use crate::check::{expect, failed, same_kind, size, wrong};

const OP: &str = "attention";

pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, scale: f32, mask: Mask<'_, Torch>) -> Result<Tensor> {
    same_kind(OP, q, [k, v])?;
    let s = Sizes::of(q, k, v)?;
    let call = Call { s, scale: f64::from(scale) };
    let seen = match mask {
        Mask::None => call.full(q, k, v, None),
        Mask::Causal { starts } => {
            let starts = s.starts(starts)?;
            match (starts.is_empty(), s.queries) {
                // The last of all sees all.
                (true, 1) => call.full(q, k, v, None),
                // libtorch's own causal mask starts at the first key, not at the first query's own.
                (true, n) if n == s.keys => call.run(q, k, v, None, true),
                _ => s.causal(&starts, q.device()).and_then(|seen| call.full(q, k, v, Some(&seen))),
            }
        }
        Mask::Blocks(lengths) => call.blocks(q, k, v, &s.blocks(lengths)?),
        Mask::Bias(Torch(bias)) => {
            same_kind(OP, q, [bias])?;
            s.check_bias(bias)?;
            call.full(q, k, v, Some(bias))
        }
        Mask::Grid { rows: Torch(rows), columns: Torch(columns) } => {
            same_kind(OP, q, [rows, columns])?;
            s.check_grid(rows, columns)?;
            // Its fused kernel takes 16 bits to MKL, which knows them on few processors; oneDNN's products do on all.
            let narrow = q.f_kind().is_ok_and(|kind| kind != Kind::Float);
            let some = s.heads == s.key_heads && s.batch * s.heads * s.queries > 0;
            if narrow && some && q.device() == Device::Cpu {
                call.by_products(q, k, v, rows, columns)
            } else {
                s.grid(rows, columns).and_then(|bias| call.full(q, k, v, Some(&bias)))
            }
        }
    };
    seen.map_err(failed(OP))
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: i64,
    heads: i64,
    key_heads: i64,
    queries: i64,
    keys: i64,
    value_dim: i64,
}

impl Sizes {
    fn of(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Self> {
        let odd = || wrong(OP, format!("queries {:?}, keys {:?}, values {:?}", q.size(), k.size(), v.size()));
        let (Ok((batch, heads, queries, dim)), Ok((_, key_heads, keys, _)), Ok((.., value_dim))) =
            (q.size4(), k.size4(), v.size4())
        else {
            return Err(odd());
        };
        expect(OP, "the key", k, &[batch, key_heads, keys, dim])?;
        expect(OP, "the value", v, &[batch, key_heads, keys, value_dim])?;
        if key_heads == 0 || keys == 0 || heads % key_heads != 0 {
            return Err(odd());
        }
        Ok(Self { batch, heads, key_heads, queries, keys, value_dim })
    }

    /// Empty where all are 0.
    fn starts(self, starts: &[usize]) -> Result<Vec<i64>> {
        if !(starts.is_empty() || starts.len() as i64 == self.batch) || self.queries > self.keys {
            return Err(wrong(OP, format!("a causal mask with starts {starts:?} for {self:?}")));
        }
        let starts = if starts.iter().all(|start| *start == 0) { &[] } else { starts };
        starts.iter().map(|start| size(OP, *start)).collect()
    }

    /// Which key each query sees: true where it does. Made on the device: the starts alone are copied there.
    fn causal(self, starts: &[i64], device: Device) -> Result<Tensor, TchError> {
        let whole = (Kind::Int64, device);
        let key = Tensor::f_arange(self.keys, whole)?;
        let own = Tensor::f_arange_start(self.keys - self.queries, self.keys, whole)?.f_unsqueeze(1)?;
        let before = key.f_le_tensor(&own)?;
        if starts.is_empty() {
            return Ok(before);
        }
        let starts = Tensor::f_from_slice(starts)?.f_to(device)?.f_reshape([self.batch, 1, 1, 1])?;
        key.f_ge_tensor(&starts.f_minimum(&own)?)?.f_logical_and(&before)
    }

    /// Lengths of blocks that have any.
    fn blocks(self, lengths: &[usize]) -> Result<Vec<i64>> {
        let sum = lengths.iter().try_fold(0usize, |sum, n| sum.checked_add(*n));
        if sum.is_none_or(|sum| sum as i64 != self.queries) || self.queries != self.keys {
            return Err(wrong(OP, format!("blocks {lengths:?} for {self:?}")));
        }
        lengths.iter().filter(|n| **n > 0).map(|n| size(OP, *n)).collect()
    }

    fn check_bias(self, bias: &Tensor) -> Result<()> {
        let shape = bias.size();
        let one_or = |at: usize, all: i64| if shape.get(at) == Some(&1) { 1 } else { all };
        expect(OP, "the bias", bias, &[one_or(0, self.batch), one_or(1, self.heads), self.queries, self.keys])
    }

    fn check_grid(self, rows: &Tensor, columns: &Tensor) -> Result<()> {
        let side = |table: &Tensor| match table.size().as_slice() {
            &[b, h, l, side] if (b, h, l) == (self.batch, self.heads, self.queries) => Some(side),
            _ => None,
        };
        let (h, w) = (side(rows), side(columns));
        if h.zip(w).and_then(|(h, w)| h.checked_mul(w)) == Some(self.keys) {
            return Ok(());
        }
        Err(wrong(OP, format!("a grid {:?} and {:?} for {self:?}", rows.size(), columns.size())))
    }

    /// The square bias of a grid: libtorch's kernels know no other.
    fn grid(self, rows: &Tensor, columns: &Tensor) -> Result<Tensor, TchError> {
        let sum = rows.f_unsqueeze(4)?.f_add(&columns.f_unsqueeze(3)?)?;
        sum.f_reshape([self.batch, self.heads, self.queries, self.keys])
    }
}

#[derive(Clone, Copy)]
struct Call {
    s: Sizes,
    scale: f64,
}

impl Call {
    fn run(self, q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>, causal: bool) -> Result<Tensor, TchError> {
        let shared = self.s.heads != self.s.key_heads;
        Tensor::f_scaled_dot_product_attention(q, k, v, mask, 0.0, causal, self.scale, shared)
    }

    fn full(self, q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<Tensor, TchError> {
        self.run(q, k, v, mask, false)
    }

    /// Scores, both parts of the bias, softmax and values one after the other, for so many heads or queries at a time that
    /// their scores stay near the processor, in 32 bits between the products.
    fn by_products(
        self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        rows: &Tensor,
        columns: &Tensor,
    ) -> Result<Tensor, TchError> {
        const SCORES: i64 = 1 << 21;
        let Sizes { batch, heads, queries, keys, value_dim, .. } = self.s;
        let all = batch * heads;
        let flat = |t: &Tensor| t.f_reshape([all, -1, t.size()[3]]);
        let (q, k, v) = (flat(q)?, flat(k)?.f_transpose(1, 2)?.f_contiguous()?, flat(v)?);
        // A power of two loses nothing in 16 bits.
        let early = self.scale.to_bits().trailing_zeros() >= 52;
        let q = if early { q.f_mul_scalar(self.scale)? } else { q };
        let (rows, columns) = (flat(rows)?.f_to_kind(Kind::Float)?, flat(columns)?.f_to_kind(Kind::Float)?);
        let (high, wide) = (rows.size()[2], columns.size()[2]);
        let tall = (SCORES / keys).clamp(1, queries);
        let many = (SCORES / (keys * tall)).clamp(1, all);
        let mut seen = Vec::new();
        for head in (0..all).step_by(many as usize) {
            let many = many.min(all - head);
            let mut parts = Vec::new();
            for first in (0..queries).step_by(tall as usize) {
                let tall = tall.min(queries - first);
                let part = |t: &Tensor| t.f_narrow(0, head, many)?.f_narrow(1, first, tall);
                let scores = part(&q)?.f_matmul(&k.f_narrow(0, head, many)?)?.f_to_kind(Kind::Float)?;
                let scores = if early { scores } else { scores.f_mul_scalar(self.scale)? };
                let mut grid = scores.f_view([many, tall, high, wide])?;
                let biased = grid.f_add_(&part(&rows)?.f_unsqueeze(3)?)?.f_add_(&part(&columns)?.f_unsqueeze(2)?)?;
                let chances = biased.f_view([many, tall, keys])?.f_softmax(-1, None)?.f_to_kind(v.f_kind()?)?;
                parts.push(chances.f_matmul(&v.f_narrow(0, head, many)?)?);
            }
            seen.push(joined(parts, 1)?);
        }
        joined(seen, 0)?.f_reshape([batch, heads, queries, value_dim])
    }

    /// Blocks of one length that follow each other are rows of a batch: no query meets a key that it does not see.
    fn blocks(self, q: &Tensor, k: &Tensor, v: &Tensor, lengths: &[i64]) -> Result<Tensor, TchError> {
        let Sizes { batch, heads, value_dim, .. } = self.s;
        let (mut parts, mut start) = (Vec::new(), 0);
        for run in lengths.chunk_by(|a, b| a == b) {
            let (count, length) = (run.len() as i64, run[0]);
            let rows = |t: &Tensor| {
                let (_, heads, _, dim) = t.size4()?;
                let blocks = t.f_narrow(2, start, count * length)?.f_reshape([batch, heads, count, length, dim])?;
                blocks.f_permute([0, 2, 1, 3, 4])?.f_reshape([batch * count, heads, length, dim])
            };
            let seen = self.full(&rows(q)?, &rows(k)?, &rows(v)?, None)?;
            let seen = seen.f_reshape([batch, count, heads, length, value_dim])?.f_permute([0, 2, 1, 3, 4])?;
            parts.push(seen.f_reshape([batch, heads, count * length, value_dim])?);
            start += count * length;
        }
        joined(parts, 2)
    }
}

fn joined(mut parts: Vec<Tensor>, dim: i64) -> Result<Tensor, TchError> {
    match (parts.pop(), parts.is_empty()) {
        (Some(one), true) => Ok(one),
        (last, _) => {
            parts.extend(last);
            Tensor::f_cat(&parts, dim)
        }
    }
}
