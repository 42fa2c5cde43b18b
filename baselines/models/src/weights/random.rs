//! Weights that nobody trained, for trying networks out and timing them without a checkpoint.

use std::borrow::Cow;

use half::{bf16, f16};
use sha2::{Digest, Sha256};

use super::{View, Weights, cover};
use crate::{DType, ModelError, Result};

/// A source that makes any weight it is asked for.
///
/// A weight's values go by the seed and its key alone: they do not depend on which others are asked for, nor in which order.
/// Weights of normalisations (and every other `weight` of one dimension) and `running_var` are 1, biases and `running_mean`
/// are 0, all others are spread about 0 like a normal distribution.
#[derive(Debug, Clone)]
pub struct Random {
    seed: u64,
    std: f32,
    dtype: DType,
}

/// The values of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zeros,
    Ones,
    Spread,
}

impl Random {
    /// Weights with this standard deviation, as if stored in `dtype`.
    pub fn new(seed: u64, std: f32, dtype: DType) -> Self {
        Self { seed, std, dtype }
    }

    /// Where the sequence of a weight's values begins.
    fn start(&self, key: &str) -> u64 {
        let hash = Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update(key).finalize();
        hash.first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
    }

    fn bytes(&self, key: &str, shape: &[usize]) -> Result<Vec<u8>> {
        let too_much = || ModelError::Memory(format!("random weight `{key}` of shape {shape:?}"));
        let count = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).ok_or_else(too_much)?;
        let length = count.checked_mul(self.dtype.size()).ok_or_else(too_much)?;
        let mut out = Vec::new();
        out.try_reserve_exact(length).map_err(|_| too_much())?;
        out.resize(length, 0);
        let kind = kind(key, shape.len());
        let value = |sum: usize| match kind {
            Kind::Zeros => 0.0,
            Kind::Ones => 1.0,
            Kind::Spread => (sum as f32 - MEAN) / SPREAD * self.std,
        };
        match self.dtype {
            _ if kind == Kind::Zeros => {}
            DType::F32 => fill(&mut out, &table(|sum| value(sum).to_le_bytes()), self.start(key)),
            DType::Bf16 => fill(&mut out, &table(|sum| bf16::from_f32(value(sum)).to_le_bytes()), self.start(key)),
            DType::F16 => fill(&mut out, &table(|sum| f16::from_f32(value(sum)).to_le_bytes()), self.start(key)),
        }
        Ok(out)
    }
}

impl Weights for Random {
    fn name(&self) -> String {
        "random weights".to_owned()
    }

    fn view(&self, key: &str, shape: &[usize]) -> Result<Option<View<'_>>> {
        let bytes = Cow::Owned(self.bytes(key, shape)?);
        Ok(Some(View { dtype: self.dtype, shape: shape.to_vec(), bytes }))
    }

    fn keys(&self) -> Vec<String> {
        Vec::new()
    }

    fn fingerprint(&self) -> String {
        let Self { seed, std, dtype } = self;
        cover::hex(&Sha256::digest(format!("socio-bench random weights 1\n{seed} {:08x} {dtype}", std.to_bits())))
    }
}

/// What a weight is by the last parts of its key.
fn kind(key: &str, rank: usize) -> Kind {
    let mut parts = key.rsplit('.');
    let (last, layer) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // `norm`, `norm1`, `input_layernorm`, `ln`, `ln1`, `ln_q`.
    let norm = layer.contains("norm")
        || layer.strip_prefix("ln").is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    match last {
        "bias" | "running_mean" => Kind::Zeros,
        "running_var" => Kind::Ones,
        "weight" if norm || rank == 1 => Kind::Ones,
        _ => Kind::Spread,
    }
}

// A value is the sum of four random bytes, which is near enough to a normal distribution and quick: a true-size network has
// thousands of millions of them. There are 1021 sums, so that a table gives each one's bytes.

/// The mean of a sum.
const MEAN: f32 = 510.0;
/// The standard deviation of a sum: the square root of 4 * (256^2 - 1) / 12.
const SPREAD: f32 = 147.801_9;
/// More than the largest sum, and a power of two, so that no look-up needs a check.
const SUMS: usize = 1024;

fn table<const N: usize>(bytes: impl Fn(usize) -> [u8; N]) -> [[u8; N]; SUMS] {
    std::array::from_fn(bytes)
}

/// Values by the sums of a sequence of random bytes (splitmix64), two of 4 bytes from each of its numbers.
fn fill<const N: usize>(out: &mut [u8], table: &[[u8; N]; SUMS], start: u64) {
    let (values, _) = out.as_chunks_mut::<N>();
    let mut state = start;
    for pair in values.chunks_mut(2) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // Four sums of two bytes each, then two of four, all at once.
        let twos = (z & 0x00ff_00ff_00ff_00ff) + ((z >> 8) & 0x00ff_00ff_00ff_00ff);
        let fours = twos + (twos >> 16);
        for (value, at) in pair.iter_mut().zip([fours, fours >> 32]) {
            *value = table[at as usize % SUMS];
        }
    }
}
