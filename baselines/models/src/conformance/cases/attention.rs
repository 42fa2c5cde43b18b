//! Attention: heads, lengths and every mask.

use super::{Call, Cases};
use crate::conformance::call::Sight;
use crate::conformance::operand::Operand;

/// Sizes of an attention.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    heads: usize,
    key_heads: usize,
    length: usize,
    key_length: usize,
    dim: usize,
    value_dim: usize,
}

const fn sizes(batch: usize, heads: [usize; 2], lengths: [usize; 2], dims: [usize; 2]) -> Sizes {
    let ([heads, key_heads], [length, key_length], [dim, value_dim]) = (heads, lengths, dims);
    Sizes { batch, heads, key_heads, length, key_length, dim, value_dim }
}

pub(super) fn add(cases: &mut Cases<'_>) {
    for one in [
        sizes(1, [1, 1], [1, 1], [1, 1]),
        sizes(2, [4, 4], [5, 7], [8, 8]),
        sizes(2, [4, 2], [5, 7], [8, 6]),
        sizes(1, [6, 1], [3, 9], [16, 16]),
        sizes(1, [2, 2], [67, 130], [64, 64]),
        sizes(1, [1, 1], [9, 3], [80, 80]),
        sizes(1, [4, 2], [1, 33], [128, 128]),
    ] {
        push(cases, one, Sight::All, vec![]);
    }
    causal(cases);
    blocks(cases);
    bias(cases);
    grid(cases);
}

/// A case with random queries, keys and values; scores are of a spread of some units.
fn push(cases: &mut Cases<'_>, sizes: Sizes, sight: Sight, masks: Vec<Operand>) {
    let Sizes { batch, heads, key_heads, length, key_length, dim, value_dim } = sizes;
    for scale in [1.0 / (dim as f32).sqrt(), 0.3] {
        let query = cases.random.spread(&[batch, heads, length, dim], 2.0);
        let key = cases.random.operand(&[batch, key_heads, key_length, dim]);
        let value = cases.random.operand(&[batch, key_heads, key_length, value_dim]);
        let operands = [query, key, value].into_iter().chain(masks.clone()).collect();
        cases.push(Call::Attention { scale, sight: sight.clone() }, operands);
    }
}

fn causal(cases: &mut Cases<'_>) {
    for (one, starts) in [
        (sizes(1, [1, 1], [1, 1], [4, 4]), &[][..]),
        (sizes(2, [2, 2], [6, 6], [8, 8]), &[]),
        (sizes(2, [4, 2], [6, 6], [8, 8]), &[0, 0]),
        // Padding among the queries; one start within what was kept, one within the queries; a query alone.
        (sizes(2, [4, 2], [6, 6], [8, 8]), &[2, 0]),
        (sizes(3, [4, 2], [6, 6], [8, 4]), &[5, 1, 3]),
        (sizes(2, [2, 1], [3, 8], [8, 8]), &[]),
        (sizes(2, [2, 1], [3, 8], [8, 8]), &[2, 7]),
        (sizes(2, [4, 2], [1, 9], [8, 8]), &[]),
        (sizes(2, [4, 2], [1, 9], [8, 8]), &[3, 8]),
        (sizes(1, [2, 2], [1, 9], [8, 8]), &[4]),
        (sizes(1, [4, 1], [66, 130], [64, 64]), &[]),
        (sizes(2, [2, 1], [130, 130], [32, 32]), &[37, 0]),
    ] {
        push(cases, one, Sight::Causal(starts.to_vec()), vec![]);
    }
}

fn blocks(cases: &mut Cases<'_>) {
    for (one, lengths) in [
        (sizes(1, [2, 2], [8, 8], [8, 8]), &[8][..]),
        (sizes(1, [2, 2], [8, 8], [8, 8]), &[3, 4, 1]),
        (sizes(2, [4, 2], [8, 8], [8, 6]), &[1, 1, 6]),
        (sizes(1, [2, 2], [12, 12], [8, 8]), &[4, 4, 4]),
        (sizes(2, [3, 3], [12, 12], [4, 4]), &[4, 4, 4]),
        (sizes(1, [2, 2], [131, 131], [80, 80]), &[64, 64, 3]),
    ] {
        push(cases, one, Sight::Blocks(lengths.to_vec()), vec![]);
    }
}

fn bias(cases: &mut Cases<'_>) {
    for (one, batches, heads) in [
        (sizes(1, [1, 1], [1, 1], [4, 4]), 1, 1),
        (sizes(2, [3, 3], [4, 5], [8, 8]), 2, 3),
        (sizes(2, [3, 3], [4, 5], [8, 8]), 1, 3),
        (sizes(2, [3, 3], [4, 5], [8, 6]), 2, 1),
        (sizes(2, [4, 2], [4, 5], [8, 8]), 1, 1),
        (sizes(2, [4, 2], [5, 5], [8, 8]), 1, 4),
        (sizes(1, [2, 1], [33, 67], [32, 32]), 1, 2),
    ] {
        let shape = [batches, heads, one.length, one.key_length];
        let bias = cases.random.spread(&shape, 2.0);
        push(cases, one, Sight::Bias, vec![bias.clone()]);
        // Keys that are not seen at all, but never the first.
        let mut hidden = bias;
        for (i, value) in hidden.values.iter_mut().enumerate() {
            if i % one.key_length != 0 && cases.random.below(3) == 0 {
                *value = f32::NEG_INFINITY;
            }
        }
        push(cases, one, Sight::Bias, vec![hidden]);
    }
}

fn grid(cases: &mut Cases<'_>) {
    for (one, [rows, columns]) in [
        (sizes(1, [1, 1], [1, 1], [4, 4]), [1, 1]),
        (sizes(2, [3, 3], [15, 15], [8, 8]), [3, 5]),
        (sizes(2, [3, 3], [15, 15], [8, 8]), [5, 3]),
        (sizes(1, [4, 2], [4, 6], [8, 6]), [2, 3]),
        (sizes(2, [2, 2], [7, 7], [8, 8]), [1, 7]),
        (sizes(2, [2, 2], [7, 7], [8, 8]), [7, 1]),
        (sizes(1, [2, 2], [99, 99], [80, 80]), [9, 11]),
    ] {
        let table = |side| [one.batch, one.heads, one.length, side];
        let masks = [rows, columns].map(|side| cases.random.spread(&table(side), 1.5));
        push(cases, one, Sight::Grid, masks.to_vec());
    }
}
