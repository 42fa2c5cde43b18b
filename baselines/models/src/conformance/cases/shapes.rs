//! Making tensors and moving values.

use super::{Call, Cases};
use crate::DType;

pub(super) fn add(cases: &mut Cases<'_>) {
    let types = [DType::F32, DType::Bf16, DType::F16];
    for shape in [&[][..], &[1], &[7], &[2, 3, 5], &[1, 4, 1, 3], &[129, 33]] {
        cases.on(Call::New, &[shape]);
        cases.on(Call::Zeros, &[shape]);
        for dtype in types {
            cases.on(Call::Cast(dtype), &[shape]);
            cases.on(Call::FromBytes { stored: dtype }, &[shape]);
        }
    }
    reshape(cases);
    permute(cases);
    narrow_and_pad(cases);
    cat(cases);
    select(cases);
    for (from, to) in [
        (&[1, 3][..], &[4, 3][..]),
        (&[2, 1, 3], &[2, 5, 3]),
        (&[1, 1], &[3, 4]),
        (&[2, 3, 1, 1], &[2, 3, 7, 5]),
        (&[2, 3], &[2, 3]),
    ] {
        cases.on(Call::Expand(to.to_vec()), &[from]);
    }
    store(cases);
}

fn reshape(cases: &mut Cases<'_>) {
    for (from, to) in [
        (&[2, 3, 4][..], &[6, 4][..]),
        (&[2, 3, 4], &[24]),
        (&[2, 3, 4], &[4, 3, 2]),
        (&[2, 3, 4], &[1, 2, 1, 12]),
        (&[6], &[2, 1, 3]),
        (&[5, 7], &[5, 7]),
        (&[1], &[]),
        (&[], &[1, 1]),
        (&[1, 4, 6, 3], &[1, 2, 2, 3, 2, 3]),
    ] {
        cases.on(Call::Reshape(to.to_vec()), &[from]);
    }
}

fn permute(cases: &mut Cases<'_>) {
    for (shape, order) in [
        (&[3][..], &[0][..]),
        (&[2, 3], &[1, 0]),
        (&[2, 3], &[0, 1]),
        (&[33, 65], &[1, 0]),
        (&[2, 3, 4], &[2, 0, 1]),
        (&[2, 1, 4], &[1, 2, 0]),
        (&[2, 3, 4, 5], &[0, 2, 1, 3]),
        (&[2, 3, 4, 5], &[0, 2, 3, 1]),
        (&[2, 3, 4, 5], &[0, 3, 1, 2]),
        (&[2, 3, 4, 5], &[3, 1, 0, 2]),
        (&[2, 3, 2, 4, 5], &[2, 0, 3, 1, 4]),
        (&[1, 2, 3, 2, 3, 4], &[0, 1, 3, 2, 4, 5]),
    ] {
        cases.on(Call::Permute(order.to_vec()), &[shape]);
    }
}

fn narrow_and_pad(cases: &mut Cases<'_>) {
    let shape = [3, 4, 5, 2];
    for (dim, start, length) in [(0, 1, 2), (0, 0, 3), (1, 3, 1), (1, 1, 2), (2, 2, 3), (3, 1, 1), (3, 0, 1)] {
        cases.on(Call::Narrow { dim, start, length }, &[&shape]);
    }
    cases.on(Call::Narrow { dim: 0, start: 5, length: 9 }, &[&[17]]);
    for (dim, before, after) in [(0, 1, 2), (1, 0, 3), (2, 4, 0), (3, 1, 1), (3, 0, 0)] {
        cases.on(Call::Pad { dim, before, after }, &[&shape]);
    }
    cases.on(Call::Pad { dim: 0, before: 2, after: 3 }, &[&[1]]);
    cases.on(Call::Pad { dim: 1, before: 0, after: 31 }, &[&[3, 33]]);
}

fn cat(cases: &mut Cases<'_>) {
    cases.on(Call::Cat { dim: 0 }, &[&[3]]);
    cases.on(Call::Cat { dim: 0 }, &[&[3], &[1], &[4]]);
    cases.on(Call::Cat { dim: 0 }, &[&[2, 3, 4], &[1, 3, 4]]);
    cases.on(Call::Cat { dim: 1 }, &[&[2, 3, 4], &[2, 1, 4], &[2, 5, 4]]);
    cases.on(Call::Cat { dim: 2 }, &[&[2, 3, 4], &[2, 3, 3]]);
    cases.on(Call::Cat { dim: 3 }, &[&[1, 2, 3, 1], &[1, 2, 3, 1]]);
    cases.on(Call::Cat { dim: 2 }, &[&[2, 2, 7, 16], &[2, 2, 1, 16]]);
}

fn select(cases: &mut Cases<'_>) {
    for (dim, indices) in [(0, &[1, 0, 1][..]), (1, &[2]), (1, &[0, 1, 2]), (2, &[3, 3, 0, 1, 2]), (2, &[0])] {
        cases.on(Call::Select { dim, indices: indices.to_vec() }, &[&[2, 3, 4]]);
    }
    cases.on(Call::Select { dim: 0, indices: vec![4, 0] }, &[&[5]]);
    let ids = (0..40).map(|_| cases.random.below(53)).collect();
    cases.on(Call::Select { dim: 0, indices: ids }, &[&[53, 12]]);
}

fn store(cases: &mut Cases<'_>) {
    for (dim, start, source) in [
        (2, 0, [2, 3, 2, 4]),
        (2, 3, [2, 3, 2, 4]),
        (2, 8, [2, 3, 1, 4]),
        (2, 0, [2, 3, 9, 4]),
        (0, 1, [1, 3, 9, 4]),
        (1, 1, [2, 2, 9, 4]),
        (3, 2, [2, 3, 9, 1]),
    ] {
        cases.on(Call::Store { dim, start }, &[&[2, 3, 9, 4], &source]);
    }
    cases.on(Call::Store { dim: 0, start: 4 }, &[&[5], &[1]]);
    cases.on(Call::Store { dim: 2, start: 0 }, &[&[1, 2, 40, 8], &[1, 2, 33, 8]]);
}
