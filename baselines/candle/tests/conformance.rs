//! Every operation of the trait on candle, against the plain oracle on fresh random inputs.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test: it prints how near it came")]

use candle_core::Device;
use socio_candle::Candle;
use socio_models::{DType, conformance};

/// Of the largest value of a result.
const F32: f32 = 1e-5;
/// In 16 bits: the composed forms round between their parts.
const REDUCED: f32 = 4e-2;

fn worst(dtype: DType, seed: u64, tolerance: f32) {
    let agreements =
        conformance::operators::<Candle>(&Device::Cpu, dtype, seed, tolerance).unwrap_or_else(|e| panic!("{e}"));
    let worst = agreements.iter().max_by(|a, b| a.error.total_cmp(&b.error)).unwrap();
    println!("{dtype}: {} operations, worst {} at {:.1e}", agreements.len(), worst.operator, worst.error);
}

#[test]
fn our_kernels_do_what_the_trait_says() {
    for seed in [1, 2, 3] {
        worst(DType::F32, seed, F32);
    }
}

#[test]
fn the_forms_composed_of_candles_own_operations_do_too() {
    worst(DType::Bf16, 4, REDUCED);
    worst(DType::F16, 5, REDUCED);
}

#[test]
fn a_want_of_memory_is_an_error() {
    assert_eq!(conformance::memory::<Candle>(&Device::Cpu), Ok(()));
}

#[test]
fn gradients_are_those_of_the_operations() {
    for seed in [1, 2] {
        let slopes = conformance::gradients::<Candle>(&Device::Cpu, seed, 2e-3).unwrap_or_else(|e| panic!("{e}"));
        let worst = slopes.iter().max_by(|a, b| a.error.total_cmp(&b.error)).unwrap();
        println!("{} gradients, worst {} at {:.1e}", slopes.len(), worst.operator, worst.error);
    }
}
