//! Convolution, pooling and upsampling.

use super::{Call, Cases};

/// A convolution: picture, weight, stride, padding and groups.
type Convolution = ([usize; 4], [usize; 4], usize, usize, usize);

const CONVOLUTIONS: [Convolution; 22] = [
    ([1, 1, 1, 1], [1, 1, 1, 1], 1, 0, 1),
    ([2, 5, 4, 3], [7, 5, 1, 1], 1, 0, 1),
    ([1, 3, 7, 6], [2, 3, 1, 1], 2, 0, 1),
    ([1, 2, 3, 4], [3, 2, 1, 1], 1, 1, 1),
    ([1, 4, 6, 7], [3, 4, 3, 3], 1, 1, 1),
    ([2, 3, 5, 9], [4, 3, 3, 3], 1, 0, 1),
    ([1, 3, 9, 8], [5, 3, 3, 3], 2, 1, 1),
    ([1, 2, 3, 3], [9, 2, 3, 3], 1, 0, 1),
    // Places of which some see padding alone.
    ([1, 2, 4, 3], [2, 2, 3, 3], 2, 4, 1),
    ([1, 2, 11, 10], [3, 2, 3, 3], 3, 1, 1),
    // The first of a Hiera backbone, patches of a vision transformer, depthwise as in ConvNeXt.
    ([1, 3, 17, 22], [6, 3, 7, 7], 4, 3, 1),
    ([2, 3, 28, 14], [5, 3, 14, 14], 14, 0, 1),
    ([1, 6, 9, 7], [6, 1, 7, 7], 1, 3, 6),
    // Sides of the kernel that differ.
    ([1, 2, 5, 6], [3, 2, 1, 3], 1, 1, 1),
    ([1, 2, 5, 6], [3, 2, 3, 2], 1, 0, 1),
    // Groups.
    ([2, 4, 5, 6], [6, 2, 3, 3], 1, 1, 2),
    ([1, 6, 4, 5], [9, 2, 1, 1], 1, 0, 3),
    ([1, 6, 7, 5], [6, 3, 3, 3], 2, 1, 2),
    ([2, 5, 6, 4], [5, 1, 3, 3], 1, 1, 5),
    ([1, 3, 8, 9], [6, 1, 3, 3], 2, 1, 3),
    ([1, 4, 5, 5], [4, 1, 1, 1], 1, 0, 4),
    // Large.
    ([1, 16, 33, 29], [24, 16, 3, 3], 1, 1, 1),
];

pub(super) fn add(cases: &mut Cases<'_>) {
    for (picture, weight, stride, padding, groups) in CONVOLUTIONS {
        let call = Call::Conv2d { stride, padding, groups };
        cases.on(call.clone(), &[&picture, &weight]);
        cases.on(call, &[&picture, &weight, &weight[..1]]);
    }
    for (picture, size) in [
        ([1, 1, 1, 1], 1),
        ([2, 3, 4, 6], 2),
        ([1, 3, 5, 7], 2),
        ([2, 1, 7, 4], 3),
        ([1, 2, 5, 5], 5),
        ([1, 2, 3, 4], 1),
        ([1, 8, 33, 31], 2),
    ] {
        cases.on(Call::MaxPool2d(size), &[&picture]);
        // All below 0, where padding would show.
        let below = cases.random.operand(&picture).map(|x| -x.abs() - 0.5);
        cases.push(Call::MaxPool2d(size), vec![below]);
    }
    for (picture, factor) in
        [([1, 1, 1, 1], 2), ([2, 3, 4, 5], 2), ([1, 2, 3, 1], 3), ([2, 1, 3, 2], 1), ([1, 8, 17, 19], 2)]
    {
        cases.on(Call::UpsampleNearest(factor), &[&picture]);
    }
}
