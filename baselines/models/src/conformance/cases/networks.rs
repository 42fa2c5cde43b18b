//! Arithmetic, activations, matrices and norms.

use super::{Call, Cases};

pub(super) fn add(cases: &mut Cases<'_>) {
    for (a, b) in [
        (&[][..], &[][..]),
        (&[2, 3], &[]),
        (&[], &[2, 3]),
        (&[5], &[5]),
        (&[2, 3, 4], &[2, 3, 4]),
        (&[2, 3, 4], &[4]),
        (&[4], &[2, 3, 4]),
        (&[2, 1, 4], &[1, 3, 1]),
        (&[3, 1], &[2, 3, 4]),
        (&[1], &[5, 7]),
        (&[2, 3, 5, 7], &[2, 3, 1, 1]),
        (&[1, 3, 1, 1], &[2, 3, 5, 7]),
        (&[2, 3, 4, 1, 5], &[2, 3, 4, 6, 1]),
        (&[67, 129], &[129]),
    ] {
        for call in [Call::Add, Call::Sub, Call::Mul] {
            cases.on(call, &[a, b]);
        }
    }
    activations(cases);
    matrices(cases);
    norms(cases);
    rotary(cases);
}

fn activations(cases: &mut Cases<'_>) {
    for shape in [&[][..], &[1], &[3, 35], &[2, 3, 4, 5], &[1031]] {
        for (scale, shift) in [(0.5, -1.25_f32), (-2.0, 0.0), (0.0, 3.0), (0.1, 0.3)] {
            // Of a value alone, nothing is taken away.
            let shift = if shape.iter().product::<usize>() == 1 { shift.max(0.0) } else { shift };
            cases.on(Call::Affine { scale, shift }, &[shape]);
        }
        for call in [Call::Gelu, Call::Silu, Call::Relu, Call::Sigmoid] {
            for spread in [0.01, 1.0, 4.0, 40.0] {
                let x = cases.random.spread(shape, spread);
                cases.push(call.clone(), vec![x]);
            }
        }
    }
}

fn matrices(cases: &mut Cases<'_>) {
    for (a, b) in [
        (&[1, 1][..], &[1, 1][..]),
        (&[3, 5], &[5, 12]),
        (&[1, 7], &[7, 9]),
        (&[2, 9, 7], &[2, 7, 1]),
        (&[5, 1], &[1, 3]),
        (&[1, 2, 3], &[1, 3, 4]),
        (&[2, 3, 4, 5], &[2, 3, 5, 6]),
        (&[1, 3, 1, 5], &[1, 3, 5, 4]),
        (&[65, 129], &[129, 33]),
        (&[3, 17, 64], &[3, 64, 19]),
    ] {
        cases.on(Call::Matmul, &[a, b]);
    }
    for (x, output) in [
        (&[5][..], 11),
        (&[1, 1], 1),
        (&[3, 5], 9),
        (&[2, 9, 5], 1),
        (&[2, 1, 4, 6], 7),
        (&[67, 129], 130),
        (&[2, 9, 64], 96),
    ] {
        let input = x.last().copied().unwrap_or(1);
        cases.on(Call::Linear, &[x, &[output, input]]);
        cases.on(Call::Linear, &[x, &[output, input], &[output]]);
    }
}

fn norms(cases: &mut Cases<'_>) {
    for shape in [&[7][..], &[3, 1], &[3, 8], &[2, 3, 64], &[1, 2, 3, 257], &[5, 1280]] {
        for spread in [0.1, 1.0, 30.0] {
            let x = cases.random.spread(shape, spread);
            cases.push(Call::Softmax, vec![x]);
        }
        let size = shape.last().map_or(&[][..], std::slice::from_ref);
        for eps in [1e-5, 1e-6] {
            let operands = [shape, size, size].map(|shape| cases.random.operand(shape));
            cases.push(Call::LayerNorm { eps }, operands.to_vec());
            let [x, weight, bias] = operands;
            // Not about 0, and so small that `eps` is felt.
            for x in [x.clone().map(|x| x + 3.0), x.map(|x| x * 0.002)] {
                cases.push(Call::LayerNorm { eps }, vec![x, weight.clone(), bias.clone()]);
            }
        }
        for spread in [0.003, 1.0, 30.0] {
            let (x, weight) = (cases.random.spread(shape, spread), cases.random.operand(size));
            cases.push(Call::RmsNorm { eps: 1e-6 }, vec![x, weight]);
        }
    }
}

fn rotary(cases: &mut Cases<'_>) {
    for (shape, angles) in [
        ([1, 1, 1, 2], 1),
        ([2, 3, 5, 8], 2),
        ([2, 3, 5, 8], 1),
        ([2, 1, 1, 6], 2),
        ([1, 2, 7, 128], 1),
        ([3, 4, 9, 80], 1),
    ] {
        let [_, _, length, dim] = shape;
        let x = cases.random.operand(&shape);
        let [cos, sin] = cases.random.turns(&[angles, length, dim / 2]);
        cases.push(Call::Rotary, vec![x, cos, sin]);
    }
}
